// The client over real TLS connections on loopback, with real threads and time.
#include "dkx/client/net_transport.h"

#include <gtest/gtest.h>
#include <latch>
#include <thread>

#include "base/real_env.h"
#include "crypto/random.h"
#include "dkx/client/client.h"
#include "dkx/testing/parties.h"
#include "net/server.h"
#include "net/testing/test_site.h"

namespace tapewarden::dkx {
namespace {

using testing::parties;
using testing::Party;

// Answers hello with nonces and every key request that is signed for this connection with a key.
class Session final : public net::SessionHandler {
 public:
  Session(const Party& party, Uuid id, ChannelBinding binding) : party_(party), id_(id), binding_(binding) {}
  void on_message(Bytes message, net::Reply reply) override {
    const auto envelope = decode_request_envelope(message);
    if (!envelope) return;
    const auto body = decode_request_body(envelope->body);
    if (!body) return;
    reply(encode(sign_answer(*envelope, encode(answer(*envelope, *body)), party_.key,
                             party_.certificate.fingerprint())));
  }

 private:
  AnswerBody answer(const RequestEnvelope& envelope, const RequestBody& body) {
    if (const auto* hello = std::get_if<HelloRequest>(&body)) {
      HelloAnswer out{{kVersion}, id_, party_.certificate.der(), {}, WallTime{}, ServerState::kServing, ""};
      out.nonces.resize(hello->nonces);
      for (auto& nonce : out.nonces) random_.fill(nonce);
      return out;
    }
    if (std::holds_alternative<PingRequest>(body)) return PingAnswer{};
    const auto& key = std::get<KeyRequest>(body);
    const auto signer = *parties().drive.certificate.public_key();
    if (key.binding != binding_ || !verify_request(envelope, signer)) {
      return Refusal{eedk::EkmCode::kInvalidSignature,
                     eedk::Origin::kKeyServer,
                     "binding or signature",
                     "",
                     "",
                     RetryReason::kNone,
                     {}};
    }
    KeyAnswer out;
    out.ledger = {id_, 1};
    return out;
  }

  const Party& party_;
  const Uuid id_;
  const ChannelBinding binding_;
  crypto::SystemRandom random_;
};

class NetClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<net::FramedServer> serve(const Party& party, std::uint8_t id) {
    net::FramedServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.tls = site_.server();
    auto server = net::FramedServer::start(
        loop_, options, [&party, id](const net::SessionInfo& info, std::shared_ptr<net::SessionControl>) {
          return std::make_shared<Session>(party, testing::uuid_of(id), info.channel_binding);
        });
    EXPECT_TRUE(server) << server.error().text();
    return std::move(*server);
  }
  std::unique_ptr<Connector> connector(const net::FramedServer& server) {
    net::FramedClientOptions options;
    options.host = "127.0.0.1";
    options.port = server.port();
    options.tls = site_.client("engine");
    return make_net_connector(loop_, options);
  }
  // Polls, because connections are made by other threads; ends by itself.
  template <typename Condition>
  bool eventually(Condition condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  static Result<RequestEnvelope> build(const Attempt& attempt) {
    KeyRequest request = testing::sample_key_request(Intent::kRead);
    request.nonce = attempt.nonce;
    request.binding = attempt.binding;
    return sign_request(0, encode(request), SignerKind::kDrive, parties().drive.key,
                        &parties().drive.certificate);
  }
  // Starts `count` exchanges at once and waits for all.
  static std::vector<Result<Answered>> ask(Client& client, std::ptrdiff_t count) {
    std::vector<Result<Answered>> out(static_cast<std::size_t>(count),
                                      fail(ErrorCode::kInternal, "not completed"));
    std::latch done(count);
    for (auto& result : out) {
      client.exchange(build, [&](Result<Answered> answered) {
        result = std::move(answered);
        done.count_down();
      });
    }
    done.wait();
    return out;
  }

  net::testing::TestSite site_;
  RealClock clock_;
  crypto::SystemRandom random_;
  ThreadPool pool_{2};
  net::Loop loop_{2};
};

TEST_F(NetClientTest, T8_FailsOverBetweenRealServersAndLosesNoExchange) {
  auto primary = serve(parties().server, 0x51);
  auto secondary = serve(parties().other, 0x52);
  ClientConfig config;
  config.env = {&clock_, nullptr, &random_, &pool_};
  config.servers.push_back({connector(*primary), {}});
  config.servers.push_back({connector(*secondary), {}});
  config.trust = {{parties().authority.certificate}, "keyd"};
  Client client(std::move(config));
  const auto both_up = [&] {
    const auto status = client.status();
    return status[0].connection == Connection::kUp && status[1].connection == Connection::kUp;
  };
  ASSERT_TRUE(eventually(both_up)) << client.status()[0].failure->text();

  for (const auto& result : ask(client, 200)) {
    ASSERT_TRUE(key_answer(result)) << key_answer(result).error().text();
    EXPECT_EQ(result->role, ServerRole::kPrimary);
  }
  std::thread killer([&] { primary.reset(); });
  const auto results = ask(client, 400);
  killer.join();
  for (const auto& result : results) {
    EXPECT_TRUE(key_answer(result)) << key_answer(result).error().text();
  }
  ASSERT_TRUE(eventually([&] { return client.status()[0].connection == Connection::kDown; }));
  EXPECT_EQ(ask(client, 1)[0]->role, ServerRole::kSecondary);
}

TEST_F(NetClientTest, T8_UnreachableServersAreReportedWithTheirReasons) {
  auto gone = serve(parties().server, 0x51);
  ClientConfig config;
  config.env = {&clock_, nullptr, &random_, &pool_};
  config.servers.push_back({connector(*gone), {}});
  gone.reset();
  config.trust = {{parties().authority.certificate}, "keyd"};
  config.timing.patience = std::chrono::milliseconds(50);
  Client client(std::move(config));
  const auto result = ask(client, 1)[0];
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(result.error().message.find("127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::dkx
