#include <algorithm>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/random.h"
#include "crypto/testing/command.h"

namespace tapewarden::crypto {
namespace {

using testing::find_program;
using testing::run_command;
using testing::ScratchFolder;

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}
template <typename T>
bool refused(const Result<T>& result, ErrorCode code = ErrorCode::kInvalidArgument) {
  return !result.has_value() && result.error().code == code && !result.error().message.empty();
}
Certificate self_signed(const PrivateKey& key, std::string name, CertificateUse use) {
  SystemRandom random;
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.use = use;
  spec.not_before = from_millis(1'700'000'000'000);
  spec.not_after = from_millis(3'000'000'000'000);
  return self_signed_certificate(spec, key, random).value();
}

struct Kek {
  PrivateKey key = PrivateKey::generate_rsa(2048);
  Certificate certificate = self_signed(key, "KEK one", CertificateUse::kKeyWrapping);
  Certificate other = self_signed(PrivateKey::generate_p256(), "authority", CertificateUse::kAuthority);

  Pkcs12 content() const {
    return {.key = key, .certificate = certificate, .others = {other}, .friendly_name = "archive 2026"};
  }
};
const Kek& kek() {
  static const Kek instance;
  return instance;
}
const Bytes& file() {
  static const auto bytes = write_pkcs12(kek().content(), secret("correct horse")).value();
  return bytes;
}

TEST(Pkcs12, K5_RoundTrip) {
  const auto read = read_pkcs12(file(), secret("correct horse"));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  ASSERT_TRUE(read->key.has_value());
  EXPECT_EQ(read->key->pkcs8(), kek().key.pkcs8());
  EXPECT_EQ(read->certificate, kek().certificate);
  EXPECT_EQ(read->others, std::vector<Certificate>{kek().other});
  EXPECT_EQ(read->friendly_name, "archive 2026");
}

TEST(Pkcs12, CertificatesAlone) {
  const Pkcs12 content{
      .key = {}, .certificate = kek().certificate, .others = {kek().other}, .friendly_name = ""};
  const auto read = read_pkcs12(write_pkcs12(content, secret("p")).value(), secret("p"));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_FALSE(read->key.has_value());
  EXPECT_EQ(read->certificate, kek().certificate);
  EXPECT_EQ(read->others.size(), 1U);
}

TEST(Pkcs12, EmptyPassphrase) {
  const auto bytes = write_pkcs12(kek().content(), SecretBytes());
  ASSERT_TRUE(bytes.has_value());
  EXPECT_TRUE(read_pkcs12(*bytes, SecretBytes()).has_value());
  EXPECT_TRUE(refused(read_pkcs12(*bytes, secret("x")), ErrorCode::kWrongKey));
}

TEST(Pkcs12, WrongPassphraseIsAWrongKey) {
  for (const auto* phrase : {"", "correct hors", "correct horse ", "Correct horse"})
    EXPECT_TRUE(refused(read_pkcs12(file(), secret(phrase)), ErrorCode::kWrongKey)) << phrase;
  EXPECT_TRUE(refused(read_pkcs12(file(), secret(std::string_view("correct\0horse", 13)))));
  EXPECT_TRUE(refused(write_pkcs12(kek().content(), secret(std::string_view("a\0b", 3)))));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pkcs12, GarbageCutAndTrailingBytesAreRefused) {
  EXPECT_TRUE(refused(read_pkcs12({}, secret("p"))));
  EXPECT_TRUE(refused(read_pkcs12(as_bytes("garbage"), secret("p"))));
  EXPECT_TRUE(refused(read_pkcs12(Bytes(5U << 20, 0x30), secret("p"))));
  for (std::size_t size = 0; size < file().size(); size += 97)
    EXPECT_TRUE(refused(read_pkcs12(ByteView(file()).first(size), secret("correct horse")))) << size;
  auto longer = file();
  longer.push_back(0);
  EXPECT_TRUE(refused(read_pkcs12(longer, secret("correct horse"))));
}

TEST(Pkcs12, ChangedBytesAreNeverBelieved) {
  for (std::size_t at = 60; at < file().size(); at += 151) {
    auto changed = file();
    changed[at] ^= 0x20;
    const auto read = read_pkcs12(changed, secret("correct horse"));
    EXPECT_FALSE(read.has_value() && read->key && read->key->pkcs8() != kek().key.pkcs8()) << at;
    EXPECT_FALSE(read.has_value() && read->certificate != kek().certificate) << at;
  }
}

TEST(Pkcs12, ForeignCertificateForTheKeyIsRefused) {
  auto content = kek().content();
  content.certificate = kek().other;
  EXPECT_TRUE(refused(write_pkcs12(content, secret("p"))));
}

// The file with `iterations` asked of its shrouded key, and its MAC made to fit. Nobody spends them here.
Bytes asking_for(long iterations) {
  const std::string phrase = "correct horse";
  const Bytes der = to_bytes(kek().key.pkcs8().reveal());

  X509_ALGOR* algorithm = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), static_cast<int>(iterations), nullptr, 0,
                                            nullptr, NID_hmacWithSHA256);
  X509_SIG* sealed = X509_SIG_new();
  X509_ALGOR* place = nullptr;
  ASN1_OCTET_STRING* content = nullptr;
  X509_SIG_getm(sealed, &place, &content);
  X509_ALGOR_copy(place, algorithm);
  X509_ALGOR_free(algorithm);
  ASN1_OCTET_STRING_set(content, der.data(), static_cast<int>(der.size()));

  STACK_OF(PKCS12_SAFEBAG)* bags = sk_PKCS12_SAFEBAG_new_null();
  sk_PKCS12_SAFEBAG_push(bags, PKCS12_SAFEBAG_create0_pkcs8(sealed));
  STACK_OF(PKCS7)* safes = nullptr;
  PKCS12_add_safe(&safes, bags, -1, 0, nullptr);
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  PKCS12* made = PKCS12_add_safes(safes, 0);
  sk_PKCS7_pop_free(safes, PKCS7_free);
  PKCS12_set_mac(made, phrase.c_str(), static_cast<int>(phrase.size()), nullptr, 0, 1000, EVP_sha256());
  Bytes out(static_cast<std::size_t>(i2d_PKCS12(made, nullptr)));
  auto* end = out.data();
  i2d_PKCS12(made, &end);
  PKCS12_free(made);
  return out;
}

TEST(Pkcs12, K5_WorkIsBoundedInItsBagsToo) {
  const auto much = read_pkcs12(asking_for(2'000'000'000), secret("correct horse"));
  ASSERT_FALSE(much.has_value());
  EXPECT_NE(much.error().message.find("more work"), std::string::npos) << much.error().text();
  const auto entries = read_pkcs12_entries(asking_for(2'000'000'000), secret("correct horse"), 10);
  ASSERT_FALSE(entries.has_value());
  EXPECT_NE(entries.error().message.find("more work"), std::string::npos);
  const auto little = read_pkcs12(asking_for(1000), secret("correct horse"));
  ASSERT_FALSE(little.has_value());  // what lies in it is not sealed
  EXPECT_EQ(little.error().message.find("more work"), std::string::npos) << little.error().text();
}

TEST(Pkcs12, K20_EveryEntryIsRead) {
  const auto entries = read_pkcs12_entries(file(), secret("correct horse"), 10);
  ASSERT_TRUE(entries.has_value()) << entries.error().text();
  ASSERT_EQ(entries->size(), 1U) << "the authority is no entry";
  EXPECT_EQ(entries->front().friendly_name, "archive 2026");
  EXPECT_EQ(entries->front().key->pkcs8(), kek().key.pkcs8());
  EXPECT_EQ(entries->front().certificate, kek().certificate);
  EXPECT_EQ(entries->front().fault, "");
  EXPECT_TRUE(refused(read_pkcs12_entries(file(), secret("wrong"), 10), ErrorCode::kWrongKey));
  EXPECT_TRUE(refused(read_pkcs12_entries(file(), secret("correct horse"), 2), ErrorCode::kExhausted));
}

TEST(Pkcs12, K20_EntriesOfBadFilesAreRefused) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, file().size() / 2, file().size() - 1})
    EXPECT_TRUE(refused(read_pkcs12_entries(ByteView(file()).first(size), secret("correct horse"), 10)));
  for (std::size_t at = 40; at < file().size(); at += 397) {
    Bytes bad = file();
    bad[at] ^= 0x10;
    EXPECT_FALSE(read_pkcs12_entries(bad, secret("correct horse"), 10).has_value()) << at;
  }
}

class Pkcs12Interop : public ::testing::Test {
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
  // Their file with our key and certificate, made with `more` options.
  Bytes exported(std::vector<std::string> more) const {
    folder_.write("key.pem", kek().key.pem().reveal());
    folder_.write("certificate.pem", as_bytes(kek().certificate.pem()));
    std::vector<std::string> arguments{
        "pkcs12", "-export",    "-inkey",   folder_.path("key.pem"), "-in",  folder_.path("certificate.pem"),
        "-name",  "their name", "-passout", "pass:phrase",           "-out", folder_.path("theirs.p12")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto made = openssl(arguments);
    if (made.exit_code != 0) ADD_FAILURE() << made.output;
    return folder_.read("theirs.p12");
  }
  std::string openssl_;
  ScratchFolder folder_;
};

TEST_F(Pkcs12Interop, OpensslReadsWhatWeWrite) {
  folder_.write("ours.p12", file());
  const auto info = openssl(
      {"pkcs12", "-in", folder_.path("ours.p12"), "-passin", "pass:correct horse", "-info", "-noout"});
  EXPECT_EQ(info.exit_code, 0) << info.output;
  EXPECT_NE(info.output.find("MAC: sha256, Iteration 300000"), std::string::npos) << info.output;
  EXPECT_NE(info.output.find("PBES2, PBKDF2, AES-256-CBC, Iteration 300000, PRF hmacWithSHA256"),
            std::string::npos)
      << info.output;
  ASSERT_EQ(openssl({"pkcs12", "-in", folder_.path("ours.p12"), "-passin", "pass:correct horse", "-nocerts",
                     "-nodes", "-out", folder_.path("k.pem")})
                .exit_code,
            0);
  const auto key = PrivateKey::from_pem(SecretBytes::copy_of(folder_.read("k.pem")));
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->public_key(), kek().key.public_key());
  EXPECT_NE(openssl({"pkcs12", "-in", folder_.path("ours.p12"), "-passin", "pass:wrong", "-noout"}).exit_code,
            0);
}

TEST_F(Pkcs12Interop, WhatOpensslWritesIsRead) {
  const auto read = read_pkcs12(exported({}), secret("phrase"));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->key->pkcs8(), kek().key.pkcs8());
  EXPECT_EQ(read->certificate, kek().certificate);
  EXPECT_EQ(read->friendly_name, "their name");
  EXPECT_TRUE(refused(read_pkcs12(exported({}), secret("Phrase")), ErrorCode::kWrongKey));
}

// As exported by the key managers and browsers of the 2000s.
TEST_F(Pkcs12Interop, K20_OldAlgorithmsAreRead) {
  const auto triple_des =
      exported({"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"});
  const auto read = read_pkcs12(triple_des, secret("phrase"));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->key->pkcs8(), kek().key.pkcs8());
  if (openssl({"list", "-providers", "-provider", "legacy"}).exit_code != 0)
    GTEST_SKIP() << "OpenSSL's legacy provider is not installed";
  const auto rc2 = read_pkcs12(exported({"-legacy"}), secret("phrase"));
  ASSERT_TRUE(rc2.has_value()) << rc2.error().text();
  EXPECT_EQ(rc2->certificate, kek().certificate);
  // The program at large still knows nothing of RC2.
  EXPECT_EQ(EVP_CIPHER_fetch(nullptr, "RC2-40-CBC", nullptr), nullptr);
  ERR_clear_error();
}

TEST_F(Pkcs12Interop, FilesWithoutMacOrWithHostileCostsAreRefused) {
  EXPECT_TRUE(refused(read_pkcs12(exported({"-nomac"}), secret("phrase"))));
  // The iteration count of the MAC ends the file: INTEGER, two bytes, 2048. Made four bytes long it is 2^30.
  auto costly = exported({});
  ASSERT_TRUE(equal(ByteView(costly).last(4), from_hex("02020800").value()));
  costly.resize(costly.size() - 4);
  const auto iterations = from_hex("020440000000").value();
  costly.insert(costly.end(), iterations.begin(), iterations.end());
  const auto longer_by_two = [&costly](std::size_t at) {
    const auto value = static_cast<unsigned>(costly[at] << 8 | costly[at + 1]) + 2;
    costly[at] = static_cast<std::uint8_t>(value >> 8);
    costly[at + 1] = static_cast<std::uint8_t>(value);
  };
  longer_by_two(2);  // the whole file
  // The MacData sequence: 30 41 before DigestInfo 30 31 (SHA-256).
  const auto mac_data = from_hex("30413031300d0609").value();
  const auto found = std::ranges::search(costly, mac_data);
  ASSERT_FALSE(found.empty());
  found.begin()[1] = 0x43;
  EXPECT_TRUE(refused(read_pkcs12(costly, secret("phrase"))));
  EXPECT_NE(read_pkcs12(costly, secret("phrase")).error().message.find("work"), std::string::npos)
      << read_pkcs12(costly, secret("phrase")).error().text();
}

TEST_F(Pkcs12Interop, KeysThatAreNotUsedAreRefused) {
  ASSERT_EQ(openssl({"req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", folder_.path("k.pem"),
                     "-out", folder_.path("c.pem"), "-subj", "/CN=short"})
                .exit_code,
            0);
  ASSERT_EQ(openssl({"pkcs12", "-export", "-inkey", folder_.path("k.pem"), "-in", folder_.path("c.pem"),
                     "-passout", "pass:phrase", "-out", folder_.path("short.p12")})
                .exit_code,
            0);
  EXPECT_TRUE(refused(read_pkcs12(folder_.read("short.p12"), secret("phrase"))));
}

}  // namespace
}  // namespace tapewarden::crypto
