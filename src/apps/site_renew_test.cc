#include "apps/site_renew.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <map>

#include "apps/certificate_watch.h"
#include "apps/site_files.h"
#include "base/testing/sim_env.h"

namespace tapewarden::apps {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SiteRenew : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto authority = SiteAuthority::make(sim_.env(), "test");
    ASSERT_TRUE(authority.has_value());
    write("site/ca/authority.crt", "site/ca/authority.key", authority->pair());
    issue(*authority, "primary", "keyd", crypto::CertificateUse::kServerAndClient, "site/primary/tls/server");
    issue(*authority, "engine", "proxy", crypto::CertificateUse::kClient, "site/engine/tls/client");
    issue(*authority, "officer-1", "people", crypto::CertificateUse::kClient, "site/people/officer-1/client");
    put("site/primary/tls/authorities.crt", authority->pair().certificate.pem());
  }
  void issue(const SiteAuthority& authority, const std::string& name, const std::string& unit,
             crypto::CertificateUse use, const std::string& stem) {
    const auto pair =
        authority.issue(name, unit, use,
                        use == crypto::CertificateUse::kClient ? std::vector<std::string>{}
                                                               : std::vector<std::string>{"127.0.0.1"});
    ASSERT_TRUE(pair.has_value()) << pair.error().text();
    write(stem + ".crt", stem + ".key", *pair);
  }
  void write(const std::string& certificate, const std::string& key, const KeyPair& pair) {
    ASSERT_TRUE(sim_.disk.make_directories(parent_directory(certificate), 0700));
    ASSERT_TRUE(write_pair(sim_.env(), certificate, key, pair));
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(sim_.disk, path, as_bytes(text)));
  }
  crypto::Certificate at(const std::string& path) {
    return crypto::Certificate::from_pem(as_text(*read_file(sim_.disk, path, kPemFileLimit))).value();
  }

  testing::SimEnv sim_{66};
};

TEST_F(SiteRenew, U4_AServersCertificateIsForEveryNameItIsReachedBy) {
  const auto authority = SiteAuthority::make(sim_.env(), "test");
  ASSERT_TRUE(authority.has_value());
  const auto pair = authority->issue("engine", "taped", crypto::CertificateUse::kServerAndClient,
                                     {"127.0.0.1", "tapes.example.org"});
  ASSERT_TRUE(pair.has_value()) << pair.error().text();
  const Bytes der = pair->certificate.der();
  const auto names = [&der](ByteView wanted) { return !std::ranges::search(der, wanted).empty(); };
  EXPECT_TRUE(names(as_bytes("tapes.example.org")));
  EXPECT_TRUE(names(as_bytes("localhost")));
  EXPECT_TRUE(names(Bytes{127, 0, 0, 1}));
}

TEST_F(SiteRenew, U4_CertificatesGetTwoYearsMoreAndKeepTheirKeys) {
  const auto early = renew_site(sim_.env(), {.directory = "site", .authority = {}});
  ASSERT_TRUE(early.has_value()) << early.error().text();
  EXPECT_THAT(early->renewed, IsEmpty());
  EXPECT_EQ(early->kept, 3U);

  const auto old = at("site/primary/tls/server.crt");
  sim_.clock.advance(days(2 * 365 - 30));
  const auto report = renew_site(sim_.env(), {.directory = "site", .authority = {}});
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_THAT(report->renewed, SizeIs(3));
  const auto renewed = at("site/primary/tls/server.crt");
  EXPECT_EQ(renewed.public_key().value(), old.public_key().value());
  EXPECT_EQ(renewed.subject(), old.subject());
  EXPECT_GT(renewed.not_after(), old.not_after() + days(600));
  EXPECT_TRUE(renewed.signed_by(at("site/ca/authority.crt")));
}

TEST_F(SiteRenew, U4_WhoIsPinnedAndWhoIsSpokenForIsTold) {
  const auto authority = SiteAuthority::load(sim_.env(), "site/ca").value();
  for (const std::string kind : {"lto", "3592"}) {
    const std::string drive = "site/engine/drives/" + kind;
    issue(authority, kind, "drive", crypto::CertificateUse::kClient, drive + "/identity");
    put(drive + "/identity.pem", at(drive + "/identity.crt").pem());
    put(drive + "/drive.txt", "serial 1\nwwnn 0000000000000001\nkind " + kind + "\n");
  }
  const auto report = renew_site(sim_.env(), {.directory = "site", .authority = {}, .all = true});
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_THAT(report->spoken_for, ElementsAre("lto"));
  std::map<std::string, RenewedKind> kinds;
  for (const auto& one : report->renewed) kinds[one.path] = one.kind;
  EXPECT_EQ(kinds.at("site/engine/tls/client.crt"), RenewedKind::kProxy);
  EXPECT_EQ(kinds.at("site/engine/drives/3592/identity.pem"), RenewedKind::kDrive);
  EXPECT_EQ(kinds.at("site/engine/drives/lto/identity.pem"), RenewedKind::kTls)
      << "its identity is not pinned";
}

TEST_F(SiteRenew, U4_ForeignCertificatesAreLeftAloneAndMissingKeysAreTold) {
  const auto other = SiteAuthority::make(sim_.env(), "other").value();
  issue(other, "primary", "keyd", crypto::CertificateUse::kServerAndClient, "site/primary/tls/server");
  const auto before = at("site/primary/tls/server.crt");
  const auto report = renew_site(sim_.env(), {.directory = "site", .authority = {}, .all = true});
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_THAT(report->foreign, ElementsAre("site/primary/tls/server.crt"));
  EXPECT_EQ(at("site/primary/tls/server.crt"), before);
  EXPECT_THAT(report->renewed, SizeIs(2));

  ASSERT_TRUE(sim_.disk.remove("site/ca/authority.key"));
  const auto keyless = renew_site(sim_.env(), {.directory = "site", .authority = {}});
  ASSERT_FALSE(keyless);
  EXPECT_THAT(keyless.error().text(), HasSubstr("bring the folder ca/"));
  EXPECT_EQ(renew_site(sim_.env(), {.directory = "elsewhere", .authority = "site/ca"}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(SiteRenew, U4_TheStatusWarnsNinetyDaysBefore) {
  const auto watch =
      CertificateWatch::start(sim_.env(), "site/primary/tls/server.crt", "site/primary/tls/authorities.crt");
  ASSERT_TRUE(watch.has_value()) << watch.error().text();
  EXPECT_THAT(watch->warnings(), IsEmpty());
  sim_.clock.advance(days(2 * 365 - 89));
  EXPECT_THAT(watch->warnings(), ElementsAre(HasSubstr("runs out on")));
  sim_.clock.advance(days(90));
  EXPECT_THAT(watch->warnings(), ElementsAre(HasSubstr("ran out on")));
}

}  // namespace
}  // namespace tapewarden::apps
