// The pure half of syslog.h: targets and messages.
#include <algorithm>

#include "base/text.h"
#include "net/syslog.h"

namespace tapewarden::net {

namespace {

constexpr unsigned kFacility = 13;  // log audit (RFC 5424 6.2.1)
constexpr std::size_t kHostLimit = 255;
constexpr std::size_t kProgramLimit = 48;

std::unexpected<Error> malformed() {
  return fail(ErrorCode::kInvalidArgument, "this is no syslog", "syslog",
              "write local, udp://HOST:PORT or tcp://HOST:PORT");
}

// A name as RFC 5424 takes it: printable, no blank.
std::string name_part(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && out.size() < limit) out += c;
  }
  return out.empty() ? "-" : out;
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= kHostLimit && name_part(host, kHostLimit) == host &&
         host.find_first_of("/@?#\"") == std::string_view::npos;
}

}  // namespace

Result<SyslogTarget> parse_syslog_target(std::string_view text) {
  if (text == "local") return SyslogTarget{};
  SyslogTarget target;
  if (text.starts_with("udp://")) {
    target = {SyslogWay::kUdp, {}, kSyslogUdpPort};
  } else if (text.starts_with("tcp://")) {
    target = {SyslogWay::kTcp, {}, kSyslogTcpPort};
  } else {
    return malformed();
  }
  text.remove_prefix(std::string_view("udp://").size());
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return malformed();
    target.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    target.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (!is_host(target.host)) return malformed();
  if (port.empty()) return target;
  const auto number = port.front() == ':' ? parse_number(port.substr(1), 1, 65535, "syslog")
                                          : Result<std::uint64_t>(malformed());
  if (!number) return malformed();
  target.port = static_cast<std::uint16_t>(*number);
  return target;
}

std::string syslog_message(const SyslogOrigin& origin, SyslogSeverity severity, WallTime at,
                           std::string_view text) {
  std::string out = "<" + std::to_string(kFacility * 8 + static_cast<unsigned>(severity)) + ">1 ";
  out += format_utc(at) + " " + name_part(origin.host, kHostLimit) + " " +
         name_part(origin.program, kProgramLimit) + " " + std::to_string(origin.process) + " audit - ";
  const bool cut = text.size() > kSyslogTextLimit;
  for (const char c : text.substr(0, kSyslogTextLimit)) out += c >= ' ' && c <= '~' ? c : '?';
  if (cut) out += "...";
  return out;
}

}  // namespace tapewarden::net
