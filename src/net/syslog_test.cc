// K13: what goes to a syslog is one message for each line, whatever the line holds.
#include "net/syslog.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/real_env.h"

namespace tapewarden::net {
namespace {

constexpr int kLongMillis = 30'000;
const SyslogOrigin kOrigin{"keys-1", "tapewarden-keyd", 77};

// A socket on a free loopback port that stands in for the syslog.
class Listener {
 public:
  explicit Listener(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd_, 4), 0);
    }
  }
  ~Listener() {
    ::close(fd_);
    if (connection_ >= 0) ::close(connection_);
  }
  std::uint16_t port() const { return port_; }
  void accept() {
    if (ready(fd_)) connection_ = ::accept(fd_, nullptr, nullptr);
    ASSERT_GE(connection_, 0);
  }
  void hang_up() {
    ::close(connection_);
    connection_ = -1;
  }
  // What comes next; empty at the deadline.
  std::string receive() {
    const int from = connection_ >= 0 ? connection_ : fd_;
    if (!ready(from)) return {};
    std::array<char, 16384> buffer{};
    const auto size = ::recv(from, buffer.data(), buffer.size(), 0);
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }
  std::string receive(std::size_t size) {
    std::string out;
    while (out.size() < size) {
      const std::string more = receive();
      if (more.empty()) break;
      out += more;
    }
    return out;
  }

 private:
  static bool ready(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, kLongMillis) == 1;
  }
  int fd_;
  int connection_ = -1;
  std::uint16_t port_ = 0;
};

class FixedClock final : public Clock {
 public:
  WallTime wall_now() override { return from_millis(1'795'228'832'123); }
  SteadyTime steady_now() override { return SteadyTime{}; }
};

TEST(Syslog, K13_TargetsAreReadAndFaultsNamed) {
  EXPECT_EQ(parse_syslog_target("local")->way, SyslogWay::kLocal);
  const auto udp = parse_syslog_target("udp://logs.example");
  ASSERT_TRUE(udp.has_value());
  EXPECT_EQ(udp->way, SyslogWay::kUdp);
  EXPECT_EQ(udp->host, "logs.example");
  EXPECT_EQ(udp->port, 514);
  const auto tcp = parse_syslog_target("tcp://[2001:db8::5]:6514");
  ASSERT_TRUE(tcp.has_value());
  EXPECT_EQ(tcp->way, SyslogWay::kTcp);
  EXPECT_EQ(tcp->host, "2001:db8::5");
  EXPECT_EQ(tcp->port, 6514);
  for (const auto* bad :
       {"", "yes", "LOCAL", "udp://", "udp://:514", "udp://a:0", "udp://a:65536", "udp://a:x", "tcp://[::1",
        "tcp://[::1]514", "tls://a", "udp://a b", "udp://a/b", "udp://a\nb"}) {
    const auto target = parse_syslog_target(bad);
    ASSERT_FALSE(target.has_value()) << bad;
    EXPECT_EQ(target.error().field, "syslog");
    EXPECT_FALSE(target.error().remedy.empty());
  }
}

TEST(Syslog, K13_AMessageHasTheFormOfRfc5424) {
  EXPECT_EQ(syslog_message(kOrigin, SyslogSeverity::kNotice, from_millis(1'795'228'832'123), "{\"a\":1}"),
            "<109>1 " + format_utc(from_millis(1'795'228'832'123)) +
                " keys-1 tapewarden-keyd 77 audit - {\"a\":1}");
  EXPECT_TRUE(
      syslog_message(kOrigin, SyslogSeverity::kWarning, WallTime{}, "x").starts_with("<108>1 1970-01-01T"));
}

TEST(Syslog, K13_NoTextOrNameForgesAMessage) {
  const std::string evil = "a\n<109>1 2026-01-01T00:00:00Z b c 1 audit - forged\r\n\x01\xC3\xA9";
  const auto message = syslog_message({"ho st\n<1>", "", 1}, SyslogSeverity::kNotice, WallTime{}, evil);
  EXPECT_TRUE(std::ranges::all_of(message, [](char c) { return c >= ' ' && c <= '~'; })) << message;
  EXPECT_NE(message.find(" host<1> - 1 audit - a?<109>1"), std::string::npos) << message;
  const auto cut = syslog_message(kOrigin, SyslogSeverity::kNotice, WallTime{}, std::string(99'999, 'x'));
  EXPECT_LT(cut.size(), kSyslogTextLimit + 200);
  EXPECT_TRUE(cut.ends_with("..."));
}

TEST(Syslog, K13_UdpCarriesOneLineADatagramInOrder) {
  FixedClock clock;
  Listener listener(SOCK_DGRAM);
  SyslogSender sender(clock, {SyslogWay::kUdp, "127.0.0.1", listener.port()}, kOrigin, nullptr);
  sender.send(SyslogSeverity::kNotice, "first");
  sender.send(SyslogSeverity::kWarning, "second\nline");
  EXPECT_EQ(listener.receive(), syslog_message(kOrigin, SyslogSeverity::kNotice, clock.wall_now(), "first"));
  EXPECT_EQ(listener.receive(),
            syslog_message(kOrigin, SyslogSeverity::kWarning, clock.wall_now(), "second?line"));
}

TEST(Syslog, K13_TcpCountsItsOctetsAndConnectsAgain) {
  FixedClock clock;
  Listener listener(SOCK_STREAM);
  SyslogSender sender(clock, {SyslogWay::kTcp, "127.0.0.1", listener.port()}, kOrigin, nullptr);
  sender.send(SyslogSeverity::kNotice, "first");
  listener.accept();
  const auto first = syslog_message(kOrigin, SyslogSeverity::kNotice, clock.wall_now(), "first");
  const auto framed = std::to_string(first.size()) + " " + first;
  EXPECT_EQ(listener.receive(framed.size()), framed);
  listener.hang_up();
  sender.send(SyslogSeverity::kNotice, "after");
  listener.accept();
  const auto after = syslog_message(kOrigin, SyslogSeverity::kNotice, clock.wall_now(), "after");
  const auto again = std::to_string(after.size()) + " " + after;
  EXPECT_EQ(listener.receive(again.size()), again);
}

TEST(Syslog, K13_WhatCannotBeSentIsCountedAndDoesNotBlock) {
  FixedClock clock;
  std::uint16_t nobody = 0;
  {
    const Listener gone(SOCK_STREAM);
    nobody = gone.port();
  }
  SyslogSender sender(clock, {SyslogWay::kTcp, "127.0.0.1", nobody}, kOrigin, nullptr);
  for (std::size_t i = 0; i < kSyslogQueueLimit + 100; ++i) sender.send(SyslogSeverity::kNotice, "x");
  const auto health = sender.health();
  EXPECT_EQ(health.sent, 0U);
  EXPECT_GE(health.dropped, 99U);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (sender.health().last_error.empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_NE(sender.health().last_error.find("cannot reach"), std::string::npos) << sender.health().last_error;
}

}  // namespace
}  // namespace tapewarden::net
