#include "net/resolver.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/bytes.h"
#include "net/testing/poll.h"

namespace tapewarden::net {
namespace {

using std::chrono::milliseconds;
using testing::kPatience;

// A name server on loopback that knows one name, or is deaf.
class NameServer {
 public:
  explicit NameServer(bool deaf) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    const timeval tick{0, 50'000};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    thread_ = std::thread([this, deaf] { serve(deaf); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
    ::close(socket_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked() const { return asked_; }

 private:
  void serve(bool deaf) {
    while (!stop_) {
      Bytes query(512);
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto count =
          ::recvfrom(socket_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 12) continue;
      ++asked_;
      if (deaf) continue;
      query.resize(static_cast<std::size_t>(count));
      const auto answer = answer_to(query);
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  // RFC 1035 section 4.1. The question is copied; keyd.example has the address 192.0.2.7.
  static Bytes answer_to(ByteView query) {
    std::size_t end = 12;
    while (query[end] != 0) end += query[end] + 1U;
    const auto question = query.subspan(12, end + 5 - 12);
    const bool known = as_text(question).find("keyd") != std::string_view::npos;
    const bool wants_v4 = question[question.size() - 3] == 1;
    ByteWriter out;
    out.bytes(query.first(2))
        .u16(known ? 0x8180 : 0x8183)
        .u16(1)
        .u16(known && wants_v4 ? 1 : 0)
        .u16(0)
        .u16(0);
    out.bytes(question);
    if (known && wants_v4) out.u16(0xC00C).u16(1).u16(1).u32(60).u16(4).u8(192).u8(0).u8(2).u8(7);
    return out.take();
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> asked_{0};
  std::thread thread_;
};

ResolveResult resolve(Resolver& resolver, const std::string& host, milliseconds deadline = kPatience) {
  auto promise = std::make_shared<std::promise<ResolveResult>>();
  auto answer = promise->get_future();
  resolver.resolve(host, deadline,
                   [promise](ResolveResult result) { promise->set_value(std::move(result)); });
  return answer.get();
}

using Addresses = std::vector<std::string>;

TEST(Resolver, NumericAddressesAreThemselves) {
  const auto resolver = make_system_resolver();
  EXPECT_EQ(resolve(*resolver, "192.0.2.1").value(), Addresses{"192.0.2.1"});
  EXPECT_EQ(resolve(*resolver, "::1").value(), Addresses{"::1"});
}

TEST(Resolver, TheSystemKnowsLocalhost) {
  const auto found = resolve(*make_system_resolver(), "localhost");
  ASSERT_TRUE(found.has_value()) << found.error().text();
  EXPECT_FALSE(found->empty());
}

TEST(Resolver, K15_TheFirstNameServerIsAsked) {
  NameServer first(false);
  NameServer second(false);
  const auto resolver = make_dns_resolver({first.address(), second.address()});
  ASSERT_TRUE(resolver.has_value()) << resolver.error().text();
  EXPECT_EQ(resolve(**resolver, "keyd.example").value(), Addresses{"192.0.2.7"});
  EXPECT_GT(first.asked(), 0);
  EXPECT_EQ(second.asked(), 0);
}

TEST(Resolver, K15_TheSecondNameServerIsAskedWhenTheFirstIsSilent) {
  NameServer first(true);
  NameServer second(false);
  const auto resolver = make_dns_resolver({first.address(), second.address()});
  ASSERT_TRUE(resolver.has_value());
  EXPECT_EQ(resolve(**resolver, "keyd.example").value(), Addresses{"192.0.2.7"});
  EXPECT_GT(first.asked(), 0);
}

TEST(Resolver, UnknownNamesAreNotFound) {
  NameServer server(false);
  const auto resolver = make_dns_resolver({server.address()});
  ASSERT_TRUE(resolver.has_value());
  const auto found = resolve(**resolver, "nobody.example");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
}

TEST(Resolver, SilentNameServersEndAtTheDeadline) {
  NameServer server(true);
  const auto resolver = make_dns_resolver({server.address()});
  ASSERT_TRUE(resolver.has_value());
  const auto found = resolve(**resolver, "keyd.example", milliseconds{100});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::kTimeout);
}

TEST(Resolver, MalformedServersAreNamed) {
  for (const Addresses& bad :
       {Addresses{}, Addresses{""}, Addresses{"dns.example"}, Addresses{"1.2.3"}, Addresses{"192.0.2.1:0"},
        Addresses{"192.0.2.1:x"}, Addresses{"[::1"}, Addresses{"192.0.2.1", "bad"}}) {
    const auto resolver = make_dns_resolver(bad);
    ASSERT_FALSE(resolver.has_value());
    EXPECT_EQ(resolver.error().field, "servers");
  }
  EXPECT_TRUE(make_dns_resolver({"192.0.2.1", "192.0.2.1:53", "::1", "[::1]", "[::1]:5353"}).has_value());
}

}  // namespace
}  // namespace tapewarden::net
