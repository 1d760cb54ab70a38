// Sends lines to a syslog: to the machine's own by syslog(3), or to another one by RFC 5424 messages over UDP
// (RFC 5426) or TCP (RFC 6587, octet counting). Neither is encrypted: what is sent must hold no secret, and
// who listens can read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "net/resolver.h"

namespace tapewarden::net {

inline constexpr std::size_t kSyslogQueueLimit = 4096;     // lines that wait; beyond it new ones are dropped
inline constexpr std::size_t kSyslogTextLimit = 8U << 10;  // bytes of a line; a longer one is cut
inline constexpr std::uint16_t kSyslogUdpPort = 514;       // RFC 5426
inline constexpr std::uint16_t kSyslogTcpPort = 601;       // RFC 6587

enum class SyslogWay : std::uint8_t { kLocal, kUdp, kTcp };

struct SyslogTarget {
  SyslogWay way = SyslogWay::kLocal;
  std::string host;
  std::uint16_t port = 0;
};
// "local", "udp://HOST[:PORT]", "tcp://HOST[:PORT]"; an IPv6 address stands in brackets. kInvalidArgument
// naming `syslog`.
Result<SyslogTarget> parse_syslog_target(std::string_view text);

enum class SyslogSeverity : std::uint8_t { kWarning = 4, kNotice = 5 };  // RFC 5424 6.2.1

// Who speaks. What RFC 5424 does not take as a name is left out; an empty one becomes "-".
struct SyslogOrigin {
  std::string host;
  std::string program;
  unsigned process = 0;
};
// One message of facility 13 (log audit) without framing. Bytes of `text` that are not printable ASCII become
// '?', so that no text can end the message or begin another.
std::string syslog_message(const SyslogOrigin& origin, SyslogSeverity severity, WallTime at,
                           std::string_view text);

struct SyslogHealth {
  std::uint64_t sent = 0;     // handed over; over UDP nobody says whether it arrived
  std::uint64_t dropped = 0;  // the queue was full, or the end came before they could be sent
  std::string last_error;     // empty after a success
};

// One thread of its own. Thread-safe.
class SyslogSender {
 public:
  // `resolver`: the system's when null.
  SyslogSender(Clock& clock, SyslogTarget target, SyslogOrigin origin, std::shared_ptr<Resolver> resolver);
  // Sends what waits, for at most kSyslogFarewell when the syslog cannot be reached.
  ~SyslogSender();
  SyslogSender(const SyslogSender&) = delete;
  SyslogSender& operator=(const SyslogSender&) = delete;

  // Never blocks. The order is kept; what cannot be sent is tried again until the queue is full.
  void send(SyslogSeverity severity, std::string_view text);
  SyslogHealth health() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
inline constexpr std::chrono::milliseconds kSyslogFarewell{1'000};

}  // namespace tapewarden::net
