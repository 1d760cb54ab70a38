// HTTP/1.1 over TLS: a server for REST and pages, a client for the command line and for peers. Whole messages
// only, no streaming. Routing, sessions, roles and security headers are the business of the layer above.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace tapewarden::net {

// Names in lower case, in the order they came; a name may repeat.
struct HttpHeaders {
  std::vector<std::pair<std::string, std::string>> fields;

  // The first value, or empty.
  std::string_view get(std::string_view lower_case_name) const;
  bool has(std::string_view lower_case_name) const;
  void add(std::string name, std::string value) { fields.emplace_back(std::move(name), std::move(value)); }
};

struct HttpRequest {
  std::string method;  // upper case as sent
  std::string target;  // as sent: path and query
  std::string path;    // percent-decoded, begins with '/', holds no "." or ".." segment and no NUL
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  HttpHeaders headers;
  Bytes body;
  std::shared_ptr<const SessionInfo> session;  // set by the server

  // The first value of the query parameter, or empty.
  std::string_view parameter(std::string_view name) const;
};

// Content-Length, Connection and Date are added by the server.
struct HttpResponse {
  unsigned status = 200;
  HttpHeaders headers;
  Bytes body;
};

// Answers the request: from any thread, once. Dropped without a call: 500.
using HttpCompletion = std::function<void(HttpResponse)>;
// Called on a loop thread; must not block.
using HttpHandler = std::function<void(HttpRequest, HttpCompletion)>;

struct HttpLimits {
  std::size_t header_bytes = 16U << 10;  // 431 beyond
  std::size_t body_bytes = 4U << 20;     // 413 beyond
  std::size_t target_bytes = 8U << 10;   // 414 beyond
  // Of a server, for connections without a client certificate: anybody can open those. A body beyond the
  // first gives 413; when all of them together hold more than the second in requests that are not whole yet,
  // those beyond `small_bytes` are refused with 503.
  std::size_t anonymous_body_bytes = 4U << 20;
  std::size_t anonymous_total_bytes = 64U << 20;
  std::size_t small_bytes = 64U << 10;
};

struct HttpServerOptions {
  ListenAddress listen;
  TlsContext tls;
  // A connection answers one request after the other, so max_in_flight has no meaning here.
  ServerLimits limits{.idle_timeout = std::chrono::milliseconds{60'000}};
  HttpLimits http;
  RefusalObserver on_refused;  // may be empty
};

// Thread-safe.
class HttpServer {
 public:
  // Errors as FramedServer::start().
  static Result<std::unique_ptr<HttpServer>> start(Loop& loop, HttpServerOptions options,
                                                   HttpHandler handler);
  ~HttpServer();  // stop() without waiting
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  NetStats stats() const;
  void replace_tls(TlsContext tls);            // for connections accepted from now on
  bool stop(std::chrono::milliseconds drain);  // as FramedServer::stop()

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct HttpClientOptions {
  std::string host;  // a DNS name or a numeric address
  std::uint16_t port = 443;
  std::string server_name;  // as FramedClientOptions::server_name
  TlsContext tls;
  std::shared_ptr<Resolver> resolver;  // the system's when null
  HttpLimits http{.body_bytes = 64U << 20};
  unsigned max_idle_connections = 4;  // kept for the next request
};

// What a caller sends. Host, Content-Length and User-Agent are added.
struct HttpCall {
  std::string method = "GET";
  std::string target = "/";
  HttpHeaders headers;
  Bytes body;
};

// Requests to one server; connections are kept and used again. A request of an idempotent method (GET, HEAD,
// PUT, DELETE, OPTIONS) that meets a kept connection that has just ended is sent once more on a new one.
// Thread-safe.
class HttpClient {
 public:
  HttpClient(Loop& loop, HttpClientOptions options);
  ~HttpClient();  // ends the requests in flight with kUnavailable
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a response; errors are those of ClientHandler::on_closed() and kTimeout.
  // REQUIRES: not called on a loop thread.
  Result<HttpResponse> request(HttpCall call, std::chrono::milliseconds deadline);
  // `done` is called once, on a loop thread; it must not block.
  void request_async(HttpCall call, std::chrono::milliseconds deadline,
                     std::function<void(Result<HttpResponse>)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::net
