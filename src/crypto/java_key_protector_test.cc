// K20: what Java's JCEKS keystores guard keys with.
#include "crypto/java_key_protector.h"

#include <gtest/gtest.h>

#include "crypto/testing/java_protect.h"

namespace tapewarden::crypto {
namespace {

using testing::java_pbe_der;
using testing::java_protect;
using testing::java_protected_key;

constexpr std::string_view kPassword = "changeit-1234";

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

// The sealed key of an entry that keytool of OpenJDK 17 wrote, and the key that it holds.
TEST(JavaKeyProtector, K20_WhatKeytoolSealedOpens) {
  const auto parameters = parse_java_pbe_parameters(*from_hex("300f0408e3f0cbc960a6d5f70203030d40"));
  ASSERT_TRUE(parameters) << parameters.error().text();
  EXPECT_EQ(parameters->iterations, 200'000U);
  const Bytes sealed = *from_hex(
      "b1303ae34b9f183710b70c321612fc642ee2d7c29417046048169a1e057b08f52caadb84b1d41bf29f23c57d109ce946"
      "6b5893ff55a8d5d28c97e67cb54283e02bbd1eccfb6d16e37494df5231cbcc092f381d65ba5182e745c0c3e0a42c9a45"
      "1580f61d4c5c6cf21e8f535f57bce1e698f3f1cc4d521185b56d0b5394e799861cf4894e8f4243d07b769bec611754b9"
      "ba8f7038f9f4f39dc1cfb668e6b54d0a");
  const auto opened = open_java_protected(secret(kPassword), *parameters, sealed);
  ASSERT_TRUE(opened) << opened.error().text();
  ASSERT_EQ(opened->size(), 157U);
  EXPECT_EQ(to_hex(opened->reveal().last(32)),
            "99af478214ec984cf7f5f9e5051a2c69196d8056000ba08aa53fda36192cdb70");
}

TEST(JavaKeyProtector, K20_RoundTripWithOtherWriting) {
  for (const std::uint32_t iterations : {1U, 20U, 1000U}) {
    const JavaPbeParameters parameters{{1, 2, 3, 4, 5, 6, 7, 8}, iterations};
    for (const std::size_t size : {1U, 7U, 8U, 9U, 155U}) {
      const Bytes plain(size, 0x5A);
      const auto opened =
          open_java_protected(secret(kPassword), parameters, java_protect(kPassword, parameters, plain));
      ASSERT_TRUE(opened) << opened.error().text();
      EXPECT_TRUE(equal(opened->reveal(), plain));
    }
  }
}

TEST(JavaKeyProtector, K20_EqualHalvesOfTheSaltAreChangedAsJavaDoes) {
  const JavaPbeParameters parameters{{1, 2, 3, 4, 1, 2, 3, 4}, 20};
  const JavaPbeParameters as_changed{{4, 1, 2, 4, 1, 2, 3, 4}, 20};
  const Bytes sealed = java_protect(kPassword, as_changed, as_bytes("plain"));
  const auto opened = open_java_protected(secret(kPassword), parameters, sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->reveal()), "plain");
}

TEST(JavaKeyProtector, K20_AWrongPasswordDoesNotOpen) {
  const JavaPbeParameters parameters{{8, 7, 6, 5, 4, 3, 2, 1}, 20};
  const Bytes sealed = java_protect(kPassword, parameters, Bytes(32, 1));
  std::size_t refused = 0;
  for (char c = 'a'; c <= 'z'; ++c) {
    const auto opened = open_java_protected(secret(std::string("wrong") + c), parameters, sealed);
    EXPECT_TRUE(opened || opened.error().code == ErrorCode::kWrongKey);
    refused += !opened || opened->size() != 32;
  }
  EXPECT_EQ(refused, 26U);
}

TEST(JavaKeyProtector, K20_BadLengthsAndParametersAreRefused) {
  const JavaPbeParameters parameters{{1, 2, 3, 4, 5, 6, 7, 8}, 20};
  for (const std::size_t size : {0U, 1U, 7U, 9U, 8U << 20}) {
    EXPECT_EQ(open_java_protected(secret(kPassword), parameters, Bytes(size)).error().code,
              ErrorCode::kInvalidArgument);
  }
  const Bytes good = java_pbe_der(parameters);
  EXPECT_TRUE(parse_java_pbe_parameters(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_java_pbe_parameters(ByteView(good).first(size))) << size;
  EXPECT_FALSE(parse_java_pbe_parameters(ByteWriter().bytes(good).u8(0).take())) << "something follows";
  EXPECT_FALSE(parse_java_pbe_parameters(java_pbe_der({parameters.salt, 0})));
  EXPECT_FALSE(parse_java_pbe_parameters(java_pbe_der({parameters.salt, kMaximumJavaIterations + 1})));
  EXPECT_FALSE(parse_java_pbe_parameters(java_pbe_der({parameters.salt, 0xFFFFFFFF}))) << "negative";
}

TEST(JavaKeyProtector, K20_OnlyItsOwnAlgorithmIsRead) {
  const JavaPbeParameters parameters{{1, 2, 3, 4, 5, 6, 7, 8}, 20};
  Bytes key = java_protected_key(kPassword, parameters, Bytes(200, 3));
  const auto parsed = parse_java_protected_key(key);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->parameters.iterations, 20U);
  EXPECT_EQ(parsed->encrypted.size(), 208U);
  for (std::size_t size = 0; size < key.size(); ++size)
    EXPECT_FALSE(parse_java_protected_key(ByteView(key).first(size))) << size;
  key.at(key.size() - 208 - 4 - 19 - 1) ^= 1;  // the last byte of the algorithm's identifier
  EXPECT_EQ(parse_java_protected_key(key).error().code, ErrorCode::kUnsupported);
}

TEST(JavaKeyProtector, K20_PasswordsArePrintableAscii) {
  EXPECT_TRUE(check_java_password(secret("a")));
  for (const std::string& text : {std::string(), std::string("pass\nword"), std::string("pässword"),
                                  std::string(257, 'a'), std::string("a\0b", 3)}) {
    const auto checked = check_java_password(secret(text));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().field, "password");
  }
}

}  // namespace
}  // namespace tapewarden::crypto
