#include "tape/transport/iscsi_url.h"

#include <charconv>

namespace tapewarden::tape {
namespace {

constexpr std::string_view kScheme = "iscsi://";

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "device",
              "write iscsi://[user@]host[:port]/target-name/lun");
}

Result<std::uint32_t> number(std::string_view text, std::uint32_t largest, std::string_view what) {
  std::uint32_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || value > largest)
    return wrong("the " + std::string(what) + " of the URL is no number up to " + std::to_string(largest));
  return value;
}

Status take_authority(std::string_view authority, IscsiUrl& url) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    url.user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (url.user.find('%') != std::string::npos || url.user.find(':') != std::string::npos)
      return fail(ErrorCode::kInvalidArgument, "a password does not belong into the URL", "device",
                  "leave it out: it is asked for, or read from the file of --password-file");
    if (url.user.empty() || url.user.size() > kMaxChapName) return wrong("the user has 1 to 255 characters");
  }
  const bool bracketed = authority.starts_with('[');
  const auto end_of_host = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && end_of_host == std::string_view::npos) return wrong("the address has no closing bracket");
  const auto size =
      end_of_host == std::string_view::npos ? authority.size() : end_of_host + (bracketed ? 1 : 0);
  url.host = authority.substr(0, size);
  authority.remove_prefix(size);
  if (url.host.empty() || url.host == "[]") return wrong("the host is missing");
  if (authority.empty()) return {};
  if (authority[0] != ':') return wrong("something stands behind the host");
  url.port = static_cast<std::uint16_t>(TRY(number(authority.substr(1), 65535, "port")));
  if (url.port == 0) return wrong("the port is 1 to 65535");
  return {};
}

bool is_target_name(std::string_view name) {
  const bool typed = name.starts_with("iqn.") || name.starts_with("eui.") || name.starts_with("naa.");
  if (!typed || name.size() > kMaxTargetName) return false;
  for (const char c : name)
    if (c <= ' ' || c == '\x7f' || c == '/') return false;
  return true;
}

}  // namespace

std::string IscsiUrl::portal() const {
  return host + ":" + std::to_string(port);
}

Result<IscsiUrl> parse_iscsi_url(std::string_view text) {
  if (!is_iscsi_url(text)) return wrong("this is no iSCSI URL");
  text.remove_prefix(kScheme.size());
  const auto slash = text.find('/');
  const auto last = text.rfind('/');
  if (slash == std::string_view::npos || last == slash) return wrong("target name or unit is missing");
  IscsiUrl url;
  TRY(take_authority(text.substr(0, slash), url));
  url.target = text.substr(slash + 1, last - slash - 1);
  if (!is_target_name(url.target)) return wrong("a target's name begins with iqn., eui. or naa.");
  url.lun = TRY(number(text.substr(last + 1), kMaxLun, "unit"));
  return url;
}

}  // namespace tapewarden::tape
