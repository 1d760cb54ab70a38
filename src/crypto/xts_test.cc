#include "crypto/xts.h"

#include <gtest/gtest.h>

namespace tapewarden::crypto {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

// The keys of IEEE 1619-2018, annex B, vectors 10 to 14: the first digits of e and of pi.
SecretBytes annex_key() {
  return SecretBytes::copy_of(
      hex("2718281828459045235360287471352662497757247093699959574966967627"
          "3141592653589793238462643383279502884197169399375105820974944592"));
}

// Plaintext of vectors 10 to 14: 00h to FFh, twice.
Bytes annex_plaintext() {
  Bytes out(512);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
  return out;
}

struct Vector {
  std::uint64_t unit;
  std::string_view first_block;  // of the ciphertext
};
constexpr Vector kVectors[] = {
    {0xff, "1c3b3a102f770386e4836c99e370cf9b"},         {0xffff, "77a31251618a15e6b92d1d66dffe7b50"},
    {0xffffff, "e387aaa58ba483afa7e8eb469778317e"},     {0xffffffff, "bf53d2dade78e822a4d949a9bc6766b0"},
    {0xffffffffff, "64497e5a831e4a932c09be3e5393376d"},
};

TEST(AesXts, T5_GivesTheVectorsOfIeee1619) {
  AesXts cipher(annex_key());
  for (const auto& vector : kVectors) {
    Bytes data = annex_plaintext();
    cipher.encrypt(vector.unit, data);
    EXPECT_EQ(to_hex(ByteView(data).first(kXtsBlockBytes)), vector.first_block) << vector.unit;
    cipher.decrypt(vector.unit, data);
    EXPECT_EQ(data, annex_plaintext()) << vector.unit;
  }
}

TEST(AesXts, T5_ABlockStandsForItself) {
  AesXts cipher(annex_key());
  Bytes whole = annex_plaintext();
  cipher.encrypt(7, whole);
  // Another content before it, nothing behind it: the same block of ciphertext.
  Bytes other(160, 0xee);
  copy_bytes(MutableByteView(other).subspan(144), ByteView(annex_plaintext()).subspan(144, 16));
  cipher.encrypt(7, other);
  EXPECT_TRUE(equal(ByteView(other).subspan(144), ByteView(whole).subspan(144, 16)));
  EXPECT_FALSE(equal(ByteView(other).first(16), ByteView(whole).first(16)));
}

TEST(AesXts, T5_UnitsAndKeysDiffer) {
  AesXts cipher(annex_key());
  Bytes a = annex_plaintext();
  Bytes b = annex_plaintext();
  cipher.encrypt(1, a);
  cipher.encrypt(2, b);
  EXPECT_NE(a, b);
  auto key = annex_key();
  key.reveal_mutable()[40] ^= 1;
  AesXts another(key);
  Bytes c = annex_plaintext();
  another.encrypt(1, c);
  EXPECT_NE(a, c);
}

TEST(AesXtsDeathTest, T5_RefusesEqualHalves) {
  EXPECT_DEATH(AesXts(SecretBytes::zeros(kXtsKeyBytes)), "");
}

}  // namespace
}  // namespace tapewarden::crypto
