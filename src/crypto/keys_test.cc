#include "crypto/keys.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string>
#include <thread>
#include <vector>

#include "crypto/hash.h"
#include "crypto/openssl_handles.h"
#include "crypto/random.h"
#include "crypto/testing/command.h"

namespace tapewarden::crypto {
namespace {

using testing::find_program;
using testing::run_command;
using testing::ScratchFolder;

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}
const PrivateKey& rsa_key() {
  static const auto key = PrivateKey::generate_rsa(2048);
  return key;
}
const PrivateKey& ec_key() {
  static const auto key = PrivateKey::generate_p256();
  return key;
}
template <typename T>
bool refused(const Result<T>& result, ErrorCode code = ErrorCode::kInvalidArgument) {
  return !result.has_value() && result.error().code == code && !result.error().message.empty();
}

// A key of a kind that the program does not use, straight from OpenSSL.
PkeyPtr foreign_rsa(std::size_t bits) {
  return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}
PkeyPtr foreign_ec(const char* curve) {
  return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}
PkeyPtr foreign(const char* algorithm) {
  return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm));
}
Bytes spki_of(EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  const auto out = to_bytes(ByteView(encoded, static_cast<std::size_t>(size)));
  OPENSSL_free(encoded);
  return out;
}
SecretBytes pkcs8_of(EVP_PKEY* key) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key));
  auto der = SecretBytes::zeros(static_cast<std::size_t>(i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr)));
  auto* cursor = der.reveal_mutable().data();
  i2d_PKCS8_PRIV_KEY_INFO(info.get(), &cursor);
  return der;
}

TEST(Keys, KindsAndSizes) {
  EXPECT_TRUE(PublicKey().empty());
  EXPECT_TRUE(PrivateKey().empty());
  for (const unsigned bits : {2048U, 3072U, 4096U}) {
    const auto key = PrivateKey::generate_rsa(bits);
    EXPECT_EQ(key.kind(), KeyKind::kRsa);
    EXPECT_EQ(key.public_key().bits(), bits);
    EXPECT_TRUE(key.fits_together());
  }
  EXPECT_EQ(ec_key().kind(), KeyKind::kEcP256);
  EXPECT_EQ(ec_key().public_key().bits(), 256U);
  EXPECT_TRUE(ec_key().fits_together());
}

TEST(Keys, SpkiRoundTripAndHash) {
  for (const auto* key : {&rsa_key(), &ec_key()}) {
    const auto spki = key->public_key().spki();
    const auto again = PublicKey::from_spki(spki);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, key->public_key());
    EXPECT_EQ(again->spki(), spki);
    EXPECT_EQ(again->spki_hash(), sha256(spki));
  }
  EXPECT_NE(rsa_key().public_key(), ec_key().public_key());
  EXPECT_NE(rsa_key().public_key(), PublicKey());
  EXPECT_EQ(PublicKey(), PublicKey());
}

TEST(Keys, Pkcs8AndPemRoundTrip) {
  for (const auto* key : {&rsa_key(), &ec_key()}) {
    const auto from_der = PrivateKey::from_pkcs8(key->pkcs8());
    ASSERT_TRUE(from_der.has_value());
    EXPECT_EQ(from_der->public_key(), key->public_key());
    const auto from_text = PrivateKey::from_pem(key->pem());
    ASSERT_TRUE(from_text.has_value()) << from_text.error().text();
    EXPECT_EQ(from_text->pkcs8(), key->pkcs8());
  }
}

TEST(Keys, OtherAlgorithmsCurvesAndSizesAreRefused) {
  for (const std::size_t bits : {1024U, 2056U}) {
    const auto key = foreign_rsa(bits);
    EXPECT_TRUE(refused(PublicKey::from_spki(spki_of(key.get())))) << bits;
    EXPECT_TRUE(refused(PrivateKey::from_pkcs8(pkcs8_of(key.get())))) << bits;
  }
  for (const auto* curve : {"P-384", "P-521", "secp256k1"}) {
    const auto key = foreign_ec(curve);
    EXPECT_TRUE(refused(PublicKey::from_spki(spki_of(key.get())))) << curve;
    EXPECT_TRUE(refused(PrivateKey::from_pkcs8(pkcs8_of(key.get())))) << curve;
  }
  for (const auto* algorithm : {"ED25519", "X25519"}) {
    const auto key = foreign(algorithm);
    EXPECT_TRUE(refused(PublicKey::from_spki(spki_of(key.get())))) << algorithm;
    EXPECT_TRUE(refused(PrivateKey::from_pkcs8(pkcs8_of(key.get())))) << algorithm;
  }
}

TEST(Keys, GarbageCutAndTrailingBytesAreRefused) {
  const auto spki = rsa_key().public_key().spki();
  EXPECT_TRUE(refused(PublicKey::from_spki({})));
  EXPECT_TRUE(refused(PublicKey::from_spki(as_bytes("garbage"))));
  EXPECT_TRUE(refused(PublicKey::from_spki(Bytes(5U << 20, 0x30))));
  for (std::size_t size = 0; size < spki.size(); size += 7)
    EXPECT_TRUE(refused(PublicKey::from_spki(ByteView(spki).first(size)))) << size;
  auto longer = spki;
  longer.push_back(0);
  EXPECT_TRUE(refused(PublicKey::from_spki(longer)));

  const auto pkcs8 = ec_key().pkcs8();
  EXPECT_TRUE(refused(PrivateKey::from_pkcs8(SecretBytes())));
  for (std::size_t size = 0; size < pkcs8.size(); size += 3)
    EXPECT_TRUE(refused(PrivateKey::from_pkcs8(SecretBytes::copy_of(pkcs8.reveal().first(size))))) << size;
  auto longer_key = to_bytes(pkcs8.reveal());
  longer_key.push_back(0);
  EXPECT_TRUE(refused(PrivateKey::from_pkcs8(SecretBytes::copy_of(longer_key))));

  EXPECT_TRUE(refused(PrivateKey::from_pem(SecretBytes())));
  EXPECT_TRUE(refused(PrivateKey::from_pem(secret("no key here"))));
  EXPECT_TRUE(refused(
      PrivateKey::from_pem(secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))));
  EXPECT_TRUE(refused(PrivateKey::from_pem(secret("-----BEGIN PRIVATE KEY-----\n!!!!\n"))));
  EXPECT_TRUE(refused(PrivateKey::from_pem(SecretBytes::zeros(5U << 20))));
  EXPECT_EQ(ERR_peek_error(), 0U) << "nothing may stay in the thread's error queue";
}

// A public exponent of 1 "wraps" into the padded key itself; an even one never unwraps.
TEST(Keys, RsaExponentsThatProtectNothingAreRefused) {
  auto spki = rsa_key().public_key().spki();
  ASSERT_TRUE(std::ranges::equal(ByteView(spki).last(5), hex("0203010001"))) << "65537 ends the encoding";
  spki[spki.size() - 1] = 0;
  EXPECT_TRUE(refused(PublicKey::from_spki(spki))) << "65536";
  // The exponent cut to one byte with the value 1: two bytes less at each level of the encoding.
  auto one = rsa_key().public_key().spki();
  one.resize(one.size() - 5);
  const auto tail = hex("020101");
  one.insert(one.end(), tail.begin(), tail.end());
  one[3] = static_cast<std::uint8_t>(one[3] - 2);    // outer sequence
  one[22] = static_cast<std::uint8_t>(one[22] - 2);  // bit string
  one[27] = static_cast<std::uint8_t>(one[27] - 2);  // key sequence
  const auto* cursor = one.data();
  const PkeyPtr parses(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(one.size())));
  ASSERT_NE(parses, nullptr) << "the case must reach the check";
  EXPECT_TRUE(refused(PublicKey::from_spki(one))) << "1";
  // An even modulus.
  auto even = rsa_key().public_key().spki();
  even[even.size() - 6] = static_cast<std::uint8_t>(even[even.size() - 6] & 0xFE);
  EXPECT_TRUE(refused(PublicKey::from_spki(even)));
}

TEST(Wrap, RoundTripAtEveryLengthThatFits) {
  const auto largest = 256U - 66U;
  for (const std::size_t size : {0U, 1U, 32U, largest}) {
    const auto data = SecretBytes::copy_of(Bytes(size, 0x5A));
    const auto wrapped = rsa_key().public_key().wrap(data, as_bytes("label"));
    ASSERT_TRUE(wrapped.has_value());
    EXPECT_EQ(wrapped->size(), 256U);
    const auto opened = rsa_key().unwrap(*wrapped, as_bytes("label"));
    ASSERT_TRUE(opened.has_value()) << size;
    EXPECT_EQ(*opened, data);
  }
  EXPECT_TRUE(refused(rsa_key().public_key().wrap(SecretBytes::zeros(largest + 1))));
  EXPECT_TRUE(refused(ec_key().public_key().wrap(SecretBytes::zeros(32))));
}

TEST(Wrap, EachWrapIsDifferent) {
  const auto data = SecretBytes::zeros(32);
  EXPECT_NE(rsa_key().public_key().wrap(data).value(), rsa_key().public_key().wrap(data).value());
}

// RSA without padding, to make blocks that no honest sender makes.
Bytes raw_encrypt(const PublicKey& key, ByteView block) {
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, KeyAccess::handle(key), nullptr));
  Bytes out(key.bits() / 8);
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_encrypt_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_encrypt(context.get(), out.data(), &size, block.data(), block.size()), 1);
  return out;
}

void mask_with(MutableByteView target, ByteView seed) {
  for (std::size_t at = 0; at < target.size(); ++at) {
    const auto counter = static_cast<std::uint8_t>(at / 32);
    const auto block = sha256({seed, Bytes{0, 0, 0, counter}});
    target[at] ^= block[at % 32];
  }
}

// RFC 8017 section 7.1.1 step 2, with the parts open to be spoilt.
Bytes oaep_block(std::uint8_t first, ByteView label_hash, ByteView padding, std::uint8_t separator,
                 ByteView message, std::size_t size) {
  Bytes seed(32, 0x33);
  Bytes data = to_bytes(label_hash);
  data.insert(data.end(), padding.begin(), padding.end());
  data.push_back(separator);
  data.insert(data.end(), message.begin(), message.end());
  EXPECT_EQ(data.size(), size - 33);
  mask_with(data, seed);
  mask_with(seed, data);
  Bytes block{first};
  block.insert(block.end(), seed.begin(), seed.end());
  block.insert(block.end(), data.begin(), data.end());
  return block;
}

void expect_one_refusal(ByteView wrapped, ByteView label, const char* what) {
  const auto result = rsa_key().unwrap(wrapped, label);
  ASSERT_FALSE(result.has_value()) << what;
  const auto reference = rsa_key().unwrap({});
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << what;
  EXPECT_EQ(result.error().text(), reference.error().text()) << what;
  EXPECT_EQ(result.error().detail, reference.error().detail) << what;
  EXPECT_EQ(ERR_peek_error(), 0U) << what;
}

// In the manner of Wycheproof's OAEP tests: each way in which the padded block can be wrong.
TEST(Wrap, K7_SpoiltPaddingIsOneAndTheSameRefusal) {
  const auto& key = rsa_key().public_key();
  const auto hash = sha256(as_bytes("label"));
  const Bytes message(32, 0x42), zeros(158, 0);
  const auto encrypt = [&](const Bytes& block) { return raw_encrypt(key, block); };
  const auto good = encrypt(oaep_block(0, hash, zeros, 1, message, 256));
  const auto opened = rsa_key().unwrap(good, as_bytes("label"));
  ASSERT_TRUE(opened.has_value()) << "the block that is right must open, or the others show nothing";
  EXPECT_TRUE(equal_constant_time(opened->reveal(), message));

  auto one_in_padding = zeros;
  one_in_padding[80] = 2;
  auto last_of_padding = zeros;
  last_of_padding.back() = 0xFF;
  const auto other = sha256(as_bytes("other"));
  auto near_hash = hash;
  near_hash[31] ^= 1;
  const auto label = as_bytes("label");
  expect_one_refusal(encrypt(oaep_block(1, hash, zeros, 1, message, 256)), label, "first byte is 1");
  expect_one_refusal(encrypt(oaep_block(0, other, zeros, 1, message, 256)), label, "other label");
  expect_one_refusal(encrypt(oaep_block(0, near_hash, zeros, 1, message, 256)), label, "label off by a bit");
  expect_one_refusal(encrypt(oaep_block(0, hash, zeros, 0, Bytes(32, 0), 256)), label, "no separator at all");
  expect_one_refusal(encrypt(oaep_block(0, hash, zeros, 2, message, 256)), label, "separator is 2");
  expect_one_refusal(encrypt(oaep_block(0, hash, one_in_padding, 1, message, 256)), label,
                     "padding not zero");
  expect_one_refusal(encrypt(oaep_block(0, hash, last_of_padding, 1, message, 256)), label, "padding end");
  expect_one_refusal(encrypt(Bytes(256, 0)), label, "block of zeros");
  expect_one_refusal(good, {}, "no label");
  expect_one_refusal(good, as_bytes("Label"), "label in another case");
}

TEST(Wrap, K7_CiphertextsOfWrongLengthOrRangeAreTheSameRefusal) {
  const auto& key = rsa_key().public_key();
  const auto good = key.wrap(SecretBytes::zeros(32)).value();
  for (const std::size_t size : {0U, 1U, 128U, 255U})
    expect_one_refusal(ByteView(good).first(size), {}, "cut");
  auto longer = good;
  longer.insert(longer.begin(), 0);
  expect_one_refusal(longer, {}, "a zero before it");
  auto appended = good;
  appended.push_back(0);
  expect_one_refusal(appended, {}, "a zero after it");
  expect_one_refusal(Bytes(1U << 20, 1), {}, "a mebibyte");
  expect_one_refusal(Bytes(256, 0), {}, "zero");
  expect_one_refusal(Bytes(256, 0xFF), {}, "beyond the modulus");
  Bytes one(256, 0);
  one.back() = 1;
  expect_one_refusal(one, {}, "one");
  auto modulus = to_bytes(ByteView(key.spki()).subspan(33, 256));
  expect_one_refusal(modulus, {}, "the modulus");
  modulus.back() = static_cast<std::uint8_t>(modulus.back() - 1);
  expect_one_refusal(modulus, {}, "the modulus less one");
  for (std::size_t bit = 0; bit < 2048; bit += 131) {
    auto changed = good;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    expect_one_refusal(changed, {}, "flipped bit");
  }
  const auto elsewhere = PrivateKey::generate_rsa(2048).public_key().wrap(SecretBytes::zeros(32)).value();
  expect_one_refusal(elsewhere, {}, "another key's wrap");
  EXPECT_TRUE(refused(ec_key().unwrap(good), ErrorCode::kCorrupt));
}

TEST(Wrap, OneKeyServesManyThreads) {
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&wrong, t] {
        for (std::uint8_t i = 0; i < 25; ++i) {
          const auto data = SecretBytes::copy_of(Bytes(32, i));
          const auto opened = rsa_key().unwrap(rsa_key().public_key().wrap(data).value());
          if (!opened || *opened != data) ++wrong[t];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// RFC 6979 appendix A.2.5, SHA-256, both messages.
TEST(Signature, Rfc6979Vectors) {
  const auto key = PublicKey::from_spki(hex(
      "3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6c"
      "e669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"));
  ASSERT_TRUE(key.has_value());
  const auto sample =
      hex("3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  const auto test =
      hex("3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
          "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
  EXPECT_TRUE(key->verify(as_bytes("sample"), sample));
  EXPECT_TRUE(key->verify(as_bytes("test"), test));
  EXPECT_FALSE(key->verify(as_bytes("test"), sample));
  EXPECT_FALSE(key->verify(as_bytes("sample"), test));
}

TEST(Signature, RoundTripAndEveryKindOfForgery) {
  const auto& key = ec_key();
  const auto signature = key.sign(as_bytes("request"));
  EXPECT_TRUE(key.public_key().verify(as_bytes("request"), signature));
  EXPECT_NE(key.sign(as_bytes("request")), signature) << "the nonce must be fresh";
  EXPECT_TRUE(key.public_key().verify({}, key.sign({})));
  EXPECT_FALSE(key.public_key().verify(as_bytes("Request"), signature));
  EXPECT_FALSE(PrivateKey::generate_p256().public_key().verify(as_bytes("request"), signature));
  EXPECT_FALSE(rsa_key().public_key().verify(as_bytes("request"), signature));
  for (std::size_t size = 0; size < signature.size(); ++size)
    EXPECT_FALSE(key.public_key().verify(as_bytes("request"), ByteView(signature).first(size))) << size;
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    auto changed = signature;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(key.public_key().verify(as_bytes("request"), changed)) << bit;
  }
  auto longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(key.public_key().verify(as_bytes("request"), longer));
  // r and s of zero, one, and beyond the order.
  EXPECT_FALSE(key.public_key().verify(as_bytes("request"), hex("3006020100020100")));
  EXPECT_FALSE(key.public_key().verify(as_bytes("request"), hex("3006020101020101")));
  EXPECT_FALSE(key.public_key().verify(
      as_bytes("request"), hex("3046022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
                               "022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(SignatureDeathTest, SigningWithAnRsaKeyIsAProgrammersMistake) {
  EXPECT_DEATH(static_cast<void>(rsa_key().sign(as_bytes("x"))), "kEcP256");
  EXPECT_DEATH(static_cast<void>(PrivateKey::generate_rsa(1024)), "2048");
  EXPECT_DEATH(static_cast<void>(PublicKey().spki()), "empty");
}

// A sealed key file that asks for that much work; nothing in it opens.
SecretBytes key_file_asking_for(X509_ALGOR* algorithm) {
  EXPECT_NE(algorithm, nullptr);
  X509_SIG* sealed = X509_SIG_new();
  X509_ALGOR* place = nullptr;
  ASN1_OCTET_STRING* content = nullptr;
  X509_SIG_getm(sealed, &place, &content);
  X509_ALGOR_copy(place, algorithm);
  X509_ALGOR_free(algorithm);
  const Bytes nothing(64, 1);
  ASN1_OCTET_STRING_set(content, nothing.data(), static_cast<int>(nothing.size()));
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8(bio, sealed);
  X509_SIG_free(sealed);
  const char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &text));
  auto out = secret(std::string_view(text, size));
  BIO_free(bio);
  return out;
}
X509_ALGOR* pbkdf2(int iterations) {
  return PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, nullptr, 0, nullptr, NID_hmacWithSHA256);
}
X509_ALGOR* scrypt(std::uint64_t cost, std::uint64_t block, std::uint64_t parallel) {
  return PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 16, nullptr, cost, block, parallel);
}

TEST(Keys, K5_AKeyFileMayNotKeepTheServerBusy) {
  const auto phrase = secret("correct horse");
  const auto read = [&](X509_ALGOR* algorithm) {
    return PrivateKey::from_pem(key_file_asking_for(algorithm), &phrase);
  };
  const auto bounded = [](const Result<PrivateKey>& key) {
    return refused(key) && key.error().message.find("more work") != std::string::npos;
  };
  EXPECT_TRUE(bounded(read(pbkdf2(2'000'000'000))));
  EXPECT_TRUE(bounded(read(scrypt(1U << 15, 1, 1U << 16))));
  EXPECT_TRUE(
      bounded(read(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2'000'000'000, nullptr, 8))));
  // No way to seal at all: it does not tell what it costs.
  X509_ALGOR* none = X509_ALGOR_new();
  X509_ALGOR_set0(none, OBJ_nid2obj(NID_aes_256_cbc), V_ASN1_NULL, nullptr);
  EXPECT_TRUE(bounded(read(none)));
  // What does not cost too much is tried.
  EXPECT_TRUE(refused(read(pbkdf2(2048)), ErrorCode::kWrongKey));
  EXPECT_TRUE(refused(read(scrypt(1U << 14, 8, 1)), ErrorCode::kWrongKey));
}

class KeyFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto found = find_program("openssl");
    if (!found) GTEST_SKIP() << "the openssl command line is not installed";
    openssl_ = *found;
  }
  testing::CommandResult openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), openssl_);
    return run_command(arguments);
  }
  SecretBytes file(const char* name) const { return SecretBytes::copy_of(folder_.read(name)); }

  std::string openssl_;
  ScratchFolder folder_;
};

TEST_F(KeyFiles, WhatOpensslWritesIsRead) {
  ASSERT_EQ(openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                     folder_.path("plain.pem")})
                .exit_code,
            0);
  ASSERT_EQ(openssl({"pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", folder_.path("plain.pem"), "-out",
                     folder_.path("sealed.pem"), "-passout", "pass:correct horse"})
                .exit_code,
            0);
  ASSERT_EQ(openssl({"pkcs8", "-topk8", "-scrypt", "-in", folder_.path("plain.pem"), "-out",
                     folder_.path("scrypt.pem"), "-passout", "pass:correct horse"})
                .exit_code,
            0);
  ASSERT_EQ(
      openssl({"rsa", "-traditional", "-in", folder_.path("plain.pem"), "-out", folder_.path("old.pem")})
          .exit_code,
      0);
  ASSERT_EQ(openssl({"rsa", "-traditional", "-aes128", "-passout", "pass:correct horse", "-in",
                     folder_.path("plain.pem"), "-out", folder_.path("old-sealed.pem")})
                .exit_code,
            0);
  ASSERT_EQ(openssl({"ecparam", "-name", "prime256v1", "-genkey", "-out", folder_.path("ec.pem")}).exit_code,
            0);

  const auto plain = PrivateKey::from_pem(file("plain.pem"));
  ASSERT_TRUE(plain.has_value());
  const auto phrase = secret("correct horse"), wrong = secret("wrong"), empty = secret("");
  const auto sealed = PrivateKey::from_pem(file("sealed.pem"), &phrase);
  ASSERT_TRUE(sealed.has_value()) << sealed.error().text();
  const auto by_scrypt = PrivateKey::from_pem(file("scrypt.pem"), &phrase);
  ASSERT_TRUE(by_scrypt.has_value()) << by_scrypt.error().text();
  EXPECT_EQ(by_scrypt->pkcs8(), plain->pkcs8());
  EXPECT_EQ(sealed->pkcs8(), plain->pkcs8());
  EXPECT_TRUE(refused(PrivateKey::from_pem(file("sealed.pem"), &wrong), ErrorCode::kWrongKey));
  EXPECT_TRUE(refused(PrivateKey::from_pem(file("sealed.pem"), &empty), ErrorCode::kWrongKey));
  EXPECT_TRUE(refused(PrivateKey::from_pem(file("sealed.pem"))));
  EXPECT_TRUE(PrivateKey::from_pem(file("plain.pem"), &phrase).has_value()) << "a passphrase not needed";
  const auto old = PrivateKey::from_pem(file("old.pem"));
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->public_key(), plain->public_key());
  EXPECT_TRUE(refused(PrivateKey::from_pem(file("old-sealed.pem"), &phrase)));
  const auto ec = PrivateKey::from_pem(file("ec.pem"));  // its parameters stand before the key
  ASSERT_TRUE(ec.has_value()) << ec.error().text();
  EXPECT_EQ(ec->kind(), KeyKind::kEcP256);
}

TEST_F(KeyFiles, OpensslReadsAndAgreesWithWhatWeWrite) {
  folder_.write("key.pem", rsa_key().pem().reveal());
  folder_.write("ec.pem", ec_key().pem().reveal());
  const auto checked = openssl({"pkey", "-check", "-noout", "-in", folder_.path("key.pem")});
  EXPECT_EQ(checked.exit_code, 0) << checked.output;
  folder_.write("message", as_bytes("request"));
  folder_.write("signature", ec_key().sign(as_bytes("request")));
  folder_.write("ec.spki", ec_key().public_key().spki());
  const auto verified = openssl({"dgst", "-sha256", "-keyform", "DER", "-verify", folder_.path("ec.spki"),
                                 "-signature", folder_.path("signature"), folder_.path("message")});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  const auto wrapped = rsa_key().public_key().wrap(secret("a data key"), as_bytes("vol")).value();
  folder_.write("wrapped", wrapped);
  const auto opened = openssl(
      {"pkeyutl", "-decrypt", "-inkey", folder_.path("key.pem"), "-in", folder_.path("wrapped"), "-out",
       folder_.path("opened"), "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256",
       "-pkeyopt", "rsa_mgf1_md:sha256", "-pkeyopt", "rsa_oaep_label:" + to_hex(as_bytes("vol"))});
  EXPECT_EQ(opened.exit_code, 0) << opened.output;
  EXPECT_EQ(as_text(folder_.read("opened")), "a data key");
}

TEST_F(KeyFiles, CurveSpelledOutIsRefused) {
  ASSERT_EQ(openssl({"ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-genkey", "-noout", "-out",
                     folder_.path("ec.pem")})
                .exit_code,
            0);
  EXPECT_TRUE(refused(PrivateKey::from_pem(file("ec.pem"))));
}

// A private key whose halves come from two keys, as a careless merge of files makes it.
TEST(Keys, HalvesOfTwoKeysAreFound) {
  const auto first = to_bytes(ec_key().pkcs8().reveal());
  const auto other = PrivateKey::generate_p256().pkcs8();
  auto mixed = first;
  // PKCS#8 of P-256: the private number lies at 36, the public point ends the encoding.
  copy_bytes(MutableByteView(mixed).subspan(36, 32), other.reveal().subspan(36, 32));
  const auto key = PrivateKey::from_pkcs8(SecretBytes::copy_of(mixed));
  ASSERT_TRUE(key.has_value()) << "it parses";
  EXPECT_FALSE(key->fits_together());
}

}  // namespace
}  // namespace tapewarden::crypto
