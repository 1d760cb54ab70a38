// Where a logical unit is on the network: iscsi://[user@]host[:port]/target-name/lun. A value; parsing is
// pure.
#pragma once

#include <string>

#include "base/error.h"

namespace tapewarden::tape {

struct IscsiUrl {
  std::string user{};  // of CHAP; empty: the target asks for no login
  std::string host{};  // a name, an IPv4 address, or an IPv6 address in brackets
  std::uint16_t port = 3260;
  std::string target{};  // iqn.…, eui.… or naa.…
  std::uint32_t lun = 0;

  std::string portal() const;  // host:port
};

inline constexpr std::size_t kMaxTargetName = 223;  // bytes, RFC 7143
inline constexpr std::uint32_t kMaxLun = 16383;     // flat space addressing
inline constexpr std::size_t kMaxChapName = 255;

inline bool is_iscsi_url(std::string_view text) {
  return text.starts_with("iscsi://");
}
// kInvalidArgument naming the part. A URL with a password (user%password@…) is refused: command lines are
// seen by every user of the host.
Result<IscsiUrl> parse_iscsi_url(std::string_view text);

}  // namespace tapewarden::tape
