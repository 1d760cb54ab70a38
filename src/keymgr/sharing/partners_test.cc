// K18: the site's own certificates, and partners with their confirmation.
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/sharing_test_kit.h"

namespace tapewarden::keymgr::sharing::testing {
namespace {

using keymgr::testing::rsa_certificate;
using keymgr::testing::shared_rsa;

struct Introduction : ::testing::Test {
  Result<Partner> put(const std::string& name, const std::string& pem, bool replace = false) {
    return put_partner(a.manager(), officer(), name, pem, replace);
  }
  Result<Partner> confirm(const std::string& name, const std::string& fingerprint) {
    return confirm_partner(a.manager(), officer(), name, fingerprint, "Bob, +43 1 5550100");
  }

  Site a{1};
  Site b{2};
};

TEST_F(Introduction, K18_TheOwnCertificateIsMadeOnceAndSurvivesARestart) {
  const std::string first = a.bundle();
  const Hash256 fingerprint = a.fingerprint();
  a.restart();
  EXPECT_EQ(a.bundle(), first);
  const auto bundle = read_bundle(first);
  TW_ASSERT_OK(bundle);
  EXPECT_EQ(bundle->fingerprint(), fingerprint);
  EXPECT_TRUE(bundle->certificate.signed_by(*bundle->identity));
  EXPECT_EQ(a.audit_count({"partner.own-make"}), 1U);
  EXPECT_EQ(a.audit_count({"partner.own-export"}), 2U);
  EXPECT_FALSE(give_own_certificate(a.manager(), officer(), {.name = "two\nlines", .renew = true}));
}

TEST_F(Introduction, K18_ARenewalKeepsTheIdentityAndTheConfirmation) {
  const std::string old = b.bundle();
  TW_ASSERT_OK(put("Vienna", old));
  TW_ASSERT_OK(confirm("vienna", spoken(b.fingerprint())));
  b.clock.advance(std::chrono::hours(48));
  const std::string renewed = b.bundle({.renew = true});
  EXPECT_NE(renewed, old);
  const auto partner = put("VIENNA", renewed);
  TW_ASSERT_OK(partner);
  EXPECT_TRUE(partner->is_confirmed());
  EXPECT_EQ(partner->display, "Vienna");
  const auto back = put("VIENNA", old);
  ASSERT_FALSE(back) << "an older certificate comes back only by a word";
  EXPECT_EQ(back.error().code, ErrorCode::kConflict);
  TW_ASSERT_OK(put("VIENNA", old, true));
}

TEST_F(Introduction, K18_AnotherIdentityTakesTheConfirmationAway) {
  TW_ASSERT_OK(put("VIENNA", b.bundle()));
  TW_ASSERT_OK(confirm("VIENNA", to_hex(b.fingerprint())));
  const std::string anew = b.bundle({.new_identity = true});
  const auto refused = put("VIENNA", anew);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(a.audit_count({"partner.import", "another fingerprint"}), 1U);
  const auto partner = put("VIENNA", anew, true);
  TW_ASSERT_OK(partner);
  EXPECT_FALSE(partner->is_confirmed());
}

TEST_F(Introduction, K18_AConfirmationTakesTheFingerprintItself) {
  TW_ASSERT_OK(put("VIENNA", b.bundle()));
  std::string wrong = spoken(b.fingerprint());
  wrong.front() = wrong.front() == '0' ? '1' : '0';
  const auto refused = confirm("VIENNA", wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(confirm("VIENNA", "yes").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(confirm("NOBODY", spoken(b.fingerprint())).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(a.audit_count({"partner.confirm", "failure"}), 3U);
  const auto partner = confirm("VIENNA", spoken(b.fingerprint()));
  TW_ASSERT_OK(partner);
  EXPECT_EQ(partner->confirmed_by, "alice");
  EXPECT_EQ(partner->read_by, "Bob, +43 1 5550100");
}

TEST_F(Introduction, K18_WhatIsNoPartnersCertificateIsRefused) {
  const auto message_of = [&](const std::string& pem) {
    const auto put_it = put("VIENNA", pem);
    return put_it ? std::string("taken") : put_it.error().message;
  };
  const auto bundle = read_bundle(b.bundle()).value();
  const std::string identity = bundle.identity->pem();
  const std::string certificate = bundle.certificate.pem();
  EXPECT_NE(message_of("rubbish").find("no certificate in PEM"), std::string::npos);
  EXPECT_NE(message_of(identity).find("no certificate with an RSA key"), std::string::npos);
  EXPECT_NE(message_of(identity + identity).find("two certificates of one kind"), std::string::npos);
  EXPECT_NE(message_of(identity + certificate + certificate).find("more than two"), std::string::npos);
  EXPECT_NE(message_of(rsa_certificate(shared_rsa(0), "foreign").pem() + identity).find("not signed by"),
            std::string::npos);
  EXPECT_NE(message_of(a.bundle()).find("this site itself"), std::string::npos);
  EXPECT_FALSE(put("two\nlines", b.bundle()));
  EXPECT_NE(message_of(certificate).find("it was cut"), std::string::npos) << "half of a site's file";
  EXPECT_EQ(a.audit_count({"partner.import", "failure"}), 8U);
  EXPECT_EQ(message_of(rsa_certificate(shared_rsa(0), "foreign").pem()), "taken")
      << "keys can go to who has an RSA certificate alone";
}

TEST_F(Introduction, K18_AnExpiredCertificateAndOneWithoutIdentityWarn) {
  const auto whole = put("VIENNA", b.bundle());
  TW_ASSERT_OK(whole);
  const WallTime now = a.manager().context().now();
  EXPECT_TRUE(import_warnings(*whole, now).empty());
  const auto late = import_warnings(*whole, now + std::chrono::years(20));
  ASSERT_EQ(late.size(), 1U);
  EXPECT_NE(late[0].find("expired on"), std::string::npos);
  const auto early = import_warnings(*whole, now - std::chrono::years(1));
  ASSERT_EQ(early.size(), 1U);
  EXPECT_NE(early[0].find("good from"), std::string::npos);
  const auto alone = put("GRAZ", rsa_certificate(shared_rsa(0), "foreign").pem());
  TW_ASSERT_OK(alone);
  ASSERT_EQ(import_warnings(*alone, now).size(), 1U);
  EXPECT_NE(import_warnings(*alone, now)[0].find("none can come"), std::string::npos);
}

TEST_F(Introduction, K18_OneIdentityIsOnePartner) {
  TW_ASSERT_OK(put("VIENNA", b.bundle()));
  const auto twice = put("WIEN", b.bundle());
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kAlreadyExists);
  TW_ASSERT_OK(remove_partner(a.manager(), officer(), "vienna"));
  EXPECT_FALSE(remove_partner(a.manager(), officer(), "vienna"));
  TW_ASSERT_OK(put("WIEN", b.bundle()));
  EXPECT_EQ(a.audit_count({"partner.remove"}), 1U);
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing::testing
