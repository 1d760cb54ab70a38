// Everything that Tapewarden writes for others to check, checked by the openssl command line, with the
// commands that the documentation gives.
#include "audit/audit_file.h"
#include "interop/interop_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class InteropOpenssl : public InteropSite {
 protected:
  // docs/formats/evidence.md, "Checking with OpenSSL".
  static Result<std::string> check_document(const std::string& name) {
    return shell("file=" + name + "\n" + R"sh(
sed '$d' $file > signed.txt
sed -n '$s/^,"signature":"\(.*\)"}$/\1/p' $file | base64 -d > signature.der
sed -n '1,/"certificate"/s/^ *"certificate": "\(.*\)"$/\1/p' $file | base64 -d | openssl x509 -inform DER -out signer.pem
openssl x509 -in signer.pem -noout -pubkey > signer.pub
openssl dgst -sha256 -verify signer.pub -signature signature.der signed.txt
openssl verify -partial_chain -no_check_time -CAfile ca/authority.crt signer.pem
)sh");
  }
  static Status make_kek() {
    static const Status made = [] {
      auto answer = as_officer({"kek", "create", "Interop", "--bits", "2048", "--label", "INTEROP"});
      return answer ? Status() : Status(std::unexpected(answer.error()));
    }();
    return made;
  }
};

TEST_F(InteropOpenssl, U2_EveryCertificateOfTheSiteVerifies) {
  const auto checked = shell(R"sh(
openssl verify -CAfile ca/authority.crt ca/authority.crt
found=0
for certificate in primary/tls/server.crt secondary/tls/server.crt engine/tls/client.crt people/*/client.crt; do
  openssl verify -x509_strict -CAfile ca/authority.crt $certificate
  found=$((found + 1))
done
for certificate in primary/tls/signing.crt primary/tls/exchange.crt secondary/tls/signing.crt secondary/tls/exchange.crt; do
  openssl verify -CAfile ca/authority.crt $certificate
  found=$((found + 1))
done
openssl verify -purpose sslserver -CAfile ca/authority.crt primary/tls/server.crt
openssl verify -purpose sslclient -CAfile ca/authority.crt people/operator/client.crt
echo found $found)sh");
  TW_ASSERT_OK(checked);
  EXPECT_THAT(*checked, HasSubstr("found 10"));
  EXPECT_THAT(*checked, HasSubstr("primary/tls/server.crt: OK"));
}

TEST_F(InteropOpenssl, U2_EveryKeyOfTheSiteFitsItsCertificate) {
  const auto checked = shell(R"sh(
for pair in ca/authority primary/tls/server secondary/tls/server engine/tls/client people/officer-1/client; do
  openssl pkey -in $pair.key -check -noout
  [ "$(openssl pkey -in $pair.key -pubout)" = "$(openssl x509 -in $pair.crt -noout -pubkey)" ]
done)sh");
  TW_EXPECT_OK(checked);
}

TEST_F(InteropOpenssl, K11_ADrivesCertificateVerifies) {
  TW_ASSERT_OK(make_drive("3592", "6000000009", "TW0209JD"));
  const auto checked = shell(R"sh(
cd engine/drives/6000000009
openssl verify -CAfile ../../../ca/authority.crt identity.pem)sh");
  TW_ASSERT_OK(checked);
  EXPECT_THAT(*checked, HasSubstr(": OK"));
}

TEST_F(InteropOpenssl, K5_AnExportedKekOpensWithItsPassphrase) {
  TW_ASSERT_OK(make_kek());
  std::ofstream(file("passphrase")) << "a passphrase of 12 and more\n";
  TW_ASSERT_OK(as_both_officers(
      {"kek", "export", "INTEROP", "--output", file("kek.p12"), "--passphrase-file", file("passphrase")}));
  TW_ASSERT_OK(as_officer({"kek", "certificate", "INTEROP", "--output", file("kek.crt")}));
  const auto opened = shell(R"sh(
openssl pkcs12 -in kek.p12 -passin file:passphrase -nodes -out kek.pem
openssl pkey -in kek.pem -check -noout
openssl pkcs12 -in kek.p12 -passin file:passphrase -info -noout
[ "$(openssl pkey -in kek.pem -pubout)" = "$(openssl x509 -in kek.crt -noout -pubkey)" ]
rm kek.pem)sh");
  TW_ASSERT_OK(opened);
  EXPECT_THAT(*opened, HasSubstr("PBES2, PBKDF2, AES-256-CBC"));
  EXPECT_FALSE(shell("openssl pkcs12 -in kek.p12 -passin pass:wrong -noout"));
}

TEST_F(InteropOpenssl, K5_ACertificateRequestVerifiesAndAnAuthoritysAnswerIsTaken) {
  TW_ASSERT_OK(make_kek());
  TW_ASSERT_OK(as_officer({"kek", "request", "INTEROP", "--output", file("kek.csr")}));
  const auto signed_by = shell(R"sh(
openssl req -in kek.csr -verify -noout
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out elsewhere.key
openssl req -x509 -new -key elsewhere.key -subj "/CN=Authority elsewhere" -days 30 -out elsewhere.crt
openssl x509 -req -in kek.csr -CA elsewhere.crt -CAkey elsewhere.key -CAcreateserial -days 20 -out issued.crt)sh");
  TW_ASSERT_OK(signed_by);
  EXPECT_THAT(*signed_by, HasSubstr("self-signature verify OK"));
  TW_EXPECT_OK(as_officer({"kek", "replace-certificate", "INTEROP", file("issued.crt")}));
}

TEST_F(InteropOpenssl, K6_AKekElsewhereIsProvenWithTheDocumentedCommand) {
  TW_ASSERT_OK(shell(R"sh(
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out partner.key
openssl req -x509 -new -key partner.key -subj "/CN=Partner" -days 30 -out partner.crt)sh"));
  TW_ASSERT_OK(as_officer({"kek", "import-certificate", file("partner.crt"), "--label", "PARTNER"}));
  const auto challenge = as_officer({"kek", "challenge", "PARTNER", "--json"});
  TW_ASSERT_OK(challenge);
  const auto value = json::parse(*challenge);
  std::ofstream(file("wrapped.b64")) << std::string(value.at("wrapped").as_string());
  TW_ASSERT_OK(shell(R"sh(
base64 -d wrapped.b64 | openssl pkeyutl -decrypt -inkey partner.key -pkeyopt rsa_padding_mode:oaep \
  -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 \
  -pkeyopt rsa_oaep_label:$(printf 'tapewarden proof of possession' | od -An -v -tx1 | tr -d ' \n') \
  | od -An -v -tx1 | tr -d ' \n' > answer.hex)sh"));
  TW_EXPECT_OK(
      as_officer({"kek", "prove", "PARTNER", "--challenge", std::string(value.at("challenge").as_string()),
                  "--answer-file", file("answer.hex")}));
}

TEST_F(InteropOpenssl, K12_AnEvidencePackVerifiesAndAChangedOneDoesNot) {
  TW_ASSERT_OK(make_group("INTEROP", 4));
  TW_ASSERT_OK(make_drive("LTO", "6000000001", "TW0201L9"));
  (void)random_file(site().random(), file("data"), 10'000);
  TW_ASSERT_OK(tape("write", "6000000001", "TW0201L9", {"--group", "INTEROP", "--input", file("data")}));
  TW_ASSERT_OK(as_officer({"ledger", "evidence", "TW0201L9", "--output", file("pack")}));
  const auto checked = check_document("pack");
  TW_ASSERT_OK(checked);
  EXPECT_THAT(*checked, HasSubstr("Verified OK"));
  EXPECT_THAT(*checked, HasSubstr("signer.pem: OK"));
  TW_ASSERT_OK(shell("sed 's/TW0201L9/TW0202L9/' pack > changed"));
  EXPECT_FALSE(check_document("changed"));
  TW_EXPECT_OK(shell(R"sh(
volume=$(sed -n 's/^ *"volume": "\(.*\)",$/\1/p' pack | head -n 1)
grep -q "\"volume\":\"$volume\"" primary/data/audit/audit.jsonl
sed -n 's/^ *"line": "\(.*\)"$/\1/p' pack | sed 's/\\\(.\)/\1/g' > shown
[ $(wc -l < shown) = 3 ]
while read -r line; do grep -qxF "$line" primary/data/audit/audit.jsonl; done < shown
)sh")) << "the audit file has the lines that the pack shows";
}

// docs/formats/audit.md, "Checking a checkpoint with OpenSSL". A server signs one each 100,000 lines, so the
// audit's own code makes this one.
TEST_F(InteropOpenssl, K13_ACheckpointOfTheAuditVerifies) {
  RealClock clock;
  ThreadPool pool(1);
  const Env env{&clock, &site().disk(), &site().random(), &pool};
  const auto key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = "signing";
  spec.use = crypto::CertificateUse::kSigning;
  spec.not_before = clock.wall_now();
  spec.not_after = clock.wall_now() + std::chrono::hours(24);
  const auto certificate = crypto::self_signed_certificate(spec, key, site().random());
  TW_ASSERT_OK(certificate);
  std::ofstream(file("audit-signer.crt")) << certificate->pem();
  auto audit = audit::AuditFile::open(env, {.directory = file("checkpoints"), .reserve_bytes = 0});
  TW_ASSERT_OK(audit);
  (*audit)->set_checkpoint_signer([&key](ByteView message) { return key.sign(message); });
  const std::string record = R"({"type":"runtime","outcome":"success","action":"test","actor":"somebody"})";
  TW_ASSERT_OK((*audit)->note(std::span(&record, 1)));
  TW_ASSERT_OK((*audit)->checkpoint());
  const auto checked = shell(R"sh(
cd checkpoints
line=$(grep -h '"checkpoint":' audit*.jsonl | tail -n 1)
field() { printf '%s' "$line" | sed "s/.*\"$1\":\"*\([^\",}]*\).*/\1/"; }
before=$(($(field n) - 1))
chain=$(grep -h "^{\"n\":$before," audit*.jsonl | sed 's/.*"chain":"\(.*\)"}$/\1/')
{ printf 'tapewarden audit checkpoint 1\n'
  printf '%016X%s%016X%s' $before $chain $(field checkpoint) $(field head) | tr a-f A-F | basenc --base16 -d; } > message
field signature | tr a-f A-F | basenc --base16 -d > signature.der
openssl x509 -in ../audit-signer.crt -noout -pubkey > signer.pub
openssl dgst -sha256 -verify signer.pub -signature signature.der message
)sh");
  TW_ASSERT_OK(checked);
  EXPECT_THAT(*checked, HasSubstr("Verified OK"));
}

TEST_F(InteropOpenssl, D6_ACertificateOfErasureVerifies) {
  TW_ASSERT_OK(
      tapewarden({"cartridge", "create", file("TW0203L9"), "--kind", "LTO", "--volser", "TW0203L9"}));
  TW_ASSERT_OK(as_officer({"cartridge", "erase", file("TW0203L9"), "--method", "overwrite", "--yes",
                           "--certificate", file("erased")}));
  const auto checked = check_document("erased");
  TW_ASSERT_OK(checked);
  EXPECT_THAT(*checked, HasSubstr("Verified OK"));
  EXPECT_THAT(*checked, HasSubstr("signer.pem: OK"));
}

}  // namespace
}  // namespace tapewarden::testing
