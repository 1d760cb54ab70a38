#include "apps/passphrase_change.h"

#include <gmock/gmock.h>

#include "apps/keyd_config.h"
#include "base/testing/sim_env.h"
#include "store/master_key.h"

namespace tapewarden::apps {
namespace {

using ::testing::HasSubstr;

constexpr crypto::ScryptCost kCheap{.n = 16, .r = 1, .p = 1};

crypto::SecretBytes phrase(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

class ChangePassphrase : public ::testing::Test {
 protected:
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
    put("/srv/keyd.toml", write_keyd_config(config));
    put("/srv/phrase", "the old words of it\n");
    put("new", "the new words of it\n");
    const auto made =
        store::create_master_key(sim_.env(), "/srv/master.key", phrase("the old words of it"), kCheap);
    ASSERT_TRUE(made) << made.error().text();
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(sim_.disk, path, as_bytes(text)));
  }
  Error refused(const PassphraseChange& change) {
    const Bytes before = sim_.disk.content("/srv/master.key");
    const auto changed = change_passphrase(sim_.env(), change);
    EXPECT_FALSE(changed.has_value());
    EXPECT_EQ(sim_.disk.content("/srv/master.key"), before) << "nothing is changed";
    return changed ? Error{} : changed.error();
  }
  bool opens(std::string_view text) {
    return store::unlock_master_key(sim_.disk, "/srv/master.key", phrase(text)).has_value();
  }

  testing::SimEnv sim_{16};
};

TEST_F(ChangePassphrase, K16_TheNewOneOpensAndTheOldOneNoMore) {
  const auto changed = change_passphrase(sim_.env(), {"/srv/keyd.toml", "", "new"});
  ASSERT_TRUE(changed) << changed.error().text();
  EXPECT_THAT(*changed, HasSubstr("put the new passphrase into /srv/phrase"));
  EXPECT_TRUE(opens("the new words of it"));
  EXPECT_FALSE(opens("the old words of it"));
}

TEST_F(ChangePassphrase, K16_BadOnesChangeNothing) {
  put("short", "eleven char\n");
  EXPECT_THAT(refused({"/srv/keyd.toml", "", "short"}).text(), HasSubstr("fewer than 12 characters"));
  // Characters are counted, not bytes.
  put("umlauts", "äöüäöüäöüäö\n");
  EXPECT_THAT(refused({"/srv/keyd.toml", "", "umlauts"}).text(), HasSubstr("fewer than 12 characters"));
  EXPECT_THAT(refused({"/srv/keyd.toml", "", "/srv/phrase"}).text(), HasSubstr("is the old one"));
  EXPECT_EQ(refused({"/srv/keyd.toml", "new", "new"}).code, ErrorCode::kWrongKey);
  EXPECT_EQ(refused({"/srv/keyd.toml", "", "absent"}).code, ErrorCode::kNotFound);
  EXPECT_TRUE(opens("the old words of it"));
}

TEST_F(ChangePassphrase, K16_NotWhileTheServerRuns) {
  const auto held = sim_.disk.lock("/srv/data/keystore.db.lock");
  ASSERT_TRUE(held);
  const Error error = refused({"/srv/keyd.toml", "", "new"});
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.text(), HasSubstr("stop it first"));
}

}  // namespace
}  // namespace tapewarden::apps
