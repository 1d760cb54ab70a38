// Every bound that net/ puts on what comes from outside, and the counters that tell which one was met. An
// application may tighten them; tests make them small.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace tapewarden::net {

struct ListenAddress {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: any free one
};

// All times: 0 means never.
struct ServerLimits {
  unsigned max_sessions = 4096;
  unsigned max_sessions_per_address = 1024;  // handshakes included
  // Connections that have not proved anything yet. At the limit nothing new is accepted (the kernel queues)
  // and the oldest one that has stalled for kStalledHandshake is dropped, so that slow clients cannot shut
  // the others out.
  unsigned max_handshakes = 256;
  unsigned max_in_flight = 64;               // requests of one session; beyond it reading stops
  std::size_t write_queue_bytes = 1U << 20;  // answers not yet taken by the peer; beyond it reading stops
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds idle_timeout{0};          // no request in flight and no byte arriving
  std::chrono::milliseconds message_timeout{30'000};  // from the first byte of a message to its last
  std::chrono::milliseconds write_timeout{30'000};    // the peer takes no byte of what waits for it
};

inline constexpr std::chrono::milliseconds kStalledHandshake{1'000};
inline constexpr std::size_t kDefaultMaxMessage = 1U << 20;

// Counters of one server since it started, except the `..._now` ones. A snapshot; the numbers may be a moment
// apart.
struct NetStats {
  std::uint64_t accepted = 0;
  std::uint64_t refused_sessions = 0;     // by max_sessions
  std::uint64_t refused_per_address = 0;  // by max_sessions_per_address
  std::uint64_t handshakes_done = 0;
  std::uint64_t handshakes_timed_out = 0;
  std::uint64_t handshakes_dropped = 0;         // stalled while max_handshakes was reached
  std::uint64_t handshakes_no_certificate = 0;  // none was shown though one is required
  std::uint64_t handshakes_untrusted = 0;       // the certificate was not accepted
  std::uint64_t handshakes_broken = 0;          // not TLS, another version, or the connection ended
  std::uint64_t closed_idle = 0;
  std::uint64_t closed_slow = 0;  // by message_timeout or write_timeout
  std::uint64_t bad_messages = 0;
  std::uint64_t sessions_closed = 0;
  std::uint64_t handshakes_now = 0;
  std::uint64_t sessions_now = 0;
};

// Told of every connection that is refused or fails before it becomes a session, so that the application can
// log it. Called on a loop thread; must not block.
using RefusalObserver = std::function<void(const std::string& remote_address, const Error& reason)>;

}  // namespace tapewarden::net
