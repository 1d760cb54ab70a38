#include "crypto/aead.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/testing/sim_env.h"
#include "crypto/random.h"

namespace tapewarden::crypto {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
SecretBytes key_of(std::string_view text) {
  return SecretBytes::copy_of(hex(text));
}
GcmIv iv_of(std::string_view text) {
  GcmIv iv;
  copy_bytes(iv, hex(text));
  return iv;
}

struct GcmVector {
  std::string_view key, iv, associated, plaintext, ciphertext, tag;
};
constexpr std::string_view kZeroKey = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kSpecKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

// The GCM specification's test cases 13 to 16, and three of NIST's CAVP gcmEncryptExtIV256.
constexpr GcmVector kVectors[] = {
    {kZeroKey, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeroKey, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {kSpecKey, "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf"
     "5"
     "aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6"
     "3"
     "93ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {kSpecKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf"
     "5"
     "aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6"
     "3"
     "93ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4", "516c33929df5a3284ff463d7", "", "",
     "", "bdc1ac884d332457a1d2664f168c76f0"},
    {"78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223", "d79cf22d504cc793c3fb6c8a",
     "b96baa8c1c75a671bfb2d08d06be5f36", "", "", "3e5d486aa2e30b22e040b85723a06e76"},
    {"31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22", "0d18e06c7c725ac9e362e1ce", "",
     "2db5168e932556f8089a0622981d017d", "fa4362189661d163fcd6a56d8bf0405a",
     "d636ac1bbedd5cc3ee727dc2ab4a9489"},
};

TEST(AesGcm, KnownAnswersBothWays) {
  for (const auto& vector : kVectors) {
    AesGcm cipher(key_of(vector.key));
    const auto plaintext = hex(vector.plaintext);
    Bytes out(plaintext.size());
    const auto tag = cipher.seal(iv_of(vector.iv), hex(vector.associated), plaintext, out);
    EXPECT_EQ(to_hex(out), vector.ciphertext);
    EXPECT_EQ(to_hex(tag), vector.tag);
    Bytes opened(out.size());
    ASSERT_TRUE(cipher.open(iv_of(vector.iv), hex(vector.associated), out, tag, opened).has_value());
    EXPECT_EQ(opened, plaintext);
  }
}

// Hand-made edge cases in the manner of Wycheproof: every single-bit change of the tag, and the tags that a
// careless comparison lets through.
TEST(AesGcm, ChangedTagsNeverOpen) {
  AesGcm cipher(key_of(kSpecKey));
  const auto iv = counter_iv(1);
  const auto plaintext = to_bytes("0123456789abcdef0");
  Bytes sealed(plaintext.size());
  const auto tag = cipher.seal(iv, as_bytes("aad"), plaintext, sealed);
  std::vector<GcmTag> wrong;
  for (std::size_t bit = 0; bit < 128; ++bit) {
    auto changed = tag;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    wrong.push_back(changed);
  }
  GcmTag all{};
  wrong.push_back(all);
  all.fill(0xFF);
  wrong.push_back(all);
  for (auto& byte : all) byte = 0x80;
  wrong.push_back(all);
  auto inverted = tag;
  for (auto& byte : inverted) byte = static_cast<std::uint8_t>(~byte);
  wrong.push_back(inverted);
  auto reversed = tag;
  std::ranges::reverse(reversed);
  wrong.push_back(reversed);
  for (const auto& candidate : wrong) {
    Bytes out(sealed.size(), 0x77);
    const auto status = cipher.open(iv, as_bytes("aad"), sealed, candidate, out);
    ASSERT_FALSE(status.has_value()) << to_hex(candidate);
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(out, Bytes(sealed.size(), 0)) << "plaintext of a refused record must be wiped";
  }
  Bytes out(sealed.size());
  EXPECT_TRUE(cipher.open(iv, as_bytes("aad"), sealed, tag, out).has_value()) << "the context is still good";
}

TEST(AesGcm, ChangedTextAssociatedDataIvOrKeyNeverOpens) {
  AesGcm cipher(key_of(kSpecKey));
  const auto iv = counter_iv(0xFFFFFFFFFFFFFFFF);
  const auto plaintext = to_bytes("record");
  Bytes sealed(plaintext.size());
  const auto tag = cipher.seal(iv, as_bytes("header"), plaintext, sealed);
  Bytes out(sealed.size());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] ^= 0x10;
    EXPECT_FALSE(cipher.open(iv, as_bytes("header"), changed, tag, out).has_value());
  }
  EXPECT_FALSE(cipher.open(iv, as_bytes("Header"), sealed, tag, out).has_value());
  EXPECT_FALSE(cipher.open(iv, {}, sealed, tag, out).has_value());
  EXPECT_FALSE(cipher.open(counter_iv(1), as_bytes("header"), sealed, tag, out).has_value());
  EXPECT_FALSE(AesGcm(key_of(kZeroKey)).open(iv, as_bytes("header"), sealed, tag, out).has_value());
  const auto shorter = ByteView(sealed).first(sealed.size() - 1);
  EXPECT_FALSE(cipher.open(iv, as_bytes("header"), shorter, tag, MutableByteView(out).first(shorter.size())));
}

// Every length around the block and stitching sizes, in place, in both directions by one context.
TEST(AesGcm, InPlaceAtEveryLength) {
  tapewarden::testing::SimRandom random(1);
  AesGcm cipher(random_secret(random, kAesKeyBytes));
  for (std::size_t size = 0; size < 1200; size += size < 300 ? 1 : 37) {
    Bytes original(size);
    random.fill(original);
    auto buffer = original;
    const auto iv = counter_iv(size);
    const auto tag = cipher.seal(iv, as_bytes("a"), buffer, buffer);
    Bytes apart(size);
    EXPECT_EQ(cipher.seal(iv, as_bytes("a"), original, apart), tag);
    EXPECT_EQ(apart, buffer);
    ASSERT_TRUE(cipher.open(iv, as_bytes("a"), buffer, tag, buffer).has_value()) << size;
    EXPECT_EQ(buffer, original);
  }
}

TEST(AesGcm, TapeRecordSize) {
  tapewarden::testing::SimRandom random(2);
  AesGcm cipher(random_secret(random, kAesKeyBytes));
  Bytes record(256U << 10);
  random.fill(record);
  Bytes sealed(record.size());
  const auto tag = cipher.seal(counter_iv(7), as_bytes("a"), record, sealed);
  auto moved = std::move(cipher);
  Bytes opened(record.size());
  ASSERT_TRUE(moved.open(counter_iv(7), as_bytes("a"), sealed, tag, opened).has_value());
  EXPECT_EQ(opened, record);
}

TEST(AesGcm, CounterIvIsBigEndianInTheLastEightBytes) {
  EXPECT_EQ(to_hex(counter_iv(0)), "000000000000000000000000");
  EXPECT_EQ(to_hex(counter_iv(0x0102030405060708)), "000000000102030405060708");
}

TEST(AesGcmDeathTest, WrongKeySizeIsAProgrammersMistake) {
  EXPECT_DEATH(AesGcm(SecretBytes::zeros(16)), "kAesKeyBytes");
  EXPECT_DEATH(AesGcm{SecretBytes()}, "kAesKeyBytes");
}

TEST(SealedBox, RoundTripAndFreshIvs) {
  tapewarden::testing::SimRandom random(3);
  const auto key = key_of(kSpecKey);
  for (const std::size_t size : {0U, 1U, 32U, 5000U}) {
    const Bytes secret(size, 0x42);
    const auto box = seal_box(key, as_bytes("row 7"), secret, random);
    EXPECT_EQ(box.size(), size + kBoxOverhead);
    const auto opened = open_box(key, as_bytes("row 7"), box);
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(equal_constant_time(opened->reveal(), secret));
    EXPECT_NE(seal_box(key, as_bytes("row 7"), secret, random), box) << "the IV must differ";
  }
}

TEST(SealedBox, ChangedCutExtendedOrForeignBoxesAreCorrupt) {
  tapewarden::testing::SimRandom random(4);
  const auto key = key_of(kSpecKey);
  const auto box = seal_box(key, as_bytes("row 7"), as_bytes("secret"), random);
  const auto refused = [](const Result<SecretBytes>& result) {
    return !result.has_value() && result.error().code == ErrorCode::kCorrupt;
  };
  for (std::size_t bit = 0; bit < box.size() * 8; ++bit) {
    auto changed = box;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_TRUE(refused(open_box(key, as_bytes("row 7"), changed))) << bit;
  }
  for (std::size_t size = 0; size < box.size(); ++size)
    EXPECT_TRUE(refused(open_box(key, as_bytes("row 7"), ByteView(box).first(size)))) << size;
  auto longer = box;
  longer.push_back(0);
  EXPECT_TRUE(refused(open_box(key, as_bytes("row 7"), longer)));
  EXPECT_TRUE(refused(open_box(key, as_bytes("row 8"), box)));
  EXPECT_TRUE(refused(open_box(key_of(kZeroKey), as_bytes("row 7"), box)));
}

}  // namespace
}  // namespace tapewarden::crypto
