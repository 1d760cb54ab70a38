#include "dkx/server/server.h"

#include "dkx/limits.h"
#include "dkx/server/convert.h"
#include "dkx/server/nonces.h"
#include "dkx/signing.h"

namespace tapewarden::dkx {

namespace {

using eedk::EkmCode;
using Send = std::function<void(Bytes)>;

constexpr std::string_view kDriveUnit = "drive";
constexpr std::string_view kProxyUnit = "proxy";

class Session final : public ServerSession, public std::enable_shared_from_this<Session> {
 public:
  Session(const ServerDependencies& dependencies, ServerPeer peer)
      : dependencies_(dependencies), peer_(std::move(peer)), nonces_(*dependencies.env.random) {}

  void handle(Bytes message, Send reply) override {
    auto envelope = decode_request_envelope(message);
    if (!envelope) return refuse({}, "message", envelope.error(), std::move(reply));
    const auto request = std::make_shared<const RequestEnvelope>(std::move(*envelope));
    auto body = decode_request_body(request->body);
    if (!body) return refuse(request, "message", body.error(), std::move(reply));
    if (peer_.unit != kDriveUnit && peer_.unit != kProxyUnit) {
      return refuse(
          request, to_action(intent_of(*body)),
          Error{ErrorCode::kPermissionDenied, "the TLS certificate is neither a drive's nor a proxy's",
                "certificate.OU", "connect with a certificate whose OU is drive or proxy",
                static_cast<std::uint32_t>(EkmCode::kProhibited)},
          std::move(reply));
    }
    std::visit([&](const auto& asked) { serve(request, asked, std::move(reply)); }, *body);
  }

  Bytes refuse(const Error& error) override {
    Error malformed = error;
    malformed.detail = static_cast<std::uint32_t>(EkmCode::kReadMessageFailed);
    const Refusal refusal = refusal_of(malformed);
    if (const auto repeated = dependencies_.refusals->next(peer_.fingerprint))
      dependencies_.audit(peer_, "dkx.message", refusal, *repeated, [](Status) {});
    return sign({}, AnswerBody{refusal});
  }

 private:
  using Request = std::shared_ptr<const RequestEnvelope>;

  static std::string to_action(Intent intent) { return "dkx." + std::string(to_string(intent)); }

  Bytes sign(const Request& request, const AnswerBody& body) const {
    static const RequestEnvelope kUnreadable{};
    return encode(sign_answer(request ? *request : kUnreadable, encode(body),
                              dependencies_.context->signing_key,
                              dependencies_.context->signing_certificate.fingerprint()));
  }

  // A refusal leaves when its audit record is durable, and at once when it is only counted.
  void refuse(Request request, std::string action, const Error& error, Send reply,
              RetryReason retry = RetryReason::kNone) {
    Refusal refusal = refusal_of(error, retry);
    if (request && request->signer != SignerKind::kNone) refusal.next_nonce = nonces_.give();
    const auto repeated = dependencies_.refusals->next(peer_.fingerprint);
    if (!repeated) return reply(sign(request, AnswerBody{refusal}));
    dependencies_.audit(peer_, std::move(action), refusal, *repeated,
                        [self = shared_from_this(), request = std::move(request), refusal,
                         reply = std::move(reply)](const Status& written) {
                          Refusal answer = refusal;
                          if (!written) {
                            answer = refusal_of(Error{ErrorCode::kUnavailable,
                                                      "the audit cannot be written",
                                                      {},
                                                      {},
                                                      static_cast<std::uint32_t>(EkmCode::kInternal)},
                                                RetryReason::kNotServing);
                          }
                          reply(self->sign(request, AnswerBody{answer}));
                        });
  }

  // A refusal that keymgr has audited already.
  void pass_on(const Request& request, const Error& error, const Send& reply) {
    Refusal refusal = refusal_of(error, retry_reason(error));
    refusal.next_nonce = nonces_.give();
    reply(sign(request, AnswerBody{refusal}));
  }

  void serve(const Request& request, const HelloRequest& hello, Send reply) {
    const ServerHealth health = dependencies_.health();
    HelloAnswer answer;
    answer.versions = {kVersion};
    answer.server = dependencies_.context->server;
    answer.signing_certificate = dependencies_.context->signing_certificate.der();
    for (unsigned i = 0; i < hello.nonces; ++i) answer.nonces.push_back(nonces_.give());
    answer.time = dependencies_.env.clock->wall_now();
    answer.state = health.state;
    answer.state_text = health.text;
    answer.head = health.head;
    reply(sign(request, AnswerBody{answer}));
  }

  void serve(const Request& request, const PingRequest&, Send reply) {
    const ServerHealth health = dependencies_.health();
    reply(sign(request,
               AnswerBody{PingAnswer{dependencies_.env.clock->wall_now(), health.state, health.text}}));
  }

  void serve(const Request& request, const CheckLabelsRequest& asked, Send reply) {
    keymgr::Caller caller;
    caller.proxy = peer_.fingerprint;
    caller.proxy_name = peer_.name;
    std::vector<std::string> labels;
    std::vector<std::string> groups;
    for (const Check& check : asked.checks) {
      if (check.kind == CheckKind::kLabel) labels.push_back(check.name);
      if (check.kind == CheckKind::kGroup) groups.push_back(check.name);
    }
    const auto statuses = dependencies_.keys->check_labels(caller, labels, groups);
    if (!statuses)
      return refuse(request, to_action(Intent::kCheckLabels), statuses.error(), std::move(reply));
    reply(sign(request, AnswerBody{to_wire(asked, *statuses, labels.size())}));
  }

  void serve(const Request& request, const KeyRequest& asked, Send reply) {
    const std::string action = to_action(asked.intent);
    auto identity = authenticate(*request, asked);
    if (!identity) {
      const bool stale = identity.error().code == ErrorCode::kConflict;
      return refuse(request, action, identity.error(), std::move(reply),
                    stale ? RetryReason::kStaleNonce : RetryReason::kNone);
    }
    auto converted = to_key_request(asked, *identity);
    if (!converted) return refuse(request, action, converted.error(), std::move(reply));
    converted->caller.relay = peer_.fingerprint;
    if (request->signer == SignerKind::kProxy) {
      converted->caller.proxy = peer_.fingerprint;
      converted->caller.proxy_name = peer_.name;
    }
    converted->caller.certificate_expired = expired(*request, *identity);
    const bool confirm = asked.intent == Intent::kConfirm;
    dependencies_.keys->handle(
        std::move(*converted), [self = shared_from_this(), request, confirm,
                                reply = std::move(reply)](Result<keymgr::KeyAnswer> answer) {
          if (!answer) return self->pass_on(request, answer.error(), reply);
          const Nonce next = self->nonces_.give();
          KeyAnswer wire = to_wire(*answer);
          if (confirm) return reply(self->sign(request, AnswerBody{ConfirmAnswer{wire.ledger, next}}));
          wire.next_nonce = next;
          reply(self->sign(request, AnswerBody{wire}));
        });
  }

  // The drive's certificate, or an empty one when a proxy speaks for it. kConflict for a stale nonce.
  Result<crypto::Certificate> authenticate(const RequestEnvelope& request, const KeyRequest& asked) {
    if (!nonces_.take(asked.nonce)) {
      return eedk::fail_ekm(ErrorCode::kConflict, EkmCode::kInvalidSignature,
                            "the nonce is unknown on this connection or was used before", "nonce",
                            "ask for a new one with hello; a request cannot be sent twice");
    }
    if (!crypto::equal_constant_time(asked.binding, peer_.binding)) {
      return eedk::fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kInvalidSignature,
                            "the request was made for another connection", "channel binding");
    }
    crypto::Certificate signer = peer_.certificate;
    if (request.signer == SignerKind::kDrive) {
      auto certificate = crypto::Certificate::from_der(request.signer_certificate);
      if (!certificate) {
        return eedk::fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kInvalidSignature,
                              "the drive's certificate cannot be read", "signer certificate");
      }
      signer = *certificate;
    } else if (peer_.unit != kProxyUnit) {
      return eedk::fail_ekm(ErrorCode::kPermissionDenied, EkmCode::kInvalidSignatureKind,
                            "only a proxy may speak for a drive", "signer kind");
    }
    const auto key = signer.public_key();
    if (!key) {
      return eedk::fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kInvalidSignatureKind,
                            "the signer's key cannot be used", "signer certificate", "use a P-256 key");
    }
    TRY(verify_request(request, *key));
    return request.signer == SignerKind::kDrive ? signer : crypto::Certificate{};
  }

  bool expired(const RequestEnvelope& request, const crypto::Certificate& identity) const {
    if (request.signer == SignerKind::kProxy) return peer_.expired;
    const WallTime now = dependencies_.env.clock->wall_now();
    return now > identity.not_after() || now < identity.not_before();
  }

  const ServerDependencies& dependencies_;
  const ServerPeer peer_;
  Nonces nonces_;
};

}  // namespace

std::shared_ptr<ServerSession> open_session(const ServerDependencies& dependencies, ServerPeer peer) {
  return std::make_shared<Session>(dependencies, std::move(peer));
}

}  // namespace tapewarden::dkx
