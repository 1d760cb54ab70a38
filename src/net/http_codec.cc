#include "net/http_codec.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <ctime>
#include <variant>

#include "base/assert.h"
#include "base/text.h"
#include "crypto/secret_bytes.h"
#include "net/http_target.h"

namespace tapewarden::net {

namespace {

namespace http = boost::beast::http;
using Body = http::vector_body<std::uint8_t>;
using RequestParser = http::request_parser<Body>;
using ResponseParser = http::response_parser<Body>;

constexpr std::uint32_t kBadRequest = 400;
constexpr std::uint32_t kBodyTooLarge = 413;
constexpr std::uint32_t kTargetTooLong = 414;
constexpr std::uint32_t kHeaderTooLarge = 431;

std::string text_of(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

std::unexpected<Error> parse_error(const boost::system::error_code& error) {
  std::uint32_t status = kBadRequest;
  if (error == http::error::header_limit) status = kHeaderTooLarge;
  if (error == http::error::body_limit) status = kBodyTooLarge;
  return fail(ErrorCode::kCorrupt, "not an acceptable HTTP message: " + error.message(), "", "", status);
}

template <typename Fields>
HttpHeaders headers_of(const Fields& fields) {
  HttpHeaders headers;
  for (const auto& field : fields)
    headers.add(to_lower(text_of(field.name_string())), text_of(field.value()));
  return headers;
}

bool is_safe(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

void write_headers(ByteWriter& out, const HttpHeaders& headers) {
  for (const auto& [name, value] : headers.fields)
    if (!name.empty() && is_safe(name) && is_safe(value)) out.text(name).text(": ").text(value).text("\r\n");
}

// RFC 9110 section 5.6.7, for example "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(WallTime now) {
  const auto seconds = static_cast<std::time_t>(to_millis(now) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::string text(40, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return text;
}

bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

struct HttpReader::State {
  Kind kind;
  HttpLimits limits;
  Bytes pending;
  bool begun = false;      // the parser took bytes of a message
  bool continued = false;  // take_expect_continue() said so for this message
  bool no_body = false;
  std::variant<std::monostate, RequestParser, ResponseParser> parser;

  template <typename Parser>
  void prepare() {
    auto& made = parser.emplace<Parser>();
    made.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    made.body_limit(limits.body_bytes);
    made.eager(true);
  }
  void restart() {
    begun = continued = false;
    if (kind == Kind::kRequests) return prepare<RequestParser>();
    prepare<ResponseParser>();
    std::get<ResponseParser>(parser).skip(std::exchange(no_body, false));
  }
  template <typename Parser>
  Result<bool> parse_with(Parser& current);
};

HttpReader::HttpReader(Kind kind, HttpLimits limits) : state_(std::make_unique<State>()) {
  state_->kind = kind;
  state_->limits = limits;
  state_->restart();
}

HttpReader::~HttpReader() {
  crypto::wipe(state_->pending);
}

void HttpReader::append(ByteView input) {
  state_->pending.insert(state_->pending.end(), input.begin(), input.end());
}

template <typename Parser>
Result<bool> HttpReader::State::parse_with(Parser& current) {
  std::size_t done = 0;
  boost::system::error_code error;
  while (!current.is_done() && done < pending.size()) {
    const auto rest = ByteView(pending).subspan(done);
    const auto count = current.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    done += count;
    if (error == http::error::need_more) {
      error = {};
      if (count == 0) break;
    }
    if (error) return parse_error(error);
  }
  begun = begun || done > 0;
  crypto::wipe(MutableByteView(pending).first(done));
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(done));
  return current.is_done();
}

Result<bool> HttpReader::parse() {
  auto& s = *state_;
  if (auto* request = std::get_if<RequestParser>(&s.parser)) return s.parse_with(*request);
  return s.parse_with(std::get<ResponseParser>(s.parser));
}

bool HttpReader::end_of_input() {
  auto* response = std::get_if<ResponseParser>(&state_->parser);
  if (response == nullptr || !state_->begun || !response->is_header_done()) return false;
  boost::system::error_code error;
  response->put_eof(error);
  return !error && response->is_done();
}

bool HttpReader::partial() const {
  return state_->begun || !state_->pending.empty();
}

std::size_t HttpReader::held() const {
  const auto body = [](const auto& parser) -> std::size_t {
    if constexpr (requires { parser.get().body().size(); }) return parser.get().body().size();
    return 0;
  };
  return state_->pending.size() + std::visit(body, state_->parser);
}

void HttpReader::limit_body(std::size_t bytes) {
  state_->limits.body_bytes = bytes;
  if (!state_->begun) state_->restart();
}

bool HttpReader::take_expect_continue() {
  auto* request = std::get_if<RequestParser>(&state_->parser);
  if (request == nullptr || state_->continued || !request->is_header_done() || request->is_done())
    return false;
  if (!equal_ignoring_case(text_of(request->get()[http::field::expect]), "100-continue")) return false;
  state_->continued = true;
  return true;
}

bool HttpReader::keep_alive() const {
  if (const auto* request = std::get_if<RequestParser>(&state_->parser)) return request->keep_alive();
  return std::get<ResponseParser>(state_->parser).keep_alive();
}

Result<HttpRequest> HttpReader::take_request() {
  auto& parser = std::get<RequestParser>(state_->parser);
  TW_ASSERT(parser.is_done());
  auto message = parser.release();
  state_->restart();
  HttpRequest request;
  request.method = text_of(message.method_string());
  request.target = text_of(message.target());
  if (request.target.size() > state_->limits.target_bytes)
    return fail(ErrorCode::kInvalidArgument, "the request target is too long", "target", "", kTargetTooLong);
  if (message.version() == 11 && message.count(http::field::host) != 1)
    return fail(ErrorCode::kInvalidArgument, "a request names one host", "host", "", kBadRequest);
  auto target = TRY(parse_target(request.target));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  request.headers = headers_of(message);
  request.body = std::move(message.body());
  return request;
}

HttpResponse HttpReader::take_response() {
  auto& parser = std::get<ResponseParser>(state_->parser);
  auto message = parser.release();
  state_->restart();
  return {message.result_int(), headers_of(message), std::move(message.body())};
}

void HttpReader::expect_no_body() {
  state_->no_body = true;
  state_->restart();
}

Bytes encode_response(const HttpResponse& response, bool keep_alive, bool head, WallTime now) {
  ByteWriter out;
  out.text("HTTP/1.1 ").text(std::to_string(response.status)).text(" ");
  const auto reason = http::obsolete_reason(http::int_to_status(response.status));
  out.text({reason.data(), reason.size()}).text("\r\n");
  write_headers(out, response.headers);
  out.text("Date: ").text(http_date(now)).text("\r\n");
  if (!keep_alive) out.text("Connection: close\r\n");
  const bool bare = has_no_body(response.status);
  if (!bare) out.text("Content-Length: ").text(std::to_string(response.body.size())).text("\r\n");
  out.text("\r\n");
  if (!bare && !head) out.bytes(response.body);
  return out.take();
}

Bytes encode_request(const HttpCall& call, const std::string& host, std::uint16_t port) {
  ByteWriter out;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  out.text(call.method).text(" ").text(call.target).text(" HTTP/1.1\r\nHost: ");
  out.text(is_ipv6 ? "[" + host + "]" : host).text(":").text(std::to_string(port)).text("\r\n");
  out.text("User-Agent: tapewarden\r\n");
  write_headers(out, call.headers);
  if (!call.body.empty() || (call.method != "GET" && call.method != "HEAD"))
    out.text("Content-Length: ").text(std::to_string(call.body.size())).text("\r\n");
  out.text("\r\n").bytes(call.body);
  return out.take();
}

}  // namespace tapewarden::net
