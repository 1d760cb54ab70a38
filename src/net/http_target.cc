#include "net/http_target.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace tapewarden::net {

namespace {

constexpr std::uint32_t kBadRequest = 400;
constexpr std::size_t kMaxParameters = 256;

std::unexpected<Error> bad_target(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "target", "", kBadRequest);
}

Result<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return bad_target("'%' is not followed by two hex digits");
      decoded.push_back(static_cast<char>(byte->front()));
      i += 2;
    } else {
      decoded.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

Result<HttpTarget> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return bad_target("a request target must begin with '/'");
  const auto mark = target.find('?');
  HttpTarget parsed;
  parsed.path = TRY(decode(target.substr(0, mark), false));
  if (std::ranges::any_of(parsed.path, is_control)) return bad_target("the path holds control bytes");
  for (const auto& segment : split(parsed.path, '/'))
    if (segment == "." || segment == "..") return bad_target("the path holds '.' or '..' segments");
  if (mark == std::string_view::npos) return parsed;
  for (const auto& part : split(target.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    if (parsed.query.size() == kMaxParameters) return bad_target("the query has too many parameters");
    const std::string_view pair = part;
    const auto equals = pair.find('=');
    auto name = TRY(decode(pair.substr(0, equals), true));
    auto value =
        equals == std::string_view::npos ? std::string{} : TRY(decode(pair.substr(equals + 1), true));
    parsed.query.emplace_back(std::move(name), std::move(value));
  }
  return parsed;
}

}  // namespace tapewarden::net
