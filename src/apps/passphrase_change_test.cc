#include "apps/passphrase_change.h"

#include <gmock/gmock.h>

#include "apps/keyd_config.h"
#include "base/real_env.h"
#include "crypto/random.h"
#include "store/master_key.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

using ::testing::HasSubstr;

constexpr crypto::ScryptCost kCheap{.n = 16, .r = 1, .p = 1};

crypto::SecretBytes phrase(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

class ChangePassphrase : public ::testing::Test {
 protected:
  Env env() { return {&clock_, &disk_, &random_, nullptr}; }
  std::string at(const std::string& name) const { return directory_.file(name); }
  void SetUp() override {
    KeydConfig config;
    config.server_id = Uuid::from(Bytes(16, 1));
    config.server_name = "primary";
    config.data_directory = "data";
    config.master_key_file = "master.key";
    config.passphrase_file = "phrase";
    config.tls_certificate = "tls/server.crt";
    config.tls_key = "tls/server.key";
    config.tls_authorities = "tls/authorities.crt";
    ASSERT_TRUE(disk_.make_directories(at("data"), 0700));
    put(at("keyd.toml"), write_keyd_config(config));
    put(at("phrase"), "the old words of it\n");
    put(at("new"), "the new words of it\n");
    const auto made =
        store::create_master_key(env(), at("master.key"), phrase("the old words of it"), kCheap);
    ASSERT_TRUE(made) << made.error().text();
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(disk_, path, as_bytes(text)));
  }
  Error refused(const PassphraseChange& change) {
    const Bytes before = *read_file(disk_, at("master.key"), 1U << 16);
    const auto changed = change_passphrase(env(), change);
    EXPECT_FALSE(changed.has_value());
    EXPECT_EQ(*read_file(disk_, at("master.key"), 1U << 16), before) << "nothing is changed";
    return changed ? Error{} : changed.error();
  }
  bool opens(std::string_view text) {
    return store::unlock_master_key(disk_, at("master.key"), phrase(text)).has_value();
  }

  store::testing::TemporaryDirectory directory_;
  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
};

TEST_F(ChangePassphrase, K16_TheNewOneOpensAndTheOldOneNoMore) {
  const auto changed = change_passphrase(env(), {at("keyd.toml"), "", at("new")});
  ASSERT_TRUE(changed) << changed.error().text();
  EXPECT_THAT(*changed, HasSubstr("put the new passphrase into " + at("phrase")));
  EXPECT_TRUE(opens("the new words of it"));
  EXPECT_FALSE(opens("the old words of it"));
}

TEST_F(ChangePassphrase, K16_BadOnesChangeNothing) {
  put(at("short"), "eleven char\n");
  EXPECT_THAT(refused({at("keyd.toml"), "", at("short")}).text(), HasSubstr("fewer than 12 characters"));
  // Characters are counted, not bytes.
  put(at("umlauts"), "äöüäöüäöüäö\n");
  EXPECT_THAT(refused({at("keyd.toml"), "", at("umlauts")}).text(), HasSubstr("fewer than 12 characters"));
  EXPECT_THAT(refused({at("keyd.toml"), "", at("phrase")}).text(), HasSubstr("is the old one"));
  EXPECT_EQ(refused({at("keyd.toml"), at("new"), at("new")}).code, ErrorCode::kWrongKey);
  EXPECT_EQ(refused({at("keyd.toml"), "", at("absent")}).code, ErrorCode::kNotFound);
  EXPECT_TRUE(opens("the old words of it"));
}

TEST_F(ChangePassphrase, K16_NotWhileTheServerRuns) {
  const auto held = disk_.lock(at("data/keystore.db.lock"));
  ASSERT_TRUE(held);
  const Error error = refused({at("keyd.toml"), "", at("new")});
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.text(), HasSubstr("stop it first"));
}

}  // namespace
}  // namespace tapewarden::apps
