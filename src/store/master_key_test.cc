#include "store/master_key.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::store {
namespace {

constexpr crypto::ScryptCost kCheap{.n = 16, .r = 1, .p = 1};

crypto::SecretBytes phrase(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

TEST(MasterKey, K16_OpensWithItsPassphraseOnly) {
  testing::SimEnv sim(1);
  const auto made = create_master_key(sim.env(), "master", phrase("correct horse"), kCheap);
  ASSERT_TRUE(made);
  const auto opened = unlock_master_key(sim.disk, "master", phrase("correct horse"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == *made);
  const auto wrong = unlock_master_key(sim.disk, "master", phrase("wrong horse"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kWrongKey);
}

TEST(MasterKey, K16_IsNeverReplacedByAccident) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes before = sim.disk.content("master");
  const auto again = create_master_key(sim.env(), "master", phrase("b"), kCheap);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(sim.disk.content("master"), before);
}

TEST(MasterKey, K16_EveryFlippedByteIsFound) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes good = sim.disk.content("master");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes& bad = sim.disk.content("master");
    bad = good;
    bad[i] ^= 0x01;
    EXPECT_FALSE(unlock_master_key(sim.disk, "master", phrase("a"))) << "byte " << i;
  }
}

TEST(MasterKey, K16_PassphraseFileGivesItsFirstLine) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(write_file_atomically(sim.disk, "phrase", as_bytes("words of power\nsecond line\n")));
  const auto read = read_passphrase_file(sim.disk, "phrase");
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == phrase("words of power"));
  ASSERT_TRUE(write_file_atomically(sim.disk, "phrase", as_bytes("\n")));
  EXPECT_FALSE(read_passphrase_file(sim.disk, "phrase"));
}

}  // namespace
}  // namespace tapewarden::store
