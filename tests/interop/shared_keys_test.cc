// K18: a partner who has openssl and no Tapewarden makes certificates, gets a file of keys, and opens it with
// the commands and the page of Python that the documentation gives.
#include "interop/interop_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class InteropSharing : public InteropSite {
 protected:
  static constexpr std::string_view kDecoder = TW_SOURCE_DIR "/docs/formats/decode_shared_keys.py";

  // An identity that vouches for an encryption certificate.
  static Result<std::string> make_partner() {
    return shell(R"sh(
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out identity.key
openssl req -x509 -new -key identity.key -subj "/CN=Partner" -days 3000 -out identity.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out recipient.key
openssl req -new -key recipient.key -subj "/CN=Partner keys" -out recipient.csr
openssl x509 -req -in recipient.csr -CA identity.pem -CAkey identity.key -CAcreateserial -days 300 -out recipient.pem
cat recipient.pem identity.pem > partner.pem
openssl x509 -in identity.pem -noout -fingerprint -sha256 | sed 's/.*=//')sh");
  }
};

TEST_F(InteropSharing, K18_OpenSslOpensTheFileKeyAndAPageOfPythonTheKeys) {
  const auto fingerprint = make_partner();
  TW_ASSERT_OK(fingerprint);
  const std::string digits =
      fingerprint->substr(fingerprint->find_last_of('\n', fingerprint->size() - 2) + 1);
  TW_ASSERT_OK(as_officer({"partner", "import", "OPENSSL", file("partner.pem")}));
  EXPECT_FALSE(as_officer({"partner", "confirm", "OPENSSL", "--fingerprint", "0000 0000 0000 0000"}));
  TW_ASSERT_OK(as_officer({"partner", "confirm", "OPENSSL", "--fingerprint", digits.substr(0, 95)}));
  TW_ASSERT_OK(as_officer({"partner", "certificate", "--output", file("own.pem")}));
  TW_ASSERT_OK(as_officer({"key", "generate", "--range", "IOP000000000000000001-03"}));
  TW_ASSERT_OK(as_both_officers(
      {"key", "export", "--to", "OPENSSL", "--range", "IOP000000000000000001-03", "--output", file("keys")}));

  // The own certificates are what openssl takes them for.
  TW_EXPECT_OK(shell(R"sh(
awk '/BEGIN/{n++} {print > ("own-" n ".pem")}' own.pem
openssl verify -CAfile own-2.pem own-1.pem
openssl x509 -in own-1.pem -noout -text | grep -q "Key Encipherment")sh"));

  if (!shell("python3 -c 'import cryptography'")) GTEST_SKIP() << "python3-cryptography is not installed";
  const auto opened = shell("decode=" + std::string(kDecoder) + R"sh(
python3 $decode keys
python3 $decode keys --envelope envelope
openssl cms -decrypt -inform DER -in envelope -inkey recipient.key -out file.key
[ $(wc -c < file.key) = 32 ]
python3 $decode keys --signer signer.der
openssl x509 -inform DER -in signer.der -noout -fingerprint -sha256 > signer
openssl x509 -in own-2.pem -noout -fingerprint -sha256 > own
cmp signer own
python3 $decode keys file.key > opened
[ $(wc -l < opened) = 3 ]
cat opened)sh");
  TW_ASSERT_OK(opened);
  EXPECT_THAT(*opened, HasSubstr("IOP000000000000000003"));
  EXPECT_THAT(*opened, HasSubstr("\"keys\": 3"));
  // A changed file is refused there, too; another key opens no envelope.
  EXPECT_FALSE(shell("decode=" + std::string(kDecoder) + R"sh(
python3 - <<'END'
content = bytearray(open('keys', 'rb').read())
content[-200] ^= 1
open('changed', 'wb').write(content)
END
python3 $decode changed file.key)sh"));
  EXPECT_FALSE(shell(R"sh(
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other.key
openssl cms -decrypt -inform DER -in envelope -inkey other.key -out none && [ $(wc -c < none) = 32 ])sh"));
}

}  // namespace
}  // namespace tapewarden::testing
