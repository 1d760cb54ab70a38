#include "harness/rest_client.h"

namespace tapewarden::testing {

namespace {

constexpr std::chrono::milliseconds kDeadline{20'000};
constexpr unsigned kUnauthenticated = 401;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

}  // namespace

std::string encode_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out += "%" + to_hex({&byte, 1});
    }
  }
  return out;
}

Result<std::unique_ptr<RestClient>> RestClient::make(net::Loop& loop, Disk& disk, std::uint16_t port,
                                                     const std::string& person,
                                                     const std::string& authorities) {
  const auto tls =
      TRY(net::read_tls_files(disk, {person + "/client.crt", person + "/client.key", authorities}));
  net::HttpClientOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.tls = TRY(net::TlsContext::client(tls));
  return std::unique_ptr<RestClient>(
      new RestClient(std::make_unique<net::HttpClient>(loop, std::move(options))));
}

Result<RestAnswer> RestClient::send(const std::string& method, const std::string& target,
                                    const json::value& body) {
  net::HttpCall call;
  call.method = method;
  call.target = target;
  if (!body.is_null()) {
    call.headers.add("content-type", "application/json");
    call.body = to_bytes(json::serialize(body));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!token_.empty()) call.headers.add("authorization", "Bearer " + token_);
  }
  const auto response = TRY(client_->request(std::move(call), kDeadline));
  RestAnswer answer{response.status, nullptr};
  if (response.body.empty()) return answer;
  json::error_code error;
  answer.body = json::parse(as_text(response.body), error);
  if (error) return fail(ErrorCode::kCorrupt, "the answer is not JSON");
  return answer;
}

Status RestClient::log_in() {
  {
    const std::lock_guard lock(mutex_);
    token_.clear();
  }
  const auto answer = TRY(good(send("POST", "/v1/session/certificate", json::object{})));
  const std::lock_guard lock(mutex_);
  token_ = answer.at("token").as_string().c_str();
  return {};
}

Result<RestAnswer> RestClient::call(const std::string& method, const std::string& target,
                                    const json::value& body) {
  auto answer = TRY(send(method, target, body));
  if (answer.status != kUnauthenticated) return answer;
  TRY(log_in());
  return send(method, target, body);
}

Result<json::value> RestClient::good(Result<RestAnswer> answer) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->status < 300) return std::move(answer->body);
  return fail(ErrorCode::kConflict, std::to_string(answer->status) + " " + json::serialize(answer->body));
}

}  // namespace tapewarden::testing
