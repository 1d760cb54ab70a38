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

// The file with a slot put before its passphrase slot.
Bytes with_slot_before(const Bytes& file, ByteView slot) {
  constexpr std::size_t kSlotsAt = 4 + 2;
  ByteWriter out;
  out.bytes(ByteView(file).first(kSlotsAt)).u8(static_cast<std::uint8_t>(file[kSlotsAt] + 1));
  return out.bytes(slot).bytes(ByteView(file).subspan(kSlotsAt + 1)).take();
}

TEST(MasterKey, K16_ASlotOfALaterReleaseIsPassedOver) {
  testing::SimEnv sim(1);
  const auto made = create_master_key(sim.env(), "master", phrase("a"), kCheap);
  ASSERT_TRUE(made);
  const Bytes slot = ByteWriter().u8(2).bytes16(Bytes(300, 0xAB)).take();
  sim.disk.content("master") = with_slot_before(sim.disk.content("master"), slot);
  const auto opened = unlock_master_key(sim.disk, "master", phrase("a"));
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE(*opened == *made);
  const auto wrong = unlock_master_key(sim.disk, "master", phrase("b"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("later release"), std::string::npos);
}

TEST(MasterKey, K16_TheFileDoesNotSayHowLongAStartTakes) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes good = sim.disk.content("master");
  const auto slot = [](std::uint64_t n, std::uint32_t r, std::uint32_t p) {
    return ByteWriter().u8(1).u64(n).u32(r).u32(p).bytes(Bytes(32)).bytes16(Bytes(60)).take();
  };
  // Within the memory that is allowed, and minutes of work each; or beyond every limit; or nonsense.
  for (const Bytes& hostile :
       {slot(1U << 19, 8, 16), slot(1ULL << 63, 0xFFFFFFFF, 0xFFFFFFFF), slot(16, 0, 1), slot(16, 1, 0)}) {
    sim.disk.content("master") = with_slot_before(good, hostile);
    EXPECT_TRUE(unlock_master_key(sim.disk, "master", phrase("a"))) << "the next slot opens";
  }
  EXPECT_FALSE(create_master_key(sim.env(), "another", phrase("a"), {.n = 1U << 20, .r = 8, .p = 1}));
  EXPECT_FALSE(sim.disk.exists("another"));
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
