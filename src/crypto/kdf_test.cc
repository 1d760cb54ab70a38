#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace tapewarden::crypto {
namespace {

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}
Bytes counting(unsigned from, unsigned to) {
  Bytes out;
  for (unsigned value = from; value <= to; ++value) out.push_back(static_cast<std::uint8_t>(value));
  return out;
}
std::string shown(const SecretBytes& key) {
  return to_hex(key.reveal());
}

// RFC 5869 appendix A.
TEST(Hkdf, KnownAnswers) {
  EXPECT_EQ(
      shown(hkdf_sha256(SecretBytes::copy_of(Bytes(22, 0x0b)), counting(0, 12), counting(0xf0, 0xf9), 42)),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(shown(hkdf_sha256(SecretBytes::copy_of(counting(0, 0x4f)), counting(0x60, 0xaf),
                              counting(0xb0, 0xff), 82)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(shown(hkdf_sha256(SecretBytes::copy_of(Bytes(22, 0x0b)), {}, {}, 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, ShorterIsAPrefixAndPurposesDiffer) {
  const auto key = secret("master");
  const auto longest = hkdf_sha256(key, {}, as_bytes("one"), std::size_t{255} * 32);
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 64U, 8159U}) {
    const auto part = hkdf_sha256(key, {}, as_bytes("one"), size);
    EXPECT_TRUE(equal_constant_time(part.reveal(), longest.reveal().first(size))) << size;
  }
  EXPECT_NE(hkdf_sha256(key, {}, as_bytes("one"), 32), hkdf_sha256(key, {}, as_bytes("two"), 32));
  EXPECT_NE(hkdf_sha256(key, as_bytes("s"), as_bytes("one"), 32), hkdf_sha256(key, {}, as_bytes("one"), 32));
  EXPECT_NE(hkdf_sha256(secret("other"), {}, as_bytes("one"), 32), hkdf_sha256(key, {}, as_bytes("one"), 32));
}

// Beyond the length that OpenSSL 3.0's own HKDF takes; checked against RFC 5869 spelled out with MacKey.
TEST(Hkdf, LongPurpose) {
  const auto key = secret("master");
  Bytes info(5000, 'p');
  const auto extracted = MacKey(SecretBytes()).mac(key.reveal());
  const std::uint8_t one = 1;
  const auto expected = MacKey(SecretBytes::copy_of(extracted)).mac({info, ByteView(&one, 1)});
  EXPECT_EQ(shown(hkdf_sha256(key, {}, info, 32)), to_hex(expected));
}

TEST(HkdfDeathTest, TooLongIsAProgrammersMistake) {
  EXPECT_DEATH(static_cast<void>(hkdf_sha256(secret("master"), {}, {}, 255 * 32 + 1)), "kHkdfLimit");
}

// RFC 7914 section 12.
TEST(Scrypt, KnownAnswers) {
  const auto first = scrypt(secret(""), {}, {.n = 16, .r = 1, .p = 1}, 64);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(shown(*first),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17"
            "e8d3e0fb2e0d3628cf35e20c38d18906");
  const auto second = scrypt(secret("password"), as_bytes("NaCl"), {.n = 1024, .r = 8, .p = 16}, 64);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(shown(*second),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da"
            "c727afb94a83ee6d8360cbdfa2cc0640");
  const auto third =
      scrypt(secret("pleaseletmein"), as_bytes("SodiumChloride"), {.n = 16384, .r = 8, .p = 1}, 64);
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(shown(*third),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9"
            "e61e85dc0d651e40dfcf017b45575887");
}

TEST(Scrypt, HostileCostsAreRefusedUnrun) {
  const ScryptCost hostile[] = {
      {.n = 0, .r = 8, .p = 1},
      {.n = 1, .r = 8, .p = 1},
      {.n = 1000, .r = 8, .p = 1},
      {.n = 1024, .r = 0, .p = 1},
      {.n = 1024, .r = 8, .p = 0},
      {.n = 1U << 20, .r = 8, .p = 1},                // 1 GiB
      {.n = std::uint64_t{1} << 63, .r = 8, .p = 1},  // the product overflows
      {.n = 1024, .r = 0xFFFFFFFF, .p = 1},
      {.n = 2, .r = 1, .p = 0xFFFFFFFF},
      {.n = 1U << 16, .r = 1, .p = 17},
      {.n = 1U << 16, .r = 1, .p = 1},  // RFC 7914 section 2: n < 2^(128 * r / 8)
  };
  for (const auto& cost : hostile) {
    const auto result = scrypt(secret("x"), as_bytes("salt"), cost, 32);
    ASSERT_FALSE(result.has_value()) << cost.n << " " << cost.r << " " << cost.p;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(result.error().field.empty());
  }
}

TEST(Scrypt, LargestAllowedCostRuns) {
  EXPECT_TRUE(scrypt(secret("x"), as_bytes("salt"), {.n = 1U << 19, .r = 8, .p = 1}, 32).has_value());
}

}  // namespace
}  // namespace tapewarden::crypto
