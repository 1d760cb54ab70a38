// K5: KEKs and their labels.
#include "keymgr/keks.h"

#include <gtest/gtest.h>

#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

crypto::SecretBytes passphrase(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

TEST(Keks, K5_GenerateSelfSigned) {
  TestServer server;
  auto& m = server.manager();
  const auto made = m.generate_kek(
      officer(), {.common_name = "Finance", .bits = 2048, .valid_days = 10, .labels = {"KEK 1"}});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_TRUE(made->kek.has_private);
  EXPECT_EQ(made->labels, std::vector<std::string>{"KEK 1"});
  const auto certificate = crypto::Certificate::from_der(made->kek.certificate);
  EXPECT_EQ(made->kek.id, certificate->public_key()->spki_hash());
  EXPECT_EQ(m.kek(made->kek.id)->kek.common_name, "Finance");
  EXPECT_EQ(m.expiring_keks()->size(), 1U) << "ten days are within the warning";
  server.clock.advance(std::chrono::hours(24 * 11));
  ASSERT_EQ(m.expiring_keks()->size(), 1U);
  EXPECT_TRUE(m.expiring_keks()->front().expired);
}

TEST(Keks, K5_BadSizesAndNamesAreRefused) {
  TestServer server;
  auto& m = server.manager();
  EXPECT_EQ(m.generate_kek(officer(), {.common_name = "x", .bits = 1024}).error().field, "bits");
  EXPECT_EQ(m.generate_kek(officer(), {.common_name = "", .bits = 2048}).error().field, "common_name");
  EXPECT_EQ(m.generate_kek(officer(), {.common_name = "x", .bits = 2048, .valid_days = 0}).error().field,
            "valid_days");
  EXPECT_FALSE(
      m.generate_kek(officer(), {.common_name = "x", .bits = 2048, .labels = {std::string(65, 'a')}}));
  EXPECT_FALSE(m.import_kek_certificate(officer(), "no certificate", {}));
  EXPECT_EQ(m.list_keks({})->items.size(), 0U);
}

TEST(Keks, K5_APrivateKeyMustBelongToItsCertificate) {
  TestServer server;
  NewKek kek{rsa_certificate(shared_rsa(1), "kek"), shared_rsa(2), {}, KeyOrigin::kImported};
  const auto added = server.write([&](store::Transaction& t) -> Status {
    TRY(server.manager().keks().add(t, officer(), kek));
    return {};
  });
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().field, "key");
}

TEST(Keks, K5_LabelsNameOneKekEach) {
  TestServer server;
  auto& m = server.manager();
  const auto one =
      m.import_kek_certificate(officer(), rsa_certificate(shared_rsa(1), "one").pem(), {"A", "B"});
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_FALSE(one->kek.has_private);
  const auto two = m.import_kek_certificate(officer(), rsa_certificate(shared_rsa(2), "two").pem(), {"a"});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(m.list_keks({})->items.size(), 1U) << "nothing of the second stayed";
  ASSERT_TRUE(m.add_kek_label(officer(), one->kek.id, "C"));
  ASSERT_TRUE(m.add_kek_label(officer(), one->kek.id, "c")) << "the same again is no change";
  EXPECT_EQ(m.kek(one->kek.id)->labels.size(), 3U);
  ASSERT_TRUE(m.remove_kek_label(officer(), one->kek.id, "c"));
  EXPECT_EQ(m.remove_kek_label(officer(), one->kek.id, "c").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(m.set_setting(officer(), kDefaultLabel1, "a"));
  EXPECT_EQ(m.remove_kek_label(officer(), one->kek.id, "A").error().code, ErrorCode::kConflict);
  EXPECT_TRUE(m.label_conflicts()->empty());
}

TEST(Keks, K5_Pkcs12ComesAndGoes) {
  TestServer server;
  auto& m = server.manager();
  const auto made = m.generate_kek(officer(), {.common_name = "Finance", .bits = 2048, .labels = {"KEK 1"}});
  ASSERT_TRUE(made);
  const Consent consent = agreed();
  EXPECT_EQ(m.export_kek_pkcs12(officer(), made->kek.id, passphrase("a long passphrase"), {}).error().field,
            "approval");
  EXPECT_EQ(
      m.export_kek_pkcs12(operator_(), made->kek.id, passphrase("a long passphrase"), consent).error().code,
      ErrorCode::kPermissionDenied);
  EXPECT_EQ(m.export_kek_pkcs12(officer(), made->kek.id, passphrase("short"), consent).error().field,
            "passphrase");
  const auto file = m.export_kek_pkcs12(officer(), made->kek.id, passphrase("a long passphrase"), consent);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(server.audit_count({"kek.export", to_hex(made->kek.id), "alice"}), 1U);

  TestServer other(2);
  EXPECT_EQ(
      other.manager().import_kek_pkcs12(officer(), *file, passphrase("a wrong passphrase"), {}).error().code,
      ErrorCode::kWrongKey);
  const auto imported =
      other.manager().import_kek_pkcs12(officer(), *file, passphrase("a long passphrase"), {"DR"});
  ASSERT_TRUE(imported) << imported.error().text();
  EXPECT_TRUE(imported->kek.has_private);
  EXPECT_EQ(imported->kek.id, made->kek.id);
}

TEST(Keks, K5_TheOtherHalfAndACertificateFromAnAuthorityComeLater) {
  TestServer server;
  auto& m = server.manager();
  const auto certificate = rsa_certificate(shared_rsa(1), "kek");
  ASSERT_TRUE(m.import_kek_certificate(officer(), certificate.pem(), {"A"}));
  const Hash256 id = shared_rsa(1).public_key().spki_hash();
  EXPECT_FALSE(m.kek_certificate_request(id)) << "needs the private half";
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    TRY(m.keks().add(t, officer(), {certificate, shared_rsa(1), {}, KeyOrigin::kImported}));
    return {};
  }));
  EXPECT_TRUE(m.kek(id)->kek.has_private);
  const auto request = m.kek_certificate_request(id);
  ASSERT_TRUE(request);
  EXPECT_EQ(crypto::read_certificate_request(*request)->public_key.spki_hash(), id);
  ASSERT_TRUE(m.replace_kek_certificate(officer(), rsa_certificate(shared_rsa(1), "signed").pem()));
  EXPECT_EQ(m.kek(id)->kek.common_name, "signed");
  EXPECT_TRUE(m.kek(id)->kek.has_private);
  EXPECT_FALSE(m.replace_kek_certificate(officer(), rsa_certificate(shared_rsa(2), "other").pem()));
}

TEST(Keks, K10_ADestroyedKekDoesNotComeBack) {
  TestServer server;
  auto& m = server.manager();
  const auto made = m.generate_kek(officer(), {.common_name = "x", .bits = 2048});
  ASSERT_TRUE(made);
  const Hash256 id = made->kek.id;
  EXPECT_EQ(m.change_kek_state(officer(), id, KeyState::kDestroyed).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(m.destroy_key(officer(), *m.kek_ref(id), {}, agreed()).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(m.change_kek_state(officer(), id, KeyState::kDeactivated));
  ASSERT_TRUE(m.destroy_key(officer(), *m.kek_ref(id), {}, agreed()));
  EXPECT_FALSE(m.kek(id)->kek.has_private);
  const auto pem = crypto::Certificate::from_der(made->kek.certificate)->pem();
  EXPECT_EQ(m.import_kek_certificate(officer(), pem, {}).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
