#include "dkx/client/testing/fake_server.h"

#include "base/assert.h"

namespace tapewarden::dkx::testing {

class FakeTransport final : public Transport {
 public:
  FakeTransport(FakeServer& server, std::uint64_t connection) : server_(server), connection_(connection) {}
  ~FakeTransport() override { close(); }
  void send(Bytes message) override {
    server_.executor_.post(
        [&server = server_, connection = connection_, message] { server.receive(connection, message); });
  }
  void close() override {
    server_.executor_.post([&server = server_, connection = connection_] {
      server.close(connection, Error{ErrorCode::kUnavailable, "closed here", "", "", 0});
    });
  }

 private:
  FakeServer& server_;
  const std::uint64_t connection_;
};

namespace {
class FakeConnector final : public Connector {
 public:
  using Connect = std::function<std::uint64_t(std::shared_ptr<TransportHandler>)>;
  FakeConnector(FakeServer& server, Connect connect, std::string address)
      : server_(server), connect_(std::move(connect)), address_(std::move(address)) {}
  std::unique_ptr<Transport> connect(std::shared_ptr<TransportHandler> handler) override {
    return std::make_unique<FakeTransport>(server_, connect_(std::move(handler)));
  }
  std::string address() const override { return address_; }

 private:
  FakeServer& server_;
  Connect connect_;
  std::string address_;
};
}  // namespace

std::unique_ptr<Connector> FakeServer::connector(std::string address) {
  return std::make_unique<FakeConnector>(
      *this, [this](std::shared_ptr<TransportHandler> handler) { return connect(std::move(handler)); },
      std::move(address));
}

std::uint64_t FakeServer::connect(std::shared_ptr<TransportHandler> handler) {
  ++connections_made_;
  const std::uint64_t id = peers_.size();
  Peer peer{std::move(handler), {}, true};
  random_.fill(peer.binding);
  peers_.push_back(peer);
  executor_.post([this, id, peer] {
    if (reachable_) return peer.handler->on_connected(peer.binding);
    close(id, Error{ErrorCode::kUnavailable, "connection refused", "", "", 0});
  });
  return id;
}

void FakeServer::close(std::uint64_t connection, const Error& reason) {
  Peer& peer = peers_.at(connection);
  if (!peer.open) return;
  peer.open = false;
  const auto handler = std::move(peer.handler);
  handler->on_closed(reason);
}

void FakeServer::cut_connections(const Error& reason) {
  for (std::size_t i = 0; i < peers_.size(); ++i) close(i, reason);
}

void FakeServer::set_reachable(bool reachable) {
  reachable_ = reachable;
  if (!reachable) cut_connections(Error{ErrorCode::kUnavailable, "connection reset", "", "", 0});
}

void FakeServer::receive(std::uint64_t connection, const Bytes& message) {
  if (!peers_.at(connection).open || silent_) return;
  const auto envelope = decode_request_envelope(message);
  TW_ASSERT(envelope.has_value());
  const auto body = decode_request_body(envelope->body);
  TW_ASSERT(body.has_value());
  Request request{connection, *envelope, *body, {}, false};
  if (const auto* hello = std::get_if<HelloRequest>(&*body)) {
    ++hellos_;
    return answer(request, greet(*hello));
  }
  if (std::holds_alternative<PingRequest>(*body)) {
    ++pings_;
    return answer(request, PingAnswer{WallTime{}, state_, state_text_});
  }
  check(request);
  requests_.push_back(request);
  if (on_request) return on_request(request);
  answer(request, usual_answer(request));
}

HelloAnswer FakeServer::greet(const HelloRequest& hello) {
  HelloAnswer out{{kVersion}, id_, party_.certificate.der(), {}, WallTime{}, state_, state_text_};
  out.head = head_;
  for (std::size_t i = 0; i < std::min<std::size_t>(hello.nonces, nonce_limit_); ++i) {
    Nonce nonce;
    random_.fill(nonce);
    nonces_.insert(nonce);
    out.nonces.push_back(nonce);
  }
  return out;
}

void FakeServer::check(Request& request) {
  const auto* key = std::get_if<KeyRequest>(&request.body);
  if (key == nullptr) return;
  const auto signer = *parties().drive.certificate.public_key();
  request.stale_nonce = nonces_.erase(key->nonce) == 0;
  if (request.stale_nonce || key->binding != peers_.at(request.connection).binding ||
      !verify_request(request.envelope, signer)) {
    request.fault = eedk::EkmCode::kInvalidSignature;
  }
}

AnswerBody FakeServer::usual_answer(const Request& request) {
  if (request.fault) {
    return Refusal{*request.fault,
                   eedk::Origin::kKeyServer,
                   "the request does not fit",
                   "",
                   "",
                   request.stale_nonce ? RetryReason::kStaleNonce : RetryReason::kNone,
                   {}};
  }
  if (const auto* check = std::get_if<CheckLabelsRequest>(&request.body)) {
    CheckLabelsAnswer out;
    for (const auto& asked : check->checks) out.results.push_back({asked, CheckStatus::kUsable, ""});
    return out;
  }
  const auto& key = std::get<KeyRequest>(request.body);
  if (key.intent == Intent::kConfirm) return ConfirmAnswer{{id_, 1}, {}};
  KeyAnswer out;
  out.sedk = eedk::Sedk{eedk::WrapAlgorithm::kRsaOaepSha256, Bytes(256, 0x33)};
  out.may_append = true;
  out.ledger = {id_, requests_.size()};
  return out;
}

void FakeServer::answer(const Request& request, const AnswerBody& body) {
  answer_signed_by(party_, request, body);
}

void FakeServer::answer_signed_by(const Party& signer, const Request& request, const AnswerBody& body) {
  send_raw(request.connection,
           encode(sign_answer(request.envelope, encode(body), signer.key, party_.certificate.fingerprint())));
}

void FakeServer::send_raw(std::uint64_t connection, Bytes message) {
  executor_.post([this, connection, message = std::move(message)] {
    const Peer peer = peers_.at(connection);
    if (peer.open && !silent_) peer.handler->on_message(message);
  });
}

}  // namespace tapewarden::dkx::testing
