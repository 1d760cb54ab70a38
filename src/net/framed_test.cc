#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/client.h"
#include "net/server.h"
#include "net/testing/poll.h"
#include "net/testing/test_site.h"

namespace tapewarden::net {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::kPatience;
using testing::TestSite;

Bytes message_of(std::string_view text) {
  ByteWriter out;
  out.u24(0x420078).u8(0x01).u32(static_cast<std::uint32_t>(text.size())).text(text);
  return out.take();
}
std::string text_of(const Bytes& message) {
  return std::string(as_text(message).substr(kFrameHeader));
}

constexpr std::string_view kWantsMuch = "much";
constexpr std::size_t kMuch = 40'000'000;  // more than the sockets on both sides hold

// What the handlers of one server have seen and how they behave.
struct Script {
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> received{0};
  std::mutex mutex;
  std::vector<SessionInfo> infos;
  std::vector<std::pair<Bytes, Reply>> held;  // with `hold`
  std::string last_words;                     // the answer to a bad message
  std::atomic<bool> hold{false};
  std::vector<std::shared_ptr<SessionControl>> controls;

  std::size_t held_count() {
    const std::scoped_lock lock(mutex);
    return held.size();
  }
  std::vector<std::pair<Bytes, Reply>> take_held() {
    const std::scoped_lock lock(mutex);
    return std::exchange(held, {});
  }
  SessionInfo info(std::size_t at) {
    const std::scoped_lock lock(mutex);
    return infos.at(at);
  }
};

class EchoHandler final : public SessionHandler {
 public:
  explicit EchoHandler(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  void on_message(Bytes message, Reply reply) override {
    ++script_->received;
    if (text_of(message) == kWantsMuch) return reply(message_of(std::string(kMuch, 'x')));
    if (!script_->hold) return reply(std::move(message));
    const std::scoped_lock lock(script_->mutex);
    script_->held.emplace_back(std::move(message), std::move(reply));
  }
  Bytes on_bad_message(const Error&) override {
    return script_->last_words.empty() ? Bytes{} : message_of(script_->last_words);
  }
  void on_closed() override { ++script_->closed; }

 private:
  std::shared_ptr<Script> script_;
};

// A TCP connection without TLS, for clients that misbehave.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawSocket() { ::close(socket_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  bool connected() const { return connected_; }
  void send(std::string_view text) { EXPECT_GE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), 0); }
  // True when the peer ends the connection within ten seconds.
  bool ends() {
    std::array<char, 512> room;
    for (;;) {
      const auto count = ::recv(socket_, room.data(), room.size(), 0);
      if (count == 0) return true;
      if (count < 0) return errno == ECONNRESET;
    }
  }

 private:
  int socket_;
  bool connected_ = false;
};

class Framed : public ::testing::Test {
 protected:
  void start() {
    options.tls = options.tls.empty() ? site.server() : options.tls;
    auto started = FramedServer::start(
        loop, options, [script = script](const SessionInfo& info, std::shared_ptr<SessionControl> control) {
          ++script->opened;
          const std::scoped_lock lock(script->mutex);
          script->infos.push_back(info);
          script->controls.push_back(std::move(control));
          return std::make_shared<EchoHandler>(script);
        });
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server = *std::move(started);
  }
  FramedClientOptions client_options() {
    FramedClientOptions made;
    made.host = "127.0.0.1";
    made.port = server->port();
    made.tls = client_tls;
    return made;
  }
  Result<BlockingClient> connect() { return BlockingClient::connect(loop, client_options()); }

  TestSite site;
  TlsContext client_tls = site.client();
  Loop loop{2};
  std::shared_ptr<Script> script = std::make_shared<Script>();
  FramedServerOptions options;
  std::unique_ptr<FramedServer> server;
};

TEST_F(Framed, EchoesAndTellsWhoIsThere) {
  start();
  auto client = connect();
  ASSERT_TRUE(client.has_value()) << client.error().text();
  for (const std::size_t size : {0U, 1U, 7U, 8U, 400U, 16384U, 70000U, 900000U}) {
    const std::string text(size, 'x');
    const auto answer = client->call(message_of(text), kPatience);
    ASSERT_TRUE(answer.has_value()) << answer.error().text();
    EXPECT_EQ(text_of(*answer), text);
  }
  const auto seen = script->info(0);
  EXPECT_EQ(seen.peer.common_name, "client-1");
  EXPECT_EQ(seen.remote_address, "127.0.0.1");
  EXPECT_EQ(client->info().peer.common_name, "server");
  EXPECT_EQ(client->info().remote_port, server->port());
}

TEST_F(Framed, K11_ChannelBindingIsSharedByBothSides) {
  start();
  auto first = connect();
  auto second = connect();
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->call(message_of("a"), kPatience) && second->call(message_of("b"), kPatience));
  EXPECT_NE(first->info().channel_binding, second->info().channel_binding);
  EXPECT_TRUE(script->info(0).channel_binding == first->info().channel_binding ||
              script->info(1).channel_binding == first->info().channel_binding);
}

TEST_F(Framed, ConnectsByName) {
  start();
  auto how = client_options();
  how.host = "localhost";
  auto client = BlockingClient::connect(loop, how);
  ASSERT_TRUE(client.has_value()) << client.error().text();
  EXPECT_TRUE(client->call(message_of("x"), kPatience).has_value());
  how.host = "no-such-host.invalid";
  const auto lost = BlockingClient::connect(loop, how);
  ASSERT_FALSE(lost.has_value());
}

TEST_F(Framed, ServerNameMayDifferFromTheHost) {
  start();
  auto how = client_options();
  how.server_name = "localhost";
  EXPECT_TRUE(BlockingClient::connect(loop, how).has_value());
  how.server_name = "other.example";
  const auto wrong = BlockingClient::connect(loop, how);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Framed, RefusesStrangersAndCountsWhy) {
  std::atomic<int> told{0};
  options.on_refused = [&](const std::string& address, const Error& error) {
    EXPECT_EQ(address, "127.0.0.1");
    EXPECT_FALSE(error.message.empty());
    ++told;
  };
  start();
  TestSite other;
  auto stranger = other.client_config(other.client_leaf("stranger"));
  stranger.authorities = {site.authority()};
  // Under TLS 1.3 a client is done before the server has judged it: the refusal may come with the first
  // answer.
  const auto refused = [&](const TlsContext& tls) {
    client_tls = tls;
    auto client = connect();
    const auto answer =
        client ? client->call(message_of("x"), kPatience) : Result<Bytes>(std::unexpected(client.error()));
    return answer ? ErrorCode::kInternal : answer.error().code;
  };
  EXPECT_EQ(refused(*TlsContext::client(stranger)), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(site.anonymous_client()), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(other.client()), ErrorCode::kUnauthenticated);  // here it is the client who refuses
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_broken == 1; }));
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_untrusted == 1; }));
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_no_certificate == 1; }));
  EXPECT_EQ(script->opened, 0);
  EXPECT_TRUE(eventually([&] { return told == 3; }));
  server.reset();
}

TEST_F(Framed, K11_ExpiredClientIsServedAndReported) {
  auto config = site.server_config();
  config.allow_expired_peers = true;
  options.tls = *TlsContext::server(config);
  start();
  client_tls = *TlsContext::client(site.client_config(site.client_leaf_valid("old", -9, -3)));
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  ASSERT_TRUE(client->call(message_of("x"), kPatience).has_value());
  EXPECT_TRUE(script->info(0).peer.expired);
}

TEST_F(Framed, NobodyListens) {
  start();
  auto how = client_options();
  server.reset();
  const auto client = BlockingClient::connect(loop, how);
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnavailable);
}

TEST_F(Framed, ListenErrorsAreNamed) {
  start();
  auto again = options;
  again.listen.port = server->port();
  const auto factory = [](const SessionInfo&, const std::shared_ptr<SessionControl>&) {
    return std::shared_ptr<SessionHandler>{};
  };
  const auto taken = FramedServer::start(loop, again, factory);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  again.listen = {"localhost", 0};
  const auto name = FramedServer::start(loop, again, factory);
  ASSERT_FALSE(name.has_value());
  EXPECT_EQ(name.error().field, "address");
  again.listen = {};
  again.tls = client_tls;
  EXPECT_FALSE(FramedServer::start(loop, again, factory).has_value());
}

TEST_F(Framed, AnswersInAnyOrderFromAnyThread) {
  options.limits.max_in_flight = 32;
  start();
  script->hold = true;
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  for (int i = 0; i < 32; ++i) client->send(message_of(std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return script->held_count() == 32; }));
  auto held = script->take_held();
  for (auto entry = held.rbegin(); entry != held.rend(); ++entry) entry->second(entry->first);
  for (int i = 31; i >= 0; --i) {
    const auto answer = client->receive(kPatience);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(text_of(*answer), std::to_string(i));
  }
}

TEST_F(Framed, ReadingStopsAtTheInFlightLimitAndGoesOn) {
  options.limits.max_in_flight = 4;
  start();
  script->hold = true;
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) client->send(message_of(std::to_string(i)));
  int answered = 0;
  while (answered < kMessages) {
    ASSERT_TRUE(eventually([&] { return script->held_count() > 0; }));
    EXPECT_LE(script->held_count(), 4U);
    auto held = script->take_held();
    for (auto& [message, reply] : held) reply(message);
    for (std::size_t i = 0; i < held.size(); ++i) {
      const auto answer = client->receive(kPatience);
      ASSERT_TRUE(answer.has_value());
      EXPECT_EQ(text_of(*answer), std::to_string(answered++));
    }
  }
}

TEST_F(Framed, ADroppedReplyFreesItsPlace) {
  options.limits.max_in_flight = 1;
  start();
  script->hold = true;
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  client->send(message_of("forgotten"));
  ASSERT_TRUE(eventually([&] { return script->held_count() == 1; }));
  script->hold = false;
  script->take_held();  // drops the reply
  const auto answer = client->call(message_of("next"), kPatience);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(text_of(*answer), "next");
}

TEST_F(Framed, OversizedMessageGetsALastAnswerThenTheEnd) {
  options.max_message_bytes = 1000;
  script->last_words = "too big";
  start();
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  client->send(message_of("fine"));
  client->send(message_of(std::string(5000, 'x')));
  EXPECT_EQ(text_of(*client->receive(kPatience)), "fine");
  const auto last = client->receive(kPatience);
  ASSERT_TRUE(last.has_value()) << last.error().text();
  EXPECT_EQ(text_of(*last), "too big");
  EXPECT_TRUE(client->wait_closed(kPatience));
  EXPECT_EQ(server->stats().bad_messages, 1U);
  EXPECT_TRUE(eventually([&] { return script->closed == 1; }));
}

TEST_F(Framed, GarbageInsideTlsEndsTheSession) {
  start();
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  client->send(to_bytes("this is no TTLV at all"));
  EXPECT_TRUE(client->wait_closed(kPatience));
  EXPECT_EQ(script->received, 0);
}

TEST_F(Framed, RequestsInFlightAreAnsweredBeforeTheEndOfABadSession) {
  script->last_words = "bad";
  start();
  script->hold = true;
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  client->send(message_of("good"));
  client->send(to_bytes("bad bad bad"));
  ASSERT_TRUE(eventually([&] { return server->stats().bad_messages == 1; }));
  for (auto& [message, reply] : script->take_held()) reply(message);
  EXPECT_EQ(text_of(*client->receive(kPatience)), "good");
  EXPECT_EQ(text_of(*client->receive(kPatience)), "bad");
  EXPECT_TRUE(client->wait_closed(kPatience));
}

TEST_F(Framed, TruncatedMessageIsDroppedWithItsConnection) {
  start();
  {
    auto client = connect();
    ASSERT_TRUE(client.has_value());
    auto part = message_of("a longer message");
    part.resize(12);
    client->send(part);
  }
  EXPECT_TRUE(eventually([&] { return script->closed == 1; }));
  EXPECT_EQ(script->received, 0);
}

TEST_F(Framed, MessageThatIsNeverCompletedIsTimedOut) {
  options.limits.message_timeout = milliseconds{50};
  start();
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  auto part = message_of("a longer message");
  part.resize(12);
  client->send(part);
  EXPECT_TRUE(client->wait_closed(kPatience));
  EXPECT_TRUE(eventually([&] { return server->stats().closed_slow == 1; }));
}

TEST_F(Framed, SilentClientsAreDroppedWhileOthersAreServed) {
  options.limits.handshake_timeout = milliseconds{200};
  start();
  std::vector<std::unique_ptr<RawSocket>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<RawSocket>(server->port()));
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  EXPECT_TRUE(client->call(message_of("x"), kPatience).has_value());
  for (auto& socket : silent) EXPECT_TRUE(socket->ends());
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_timed_out == 20; }));
  EXPECT_EQ(server->stats().sessions_now, 1U);
}

TEST_F(Framed, StalledHandshakesGiveWayWhenAllPlacesAreTaken) {
  options.limits.max_handshakes = 4;
  options.limits.handshake_timeout = milliseconds{60'000};
  start();
  std::vector<std::unique_ptr<RawSocket>> silent;
  for (int i = 0; i < 6; ++i) silent.push_back(std::make_unique<RawSocket>(server->port()));
  auto how = client_options();
  how.connect_deadline = kPatience;
  auto client = BlockingClient::connect(loop, how);
  ASSERT_TRUE(client.has_value()) << client.error().text();
  EXPECT_TRUE(client->call(message_of("x"), kPatience).has_value());
  EXPECT_GE(server->stats().handshakes_dropped, 4U);
}

TEST_F(Framed, PlainTextIsNoHandshake) {
  start();
  RawSocket socket(server->port());
  ASSERT_TRUE(socket.connected());
  socket.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(socket.ends());
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_broken == 1; }));
}

TEST_F(Framed, HalfOpenHandshakeIsCounted) {
  start();
  {
    RawSocket socket(server->port());
    socket.send(
        std::string_view("\x16\x03\x01\x02\x00", 5));  // the head of a ClientHello that does not follow
  }
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_broken == 1; }));
  EXPECT_TRUE(eventually([&] { return server->stats().handshakes_now == 0; }));
}

TEST_F(Framed, SessionLimitHolds) {
  options.limits.max_sessions = 2;
  start();
  auto first = connect();
  auto second = connect();
  ASSERT_TRUE(first && second);
  // A client is connected before the server has verified it: only then is it a session.
  ASSERT_TRUE(eventually([&] { return server->stats().sessions_now == 2; }));
  EXPECT_FALSE(connect().has_value());
  EXPECT_EQ(server->stats().refused_sessions, 1U);
  first = fail(ErrorCode::kUnavailable, "gone");
  ASSERT_TRUE(eventually([&] { return server->stats().sessions_now == 1; }));
  EXPECT_TRUE(connect().has_value());
}

TEST_F(Framed, AddressLimitHolds) {
  options.limits.max_sessions_per_address = 1;
  start();
  auto first = connect();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(connect().has_value());
  EXPECT_EQ(server->stats().refused_per_address, 1U);
}

TEST_F(Framed, K15_ConnectionsStayOpenByDefaultAndIdleOnesEndWhenAsked) {
  start();
  EXPECT_EQ(options.limits.idle_timeout.count(), 0);
  auto lasting = connect();
  ASSERT_TRUE(lasting.has_value());
  options.limits.idle_timeout = milliseconds{50};
  auto strict = std::move(server);
  start();
  std::swap(strict, server);
  auto how = client_options();
  how.port = strict->port();
  auto idle = BlockingClient::connect(loop, how);
  ASSERT_TRUE(idle.has_value());
  EXPECT_TRUE(idle->wait_closed(kPatience));
  EXPECT_TRUE(eventually([&] { return strict->stats().closed_idle == 1; }));
  EXPECT_TRUE(lasting->call(message_of("still here"), kPatience).has_value());
}

TEST_F(Framed, PeerThatTakesNoAnswersIsCutOff) {
  options.limits.write_timeout = milliseconds{200};
  start();
  // A client whose thread is kept busy takes nothing from its socket.
  Loop slow_loop(1);
  struct Stuck final : ClientHandler {
    void on_connected(const SessionInfo&) override {}
    void on_message(Bytes) override {
      EXPECT_TRUE(eventually([&] { return released.load(); }));
    }
    void on_closed(const Error&) override {}
    std::atomic<bool> released{false};
  };
  const auto handler = std::make_shared<Stuck>();
  auto client = FramedClient::connect(slow_loop, client_options(), handler);
  // Both go out together; the answer to the first stops the client from reading the second.
  auto both = message_of("little");
  const auto second = message_of(kWantsMuch);
  both.insert(both.end(), second.begin(), second.end());
  client->send(std::move(both));
  EXPECT_TRUE(eventually([&] { return server->stats().closed_slow == 1; }));
  handler->released = true;
  client.reset();
}

TEST_F(Framed, StopLetsRequestsInFlightFinish) {
  start();
  script->hold = true;
  auto client = connect();
  auto idle = connect();
  ASSERT_TRUE(client && idle);
  client->send(message_of("late"));
  ASSERT_TRUE(eventually([&] { return script->held_count() == 1; }));
  std::atomic<bool> clean{false};
  std::thread stopper([&] { clean = server->stop(kPatience); });
  EXPECT_TRUE(idle->wait_closed(kPatience));
  EXPECT_FALSE(connect().has_value());
  for (auto& [message, reply] : script->take_held()) reply(message);
  const auto answer = client->receive(kPatience);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(text_of(*answer), "late");
  client = fail(ErrorCode::kUnavailable, "gone");
  stopper.join();
  EXPECT_TRUE(clean);
  EXPECT_EQ(script->closed, 2);
}

TEST_F(Framed, StopCutsOffWhatTakesTooLong) {
  start();
  script->hold = true;
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  client->send(message_of("never answered"));
  ASSERT_TRUE(eventually([&] { return script->held_count() == 1; }));
  EXPECT_FALSE(server->stop(milliseconds{20}));
  EXPECT_EQ(script->closed, 1);
  EXPECT_TRUE(client->wait_closed(kPatience));
  const auto held = script->take_held();
  held.front().second(message_of("too late"));  // must do nothing
}

TEST_F(Framed, RepliesAfterServerAndLoopAreGoneDoNothing) {
  std::vector<std::pair<Bytes, Reply>> held;
  {
    Loop short_loop(1);
    options.tls = site.server();
    auto started = FramedServer::start(short_loop, options, [this](const SessionInfo&, const auto&) {
      return std::make_shared<EchoHandler>(script);
    });
    ASSERT_TRUE(started.has_value());
    server = *std::move(started);
    script->hold = true;
    auto client = connect();
    ASSERT_TRUE(client.has_value());
    client->send(message_of("x"));
    ASSERT_TRUE(eventually([&] { return script->held_count() == 1; }));
    held = script->take_held();
    server.reset();
  }
  held.front().second(message_of("much too late"));
  held.clear();
}

TEST_F(Framed, SessionControlEndsASession) {
  start();
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  ASSERT_TRUE(client->call(message_of("x"), kPatience).has_value());
  {
    const std::scoped_lock lock(script->mutex);
    script->controls.front()->close();
  }
  EXPECT_TRUE(client->wait_closed(kPatience));
}

TEST_F(Framed, ReloadedContextServesNewConnections) {
  start();
  auto before = connect();
  ASSERT_TRUE(before.has_value());
  TestSite other;
  auto config = site.server_config();
  config.authorities = {other.authority()};
  server->replace_tls(*TlsContext::server(config));
  auto stranger = other.client_config(other.client_leaf("newcomer"));
  stranger.authorities = {site.authority()};
  client_tls = *TlsContext::client(stranger);
  auto after = connect();
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->call(message_of("new"), kPatience).has_value());
  EXPECT_TRUE(before->call(message_of("old"), kPatience).has_value());
}

TEST_F(Framed, ClientMayBeClosedAtAnyMoment) {
  start();
  struct Quiet final : ClientHandler {
    void on_connected(const SessionInfo&) override {}
    void on_message(Bytes) override {}
    void on_closed(const Error&) override { ++closed; }
    std::atomic<int> closed{0};
  };
  const auto handler = std::make_shared<Quiet>();
  for (int i = 0; i < 50; ++i) {
    auto client = FramedClient::connect(loop, client_options(), handler);
    client->send(message_of("x"));
    if (i % 2 == 0) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return handler->closed == 50; }));
  EXPECT_TRUE(eventually([&] { return server->stats().sessions_now + server->stats().handshakes_now == 0; }));
}

TEST_F(Framed, HundredsOfConnectionsComeAndGo) {
  start();
  constexpr int kRounds = 4;
  constexpr int kAtOnce = 75;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<BlockingClient> clients;
    for (int i = 0; i < kAtOnce; ++i) {
      auto client = connect();
      ASSERT_TRUE(client.has_value()) << client.error().text();
      clients.push_back(*std::move(client));
    }
    for (auto& client : clients) client.send(message_of("hello"));
    for (auto& client : clients) EXPECT_TRUE(client.receive(kPatience).has_value());
  }
  ASSERT_TRUE(eventually([&] { return script->closed == kRounds * kAtOnce; }));
  ASSERT_TRUE(eventually([&] { return server->stats().sessions_now == 0; }));
  const auto stats = server->stats();
  EXPECT_EQ(stats.accepted, kRounds * kAtOnce);
  EXPECT_EQ(stats.handshakes_done, kRounds * kAtOnce);
  EXPECT_EQ(stats.sessions_closed, kRounds * kAtOnce);
  EXPECT_TRUE(eventually([&] {
    return script.use_count() == 1 + 1;
  }));  // this test and the server's factory: every handler is gone
}

}  // namespace
}  // namespace tapewarden::net
