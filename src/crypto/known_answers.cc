// Implements self_test.h; named otherwise because *_test.cc are the unit tests.
#include "crypto/known_answers.h"

#include <array>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/thread_annotations.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "crypto/self_test.h"

namespace tapewarden::crypto {
namespace {

struct Corruption {
  Mutex mutex;
  std::string algorithm TW_GUARDED_BY(mutex);
};
Corruption& corruption() {
  static Corruption instance;
  return instance;
}
std::string take_corruption() {
  auto& shared = corruption();
  const MutexLock lock(shared.mutex);
  return std::exchange(shared.algorithm, {});
}

Bytes hex(std::string_view text) {
  auto bytes = from_hex(text);
  TW_ASSERT(bytes.has_value());
  return *std::move(bytes);
}
SecretBytes secret_hex(std::string_view text) {
  return SecretBytes::copy_of(hex(text));
}

// What a test computed and what it should be; the runner compares.
struct Answer {
  Bytes computed;
  Bytes expected;
};

// The GCM specification (McGrew and Viega), test case 16; its associated data, ciphertext and tag. Opening is
// tried too, with the right tag and a wrong one.
Answer aes_256_gcm() {
  AesGcm cipher(secret_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const auto plaintext =
      hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
          "b16aedf5aa0de657ba637b39");
  const auto associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  GcmIv iv;
  copy_bytes(iv, hex("cafebabefacedbaddecaf888"));
  Bytes sealed(plaintext.size());
  auto tag = cipher.seal(iv, associated, plaintext, sealed);
  Bytes opened(sealed.size());
  const bool opens = cipher.open(iv, associated, sealed, tag, opened).has_value() && opened == plaintext;
  auto wrong_tag = tag;
  wrong_tag[15] ^= 1;
  const bool refuses = !cipher.open(iv, associated, sealed, wrong_tag, opened).has_value();
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  sealed.push_back(opens && refuses ? 1 : 0);
  return {
      sealed,
      hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
          "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b01")};
}

// FIPS 180-2 appendix B.1.
Answer sha_256() {
  return {to_bytes(sha256(as_bytes("abc"))),
          hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")};
}

// RFC 4231 section 4.3.
Answer hmac_sha_256() {
  const MacKey key(SecretBytes::copy_of(as_bytes("Jefe")));
  return {to_bytes(key.mac(as_bytes("what do ya want for nothing?"))),
          hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")};
}

// RFC 5869 appendix A.1.
Answer hkdf_sha_256() {
  const auto key = hkdf_sha256(secret_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                               hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), 42);
  return {to_bytes(key.reveal()),
          hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")};
}

// RFC 7914 section 12, the first vector: the others take too long at every start.
Answer scrypt_answer() {
  const auto key = scrypt(SecretBytes(), {}, {.n = 16, .r = 1, .p = 1}, 64);
  return {
      key ? to_bytes(key->reveal()) : Bytes(),
      hex("77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17"
          "e8d3e0fb2e0d3628cf35e20c38d18906")};
}

Answer rsa_oaep() {
  const auto key = PrivateKey::from_pkcs8(SecretBytes::copy_of(known::kRsaKey));
  if (!key) return {{}, {0}};
  const auto label = as_bytes("tapewarden");
  const auto opened = key->unwrap(known::kOaepCiphertext, label);
  Bytes expected(32);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<std::uint8_t>(i);
  // Encryption is random, so it is judged by decrypting.
  const auto again = opened ? key->public_key().wrap(*opened, label) : Result<Bytes>(Bytes());
  const auto twice = again ? key->unwrap(*again, label) : Result<SecretBytes>(SecretBytes());
  if (!opened || !twice || *opened != *twice) return {{}, expected};
  return {to_bytes(opened->reveal()), expected};
}

// RFC 6979 appendix A.2.5: P-256, SHA-256, message "sample". Then a signature of our own, and the same over
// another message.
Answer ecdsa_p256() {
  const auto key =
      PublicKey::from_spki(hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"
                               "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                               "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"));
  const auto signature =
      hex("3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  if (!key) return {{}, {0}};
  const auto own = PrivateKey::generate_p256();
  const auto made = own.sign(as_bytes("sample"));
  const auto flag = [](bool value) { return static_cast<std::uint8_t>(value ? 1 : 0); };
  return {{flag(key->verify(as_bytes("sample"), signature)), flag(key->verify(as_bytes("simple"), signature)),
           flag(own.public_key().verify(as_bytes("sample"), made)),
           flag(own.public_key().verify(as_bytes("simple"), made))},
          {1, 0, 1, 0}};
}

// No known answer exists for a generator; a stuck one shows itself by repeating.
Answer generator() {
  SystemRandom random;
  const auto first = random_secret(random, 32);
  const auto second = random_secret(random, 32);
  const bool moves = first != second && first != SecretBytes::zeros(32) && second != SecretBytes::zeros(32);
  return {{static_cast<std::uint8_t>(moves ? 1 : 0)}, {1}};
}

struct Test {
  std::string_view algorithm;
  Answer (*run)();
};
constexpr std::array kTests = {
    Test{"aes-256-gcm", aes_256_gcm},   Test{"sha-256", sha_256},      Test{"hmac-sha-256", hmac_sha_256},
    Test{"hkdf-sha-256", hkdf_sha_256}, Test{"scrypt", scrypt_answer}, Test{"rsa-oaep", rsa_oaep},
    Test{"ecdsa-p256", ecdsa_p256},     Test{"random", generator},
};

}  // namespace

Status run_self_test() {
  const auto corrupted = take_corruption();
  for (const auto& test : kTests) {
    auto answer = test.run();
    TW_ASSERT(!answer.expected.empty());
    if (test.algorithm == corrupted) answer.expected.back() ^= 1;
    if (answer.computed != answer.expected)
      return fail(
          ErrorCode::kInternal,
          "The self-test of " + std::string(test.algorithm) + " gave a wrong answer; no key was touched.",
          std::string(test.algorithm),
          "Reinstall OpenSSL (libssl3) and check the processor and memory of this machine.");
  }
  return {};
}

namespace testing {

void corrupt_known_answer(const char* algorithm) {
  auto& shared = corruption();
  const MutexLock lock(shared.mutex);
  shared.algorithm = algorithm;
}

}  // namespace testing

}  // namespace tapewarden::crypto
