#include "cli/server_session.h"

#include <utility>

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumItems = 1'000'000;

std::unexpected<Error> not_understood() {
  return fail(ErrorCode::kInternal, "the server's answer was not understood", "server",
              "check that server and command line are of the same version");
}

Result<json::object> object_in(const Bytes& body) {
  json::error_code error;
  json::value value = json::parse(as_text(body), error);
  if (error || !value.is_object()) return not_understood();
  return std::move(value.get_object());
}

}  // namespace

Result<ServerSession> ServerSession::open(Context& context, ServerKind kind) {
  return ServerSession(TRY(connect(context, kind)));
}

ServerSession::ServerSession(ServerSession&& other) noexcept
    : connection_{std::move(other.connection_.client), std::exchange(other.connection_.own_session, false)} {}

ServerSession::~ServerSession() {
  if (connection_.own_session) end_session(connection_);
}

Result<json::object> ServerSession::get(const std::string& target) {
  return object_in(TRY(connection_.client.call("GET", target)));
}

Result<json::object> ServerSession::post(const std::string& target, const json::object& body,
                                         const std::string& approval) {
  return object_in(TRY(connection_.client.call("POST", target, to_bytes(json::serialize(body)), approval)));
}

Result<json::object> ServerSession::put(const std::string& target, const json::object& body) {
  return object_in(TRY(connection_.client.call("PUT", target, to_bytes(json::serialize(body)))));
}

Result<json::array> ServerSession::list(const std::string& target) {
  json::array items;
  std::string after;
  do {
    const char* const glue = target.find('?') == std::string::npos ? "?after=" : "&after=";
    const auto page = TRY(get(target + (after.empty() ? "" : glue + after)));
    const auto* found = page.if_contains("items");
    const auto* next = page.if_contains("next");
    if (found == nullptr || !found->is_array()) return not_understood();
    for (const auto& item : found->get_array()) {
      if (!item.is_object() || items.size() == kMaximumItems) return not_understood();
      items.push_back(item);
    }
    after = next != nullptr && next->is_string() ? std::string(next->get_string()) : std::string();
  } while (!after.empty());
  return items;
}

}  // namespace tapewarden::cli
