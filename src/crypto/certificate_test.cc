#include "crypto/certificate.h"

#include <chrono>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/testing/sim_env.h"
#include "crypto/certificate_renewal.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/testing/command.h"

namespace tapewarden::crypto {
namespace {

using namespace std::chrono_literals;
using tapewarden::testing::SimRandom;
using testing::CommandResult;
using testing::find_program;
using testing::run_command;
using testing::ScratchFolder;

WallTime day(int year, unsigned month, unsigned of_month) {
  return std::chrono::sys_days{std::chrono::year{year} / static_cast<int>(month) /
                               static_cast<int>(of_month)};
}
CertificateSpec spec_of(std::string name, CertificateUse use) {
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.use = use;
  spec.not_before = day(2020, 1, 1);
  spec.not_after = day(2061, 6, 30);
  return spec;
}
template <typename T>
bool refused(const Result<T>& result, ErrorCode code = ErrorCode::kInvalidArgument) {
  return !result.has_value() && result.error().code == code && !result.error().message.empty();
}

// A site with an authority and a server certificate from it.
struct Site {
  SystemRandom random;
  PrivateKey authority_key = PrivateKey::generate_p256();
  Certificate authority =
      self_signed_certificate(spec_of("Site authority", CertificateUse::kAuthority), authority_key, random)
          .value();
  PrivateKey server_key = PrivateKey::generate_p256();
  Certificate server = issue(server_spec(), server_key);

  static CertificateSpec server_spec() {
    auto spec = spec_of("keys.example", CertificateUse::kServerAndClient);
    spec.organizational_unit = "keyd";
    spec.dns_names = {"keys.example", "*.keys.example"};
    spec.ip_addresses = {"127.0.0.1", "::1"};
    return spec;
  }
  Certificate issue(const CertificateSpec& spec, const PrivateKey& key) {
    return issue_certificate(spec, key.public_key(), authority, authority_key, random).value();
  }
};
Site& site() {
  static Site instance;
  return instance;
}

TEST(Certificate, SaysWhatWasAskedFor) {
  const auto& server = site().server;
  EXPECT_EQ(server.common_name(), "keys.example");
  EXPECT_EQ(server.organizational_unit(), "keyd");
  EXPECT_EQ(site().authority.organizational_unit(), "");
  EXPECT_EQ(server.subject(), "CN=keys.example,OU=keyd");
  EXPECT_EQ(server.issuer(), "CN=Site authority");
  EXPECT_EQ(server.not_before(), day(2020, 1, 1));
  EXPECT_EQ(server.not_after(), day(2061, 6, 30));
  EXPECT_EQ(server.public_key().value(), site().server_key.public_key());
  EXPECT_EQ(server.fingerprint(), sha256(server.der()));
  EXPECT_FALSE(server.is_authority());
  EXPECT_TRUE(site().authority.is_authority());
}

TEST(Certificate, DerAndPemRoundTrip) {
  const auto& server = site().server;
  EXPECT_EQ(Certificate::from_der(server.der()).value(), server);
  EXPECT_EQ(Certificate::from_pem("text before\n" + server.pem()).value(), server);
  const auto list = Certificate::list_from_pem(server.pem() + "between\n" + site().authority.pem());
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0), server);
  EXPECT_EQ(list->at(1), site().authority);
  EXPECT_EQ(Certificate(), Certificate());
  EXPECT_NE(Certificate(), server);
}

TEST(Certificate, ManyReadersAndMoreCertificatesThanAreRemembered) {
  auto& here = site();
  const auto first = here.server.der();
  std::vector<Bytes> others;
  SimRandom random(5);
  for (int i = 0; i < 1100; ++i)
    others.push_back(self_signed_certificate(spec_of(std::to_string(i), CertificateUse::kClient),
                                             here.authority_key, random)
                         ->der());
  std::vector<std::size_t> wrong(3, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < others.size(); ++i) {
          const auto other = Certificate::from_der(others[i]);
          const auto same = Certificate::from_der(first);
          if (!other || other->common_name() != std::to_string(i) || !same || *same != here.server ||
              same->public_key().value() != here.server_key.public_key() ||
              other->public_key().value() != here.authority_key.public_key())
            ++wrong[t];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<std::size_t>(3, 0));
}

TEST(Certificate, GarbageIsRefused) {
  const auto der = site().server.der();
  EXPECT_TRUE(refused(Certificate::from_der({})));
  EXPECT_TRUE(refused(Certificate::from_der(as_bytes("garbage"))));
  EXPECT_TRUE(refused(Certificate::from_der(Bytes(5U << 20, 0x30))));
  for (std::size_t size = 0; size < der.size(); size += 5)
    EXPECT_TRUE(refused(Certificate::from_der(ByteView(der).first(size)))) << size;
  auto longer = der;
  longer.push_back(0);
  EXPECT_TRUE(refused(Certificate::from_der(longer)));
  const auto pem = site().server.pem();
  for (const std::string& text :
       {std::string(), std::string("garbage"), pem.substr(0, pem.size() / 2), std::string(5U << 20, 'A'),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    EXPECT_TRUE(refused(Certificate::from_pem(text)));
    EXPECT_TRUE(refused(Certificate::list_from_pem(text)));
  }
  EXPECT_TRUE(refused(
      Certificate::list_from_pem(pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")))
      << "a list with a damaged member must not pass for a shorter one";
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificate, ChangedBytesNeverVerify) {
  const auto der = site().server.der();
  std::size_t parsed = 0;
  for (std::size_t at = 0; at < der.size(); at += 3) {
    auto changed = der;
    changed[at] ^= 0x04;
    const auto certificate = Certificate::from_der(changed);
    if (!certificate) continue;
    ++parsed;
    EXPECT_FALSE(certificate->signed_by(site().authority)) << at;
  }
  EXPECT_GT(parsed, 50U) << "the loop must have judged something";
}

TEST(Certificate, SignedByOnlyItsAuthority) {
  auto& here = site();
  EXPECT_TRUE(here.server.signed_by(here.authority));
  EXPECT_TRUE(here.authority.signed_by(here.authority));
  EXPECT_FALSE(here.authority.signed_by(here.server));
  EXPECT_FALSE(here.server.signed_by(here.server));
  // The same name with another key.
  const auto impostor_key = PrivateKey::generate_p256();
  const auto impostor = self_signed_certificate(spec_of("Site authority", CertificateUse::kAuthority),
                                                impostor_key, here.random);
  EXPECT_FALSE(here.server.signed_by(impostor.value()));
  // The right key without the right to issue.
  auto leaf_spec = spec_of("Site authority", CertificateUse::kSigning);
  const auto no_authority = self_signed_certificate(leaf_spec, here.authority_key, here.random);
  EXPECT_FALSE(here.server.signed_by(no_authority.value()));
  EXPECT_TRUE(no_authority->signed_by(*no_authority)) << "self-signed";
}

TEST(Certificate, IssuingNeedsAnAuthorityAndItsOwnKey) {
  auto& here = site();
  const auto key = PrivateKey::generate_p256();
  const auto spec = spec_of("x", CertificateUse::kClient);
  EXPECT_TRUE(refused(issue_certificate(spec, key.public_key(), here.server, here.server_key, here.random)));
  EXPECT_TRUE(refused(issue_certificate(spec, key.public_key(), here.authority, key, here.random)));
}

TEST(Certificate, RenewalChangesTimeAndNumberAlone) {
  SimRandom random(9);
  const auto authority_key = PrivateKey::generate_p256();
  const auto authority =
      self_signed_certificate(spec_of("site", CertificateUse::kAuthority), authority_key, random).value();
  const auto key = PrivateKey::generate_p256();
  auto spec = spec_of("server", CertificateUse::kServerAndClient);
  spec.organizational_unit = "keyd";
  spec.dns_names = {"keys.example"};
  spec.not_after = day(2022, 1, 1);
  const auto old = issue_certificate(spec, key.public_key(), authority, authority_key, random).value();
  const auto renewed =
      renew_certificate(old, day(2021, 12, 1), day(2024, 1, 1), authority, authority_key, random);
  ASSERT_TRUE(renewed.has_value()) << renewed.error().text();
  EXPECT_EQ(renewed->subject(), old.subject());
  EXPECT_EQ(renewed->public_key().value(), key.public_key());
  EXPECT_EQ(renewed->not_before(), day(2021, 12, 1));
  EXPECT_EQ(renewed->not_after(), day(2024, 1, 1));
  EXPECT_NE(renewed->serial_hex(), old.serial_hex());
  EXPECT_TRUE(renewed->signed_by(authority));
  // All else is the same: made again with the old times and number it would be the old one, so its length is.
  EXPECT_NEAR(static_cast<double>(renewed->der().size()), static_cast<double>(old.der().size()), 4);
  const auto stranger_key = PrivateKey::generate_p256();
  const auto stranger =
      self_signed_certificate(spec_of("site", CertificateUse::kAuthority), stranger_key, random).value();
  EXPECT_TRUE(
      refused(renew_certificate(old, day(2021, 1, 1), day(2024, 1, 1), stranger, stranger_key, random)));
  EXPECT_TRUE(
      refused(renew_certificate(old, day(2021, 1, 1), day(2024, 1, 1), authority, stranger_key, random)));
  EXPECT_TRUE(
      refused(renew_certificate(old, day(2024, 1, 1), day(2024, 1, 1), authority, authority_key, random)));
}

TEST(Certificate, RsaKeysForWrapping) {
  auto& here = site();
  const auto kek = PrivateKey::generate_rsa(2048);
  const auto own = self_signed_certificate(spec_of("KEK", CertificateUse::kKeyWrapping), kek, here.random);
  ASSERT_TRUE(own.has_value());
  EXPECT_TRUE(own->signed_by(*own));
  EXPECT_EQ(own->public_key()->kind(), KeyKind::kRsa);
  const auto issued = here.issue(spec_of("KEK", CertificateUse::kKeyWrapping), kek);
  EXPECT_TRUE(issued.signed_by(here.authority));
  EXPECT_EQ(issued.public_key().value(), kek.public_key());
}

TEST(Certificate, TimesOfAnyCentury) {
  auto& here = site();
  const std::pair<WallTime, WallTime> spans[] = {
      {day(1996, 2, 29), day(1997, 1, 1)},            // long expired: issued and read all the same
      {day(2026, 1, 1), day(2049, 12, 31) + 86399s},  // the last UTCTime
      {day(2026, 1, 1), day(2050, 1, 1)},             // the first GeneralizedTime
      {day(2049, 6, 1), day(2099, 12, 31)},
      {day(2060, 1, 1), day(9999, 12, 31) + 86399s},
  };
  for (const auto& [from, to] : spans) {
    auto spec = spec_of("long", CertificateUse::kClient);
    spec.not_before = from;
    spec.not_after = to;
    const auto certificate = here.issue(spec, here.server_key);
    EXPECT_EQ(certificate.not_before(), from) << format_utc(from);
    EXPECT_EQ(certificate.not_after(), to) << format_utc(to);
    EXPECT_TRUE(certificate.signed_by(here.authority));
  }
  auto spec = spec_of("cut", CertificateUse::kClient);
  spec.not_before = day(2026, 1, 1) + 999ms;
  EXPECT_EQ(here.issue(spec, here.server_key).not_before(), day(2026, 1, 1));
}

TEST(Certificate, SerialsAre128RandomBits) {
  auto& here = site();
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) {
    const auto serial = here.issue(spec_of("x", CertificateUse::kClient), here.server_key).serial_hex();
    EXPECT_LE(serial.size(), 32U);
    EXPECT_GE(serial.size(), 26U);
    serials.insert(serial);
  }
  EXPECT_EQ(serials.size(), 50U);
  SimRandom first(9), second(9);
  const auto spec = spec_of("seeded", CertificateUse::kAuthority);
  EXPECT_EQ(self_signed_certificate(spec, here.server_key, first)->serial_hex(),
            self_signed_certificate(spec, here.server_key, second)->serial_hex());
}

TEST(Certificate, NamesThatDoNotFitAreRefusedWithTheField) {
  auto& here = site();
  const auto field_of = [&here](const CertificateSpec& spec) {
    const auto made = self_signed_certificate(spec, here.server_key, here.random);
    return made ? std::string("accepted") : made.error().field;
  };
  const auto base = spec_of("name", CertificateUse::kClient);
  auto spec = base;
  spec.common_name = "";
  EXPECT_EQ(field_of(spec), "common_name");
  spec.common_name = std::string(64, 'n');
  EXPECT_EQ(field_of(spec), "accepted");
  spec.common_name = std::string(65, 'n');
  EXPECT_EQ(field_of(spec), "common_name");
  spec.common_name = "two\nlines";
  EXPECT_EQ(field_of(spec), "common_name");
  spec.common_name = std::string("nul\0inside", 10);
  EXPECT_EQ(field_of(spec), "common_name");
  spec.common_name = "\xff\xfe";
  EXPECT_EQ(field_of(spec), "common_name");
  spec = base;
  spec.organizational_unit = std::string(65, 'u');
  EXPECT_EQ(field_of(spec), "organizational_unit");
  spec = base;
  for (const auto* name : {"", "two words", "a,DNS:evil.example", "nul\n"}) {
    spec.dns_names = {name};
    EXPECT_EQ(field_of(spec), "dns_names") << name;
  }
  spec.dns_names = std::vector<std::string>(65, "many.example");
  EXPECT_EQ(field_of(spec), "dns_names");
  spec = base;
  for (const auto* address : {"", "1.2.3", "1.2.3.256", "host", "::g"}) {
    spec.ip_addresses = {address};
    EXPECT_EQ(field_of(spec), "ip_addresses") << address;
  }
  spec = base;
  spec.not_after = spec.not_before;
  EXPECT_EQ(field_of(spec), "not_after");
  spec.not_after = day(2026, 1, 1);
  spec.not_before = day(2027, 1, 1);
  EXPECT_EQ(field_of(spec), "not_after");
}

TEST(Certificate, NamesInUnicode) {
  auto spec = spec_of("Bücher Größe 鍵", CertificateUse::kClient);
  const auto certificate = self_signed_certificate(spec, site().server_key, site().random);
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(certificate->common_name(), "Bücher Größe 鍵");
  EXPECT_EQ(certificate->subject(), "CN=Bücher Größe 鍵");
}

TEST(CertificateRequest, RoundTripAndRefusals) {
  const auto key = PrivateKey::generate_rsa(2048);
  const auto pem = make_certificate_request(spec_of("partner", CertificateUse::kKeyWrapping), key);
  ASSERT_TRUE(pem.has_value());
  const auto read = read_certificate_request(*pem);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->common_name, "partner");
  EXPECT_EQ(read->public_key, key.public_key());
  EXPECT_TRUE(make_certificate_request(Site::server_spec(), site().server_key).has_value());
  EXPECT_TRUE(refused(make_certificate_request(spec_of("", CertificateUse::kClient), key)));

  EXPECT_TRUE(refused(read_certificate_request("")));
  EXPECT_TRUE(refused(read_certificate_request("garbage")));
  EXPECT_TRUE(refused(read_certificate_request(site().server.pem())));
  EXPECT_TRUE(refused(read_certificate_request(pem->substr(0, pem->size() / 2))));
  EXPECT_TRUE(refused(read_certificate_request(std::string(5U << 20, 'A'))));
  // One letter of the text changed: nothing of it may be believed.
  std::size_t judged = 0;
  for (std::size_t at = 40; at + 40 < pem->size(); at += 11) {
    auto changed = *pem;
    if (changed[at] == '\n' || changed[at + 1] == '-') continue;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(refused(read_certificate_request(changed))) << at;
    ++judged;
  }
  EXPECT_GT(judged, 50U);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

class OpensslJudges : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto found = find_program("openssl");
    if (!found) GTEST_SKIP() << "the openssl command line is not installed";
    openssl_ = *found;
  }
  CommandResult openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), openssl_);
    return run_command(arguments);
  }
  std::string openssl_;
  ScratchFolder folder_;
};

TEST_F(OpensslJudges, ChainsVerifyStrictlyAndOnlyForTheirPurpose) {
  auto& here = site();
  const auto authority = folder_.write("ca.pem", as_bytes(here.authority.pem()));
  const auto server = folder_.write("server.pem", as_bytes(here.server.pem()));
  const auto client = folder_.write(
      "client.pem", as_bytes(here.issue(spec_of("drive", CertificateUse::kClient), here.server_key).pem()));
  const auto verify = [&](const std::string& file, std::vector<std::string> more) {
    std::vector<std::string> arguments{"verify", "-x509_strict", "-CAfile", authority};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back(file);
    return openssl(arguments);
  };
  for (const auto& [file, purpose] :
       {std::pair{server, "sslserver"}, {server, "sslclient"}, {client, "sslclient"}}) {
    const auto judged = verify(file, {"-purpose", purpose});
    EXPECT_EQ(judged.exit_code, 0) << judged.output;
  }
  EXPECT_NE(verify(client, {"-purpose", "sslserver"}).exit_code, 0);
  EXPECT_EQ(verify(server, {"-verify_hostname", "keys.example"}).exit_code, 0);
  EXPECT_EQ(verify(server, {"-verify_ip", "::1"}).exit_code, 0);
  EXPECT_NE(verify(server, {"-verify_hostname", "other.example"}).exit_code, 0);
  // Beyond 2050, and after its end.
  EXPECT_EQ(verify(server, {"-attime", std::to_string(to_millis(day(2060, 1, 1)) / 1000)}).exit_code, 0);
  EXPECT_NE(verify(server, {"-attime", std::to_string(to_millis(day(2061, 7, 1)) / 1000)}).exit_code, 0);
  // A certificate that an ordinary one "issued" does not chain.
  EXPECT_NE(openssl({"verify", "-CAfile", server, "-partial_chain", client}).exit_code, 0);
}

TEST_F(OpensslJudges, ExtensionsAreWhatTheUseAsksFor) {
  const auto text = [&](const Certificate& certificate) {
    return openssl({"x509", "-noout", "-text", "-in", folder_.write("c.pem", as_bytes(certificate.pem()))})
        .output;
  };
  const auto has = [](const std::string& all, std::string_view part) {
    return all.find(part) != std::string::npos;
  };
  const auto authority = text(site().authority);
  EXPECT_TRUE(has(authority, "Version: 3")) << authority;
  EXPECT_TRUE(has(authority, "X509v3 Basic Constraints: critical\n                CA:TRUE"));
  EXPECT_TRUE(has(authority, "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign"));
  const auto server = text(site().server);
  EXPECT_TRUE(has(server, "CA:FALSE"));
  EXPECT_TRUE(has(server, "TLS Web Server Authentication, TLS Web Client Authentication")) << server;
  EXPECT_TRUE(has(server, "DNS:keys.example, DNS:*.keys.example, IP Address:127.0.0.1"));
  EXPECT_TRUE(has(server, "Subject Key Identifier"));
  EXPECT_TRUE(has(server, "Authority Key Identifier"));
  EXPECT_TRUE(has(server, "Signature Algorithm: ecdsa-with-SHA256"));
  const auto kek = self_signed_certificate(spec_of("KEK", CertificateUse::kKeyWrapping),
                                           PrivateKey::generate_rsa(2048), site().random);
  EXPECT_TRUE(has(text(kek.value()), "X509v3 Key Usage: critical\n                Key Encipherment"));
  const auto signing =
      self_signed_certificate(spec_of("S", CertificateUse::kSigning), site().server_key, site().random);
  EXPECT_TRUE(has(text(signing.value()), "X509v3 Key Usage: critical\n                Digital Signature"));
}

TEST_F(OpensslJudges, RequestsBothWays) {
  const auto ours = make_certificate_request(Site::server_spec(), site().server_key).value();
  const auto judged =
      openssl({"req", "-verify", "-noout", "-text", "-in", folder_.write("r.pem", as_bytes(ours))});
  EXPECT_EQ(judged.exit_code, 0) << judged.output;
  EXPECT_NE(judged.output.find("DNS:keys.example"), std::string::npos) << judged.output;

  ASSERT_EQ(openssl({"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder_.path("k.pem"), "-out",
                     folder_.path("theirs.pem"), "-subj", "/O=Partner/CN=their name"})
                .exit_code,
            0);
  const auto theirs = read_certificate_request(as_text(folder_.read("theirs.pem")));
  ASSERT_TRUE(theirs.has_value()) << theirs.error().text();
  EXPECT_EQ(theirs->common_name, "their name");
  ASSERT_EQ(openssl({"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder_.path("k.pem"), "-out",
                     folder_.path("nobody.pem"), "-subj", "/O=Partner"})
                .exit_code,
            0);
  EXPECT_TRUE(refused(read_certificate_request(as_text(folder_.read("nobody.pem")))));
}

TEST_F(OpensslJudges, CertificateWithAKeyThatIsNotUsed) {
  ASSERT_EQ(openssl({"req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", folder_.path("k.pem"), "-out",
                     folder_.path("c.pem"), "-subj", "/CN=ed"})
                .exit_code,
            0);
  const auto certificate = Certificate::from_pem(as_text(folder_.read("c.pem")));
  ASSERT_TRUE(certificate.has_value());
  EXPECT_TRUE(refused(certificate->public_key()));
}

}  // namespace
}  // namespace tapewarden::crypto
