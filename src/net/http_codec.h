// Internal to net/. HTTP/1.1 messages (RFC 9112) from and to bytes, without sockets. Hides Beast's parser.
// Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "net/http.h"

namespace tapewarden::net {

// Reads one message after the other from a stream.
class HttpReader {
 public:
  enum class Kind : std::uint8_t { kRequests, kResponses };
  HttpReader(Kind kind, HttpLimits limits);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  // Keeps the bytes until they are parsed.
  void append(ByteView input);
  // True when a message is whole: take it before parsing on. Errors carry the HTTP status for the answer in
  // `detail` (400, 413, 414, 431); nothing more may be parsed then.
  Result<bool> parse();
  // The stream has ended: true when that completes a response that runs to its end.
  bool end_of_input();
  // Some bytes of a message are here and the message is not whole.
  bool partial() const;
  // Bytes kept of messages that were not taken yet.
  std::size_t held() const;
  // From now on, and for the message under way when its body has not begun.
  void limit_body(std::size_t bytes);
  // Once per message: its header is whole and asks for "100 Continue" before its body.
  bool take_expect_continue();

  bool keep_alive() const;  // of the whole message
  // Its head decoded; kInvalidArgument with `detail` 400 or 414 for a target that is none.
  Result<HttpRequest> take_request();
  HttpResponse take_response();
  // The next response answers a HEAD request: it has no body.
  void expect_no_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Status line, headers (those with line ends or other control bytes in them are left out), Content-Length,
// Connection and Date; the body unless `head`.
Bytes encode_response(const HttpResponse& response, bool keep_alive, bool head, WallTime now);
Bytes encode_request(const HttpCall& call, const std::string& host, std::uint16_t port);

}  // namespace tapewarden::net
