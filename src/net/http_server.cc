// Sessions of an HttpServer.
//
// Invariants
//  1. At most one request is with the handler (answering_); meanwhile nothing is read or parsed, so answers
//     go out in the order of the requests.
//  2. When ending_ is set the connection closes after the answer under way.
//  3. HttpShared::anonymous_held is the sum of counted_ over the sessions without client certificate.
#include <atomic>
#include <chrono>

#include "crypto/secret_bytes.h"
#include "net/http_codec.h"
#include "net/listener.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

constexpr unsigned kInternalError = 500;
constexpr unsigned kBusy = 503;

struct HttpShared {
  HttpLimits limits;
  HttpHandler handler;
  mutable std::atomic<std::size_t> anonymous_held{0};  // bytes of requests that are not whole
};

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

class HttpSession final : public ConnectionEvents, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<const HttpShared> shared, std::shared_ptr<Listener> listener,
              std::shared_ptr<Connection> connection)
      : shared_(std::move(shared)),
        listener_(std::move(listener)),
        connection_(std::move(connection)),
        reader_(HttpReader::Kind::kRequests, shared_->limits) {}
  ~HttpSession() override { shared_->anonymous_held -= counted_; }

  void on_open(const SessionInfo& info) override;
  void on_data(ByteView plaintext) override;
  void on_drain() override;
  void on_closed(const CloseReason&) override { ending_ = true; }

  void complete(HttpResponse response);  // any thread

 private:
  void advance();
  void dispatch(HttpRequest request);
  void refuse(const Error& error);
  bool has_room();
  void answer(const HttpResponse& response);

  const std::shared_ptr<const HttpShared> shared_;
  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<Connection> connection_;
  std::shared_ptr<const SessionInfo> info_;
  HttpReader reader_;
  bool anonymous_ = true;
  std::size_t counted_ = 0;  // what this session adds to HttpShared::anonymous_held
  bool answering_ = false;
  bool advancing_ = false;
  bool ending_ = false;
  bool keep_alive_ = true;  // of the request being answered
  bool head_ = false;       // likewise
};

// The right to answer one request, once.
class HttpTicket {
 public:
  explicit HttpTicket(std::shared_ptr<HttpSession> session) : session_(std::move(session)) {}
  ~HttpTicket() { use({.status = kInternalError, .headers = {}, .body = {}}); }
  HttpTicket(const HttpTicket&) = delete;
  HttpTicket& operator=(const HttpTicket&) = delete;
  void use(HttpResponse response) {
    if (!used_.exchange(true)) session_->complete(std::move(response));
  }

 private:
  std::shared_ptr<HttpSession> session_;
  std::atomic<bool> used_{false};
};

void HttpSession::on_open(const SessionInfo& info) {
  info_ = std::make_shared<const SessionInfo>(info);
  anonymous_ = !info.peer.has_certificate();
  if (anonymous_)
    reader_.limit_body(std::min(shared_->limits.body_bytes, shared_->limits.anonymous_body_bytes));
}

void HttpSession::on_data(ByteView plaintext) {
  if (ending_) return;
  reader_.append(plaintext);
  advance();
  if (ending_ || answering_ || has_room()) return;
  refuse(
      fail(ErrorCode::kUnavailable, "too many large requests are under way: try again later", "", "", kBusy)
          .error());
}

// Brings counted_ up to date. False: connections that anybody can open hold all that they may together.
bool HttpSession::has_room() {
  if (!anonymous_) return true;
  const std::size_t held = reader_.held();
  shared_->anonymous_held += held - counted_;  // modulo 2^64, as counted_ may be the larger
  counted_ = held;
  return held <= shared_->limits.small_bytes ||
         shared_->anonymous_held <= shared_->limits.anonymous_total_bytes;
}

// Parses and hands over requests until one is being answered or more bytes are needed.
void HttpSession::advance() {
  if (advancing_) return;
  advancing_ = true;
  while (!answering_ && !ending_ && reader_.partial()) {
    const auto whole = reader_.parse();
    if (!whole) {
      refuse(whole.error());
    } else if (!*whole) {
      if (reader_.take_expect_continue()) connection_->send(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      break;
    } else {
      keep_alive_ = reader_.keep_alive();
      auto request = reader_.take_request();
      if (!request)
        refuse(request.error());
      else
        dispatch(*std::move(request));
    }
  }
  advancing_ = false;
  if (!connection_->paused()) connection_->expect_more(reader_.partial());
}

void HttpSession::dispatch(HttpRequest request) {
  answering_ = true;
  has_room();  // the request is whole: it counts no more
  head_ = request.method == "HEAD";
  connection_->pause();
  connection_->set_busy(true);
  request.session = info_;
  auto ticket = std::make_shared<HttpTicket>(shared_from_this());
  shared_->handler(std::move(request),
                   [ticket = std::move(ticket)](HttpResponse response) { ticket->use(std::move(response)); });
}

void HttpSession::refuse(const Error& error) {
  listener_->count_bad_message();
  HttpResponse response{.status = error.detail, .headers = {}, .body = to_bytes(error.message + "\n")};
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  ending_ = true;
  head_ = false;
  answer(response);
}

void HttpSession::complete(HttpResponse response) {
  if (!connection_->shard()->on_thread())
    return connection_->shard()->post([self = shared_from_this(), response = std::move(response)]() mutable {
      self->complete(std::move(response));
    });
  answering_ = false;
  answer(response);
  crypto::wipe(response.body);
}

void HttpSession::answer(const HttpResponse& response) {
  const bool stay = keep_alive_ && !ending_;
  auto bytes = encode_response(response, stay, head_, wall_now());
  connection_->send(bytes);
  crypto::wipe(bytes);
  connection_->set_busy(false);
  if (!stay) {
    ending_ = true;
    return connection_->close();
  }
  connection_->resume();
  advance();
}

void HttpSession::on_drain() {
  ending_ = true;
  if (!answering_) connection_->close();
}

}  // namespace

struct HttpServer::State {
  std::shared_ptr<Listener> listener;
};

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(Loop& loop, HttpServerOptions options,
                                                      HttpHandler handler) {
  const auto shared = std::make_shared<const HttpShared>(options.http, std::move(handler));
  Listener::Options listen{options.listen, options.tls, options.limits, options.on_refused};
  const auto make_session = [shared](const std::shared_ptr<Connection>& connection,
                                     const std::shared_ptr<Listener>& listener) {
    return std::make_shared<HttpSession>(shared, listener, connection);
  };
  auto listener = TRY(Listener::start(loop, std::move(listen), make_session));
  return std::unique_ptr<HttpServer>(new HttpServer(std::make_shared<State>(State{std::move(listener)})));
}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds{0});
}
std::uint16_t HttpServer::port() const {
  return state_->listener->port();
}
NetStats HttpServer::stats() const {
  return state_->listener->stats();
}
void HttpServer::replace_tls(TlsContext tls) {
  state_->listener->replace_tls(std::move(tls));
}
bool HttpServer::stop(std::chrono::milliseconds drain) {
  return state_->listener->stop(drain);
}

}  // namespace tapewarden::net
