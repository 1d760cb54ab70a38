#include "crypto/certification.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "crypto/asymmetric_key.h"
#include "crypto/random.h"
#include "crypto/testing/command.h"

namespace tapewarden::crypto {
namespace {

using testing::find_program;
using testing::run_command;
using testing::ScratchFolder;

WallTime day(int year, unsigned month = 1) {
  return std::chrono::sys_days{std::chrono::year{year} / static_cast<int>(month) / 1};
}

// A root, an issuing authority below it, and what that issues.
struct Chain {
  SystemRandom random;
  PrivateKey root_key = PrivateKey::generate_p256();
  PrivateKey issuer_key = PrivateKey::generate_p256();
  Certificate root = self_signed_certificate(authority("Root"), root_key, random).value();
  Certificate issuer =
      issue_certificate(authority("Issuer"), issuer_key.public_key(), root, root_key, random).value();

  static CertificateSpec authority(std::string name) {
    CertificateSpec spec;
    spec.common_name = std::move(name);
    spec.use = CertificateUse::kAuthority;
    spec.not_before = day(2020);
    spec.not_after = day(2040);
    return spec;
  }
  LeafSpec leaf_spec(const AsymmetricKey& key) const {
    LeafSpec spec;
    const std::vector<NamePart> parts{{"O", "Site"}, {"CN", "library-1"}};
    spec.subject = make_subject(parts).value();
    spec.spki = to_bytes(key.encode(KeyEncoding::kSpki, false)->reveal());
    spec.not_before = day(2025);
    spec.not_after = day(2026);
    return spec;
  }
  Certificate leaf(const AsymmetricKey& key) {
    return issue_leaf(leaf_spec(key), issuer, issuer_key, random).value();
  }
};

TEST(Certification, K21_OpensslTakesWhatWasIssuedButNotForTls) {
  Chain chain;
  const ScratchFolder folder;
  const auto openssl = find_program("openssl");
  if (!openssl) GTEST_SKIP() << "openssl is not installed";
  folder.write("root.crt", as_bytes(chain.root.pem()));
  folder.write("issuer.crt", as_bytes(chain.issuer.pem()));
  for (const auto& key :
       {AsymmetricKey::generate_rsa(2048).value(), AsymmetricKey::generate_ec("secp384r1").value()}) {
    const auto leaf = chain.leaf(key);
    folder.write("leaf.crt", as_bytes(leaf.pem()));
    const auto verify = [&](std::vector<std::string> more) {
      std::vector<std::string> arguments{*openssl,     "verify",
                                         "-attime",    "1750000000",
                                         "-CAfile",    folder.path("root.crt"),
                                         "-untrusted", folder.path("issuer.crt")};
      arguments.insert(arguments.end(), more.begin(), more.end());
      arguments.push_back(folder.path("leaf.crt"));
      return run_command(arguments).exit_code;
    };
    EXPECT_EQ(verify({}), 0);
    EXPECT_EQ(verify({"-purpose", "smimesign"}), 0);
    EXPECT_NE(verify({"-purpose", "sslclient"}), 0) << "it must open no port of this site";
    EXPECT_NE(verify({"-purpose", "sslserver"}), 0);
    EXPECT_FALSE(leaf.is_authority());
    EXPECT_EQ(leaf.common_name(), "library-1");
    EXPECT_EQ(to_hex(spki_of(leaf)), to_hex(chain.leaf_spec(key).spki));
  }
}

TEST(Certification, K21_AnIssuerThatOpensNoPortIsToldFromOneThatDoes) {
  Chain chain;
  const auto own = PrivateKey::generate_p256();
  auto spec = chain.leaf_spec(AsymmetricKey::generate_ec("prime256v1").value());
  spec.spki = own.public_key().spki();
  const auto issuer = issue_issuer(spec, chain.root, chain.root_key, chain.random).value();
  EXPECT_TRUE(issuer.is_authority());
  EXPECT_FALSE(may_authenticate_tls(issuer));
  EXPECT_TRUE(may_authenticate_tls(chain.issuer));
  const auto leaf = issue_leaf(chain.leaf_spec(AsymmetricKey::generate_ec("prime256v1").value()), issuer, own,
                               chain.random);
  ASSERT_TRUE(leaf) << leaf.error().text();
  const std::vector<Certificate> whole{*leaf, issuer};
  const std::vector<Certificate> roots{chain.root};
  EXPECT_EQ(check_chain(whole, roots, day(2025, 6)), ChainValidity::kValid);
}

// As docs/operating/connect-kmip-library.md has it.
TEST(Certification, K21_OpensslSignsAnIssuersRequest) {
  const auto openssl = find_program("openssl");
  if (!openssl) GTEST_SKIP() << "openssl is not installed";
  Chain chain;
  const ScratchFolder folder;
  CertificateSpec spec;
  spec.common_name = "KMIP issuer";
  folder.write("issuer.csr", as_bytes(make_certificate_request(spec, PrivateKey::generate_p256()).value()));
  folder.write("authority.crt", as_bytes(chain.root.pem()));
  folder.write("authority.key", chain.root_key.pem().reveal());
  folder.write("issuer.ext", as_bytes("basicConstraints=critical,CA:TRUE,pathlen:0\n"
                                      "keyUsage=critical,keyCertSign,cRLSign\n"
                                      "extendedKeyUsage=emailProtection,codeSigning\n"));
  const auto signing =
      run_command({*openssl, "x509", "-req", "-in", folder.path("issuer.csr"), "-CA",
                   folder.path("authority.crt"), "-CAkey", folder.path("authority.key"), "-days", "730",
                   "-sha256", "-extfile", folder.path("issuer.ext"), "-out", folder.path("issuer.crt")});
  ASSERT_EQ(signing.exit_code, 0) << signing.output;
  const auto pem = folder.read("issuer.crt");
  const auto issuer = Certificate::from_pem(as_text(pem));
  ASSERT_TRUE(issuer) << issuer.error().text();
  EXPECT_TRUE(issuer->is_authority());
  EXPECT_FALSE(may_authenticate_tls(*issuer));
}

TEST(Certification, K21_AChainIsValidAtItsTimeAndWithItsAuthorityAlone) {
  Chain chain;
  const auto leaf = chain.leaf(AsymmetricKey::generate_ec("prime256v1").value());
  const std::vector<Certificate> roots{chain.root};
  const std::vector<Certificate> issuers{chain.issuer};
  const std::vector<Certificate> whole{chain.issuer, leaf};
  const std::vector<Certificate> alone{leaf};
  EXPECT_EQ(check_chain(whole, roots, day(2025, 6)), ChainValidity::kValid) << "in any order";
  EXPECT_EQ(check_chain(whole, roots, day(2024)), ChainValidity::kInvalid) << "not yet";
  EXPECT_EQ(check_chain(whole, roots, day(2027)), ChainValidity::kInvalid) << "not any more";
  EXPECT_EQ(check_chain(alone, roots, day(2025, 6)), ChainValidity::kUnknown);
  EXPECT_EQ(check_chain(alone, issuers, day(2025, 6)), ChainValidity::kValid);
  EXPECT_EQ(check_chain(whole, {}, day(2025, 6)), ChainValidity::kUnknown);
  const std::vector<Certificate> with_root{chain.root, leaf, chain.issuer};
  EXPECT_EQ(check_chain(with_root, roots, day(2025, 6)), ChainValidity::kValid);
  EXPECT_EQ(check_chain(with_root, {}, day(2025, 6)), ChainValidity::kUnknown);
  Chain other;
  const std::vector<Certificate> mixed{other.issuer, leaf};
  EXPECT_EQ(check_chain(mixed, issuers, day(2025, 6)), ChainValidity::kInvalid) << "not one chain";
  // A leaf that another one "issued".
  const auto below = chain.leaf(AsymmetricKey::generate_ec("prime256v1").value());
  const std::vector<Certificate> twins{leaf, below};
  EXPECT_EQ(check_chain(twins, issuers, day(2025, 6)), ChainValidity::kInvalid);
}

TEST(Certification, K21_ARequestIsReadWhenItsOwnKeySignedIt) {
  CertificateSpec spec;
  spec.common_name = "library-1";
  const auto key = PrivateKey::generate_rsa(2048);
  const auto pem = make_certificate_request(spec, key).value();
  const auto request = read_certification_request(as_bytes(pem));
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_EQ(request->spki, key.public_key().spki());
  const auto parts = read_subject(request->subject).value();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].value, "library-1");
  EXPECT_FALSE(read_certification_request(as_bytes("no request")));
  EXPECT_FALSE(read_certification_request({}));
  auto broken = pem;
  broken[pem.size() / 2] = broken[pem.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(read_certification_request(as_bytes(broken)));
}

TEST(Certification, K21_WhatIsNoSubjectOrNoAuthorityIssuesNothing) {
  Chain chain;
  const auto key = AsymmetricKey::generate_ec("prime256v1").value();
  const auto good = chain.leaf_spec(key);
  const auto refused = [&](LeafSpec spec) {
    return !issue_leaf(spec, chain.issuer, chain.issuer_key, chain.random);
  };
  auto spec = good;
  spec.subject = {0x30, 0x00, 0x00};
  EXPECT_TRUE(refused(spec));
  spec = good;
  spec.spki.pop_back();
  EXPECT_TRUE(refused(spec));
  spec = good;
  spec.not_after = spec.not_before;
  EXPECT_TRUE(refused(spec));
  EXPECT_FALSE(issue_leaf(good, chain.issuer, chain.root_key, chain.random)) << "another key";
  EXPECT_FALSE(issue_leaf(good, chain.leaf(key), chain.issuer_key, chain.random)) << "no authority";
  EXPECT_FALSE(make_subject({}));
  EXPECT_FALSE(make_subject(std::vector<NamePart>{{"nothing", "x"}}));
  EXPECT_FALSE(make_subject(std::vector<NamePart>{{"C", "too long"}}));
  EXPECT_FALSE(read_subject(Bytes{0x30, 0x00})) << "nobody";
}

}  // namespace
}  // namespace tapewarden::crypto
