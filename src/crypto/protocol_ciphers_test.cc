// The primitives that protocols name themselves, against published vectors.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/asymmetric_key.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"

namespace tapewarden::crypto {
namespace {

Bytes hex(std::string_view text) {
  return *from_hex(text);
}
SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(hex(text));
}

TEST(KeyWrap, K21_GivesWhatRfc3394And5649Have) {
  // RFC 3394 sections 4.1 and 4.6.
  const auto short_kek = secret("000102030405060708090a0b0c0d0e0f");
  const auto kek = secret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto key = secret("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(to_hex(*wrap_key(short_kek, secret("00112233445566778899aabbccddeeff"), false)),
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  const auto wrapped = *wrap_key(kek, key, false);
  EXPECT_EQ(to_hex(wrapped),
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  EXPECT_TRUE(*unwrap_key(kek, wrapped, false) == key);
  // RFC 5649 section 6.
  const auto padding_kek = secret("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
  EXPECT_EQ(to_hex(*wrap_key(padding_kek, secret("466f7250617369"), true)),
            "afbeb0f07dfbf5419200f2ccb50bb24f");
  EXPECT_TRUE(*unwrap_key(padding_kek, hex("afbeb0f07dfbf5419200f2ccb50bb24f"), true) ==
              secret("466f7250617369"));
}

TEST(KeyWrap, K21_WhatDoesNotFitIsRefused) {
  const auto kek = secret("000102030405060708090a0b0c0d0e0f");
  auto wrapped = *wrap_key(kek, secret("00112233445566778899aabbccddeeff"), false);
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    wrapped[i] ^= 1U;
    EXPECT_EQ(unwrap_key(kek, wrapped, false).error().code, ErrorCode::kCorrupt) << i;
    wrapped[i] ^= 1U;
  }
  EXPECT_EQ(unwrap_key(kek, ByteView(wrapped).first(8), false).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(wrap_key(kek, secret("0011223344556677"), false).error().field, "secret");
  EXPECT_EQ(wrap_key(secret("0011"), secret("00112233445566778899aabbccddeeff"), false).error().field, "key");
}

TEST(Cipher, K21_ModesGiveWhatTheStandardsHave) {
  // NIST SP 800-38A sections F.1.1 and F.2.1, the first block.
  const auto key = secret("2b7e151628aed2a6abf7158809cf4f3c");
  const auto plain = hex("6bc1bee22e409f96e93d7e117393172a");
  const auto iv = hex("000102030405060708090a0b0c0d0e0f");
  const auto run = [&](CipherMode mode, ByteView start) {
    auto cipher = Cipher::start({CipherName::kAes, mode, false}, true, key, start, {});
    auto out = *cipher->update(plain);
    const auto rest = *cipher->finish();
    out.insert(out.end(), rest.begin(), rest.end());
    return to_hex(out);
  };
  EXPECT_EQ(run(CipherMode::kEcb, {}), "3ad77bb40d7a3660a89ecaf32466ef97");
  EXPECT_EQ(run(CipherMode::kCbc, iv), "7649abac8119b246cee98e9b12e9197d");
  EXPECT_EQ(run(CipherMode::kCfb, iv), "3b3fd92eb72dad20333449f8e83cfb4a");
  EXPECT_EQ(run(CipherMode::kOfb, iv), "3b3fd92eb72dad20333449f8e83cfb4a");
}

TEST(Cipher, K21_ACopyGoesItsOwnWay) {
  const auto key = secret("2b7e151628aed2a6abf7158809cf4f3c");
  auto first = Cipher::start({CipherName::kAes, CipherMode::kGcm, false}, true, key,
                             hex("000102030405060708090a0b"), {});
  ASSERT_TRUE(first);
  const auto head = *first->update(hex("00112233"));
  auto copy = first->clone();
  const auto tail = *first->update(hex("44556677"));
  EXPECT_EQ(tail, *copy.update(hex("44556677")));
  ASSERT_TRUE(first->finish());
  ASSERT_TRUE(copy.finish());
  EXPECT_EQ(first->tag(16), copy.tag(16));
  EXPECT_EQ(first->tag(12).size(), 12U);
}

TEST(Cipher, K21_AWrongTagIvOrKeySizeIsRefused) {
  const CipherSpec gcm{CipherName::kAes, CipherMode::kGcm, false};
  const auto key = secret("2b7e151628aed2a6abf7158809cf4f3c");
  auto cipher = Cipher::start(gcm, false, key, hex("000102030405060708090a0b"), {});
  ASSERT_TRUE(cipher->update(hex("00112233")));
  EXPECT_EQ(cipher->finish(hex("00000000000000000000000000000000")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(
      Cipher::start({CipherName::kAes, CipherMode::kCbc, false}, true, key, hex("00"), {}).error().field,
      "iv");
  EXPECT_EQ(Cipher::start(gcm, true, key, {}, {}).error().field, "iv");
  EXPECT_EQ(Cipher::start(gcm, true, secret("0011"), hex("00"), {}).error().code, ErrorCode::kUnsupported);
}

TEST(Digest, K21_HashesAndMacsGiveWhatTheStandardsHave) {
  const auto abc = as_bytes("abc");
  EXPECT_EQ(to_hex(*digest(DigestName::kSha1, abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(*digest(DigestName::kSha3_256, abc)),
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
  EXPECT_EQ(to_hex(*digest(DigestName::kSha512_224, abc)),
            "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa");
  // RFC 4231 case 2, RFC 4493 section 4 example 2.
  auto hmac = MacStream::start(DigestName::kSha256, SecretBytes::copy_of(as_bytes("Jefe")));
  hmac->update(as_bytes("what do ya want "));
  auto copy = hmac->clone();
  hmac->update(as_bytes("for nothing?"));
  copy.update(as_bytes("for nothing?"));
  const auto* expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(to_hex(hmac->finish()), expected);
  EXPECT_EQ(to_hex(copy.finish()), expected);
  auto cmac = MacStream::start(std::nullopt, secret("2b7e151628aed2a6abf7158809cf4f3c"));
  cmac->update(hex("6bc1bee22e409f96e93d7e117393172a"));
  EXPECT_EQ(to_hex(cmac->finish()), "070a16b46b4d4144f79bdd9dd04a287c");
  EXPECT_EQ(MacStream::start(std::nullopt, secret("00")).error().field, "key");
}

TEST(Kdf, K21_Pbkdf2GivesWhatRfc7914Has) {
  const auto out =
      pbkdf2(DigestName::kSha256, SecretBytes::copy_of(as_bytes("passwd")), as_bytes("salt"), 1, 64);
  EXPECT_EQ(to_hex(out->reveal()),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

TEST(AsymmetricKey, K21_ComesBackFromEachOfItsForms) {
  const auto rsa = *AsymmetricKey::generate_rsa(2048);
  const auto ec = *AsymmetricKey::generate_ec("secp384r1");
  const auto again = [](const AsymmetricKey& key, KeyEncoding encoding, bool is_private) {
    const auto der = *key.encode(encoding, is_private);
    return *AsymmetricKey::decode(encoding, is_private, der)->encode(encoding, is_private) == der;
  };
  EXPECT_TRUE(again(rsa, KeyEncoding::kPkcs1, true));
  EXPECT_TRUE(again(rsa, KeyEncoding::kPkcs1, false));
  EXPECT_TRUE(again(rsa, KeyEncoding::kPkcs8, true));
  EXPECT_TRUE(again(rsa, KeyEncoding::kSpki, false));
  EXPECT_TRUE(again(ec, KeyEncoding::kSec1, true));
  EXPECT_TRUE(again(ec, KeyEncoding::kSpki, false));
  EXPECT_EQ(ec.encode(KeyEncoding::kPkcs1, true).error().code, ErrorCode::kUnsupported);
  const auto rebuilt = AsymmetricKey::from_numbers(KeyAlgorithm::kRsa, true, *rsa.numbers());
  ASSERT_TRUE(rebuilt);
  EXPECT_TRUE(*rebuilt->encode(KeyEncoding::kPkcs8, true) == *rsa.encode(KeyEncoding::kPkcs8, true));
  const auto point = AsymmetricKey::from_numbers(KeyAlgorithm::kEc, false, *ec.numbers());
  ASSERT_TRUE(point);
  EXPECT_TRUE(*point->encode(KeyEncoding::kSpki, false) == *ec.encode(KeyEncoding::kSpki, false));
}

TEST(AsymmetricKey, K21_BytesThatAreNoKeyAreRefused) {
  for (const auto encoding :
       {KeyEncoding::kPkcs1, KeyEncoding::kPkcs8, KeyEncoding::kSpki, KeyEncoding::kSec1}) {
    for (const auto* text : {"", "00", "3003020100", "3082ffff02010000"}) {
      EXPECT_FALSE(AsymmetricKey::decode(encoding, encoding != KeyEncoding::kSpki, secret(text))) << text;
    }
  }
  const auto key = AsymmetricKey::generate_rsa(2048)->encode(KeyEncoding::kPkcs1, true);
  auto longer = to_bytes(key->reveal());
  longer.push_back(0);
  EXPECT_FALSE(AsymmetricKey::decode(KeyEncoding::kPkcs1, true, SecretBytes::copy_of(longer)));
  EXPECT_FALSE(AsymmetricKey::from_numbers(KeyAlgorithm::kRsa, true, {}));
  EXPECT_FALSE(AsymmetricKey::from_numbers(KeyAlgorithm::kEc, false, {}));
  EXPECT_EQ(AsymmetricKey::generate_rsa(100).error().field, "length");
  EXPECT_EQ(AsymmetricKey::generate_ec("no curve").error().field, "curve");
}

TEST(AsymmetricKey, K21_SignsEncryptsAndAgrees) {
  const auto rsa = *AsymmetricKey::generate_rsa(2048);
  const auto hash = *digest(DigestName::kSha256, as_bytes("message"));
  SignatureScheme pss;
  pss.padding = SignaturePadding::kPss;
  for (const auto& scheme : {SignatureScheme{}, pss}) {
    auto signature = *rsa.sign_digest(scheme, hash);
    EXPECT_TRUE(*rsa.verify_digest(scheme, hash, signature));
    signature.front() ^= 1U;
    EXPECT_FALSE(*rsa.verify_digest(scheme, hash, signature));
  }
  EncryptionScheme oaep;
  oaep.digest = DigestName::kSha256;
  oaep.label = hex("0102");
  const auto wrapped = *rsa.encrypt(oaep, as_bytes("secret"));
  EXPECT_EQ(as_text(rsa.decrypt(oaep, wrapped)->reveal()), "secret");
  oaep.label = hex("0103");
  EXPECT_EQ(rsa.decrypt(oaep, wrapped).error().code, ErrorCode::kCorrupt);
  const auto one = *AsymmetricKey::generate_ec("prime256v1");
  const auto other = *AsymmetricKey::generate_ec("prime256v1");
  EXPECT_TRUE(*one.agree(other) == *other.agree(one));
  EXPECT_EQ(one.encrypt(oaep, as_bytes("secret")).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tapewarden::crypto
