// What happens to wrong input where keys are kept, carried and brought in: sharing (K18), PKCS#12 and JCEKS
// (K5, K20), backup and restore (K17), and the joining of two servers (K19). Each refusal names the field and
// a remedy, stands in the audit record where keys are concerned, and changes no row and no file.
//
// A whole key server behind its REST routes, in this process: so the clock is the test's own.
#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <map>

#include "admin/keyd/testing/keyd_client.h"
#include "apps/backup_commands.h"
#include "apps/join_file.h"
#include "apps/keyd_config.h"
#include "apps/site_files.h"
#include "base/base64.h"
#include "base/testing/sim_env.h"
#include "keymgr/migration/testing/jceks_writer.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/key_export.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/testing/test_server.h"
#include "store/sqlite/connection.h"

namespace tapewarden::testing {
namespace {

namespace json = boost::json;
namespace sharing = keymgr::sharing;
using admin::testing::KeydFixture;
using admin::testing::Outcome;
using keymgr::Actor;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kGood = "seven lonely custodians wait";
constexpr std::string_view kWrong = "another passphrase altogether";
constexpr std::string_view kShort = "äöüäöüäöüäö";  // 11 characters in 22 bytes
constexpr std::chrono::hours kYear{24 * 366};

// Where a file of so many bytes is cut short: in its magic, its header, its middle, and by its last byte.
std::vector<std::size_t> cuts_of(std::size_t bytes) {
  return {1, 7, 30, 200, bytes / 4, bytes / 2, bytes - 20, bytes - 1};
}

crypto::SecretBytes secret(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

// A self-signed certificate that was good until `until`.
crypto::Certificate certificate_until(const std::string& name, const crypto::PrivateKey& key,
                                      WallTime until) {
  crypto::SystemRandom random;
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.use = crypto::CertificateUse::kKeyWrapping;
  spec.not_before = until - kYear;
  spec.not_after = until;
  return crypto::self_signed_certificate(spec, key, random).value();
}

// Every row of every table, by table: heads and MACs, local columns and sealed boxes too. What the keystore
// notes of itself (its head) follows the audit, and stays out.
std::map<std::string, Hash256> print_rows(store::Keystore& keystore) {
  const store::testing::TemporaryDirectory folder(store::testing::Storage::kMemory);
  const std::string copy = folder.file("copy.db");
  EXPECT_TRUE(keystore.copy_to(copy));
  const auto database = store::sqlite::Connection::open(copy, store::sqlite::Access::kReadWrite).value();
  auto tables = database->prepare("SELECT name FROM sqlite_master WHERE type = 'table'").value();
  std::map<std::string, Hash256> out;
  while (tables.step().value()) {
    const std::string name(tables.text(0));
    if (name.starts_with("tw_") || name.starts_with("sqlite_")) continue;
    auto rows = database->prepare("SELECT * FROM \"" + name + "\"").value();
    ByteWriter content;
    while (rows.step().value()) {
      for (int i = 0; i < rows.columns(); ++i) {
        content.u8(static_cast<std::uint8_t>(rows.storage_class(i)));
        content.u64(static_cast<std::uint64_t>(rows.integer(i)));
        content.bytes32(rows.blob(i));
      }
    }
    out[name] = crypto::sha256(content.take());
  }
  return out;
}

std::vector<std::string> changed(const std::map<std::string, Hash256>& before,
                                 const std::map<std::string, Hash256>& after) {
  std::vector<std::string> out;
  for (const auto& [table, print] : after) {
    const auto was = before.find(table);
    if (was == before.end() || was->second != print) out.push_back(table);
  }
  return out;
}

class CustodyRefusals : public admin::testing::KeydClient {
 protected:
  using Ask = std::function<Outcome()>;

  std::map<std::string, Hash256> rows() { return print_rows(fixture_.base().keystore()); }
  WallTime now() { return fixture_.base().clock().wall_now(); }
  void later(std::chrono::milliseconds by) { fixture_.base().clock().advance(by); }
  Disk& disk() { return *fixture_.base().env().disk; }
  std::string at(const std::string& name) { return folder_.file(name); }
  std::string file(const std::string& name, std::string_view content) {
    EXPECT_TRUE(write_file_atomically(disk(), at(name), as_bytes(content), 0600));
    return at(name);
  }

  // `audited`: what a record of the refusal says beside "failure". `but`: tables that note the attempt.
  void refused(const std::string& what, const Ask& ask, const std::string& field, const std::string& audited,
               const std::vector<std::string>& but = {}) {
    SCOPED_TRACE(what);
    const auto before = rows();
    const std::size_t recorded = records().size();
    const Outcome answer = ask();
    ASSERT_GE(answer.status, 400U) << answer.body;
    ASSERT_NE(answer.status, 500U) << answer.body;
    EXPECT_EQ(answer.error("field"), field) << answer.error("message");
    EXPECT_FALSE(answer.error("remedy").empty()) << answer.error("message");
    auto moved = changed(before, rows());
    std::erase_if(moved, [&](const auto& one) { return std::ranges::find(but, one) != but.end(); });
    EXPECT_THAT(moved, IsEmpty());
    std::size_t told = 0;
    const auto all = records();
    for (std::size_t i = recorded; i < all.size(); ++i) {
      if (all[i].contains("failure") && all[i].contains(audited)) ++told;
    }
    EXPECT_GE(told, 1U) << "no record of it";
    for (const auto secret_text : {kGood, kWrong, kShort}) {
      EXPECT_FALSE(json::serialize(answer.body).contains(secret_text));
      for (const auto& record : all) EXPECT_FALSE(record.contains(secret_text)) << record;
    }
  }
  // What is here already is no error, and no change.
  void nothing_new(const std::string& what, const Ask& ask) {
    SCOPED_TRACE(what);
    const auto before = rows();
    const Outcome answer = ask();
    ASSERT_LT(answer.status, 300U) << answer.body;
    EXPECT_THAT(changed(before, rows()), IsEmpty()) << answer.body;
  }

  store::testing::TemporaryDirectory folder_;
};

// --- K18: keys to and from another site -----------------------------------------------------------------

// This site and Vienna know each other; Vienna also knows Linz, of which nobody here has heard.
class SharingRefusals : public CustodyRefusals {
 protected:
  SharingRefusals() {
    introduce(vienna_, fixture_, "HERE");
    introduce(fixture_, vienna_, "VIENNA");
    introduce(vienna_, linz_, "LINZ");
    introduce(linz_, fixture_, "HERE");
  }
  static sharing::OwnCertificate own(KeydFixture& site) {
    return sharing::give_own_certificate(site.manager(), Actor::system(), {.bits = 2048}).value();
  }
  static void introduce(KeydFixture& site, KeydFixture& other, const std::string& name) {
    const auto theirs = own(other);
    EXPECT_TRUE(sharing::put_partner(site.manager(), Actor::system(), name, theirs.bundle().value(), false));
    EXPECT_TRUE(sharing::confirm_partner(site.manager(), Actor::system(), name,
                                         sharing::spoken(theirs.fingerprint()), "Anna"));
  }
  static Bytes file_of(KeydFixture& site, const std::string& partner, const std::string& range) {
    (void)site.manager().generate_key_range(Actor::system(), range, "");
    return sharing::export_keys(site.manager(), Actor::system(), {partner, {.ranges = {range}}}, {})
        .value()
        .file;
  }
  Outcome take(ByteView file) { return officer("POST", "/v1/keys/import", {{"file", to_base64(file)}}); }
  Outcome give(const std::string& range) {
    return officer("POST", "/v1/keys/export", {{"partner", "VIENNA"}, {"ranges", json::array{range}}});
  }

  KeydFixture vienna_;
  KeydFixture linz_;
};

TEST_F(SharingRefusals, K18_WrongFilesChangeNothing) {
  const Bytes good = file_of(vienna_, "HERE", "VIE000000000000000001-05");
  refused(
      "sealed to another site", [&] { return take(file_of(vienna_, "LINZ", "VIE000000000000000006")); },
      "file", "key.import-shared");
  refused(
      "signed by nobody who is a partner",
      [&] { return take(file_of(linz_, "HERE", "LNZ000000000000000001")); }, "file", "key.import-shared");
  for (const std::size_t bytes : cuts_of(good.size())) {
    refused(
        "cut to " + std::to_string(bytes), [&] { return take(ByteView(good).first(bytes)); }, "file",
        "key.import-shared");
  }
  refused(
      "no such file at all", [&] { return take(as_bytes("-----BEGIN CERTIFICATE-----")); }, "file",
      "key.import-shared");
  (void)fixture_.manager().generate_key_range(Actor::system(), "OWN000000000000000001", "");
  const auto own_file = from_base64(give("OWN000000000000000001").text("file"), "file").value();
  refused("its own export", [&] { return take(own_file); }, "file", "key.import-shared");
  ASSERT_EQ(take(good).status, 200U);
  nothing_new("imported twice", [&] { return take(good); });
  EXPECT_EQ(take(good).body.at("unchanged").to_number<int>(), 5);
}

TEST_F(SharingRefusals, K18_APartnerWhoseCertificateExpiredIsGivenNothing) {
  (void)fixture_.manager().generate_key_range(Actor::system(), "OWN000000000000000001", "");
  const Bytes late = file_of(vienna_, "HERE", "VIE000000000000000001");
  later(7 * kYear);
  refused("export", [&] { return give("OWN000000000000000001"); }, "partner", "key.export");
  // What may be left to read a tape with is taken, and told.
  const auto taken = take(late);
  ASSERT_EQ(taken.status, 200U) << taken.body;
  EXPECT_EQ(taken.body.at("added").to_number<int>(), 1);
}

TEST_F(SharingRefusals, K18_WrongCertificatesMakeNoPartner) {
  const std::string good = own(linz_).bundle().value();
  const auto import = [&](const std::string& name, std::string_view pem) {
    return officer("POST", "/v1/partners", {{"name", name}, {"certificate", pem}});
  };
  for (const std::size_t bytes : cuts_of(good.size())) {
    refused(
        "cut to " + std::to_string(bytes), [&] { return import("LINZ", good.substr(0, bytes)); },
        "certificate", "partner");
  }
  refused(
      "this site's own", [&] { return import("LINZ", own(fixture_).bundle().value()); }, "certificate",
      "partner");
  refused(
      "another site under a name that is taken", [&] { return import("VIENNA", good); }, "certificate",
      "partner");
  refused(
      "the same partner once more", [&] { return import("WIEN", own(vienna_).bundle().value()); }, "name",
      "partner");
  ASSERT_EQ(import("LINZ", good).status, 201U);
  refused(
      "a fingerprint that was misheard",
      [&] {
        return officer("POST", "/v1/partners/LINZ/confirm",
                       {{"fingerprint", sharing::spoken(own(vienna_).fingerprint())}});
      },
      "fingerprint", "partner");
}

// --- K5, K20: PKCS#12 and JCEKS -------------------------------------------------------------------------

class OldKeyRefusals : public CustodyRefusals {
 protected:
  Outcome take(ByteView file, std::string_view passphrase) {
    return officer("POST", "/v1/keks/pkcs12", {{"file", to_base64(file)}, {"passphrase", passphrase}});
  }
  Outcome migrate(ByteView keystore, std::string_view password) {
    return officer("POST", "/v1/migrations/ekm", {{"keystore", to_base64(keystore)}, {"password", password}});
  }
  static Bytes pkcs12(const crypto::Certificate& certificate, const crypto::PrivateKey& key) {
    return crypto::write_pkcs12({.key = key, .certificate = certificate, .friendly_name = "old"},
                                secret(kGood))
        .value();
  }
  const crypto::PrivateKey& key_ = keymgr::testing::shared_rsa(0);
};

TEST_F(OldKeyRefusals, K5_WrongPkcs12FilesChangeNothing) {
  const Bytes good = pkcs12(certificate_until("old", key_, now() + kYear), key_);
  refused("a wrong passphrase", [&] { return take(good, kWrong); }, "passphrase", "/v1/keks/pkcs12");
  refused("an empty passphrase", [&] { return take(good, ""); }, "passphrase", "/v1/keks/pkcs12");
  for (const std::size_t bytes : cuts_of(good.size())) {
    refused(
        "cut to " + std::to_string(bytes), [&] { return take(ByteView(good).first(bytes), kGood); }, "file",
        "/v1/keks/pkcs12");
  }
  ASSERT_EQ(take(good, kGood).status, 201U);
  nothing_new("imported twice", [&] { return take(good, kGood); });
}

TEST_F(OldKeyRefusals, K5_AnExportComesBackAsNoChangeAndAShortPassphraseLetsNoneOut) {
  ASSERT_EQ(officer("POST", "/v1/keks", {{"common_name", "own"}, {"bits", 2048}, {"labels", {"OWN"}}}).status,
            201U);
  const auto give = [&](std::string_view passphrase) {
    return officer("POST", "/v1/keks/OWN/export", {{"passphrase", passphrase}});
  };
  refused("a short passphrase", [&] { return give(kShort); }, "passphrase", "/v1/keks/OWN/export");
  const Bytes file = from_base64(give(kGood).text("file"), "file").value();
  nothing_new("its own export", [&] { return take(file, kGood); });
}

TEST_F(OldKeyRefusals, K5_AnExpiredCertificateWrapsNothingNewButItsPrivateHalfComesIn) {
  const auto expired = certificate_until("old", key_, now() - kYear);
  refused(
      "the certificate alone",
      [&] { return officer("POST", "/v1/keks/certificates", {{"certificate", expired.pem()}}); },
      "certificate", "/v1/keks/certificates");
  const auto taken = take(pkcs12(expired, key_), kGood);
  ASSERT_EQ(taken.status, 201U) << taken.body;
  EXPECT_THAT(json::serialize(officer("GET", "/v1/status").body), HasSubstr("old"));
}

TEST_F(OldKeyRefusals, K20_WrongOldKeystoresChangeNothing) {
  using keymgr::testing::JceksWriter;
  const std::string_view password = keymgr::testing::kStorePassword;
  const Bytes good = JceksWriter()
                         .data_key("aes00", Bytes(32, 1))
                         .pair("pair", key_, certificate_until("old", key_, now() - kYear))
                         .file();
  const std::string audited = "migration.refuse";
  refused("a wrong password", [&] { return migrate(good, kWrong); }, "password", audited);
  for (const std::size_t bytes : cuts_of(good.size())) {
    refused(
        "cut to " + std::to_string(bytes), [&] { return migrate(ByteView(good).first(bytes), password); },
        "keystore", audited);
  }
  const Bytes as_pkcs12 = pkcs12(certificate_until("old", key_, now() + kYear), key_);
  refused(
      "a wrong password of a PKCS#12 file", [&] { return migrate(as_pkcs12, kWrong); }, "password", audited);
  for (const std::size_t bytes : cuts_of(as_pkcs12.size())) {
    refused(
        "PKCS#12 cut to " + std::to_string(bytes),
        [&] { return migrate(ByteView(as_pkcs12).first(bytes), kGood); }, "keystore", audited);
  }
  // The expired certificate keeps no key away: it may be what old tapes are read with.
  const auto taken = migrate(good, password);
  ASSERT_EQ(taken.status, 200U) << taken.body;
  EXPECT_EQ(taken.body.at("added").to_number<int>(), 2) << taken.body;
  nothing_new("imported twice", [&] { return migrate(good, password); });
}

// --- K17: backup and restore ----------------------------------------------------------------------------

class BackupRefusals : public CustodyRefusals {
 protected:
  BackupRefusals() {
    (void)fixture_.manager().generate_key_range(Actor::system(), "KEY000000000000000001-05", "");
  }
  Outcome add(json::object more) {
    json::object body{{"name", "vault"}, {"directory", fixture_.backup_directory()}, {"domain", "house"}};
    for (auto& [name, value] : more) body[name] = value;
    return officer("POST", "/v1/backups", body);
  }
  // The only file of the target "vault".
  std::string backup_file() {
    for (const auto& name : disk().list(fixture_.backup_directory()).value()) {
      if (name.ends_with(".twb")) return fixture_.backup_directory() + "/" + name;
    }
    return {};
  }
  std::string signer() { return to_hex(fixture_.manager().context().signing_certificate.fingerprint()); }
  apps::BackupFileOptions good_options() {
    apps::BackupFileOptions out;
    out.from = {fixture_.backup_directory()};
    out.passphrase_file = file("passphrase", kGood);
    out.signer = signer();
    return out;
  }
  // Refused by both commands that read backups without a server; neither leaves a file.
  void refused_offline(const std::string& what, const apps::BackupFileOptions& options,
                       const std::string& field) {
    SCOPED_TRACE(what);
    const Env env = fixture_.base().env();
    const auto verified = apps::verify_backup(env, options, folder_.path());
    ASSERT_FALSE(verified) << *verified;
    const auto restored =
        apps::restore_site(env, {options, at("restored"), file("new-passphrase", kGood), {}});
    ASSERT_FALSE(restored) << *restored;
    for (const Error& error : {verified.error(), restored.error()}) {
      EXPECT_EQ(error.field, field) << error.text();
      EXPECT_FALSE(error.remedy.empty()) << error.text();
      EXPECT_FALSE(error.text().contains(kGood) || error.text().contains(kWrong));
    }
    EXPECT_FALSE(disk().exists(at("restored")));
    for (const auto& name : disk().list(folder_.path()).value()) {
      EXPECT_FALSE(name.starts_with("tapewarden-verify")) << name;
    }
  }
};

TEST_F(BackupRefusals, K17_WrongTargetsAreNotAdded) {
  const std::string audited = "/v1/backups";
  refused("a short passphrase", [&] { return add({{"passphrase", kShort}}); }, "passphrase", audited);
  refused("no secret", [&] { return add({}); }, "passphrase", audited);
  const auto& key = keymgr::testing::shared_rsa(1);
  const std::string good = certificate_until("custodian", key, now() + kYear).pem();
  refused(
      "a recipient whose certificate expired",
      [&] { return add({{"recipients", certificate_until("custodian", key, now() - kYear).pem()}}); },
      "recipients", audited);
  refused(
      "one among good ones",
      [&] { return add({{"recipients", good + certificate_until("c", key, now() - kYear).pem()}}); },
      "recipients", audited);
  refused(
      "a certificate that is cut short", [&] { return add({{"recipients", good.substr(0, 300)}}); },
      "recipients", audited);
  ASSERT_EQ(add({{"recipients", good}}).status, 201U);
  refused("added twice", [&] { return add({{"recipients", good}}); }, "name", audited);
  refused(
      "its folder twice", [&] { return add({{"name", "other"}, {"recipients", good}}); }, "directory",
      audited);
  // It expires later: backups go on.
  later(2 * kYear);
  EXPECT_EQ(officer("POST", "/v1/backups/vault/run").status, 200U);
}

TEST_F(BackupRefusals, K17_ACutBackupIsNeitherVerifiedNorRestored) {
  ASSERT_EQ(add({{"passphrase", kGood}}).status, 201U);
  ASSERT_EQ(officer("POST", "/v1/backups/vault/run").status, 200U);
  const auto again = officer("POST", "/v1/backups/vault/run");
  ASSERT_EQ(again.status, 200U);
  EXPECT_EQ(again.body.at("nothing_new"), true) << "backed up twice";
  const std::string path = backup_file();
  const Bytes good = read_file(disk(), path, 1U << 24).value();
  ASSERT_TRUE(apps::verify_backup(fixture_.base().env(), good_options(), folder_.path()));
  for (const std::size_t bytes : cuts_of(good.size())) {
    ASSERT_TRUE(write_file_atomically(disk(), path, ByteView(good).first(bytes), 0600));
    refused_offline("cut to " + std::to_string(bytes), good_options(),
                    bytes + 21 > good.size() ? "backup file" : "from");
    // That it did not verify is noted at the target.
    refused("the server's own look at it, cut to " + std::to_string(bytes),
            [&] { return officer("POST", "/v1/backups/vault/verify"); }, "backup file", "backup.verify",
            {"backup_state"});
  }
}

TEST_F(BackupRefusals, K17_WrongSecretsAndSignersOpenNoBackup) {
  ASSERT_EQ(add({{"passphrase", kGood}}).status, 201U);
  ASSERT_EQ(officer("POST", "/v1/backups/vault/run").status, 200U);
  const auto with = [&](const auto& change) {
    auto out = good_options();
    change(out);
    return out;
  };
  refused_offline("a wrong passphrase", with([&](auto& o) { o.passphrase_file = file("wrong", kWrong); }),
                  "passphrase");
  refused_offline("a private key for what has a passphrase", with([&](auto& o) {
                    o.passphrase_file.clear();
                    o.recipient_key = file("key.pem", as_text(keymgr::testing::shared_rsa(2).pem().reveal()));
                  }),
                  "passphrase");
  refused_offline("signed by another server", with([&](auto& o) { o.signer = std::string(64, 'a'); }),
                  "signer");
  refused_offline(
      "an authority that signed nothing of it", with([&](auto& o) {
        o.signer.clear();
        o.authority = file(
            "ca.pem", certificate_until("another site", keymgr::testing::shared_rsa(1), now() + kYear).pem());
      }),
      "signer");
  refused_offline("a folder without backups", with([&](auto& o) { o.from = {folder_.path()}; }), "from");
  const Env env = fixture_.base().env();
  const auto shorter = apps::restore_site(env, {good_options(), at("restored"), file("short", kShort), {}});
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().field, "new-passphrase-file");
  EXPECT_FALSE(shorter.error().remedy.empty());
  // Restored twice: a folder that is not empty is no place for it.
  ASSERT_TRUE(disk().make_directories(at("there")));
  file("there/keyd.toml", "as it was");
  const auto over = apps::restore_site(env, {good_options(), at("there"), file("new-passphrase", kGood), {}});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().field, "to");
  EXPECT_FALSE(over.error().remedy.empty());
  EXPECT_EQ(disk().list(at("there")).value().size(), 1U);
}

TEST_F(BackupRefusals, K17_AnotherRecipientsKeyOpensNoBackup) {
  const auto& key = keymgr::testing::shared_rsa(1);
  ASSERT_EQ(add({{"recipients", certificate_until("custodian", key, now() + kYear).pem()}}).status, 201U);
  ASSERT_EQ(officer("POST", "/v1/backups/vault/run").status, 200U);
  auto options = good_options();
  refused_offline("a passphrase for what has recipients", options, "private key");
  options.passphrase_file.clear();
  options.recipient_key = file("other.pem", as_text(keymgr::testing::shared_rsa(2).pem().reveal()));
  refused_offline("the key of somebody else", options, "private key");
  options.recipient_key = file("cut.pem", as_text(key.pem().reveal()).substr(0, 400));
  refused_offline("a key that is cut short", options, "recipient-key");
  options.recipient_key = file("right.pem", as_text(key.pem().reveal()));
  const auto good = apps::verify_backup(fixture_.base().env(), options, folder_.path());
  EXPECT_TRUE(good) << good.error().text();
}

// --- K19: two servers become a pair ---------------------------------------------------------------------

// Two servers, each with an authority of its own.
class JoinRefusals : public ::testing::Test {
 protected:
  JoinRefusals() {
    make("one", 1);
    make("two", 2);
  }
  void make(const std::string& site, std::uint8_t number) {
    const auto authority = apps::SiteAuthority::make(sim_.env(), site).value();
    const std::string tls = "/" + site + "/tls/";
    for (const auto& [name, use] : {std::pair{"signing.crt", crypto::CertificateUse::kSigning},
                                    {"exchange.crt", crypto::CertificateUse::kKeyWrapping}}) {
      const auto key = crypto::PrivateKey::generate_p256().public_key();
      put(tls + name, authority.certify(std::string("primary ") + name, "keyd", use, key).value().pem());
    }
    put(tls + "authorities.crt", authority.pair().certificate.pem());
    apps::KeydConfig config;
    config.server_id = Uuid::from(Bytes(16, number));
    config.server_name = "primary";
    config.data_directory = "data";
    config.master_key_file = "master.key";
    config.https.port = static_cast<std::uint16_t>(1443 + number);
    config.tls_certificate = "tls/server.crt";
    config.tls_key = "tls/server.key";
    config.tls_authorities = "tls/authorities.crt";
    put("/" + site + "/keyd.toml", apps::write_keyd_config(config));
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(sim_.disk, path, as_bytes(text)));
  }
  std::string get(const std::string& path) {
    const auto bytes = read_file(sim_.disk, path, apps::kJoinFileLimit);
    return bytes ? std::string(as_text(*bytes)) : "";
  }
  // What a join may change at the server "one".
  std::string files() {
    std::string out;
    for (const char* name : {"keyd.toml", "tls/authorities.crt", "tls/signing.crt", "tls/exchange.crt",
                             "tls/peer-signing.crt", "tls/peer-exchange.crt"}) {
      out += std::string(name) + "\n" + get(std::string("/one/") + name);
    }
    return out;
  }
  Result<apps::MergeReport> join(const std::string& file, const std::string& fingerprint) {
    return apps::merge_with(sim_.env(), {"/one/keyd.toml", file, fingerprint});
  }
  void refused(const std::string& what, const std::string& file, const std::string& fingerprint,
               const std::string& field = {}) {
    SCOPED_TRACE(what);
    const std::string before = files();
    const auto joined = join(file, fingerprint);
    ASSERT_FALSE(joined);
    EXPECT_FALSE(joined.error().field.empty()) << joined.error().text();
    if (!field.empty()) EXPECT_EQ(joined.error().field, field) << joined.error().text();
    EXPECT_FALSE(joined.error().remedy.empty()) << joined.error().text();
    EXPECT_EQ(files(), before);
  }

  SimEnv sim_{19};
};

TEST_F(JoinRefusals, K19_WrongJoinFilesChangeNothing) {
  const std::string two = apps::introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"}).value();
  const std::string one = apps::introduce(sim_.env(), {"/one/keyd.toml", "", "/one.join"}).value();
  make("three", 3);
  (void)apps::introduce(sim_.env(), {"/three/keyd.toml", "", "/three.join"}).value();
  refused("another site's file in its place", "/three.join", two, "fingerprint");
  refused("a fingerprint that was misheard", "/two.join", one, "fingerprint");
  refused("none", "/two.join", "", "fingerprint");
  refused("its own", "/one.join", one, "file");
  const std::string good = get("/two.join");
  auto cuts = cuts_of(good.size());
  for (std::size_t line = good.find('\n'); line < good.size() && cuts.size() < 16;
       line = good.find('\n', line + 1)) {
    cuts.push_back(line + 1);
  }
  for (const std::size_t bytes : cuts) {
    const std::string text = good.substr(0, bytes);
    put("/cut.join", text);
    refused("cut to " + std::to_string(bytes), "/cut.join", apps::join_fingerprint(text));
  }
  put("/bad.join", std::string(good).replace(good.find("https: "), 7, "https: x"));
  refused("a port that is none", "/bad.join", apps::join_fingerprint(get("/bad.join")), "https");
  put("/bad.join", std::string(good).replace(good.find("host: "), 6, "host: ;"));
  refused("a host that is none", "/bad.join", apps::join_fingerprint(get("/bad.join")), "host");
  ASSERT_TRUE(join("/two.join", two));
  const std::string joined = files();
  ASSERT_TRUE(join("/two.join", two)) << "joined twice";
  EXPECT_EQ(files(), joined);
}

TEST_F(JoinRefusals, K19_AServerWhoseCertificatesExpiredIsNotJoined) {
  const std::string two = apps::introduce(sim_.env(), {"/two/keyd.toml", "", "/two.join"}).value();
  sim_.clock.advance(50 * kYear);
  refused("all of its certificates have expired", "/two.join", two, "file");
}

}  // namespace
}  // namespace tapewarden::testing
