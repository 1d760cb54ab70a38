#include "net/tls_engine.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "net/testing/test_site.h"

namespace tapewarden::net {
namespace {

using testing::TestSite;

// Two engines joined back to back.
class Pair {
 public:
  Pair(const TlsContext& server_context, const TlsContext& client_context,
       const std::string& name = "localhost")
      : server(server_context, ""), client(client_context, name) {}

  // Carries bytes until both sides are done or one fails.
  void shake() {
    for (int turn = 0; turn < 10; ++turn) {
      if (client_state != TlsProgress::kFailed) client_state = step(client, server.output(), to_client_);
      if (server_state != TlsProgress::kFailed) server_state = step(server, client.output(), to_server_);
    }
  }
  Result<Bytes> carry(TlsEngine& from, TlsEngine& to, ByteView plaintext) {
    if (!from.write(plaintext)) return std::unexpected(from.error());
    Bytes wire = std::exchange(from.output(), {});
    to.feed(wire);
    Bytes got;
    Bytes room(16384);
    std::size_t count = 0;
    while (to.read(room, count) == TlsProgress::kDone)
      got.insert(got.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
    return got;
  }

  TlsEngine server;
  TlsEngine client;
  TlsProgress server_state = TlsProgress::kNeedInput;
  TlsProgress client_state = TlsProgress::kNeedInput;

 private:
  static TlsProgress step(TlsEngine& engine, Bytes& wire, Bytes& held) {
    if (engine.input_consumed()) {
      held = std::exchange(wire, {});
      engine.feed(held);
    }
    return engine.handshake();
  }
  Bytes to_client_;
  Bytes to_server_;
};

TlsContext made(Result<TlsContext> context) {
  EXPECT_TRUE(context.has_value()) << (context ? "" : context.error().text());
  return *context;
}

TEST(TlsEngine, BothSidesLearnWhoThePeerIs) {
  TestSite site;
  const auto leaf = site.client_leaf("drive-7", "drive");
  Pair pair(site.server(), made(TlsContext::client(site.client_config(leaf))));
  pair.shake();
  ASSERT_EQ(pair.server_state, TlsProgress::kDone);
  ASSERT_EQ(pair.client_state, TlsProgress::kDone);
  const auto peer = pair.server.peer();
  EXPECT_EQ(peer.common_name, "drive-7");
  EXPECT_EQ(peer.organizational_unit, "drive");
  EXPECT_EQ(peer.fingerprint, leaf.certificate.fingerprint());
  EXPECT_EQ(peer.certificate, leaf.certificate);
  EXPECT_FALSE(peer.expired);
  EXPECT_EQ(pair.client.peer().common_name, "server");
  EXPECT_EQ(pair.server.version(), TlsVersion::k13);
}

TEST(TlsEngine, K11_ChannelBindingIsEqualOnBothSidesAndNewOnEachConnection) {
  TestSite site;
  const auto server = site.server();
  const auto client = site.client();
  Pair first(server, client);
  Pair second(server, client);
  first.shake();
  second.shake();
  EXPECT_EQ(first.server.channel_binding(), first.client.channel_binding());
  EXPECT_EQ(second.server.channel_binding(), second.client.channel_binding());
  EXPECT_NE(first.server.channel_binding(), second.server.channel_binding());
  EXPECT_NE(first.server.channel_binding(), ChannelBinding{});
}

TEST(TlsEngine, RefusesAClientOfAnotherAuthority) {
  TestSite site;
  TestSite other;
  auto config = other.client_config(other.client_leaf("stranger"));
  config.authorities = {site.authority()};
  Pair pair(site.server(), made(TlsContext::client(config)));
  pair.shake();
  EXPECT_EQ(pair.server_state, TlsProgress::kFailed);
  EXPECT_EQ(pair.server.failure(), TlsFailure::kUntrusted);
  EXPECT_EQ(pair.server.error().code, ErrorCode::kUnauthenticated);
}

TEST(TlsEngine, RefusesAServerOfAnotherAuthority) {
  TestSite site;
  TestSite other;
  Pair pair(site.server(), other.client());
  pair.shake();
  EXPECT_EQ(pair.client_state, TlsProgress::kFailed);
  EXPECT_EQ(pair.client.failure(), TlsFailure::kUntrusted);
}

TEST(TlsEngine, RefusesAClientWithoutCertificateWhereOneIsRequired) {
  TestSite site;
  Pair pair(site.server(), site.anonymous_client());
  pair.shake();
  EXPECT_EQ(pair.server_state, TlsProgress::kFailed);
  EXPECT_EQ(pair.server.failure(), TlsFailure::kNoCertificate);
}

TEST(TlsEngine, TakesAClientWithoutCertificateWhereItIsOptional) {
  TestSite site;
  auto config = site.server_config();
  config.client_certificates = ClientCertificates::kOptional;
  Pair pair(made(TlsContext::server(config)), site.anonymous_client());
  pair.shake();
  ASSERT_EQ(pair.server_state, TlsProgress::kDone);
  EXPECT_FALSE(pair.server.peer().has_certificate());
}

TEST(TlsEngine, ChecksTheServersName) {
  TestSite site;
  const auto server = site.server();
  const auto client = site.client();
  for (const std::string name : {"localhost", "127.0.0.1", "::1"}) {
    Pair pair(server, client, name);
    pair.shake();
    EXPECT_EQ(pair.client_state, TlsProgress::kDone) << name;
  }
  for (const std::string name :
       {"example.org", "server", "10.0.0.1", "", "local host", "localhost.example.org"}) {
    Pair pair(server, client, name);
    pair.shake();
    EXPECT_EQ(pair.client_state, TlsProgress::kFailed) << name;
    EXPECT_EQ(pair.client.failure(), TlsFailure::kUntrusted) << name;
  }
}

class Expiry : public ::testing::Test {
 protected:
  Pair shaken(bool allow, int from_days, int to_days) {
    auto config = site.server_config();
    config.allow_expired_peers = allow;
    const auto leaf = site.client_leaf_valid("old drive", from_days, to_days);
    return {made(TlsContext::server(config)), made(TlsContext::client(site.client_config(leaf)))};
  }
  TestSite site;
};

TEST_F(Expiry, K11_ExpiredClientIsAcceptedAndReportedWithTheOption) {
  auto pair = shaken(true, -20, -10);
  pair.shake();
  ASSERT_EQ(pair.server_state, TlsProgress::kDone);
  EXPECT_TRUE(pair.server.peer().expired);
  EXPECT_FALSE(pair.server.peer().not_yet_valid);
}

TEST_F(Expiry, K11_NotYetValidClientIsAcceptedAndReportedWithTheOption) {
  auto pair = shaken(true, 10, 20);
  pair.shake();
  ASSERT_EQ(pair.server_state, TlsProgress::kDone);
  EXPECT_TRUE(pair.server.peer().not_yet_valid);
}

TEST_F(Expiry, ExpiredClientIsRefusedWithoutTheOption) {
  auto pair = shaken(false, -20, -10);
  pair.shake();
  EXPECT_EQ(pair.server_state, TlsProgress::kFailed);
  EXPECT_EQ(pair.server.failure(), TlsFailure::kUntrusted);
}

TEST_F(Expiry, TheOptionForgivesNothingElse) {
  auto config = site.server_config();
  config.allow_expired_peers = true;
  TestSite other;
  auto stranger = other.client_config(other.client_leaf_valid("old stranger", -20, -10));
  stranger.authorities = {site.authority()};
  Pair pair(made(TlsContext::server(config)), made(TlsContext::client(stranger)));
  pair.shake();
  EXPECT_EQ(pair.server_state, TlsProgress::kFailed);
  EXPECT_EQ(pair.server.failure(), TlsFailure::kUntrusted);
}

TEST(TlsEngine, Tls12OnlyWhereItIsAllowed) {
  TestSite site;
  auto config = site.server_config();
  config.minimum = TlsVersion::k12;
  Pair pair(made(TlsContext::server(config)), site.client());
  pair.shake();
  ASSERT_EQ(pair.server_state, TlsProgress::kDone);
  EXPECT_EQ(pair.server.version(), TlsVersion::k13);  // the best that both know
}

TEST(TlsEngine, GarbageFailsTheHandshake) {
  TestSite site;
  TlsEngine server(site.server(), "");
  const auto garbage = to_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  server.feed(garbage);
  EXPECT_EQ(server.handshake(), TlsProgress::kFailed);
  EXPECT_EQ(server.failure(), TlsFailure::kBroken);
}

TEST(TlsEngine, AChangedByteEndsTheConnection) {
  TestSite site;
  Pair pair(site.server(), site.client());
  pair.shake();
  ASSERT_TRUE(pair.client.write(as_bytes("a message")));
  auto wire = std::exchange(pair.client.output(), {});
  wire.back() ^= 1;
  pair.server.feed(wire);
  Bytes room(100);
  std::size_t count = 0;
  EXPECT_EQ(pair.server.read(room, count), TlsProgress::kFailed);
  EXPECT_EQ(count, 0U);
}

TEST(TlsEngine, K15_KeysAreRenewedOnLongConnections) {
  TestSite site;
  Pair pair(site.server(), site.client());
  pair.shake();
  pair.client.set_records_per_key(3);
  const auto binding = pair.client.channel_binding();
  for (int i = 0; i < 20; ++i) {
    const auto text = "message " + std::to_string(i);
    const auto got = pair.carry(pair.client, pair.server, as_bytes(text));
    ASSERT_TRUE(got.has_value()) << got.error().text();
    EXPECT_EQ(as_text(*got), text);
    const auto back = pair.carry(pair.server, pair.client, as_bytes(text));
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(as_text(*back), text);
  }
  EXPECT_EQ(pair.client.channel_binding(), binding);
}

TEST(TlsContext, NamesWhatIsMissing) {
  TestSite site;
  const auto field_of = [](const Result<TlsContext>& result) {
    return result ? std::string("none") : result.error().field;
  };
  auto config = site.server_config();
  config.chain.clear();
  EXPECT_EQ(field_of(TlsContext::server(config)), "chain");
  config = site.server_config();
  config.key = {};
  EXPECT_EQ(field_of(TlsContext::server(config)), "key");
  config = site.server_config();
  config.key = crypto::PrivateKey::generate_p256();
  EXPECT_EQ(field_of(TlsContext::server(config)), "key");
  config = site.server_config();
  config.authorities.clear();
  EXPECT_EQ(field_of(TlsContext::server(config)), "authorities");
  config.client_certificates = ClientCertificates::kNone;
  EXPECT_EQ(field_of(TlsContext::server(config)), "none");
  EXPECT_EQ(field_of(TlsContext::client({})), "authorities");
}

TEST(TlsFiles, AreReadAndNamedWhenBad) {
  tapewarden::testing::SimDisk disk;
  TestSite site;
  const auto leaf = site.server_leaf();
  ASSERT_TRUE(write_file_atomically(disk, "chain.pem", as_bytes(leaf.certificate.pem())));
  ASSERT_TRUE(write_file_atomically(disk, "key.pem", leaf.key.pem().reveal()));
  ASSERT_TRUE(write_file_atomically(disk, "ca.pem", as_bytes(site.authority().pem())));
  ASSERT_TRUE(write_file_atomically(disk, "bad.pem", as_bytes("nothing of use")));
  const auto config = read_tls_files(disk, {"chain.pem", "key.pem", "ca.pem"});
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_TRUE(TlsContext::server(*config).has_value());
  EXPECT_FALSE(read_tls_files(disk, {"missing.pem", "", ""}).has_value());
  for (const TlsFiles& files :
       {TlsFiles{"bad.pem", "", ""}, TlsFiles{"", "bad.pem", ""}, TlsFiles{"", "", "bad.pem"}}) {
    const auto bad = read_tls_files(disk, files);
    ASSERT_FALSE(bad.has_value());
    EXPECT_NE(bad.error().message.find("bad.pem"), std::string::npos);
  }
}

}  // namespace
}  // namespace tapewarden::net
