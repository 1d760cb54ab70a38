#include "apps/join_file.h"

#include <gmock/gmock.h>

#include "apps/keyd_config.h"
#include "apps/site_files.h"
#include "base/testing/sim_env.h"
#include "base/text.h"

namespace tapewarden::apps {
namespace {

using ::testing::HasSubstr;

// Two servers, each with an authority of its own, as two installations have them.
class JoinFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    make("one", 1);
    make("two", 2);
  }
  void make(const std::string& site, std::uint8_t number) {
    const auto authority = SiteAuthority::make(sim_.env(), site);
    ASSERT_TRUE(authority.has_value());
    const std::string tls = "/" + site + "/tls/";
    for (const auto& [file, use] : {std::pair{"signing.crt", crypto::CertificateUse::kSigning},
                                    {"exchange.crt", crypto::CertificateUse::kKeyWrapping}}) {
      put(tls + file, authority
                          ->certify(std::string("primary ") + file, "keyd", use,
                                    crypto::PrivateKey::generate_p256().public_key())
                          .value()
                          .pem());
    }
    put(tls + "authorities.crt", authority->pair().certificate.pem());
    KeydConfig config;
    config.server_id = Uuid::from(Bytes(16, number));
    config.server_name = "primary";
    config.data_directory = "data";
    config.master_key_file = "master.key";
    config.https.port = static_cast<std::uint16_t>(1443 + number);
    config.tls_certificate = "tls/server.crt";
    config.tls_key = "tls/server.key";
    config.tls_authorities = "tls/authorities.crt";
    put("/" + site + "/keyd.toml", write_keyd_config(config));
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(sim_.disk, path, as_bytes(text)));
  }
  std::string get(const std::string& path) {
    const auto bytes = read_file(sim_.disk, path, kJoinFileLimit);
    return bytes ? std::string(as_text(*bytes)) : "";
  }
  Result<MergeReport> merge(const std::string& file, const std::string& fingerprint) {
    return merge_with(sim_.env(), {"/one/keyd.toml", file, fingerprint});
  }

  testing::SimEnv sim_{19};
};

TEST_F(JoinFiles, K19_ExchangedTheyMakeTwoInstallationsKnowEachOther) {
  const auto fingerprint = introduce(sim_.env(), {"/two/keyd.toml", "keys-2.example.org:2443", "/two.join"});
  ASSERT_TRUE(fingerprint) << fingerprint.error().text();
  EXPECT_EQ(fingerprint->size(), 39U);
  const auto made = merge("/two.join", to_upper(*fingerprint));
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_THAT(made->lines, HasSubstr("id = \"" + Uuid::from(Bytes(16, 2)).text() + "\""));
  EXPECT_THAT(made->lines, HasSubstr("host = \"keys-2.example.org\"\nport = 2443\n"));
  EXPECT_EQ(get("/one/tls/peer-signing.crt"), get("/two/tls/signing.crt"));
  EXPECT_EQ(get("/one/tls/peer-exchange.crt"), get("/two/tls/exchange.crt"));
  const std::string both = get("/one/tls/authorities.crt");
  EXPECT_THAT(both, HasSubstr(get("/two/tls/authorities.crt")));
  // Again: the same. With the lines added the configuration is read, and no second peer is taken.
  ASSERT_TRUE(merge("/two.join", *fingerprint));
  EXPECT_EQ(get("/one/tls/authorities.crt"), both);
  put("/one/keyd.toml", get("/one/keyd.toml") + "\n" + made->lines);
  const auto config = read_keyd_config(sim_.disk, "/one/keyd.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->peer->port, 2443);
  EXPECT_EQ(merge("/two.join", *fingerprint).error().code, ErrorCode::kConflict);
}

// What merge_with would refuse is told where it can be mended, and no file is written.
TEST_F(JoinFiles, K19_IntroduceWritesNothingThatTheOtherServerWouldRefuse) {
  const std::string config = get("/two/keyd.toml");
  for (const std::string& name : {std::string("Zürich"), std::string(65, 'n')}) {
    std::string other = config;
    const std::string line = "name = \"primary\"";
    other.replace(other.find(line), line.size(), "name = \"" + name + "\"");
    put("/two/keyd.toml", other);
    const auto refused = introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().field, "name");
    EXPECT_THAT(refused.error().remedy, HasSubstr("server.name"));
  }
  put("/two/keyd.toml", config);
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += SiteAuthority::make(sim_.env(), "site " + std::to_string(i))->pair().certificate.pem();
    if (i == 15) {
      put("/two/tls/authorities.crt", many);
      ASSERT_TRUE(introduce(sim_.env(), {"/two/keyd.toml", "", "/sixteen.join"}));
    }
  }
  put("/two/tls/authorities.crt", many);
  const auto refused = introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "authorities");
  EXPECT_THAT(refused.error().remedy, HasSubstr("tls/authorities.crt"));
  EXPECT_FALSE(sim_.disk.exists("/two.join"));
}

TEST_F(JoinFiles, K19_AnAddressOfIpVersion6IsTaken) {
  int number = 0;
  for (const auto& [given, host, port] : {std::tuple{"2001:db8::17", "2001:db8::17", 1445},
                                          {"[2001:db8::17]", "2001:db8::17", 1445},
                                          {"[2001:db8::17]:2443", "2001:db8::17", 2443},
                                          {"keys-2.example.org", "keys-2.example.org", 1445},
                                          {"192.0.2.7:2443", "192.0.2.7", 2443}}) {
    const std::string file = "/" + std::to_string(++number) + ".join";
    const auto made = introduce(sim_.env(), {"/two/keyd.toml", given, file});
    ASSERT_TRUE(made) << given << ": " << made.error().text();
    const auto read = JoinFile::parse(get(file));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->host, host);
    EXPECT_EQ(read->https_port, port) << given;
  }
  for (const char* bad : {"[2001:db8::17", "[2001:db8::17]2443", "[2001:db8::17]:", "[2001:db8::17]:99999",
                          "keys-2.example.org:", "keys-2.example.org:x", "[]", ":2443"}) {
    const auto refused = introduce(sim_.env(), {"/two/keyd.toml", bad, "/bad.join"});
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().field, "host") << bad;
  }
  EXPECT_FALSE(sim_.disk.exists("/bad.join"));
}

TEST_F(JoinFiles, K19_AFileThatWasChangedOrIsNoneChangesNothing) {
  const auto fingerprint = introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"});
  ASSERT_TRUE(fingerprint) << fingerprint.error().text();
  EXPECT_EQ(introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"}).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(introduce(sim_.env(), {"/two/keyd.toml", "a b", "/x.join"}).error().field, "host");
  const std::string before = get("/one/tls/authorities.crt");
  EXPECT_EQ(merge("/two.join", "0000 0000").error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(merge("/two.join", "").error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(merge("/nothing.join", *fingerprint).error().code, ErrorCode::kNotFound);
  const std::string good = get("/two.join");
  // Every cut at a line, and every changed letter of the first lines: none is taken for the file.
  for (std::size_t at = good.find('\n'); at != std::string::npos; at = good.find('\n', at + 1)) {
    if (at + 1 == good.size()) break;
    put("/bad.join", good.substr(0, at + 1));
    const auto refused = merge("/bad.join", *fingerprint);
    ASSERT_FALSE(refused) << at;
    EXPECT_FALSE(merge("/bad.join", "x").has_value());
  }
  for (std::size_t at = 0; at < 200; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    put("/bad.join", bad);
    EXPECT_FALSE(merge("/bad.join", *fingerprint)) << at;
  }
  put("/bad.join", "");
  EXPECT_EQ(merge("/bad.join", join_fingerprint("")).error().code, ErrorCode::kInvalidArgument);
  const auto own = introduce(sim_.env(), {"/one/keyd.toml", "", "/one.join"});
  ASSERT_TRUE(own);
  EXPECT_EQ(merge("/one.join", *own).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(get("/one/tls/authorities.crt"), before);
  EXPECT_EQ(get("/one/tls/peer-signing.crt"), "");
}

}  // namespace
}  // namespace tapewarden::apps
