#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "crypto/cms.h"
#include "crypto/random.h"
#include "crypto/testing/command.h"

namespace tapewarden::crypto {
namespace {

SecretBytes filled(std::size_t size, std::uint8_t first) {
  auto out = SecretBytes::zeros(size);
  for (std::size_t i = 0; i < size; ++i) out.reveal_mutable()[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

struct Holder {
  PrivateKey key;
  Certificate certificate;
};
Holder holder(const std::string& name, PrivateKey key) {
  SystemRandom random;
  CertificateSpec spec;
  spec.common_name = name;
  spec.use = CertificateUse::kKeyWrapping;
  spec.not_before = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};
  spec.not_after = std::chrono::sys_days{std::chrono::year{2060} / 1 / 1};
  auto certificate = self_signed_certificate(spec, key, random);
  EXPECT_TRUE(certificate.has_value());
  return {key, *certificate};
}
const Holder& anna() {
  static const Holder one = holder("anna", PrivateKey::generate_rsa(2048));
  return one;
}
const Holder& bert() {
  static const Holder one = holder("bert", PrivateKey::generate_rsa(2048));
  return one;
}

TEST(Envelope, K17_EachRecipientOpensAndNobodyElse) {
  const auto secret = filled(32, 9);
  const Certificate both[] = {anna().certificate, bert().certificate};
  const auto sealed = seal_to_recipients(secret, both);
  ASSERT_TRUE(sealed.has_value()) << sealed.error().text();
  for (const Holder* who : {&anna(), &bert()}) {
    const auto opened = open_as_recipient(*sealed, who->key);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    EXPECT_TRUE(*opened == secret);
  }
  const Certificate one[] = {anna().certificate};
  const auto closed = open_as_recipient(*seal_to_recipients(secret, one), bert().key);
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, ErrorCode::kWrongKey);
}

TEST(Envelope, K17_ASharedKeyOpensItAndNoOther) {
  const auto secret = filled(32, 9);
  const auto key = filled(32, 3);
  const Bytes sealed = seal_to_key(secret, key);
  const auto opened = open_with_key(sealed, key);
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  EXPECT_TRUE(*opened == secret);
  EXPECT_EQ(open_with_key(sealed, filled(32, 4)).error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(open_with_key(Bytes(40), key).error().code, ErrorCode::kInvalidArgument);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 0x20;
    const auto other = open_with_key(changed, key);
    if (other) {
      EXPECT_TRUE(at > sealed.size() - 80 || *other == secret) << "byte " << at;
    }
  }
}

TEST(Envelope, K17_BadInputIsRefused) {
  EXPECT_EQ(seal_to_recipients(filled(32, 1), {}).error().code, ErrorCode::kInvalidArgument);
  const Certificate ec[] = {holder("ec", PrivateKey::generate_p256()).certificate};
  EXPECT_EQ(seal_to_recipients(filled(32, 1), ec).error().field, "recipient");
  EXPECT_EQ(open_as_recipient(as_bytes("no envelope"), anna().key).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(open_as_recipient({}, anna().key).has_value());
}

TEST(Envelope, K17_OpenSslOpensIt) {
  const auto program = testing::find_program("openssl");
  if (!program) GTEST_SKIP() << "the openssl command is not installed";
  const testing::ScratchFolder folder;
  const auto secret = filled(32, 0);
  const Certificate both[] = {bert().certificate, anna().certificate};
  const auto sealed = seal_to_recipients(secret, both);
  ASSERT_TRUE(sealed.has_value());
  const auto envelope = folder.write("envelope.der", *sealed);
  const auto key = folder.write("key.pem", anna().key.pem().reveal());
  const auto out = folder.path("file.key");
  const auto done = testing::run_command(
      {*program, "cms", "-decrypt", "-inform", "DER", "-in", envelope, "-inkey", key, "-out", out});
  EXPECT_EQ(done.exit_code, 0) << done.output;
  EXPECT_EQ(to_hex(folder.read("file.key")), to_hex(secret.reveal()));
}

}  // namespace
}  // namespace tapewarden::crypto
