#include "apps/kit_passphrase.h"

#include <cctype>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "store/master_key.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

crypto::SecretBytes secret(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

constexpr std::string_view kPrinted = "ABCDE-FGHJK-MNPQR-STUVW-XYZ23-45678-9ABCD-EFGHJ";

bool reads(std::string_view typed) {
  const auto printed = as_printed(secret(typed));
  return printed && *printed == secret(kPrinted);
}

TEST(KitPassphrase, K28_ItIsReadHoweverItsGroupsAreTyped) {
  EXPECT_TRUE(reads("abcde-fghjk-mnpqr-stuvw-xyz23-45678-9abcd-efghj"));
  EXPECT_TRUE(reads("ABCDE FGHJK MNPQR STUVW XYZ23 45678 9ABCD EFGHJ"));
  EXPECT_TRUE(reads("ABCDEFGHJKMNPQRSTUVWXYZ23456789ABCDEFGHJ"));
  EXPECT_TRUE(reads(" abcdefghjk mnpqrstuvwxyz23 456789abcd-efghj "));
  EXPECT_FALSE(as_printed(secret(kPrinted))) << "it needs no other form";
}

TEST(KitPassphrase, K28_WhatMayBeAnotherPassphraseStaysAsItIs) {
  EXPECT_FALSE(as_printed(secret("")));
  EXPECT_FALSE(as_printed(secret("correct horse battery staple")));
  EXPECT_FALSE(as_printed(secret("abcde-fghjk-mnpqr-stuvw-xyz23-45678-9abcd-efgh")));    // one too few
  EXPECT_FALSE(as_printed(secret("abcde-fghjk-mnpqr-stuvw-xyz23-45678-9abcd-efghjk")));  // one too many
  EXPECT_FALSE(as_printed(secret("abcde-fghjk-mnpqr-stuvw-xyz23-45678-9abcd-efgh1")));   // no kit has a 1
  EXPECT_FALSE(as_printed(secret("abcde_fghjk_mnpqr_stuvw_xyz23_45678_9abcd_efghj")));
}

TEST(KitPassphrase, K28_ADrawnOneIsAsItIsPrinted) {
  testing::SimEnv sim{1};
  const auto drawn = random_passphrase(*sim.env().random);
  EXPECT_EQ(drawn.size(), kPrinted.size());
  EXPECT_FALSE(as_printed(drawn));
  std::string small(as_text(drawn.reveal()));
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  ASSERT_TRUE(as_printed(secret(small)));
  EXPECT_TRUE(*as_printed(secret(small)) == drawn);
}

class MasterKeyFile : public ::testing::Test {
 protected:
  MasterKeyFile() { EXPECT_TRUE(store::create_master_key(env(), path, secret(kPrinted), {1U << 10, 8, 1})); }
  Env env() { return {&sim.clock, &disk, &sim.random, &sim.executor}; }

  testing::SimEnv sim{1};
  RealDisk disk;
  store::testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/master.key";
};

TEST_F(MasterKeyFile, K16_OpensWithTheKitsPassphraseInSmallLetters) {
  const auto as_is = open_master_key(env(), path, secret(kPrinted));
  ASSERT_TRUE(as_is) << as_is.error().text();
  const auto small = open_master_key(env(), path, secret("abcdefghjkmnpqrstuvwxyz23456789abcdefghj"));
  ASSERT_TRUE(small) << small.error().text();
  EXPECT_TRUE((*small)->keys().front().key == (*as_is)->keys().front().key);
  const auto wrong = open_master_key(env(), path, secret("bbcdefghjkmnpqrstuvwxyz23456789abcdefghj"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kWrongKey);
}

TEST_F(MasterKeyFile, K16_ACutFileIsNamedWithWhatToDo) {
  const Bytes whole = read_file(disk, path, 4096).value();
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{9}, whole.size() - 1}) {
    ASSERT_TRUE(write_file_atomically(disk, path, ByteView(whole).first(size), 0600));
    const auto cut = open_master_key(env(), path, secret(kPrinted));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt) << size << cut.error().text();
    EXPECT_NE(cut.error().message.find(path), std::string::npos) << cut.error().text();
    EXPECT_NE(cut.error().remedy.find("restore"), std::string::npos) << cut.error().text();
  }
}

}  // namespace
}  // namespace tapewarden::apps
