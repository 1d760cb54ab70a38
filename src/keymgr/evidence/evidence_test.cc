// K12, D6: what a key server signs about a cartridge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/audit_file.h"
#include "base/text.h"
#include "keymgr/evidence/destruction_proof.h"
#include "keymgr/evidence/erasure_certificate.h"
#include "keymgr/evidence/evidence_pack.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"
#include "proof/evidence_check.h"

namespace tapewarden::keymgr::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct EvidenceSite : ::testing::Test {
  EvidenceSite() {
    EXPECT_TRUE(m().add_drive(operator_(), lto.serial(), lto.pins()));
    EXPECT_TRUE(m().add_drive(operator_(), jag.serial(), jag.pins()));
    EXPECT_TRUE(m().create_group(operator_(), "g", {.policy = GroupPolicy::kRoundRobin}));
    EXPECT_TRUE(m().generate_keys(operator_(), 1, "ABC", "g"));
    EXPECT_TRUE(m().set_default_group(operator_(), "g"));
    EXPECT_TRUE(m().generate_kek(officer(), {.common_name = "kek", .bits = 2048, .labels = {"KEK"}}));
    audit::AuditOptions options{.directory = folder.file("audit"), .reserve_bytes = 0};
    audit = std::move(*audit::AuditFile::open(server.env(), options));
    audit->set_checkpoint_signer(
        [this](ByteView message) { return m().context().signing_key.sign(message); });
  }
  KeyManager& m() { return server.manager(); }
  KeyAnswer write(const TestDrive& drive, const std::string& volser, const Uuid& volume) {
    auto request = drive.request(Intent::kWrite, volume);
    request.volser = volser;
    if (&drive == &jag) request.labels = {{"KEK", LabelMode::kHash}};
    auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    auto confirm = drive.request(Intent::kConfirm, volume);
    confirm.volser = volser;
    confirm.confirms = answer->ledger;
    EXPECT_TRUE(server.ask(confirm));
    return *answer;
  }
  // The records of the keystore's log stand in the audit file, as in a running server.
  Result<std::string> pack(std::string_view volser) {
    EXPECT_TRUE(audit->note(server.log.records()));
    return make_evidence(m(), {server.env().disk, folder.file("audit")}, operator_(), volser);
  }
  proof::Trust trust() { return {.certificates = {m().context().signing_certificate}, .authorities = {}}; }

  store::testing::TemporaryDirectory folder;
  TestServer server;
  TestDrive lto{"000000000001"};
  TestDrive jag{"000000000002", DriveKind::k3592};
  std::unique_ptr<audit::AuditFile> audit;
};

TEST_F(EvidenceSite, K12_APackHoldsRowsKeysDrivesAndAuditAndChecksOffline) {
  const auto written = write(lto, "vol001", random_uuid());
  write(jag, "VOL001", random_uuid());
  write(lto, "OTHER1", random_uuid());
  ASSERT_TRUE(audit->checkpoint());
  const auto file = pack("vol001");
  ASSERT_TRUE(file) << file.error().text();
  const auto document = proof::open_document(*file, proof::DocumentKind::kEvidence);
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_TRUE(proof::check_trust(*document, trust()));
  const auto report = proof::check_evidence(*document);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->volser, "VOL001");
  EXPECT_EQ(report->entries, 2U);
  EXPECT_EQ(report->confirmed, 2U);
  EXPECT_EQ(report->seals, 1U);
  EXPECT_EQ(report->data_keys, 1U);
  EXPECT_EQ(report->keks, 1U);
  EXPECT_EQ(report->drives, 2U);
  EXPECT_EQ(report->audit_lines, 4U) << "issued and confirmed, twice";
  EXPECT_TRUE(report->checkpoint);
  EXPECT_THAT(*file, HasSubstr(written.alias));
  EXPECT_THAT(*file, Not(HasSubstr("OTHER1")));
  EXPECT_EQ(server.audit_count({"evidence.make", "VOL001", "oscar"}), 1U);
}

TEST_F(EvidenceSite, K12_APackHoldsNoKey) {
  write(lto, "VOL001", random_uuid());
  const auto file = pack("VOL001");
  ASSERT_TRUE(file);
  const auto alias = m().query_ledger({.volser = "VOL001"}, {})->items.front().alias;
  ASSERT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
    const auto key = *TRY(m().keys().find(reader, alias));
    const auto secret = TRY(m().keys().open(reader, key));
    EXPECT_THAT(*file, Not(HasSubstr(to_hex(secret.reveal()))));
    EXPECT_THAT(*file, Not(HasSubstr(to_hex(key.sealed_key))));
    return {};
  }));
}

TEST_F(EvidenceSite, K12_AVolumeUnderAnEarlierVolserBelongsToIt) {
  const Uuid volume = random_uuid();
  write(lto, "OLD001", volume);
  write(lto, "NEW001", volume);
  const auto document = proof::open_document(*pack("NEW001"), proof::DocumentKind::kEvidence);
  ASSERT_TRUE(document);
  EXPECT_EQ(proof::check_evidence(*document)->entries, 2U);
}

TEST_F(EvidenceSite, K12_AnUnknownVolserAndABadOneAreRefused) {
  EXPECT_EQ(pack("NOSUCH").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(pack("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(pack(std::string(33, 'A')).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(server.audit_count({"evidence.make"}), 0U);
}

TEST_F(EvidenceSite, K12_ASignedPackThatContradictsItselfIsTold) {
  write(jag, "VOL001", random_uuid());
  ASSERT_TRUE(audit->checkpoint());
  const auto good = proof::open_document(*pack("VOL001"), proof::DocumentKind::kEvidence);
  ASSERT_TRUE(good);
  const auto with = [&](auto change) {
    auto bad = *good;
    change(bad.content);
    return proof::check_evidence(bad);
  };
  EXPECT_TRUE(with([](json::object&) {}));
  EXPECT_FALSE(
      with([](json::object& c) { c.at("ledger").at(0).as_object()["volume"] = random_uuid().text(); }));
  EXPECT_FALSE(with([](json::object& c) { c.at("ledger").at(0).as_object()["key_check_value"] = "00"; }));
  EXPECT_FALSE(with([](json::object& c) { c.at("ledger").at(0).as_object()["eedks"] = "AAAA"; }));
  EXPECT_FALSE(with([](json::object& c) { c.at("keks").at(0).as_object()["id"] = std::string(64, '0'); }));
  EXPECT_FALSE(with(
      [](json::object& c) { c.at("audit").at("lines").at(0).as_object()["before"] = std::string(64, '0'); }));
  EXPECT_FALSE(with([](json::object& c) { c.at("audit").at("checkpoint").as_object()["commit"] = 77; }));
  EXPECT_FALSE(with([](json::object& c) { c.erase("drives"); }));
}

TEST_F(EvidenceSite, D6_TheOtherCartridgesOfAKeyAreNamed) {
  const Uuid volume = random_uuid();
  const auto written = write(lto, "VOL001", volume);
  write(lto, "VOL002", random_uuid());
  write(lto, "VOL003", random_uuid());
  const auto by_volume = sealed_with_same_key(m(), {"VOL001", volume, {}});
  ASSERT_TRUE(by_volume) << by_volume.error().text();
  ASSERT_EQ(by_volume->size(), 2U);
  EXPECT_EQ(by_volume->front().volser, "VOL002");
  EXPECT_EQ(by_volume->back().volser, "VOL003");
  // A cartridge that the ledger does not know, by the DKi that stands on it.
  EXPECT_EQ(sealed_with_same_key(m(), {"VOL009", random_uuid(), written.dki})->size(), 3U);
  EXPECT_TRUE(sealed_with_same_key(m(), {"VOL009", random_uuid(), {}})->empty());
}

TEST_F(EvidenceSite, D6_AWrappedKeySealsOneCartridgeOnly) {
  const Uuid volume = random_uuid();
  write(jag, "VOL001", volume);
  write(jag, "VOL002", random_uuid());
  EXPECT_TRUE(sealed_with_same_key(m(), {"VOL001", volume, {}})->empty());
}

TEST_F(EvidenceSite, D6_ACertificateOfErasureSaysWhoWhenHowAndWhatItDoesNotGuarantee) {
  Erasure erasure;
  erasure.cartridge = {"vol001", random_uuid(), {}};
  const auto written = write(lto, "VOL001", erasure.cartridge.volume);
  write(lto, "VOL002", random_uuid());
  erasure.method = ErasureMethod::kCryptographic;
  erasure.began = erasure.ended = m().context().now();
  erasure.check_values = {to_hex(written.key_check), std::string(32, 'a')};
  const auto file = certify_erasure(m(), operator_(), erasure);
  ASSERT_TRUE(file) << file.error().text();
  const auto document = proof::open_document(*file, proof::DocumentKind::kErasure);
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_TRUE(proof::check_trust(*document, trust()));
  const auto& content = document->content;
  EXPECT_EQ(content.at("volser").as_string(), "VOL001");
  EXPECT_EQ(content.at("method").as_string(), "cryptographic");
  EXPECT_EQ(content.at("made_by").at("name").as_string(), "oscar");
  EXPECT_TRUE(content.at("keys").at(0).at("in_ledger").as_bool());
  EXPECT_FALSE(content.at("keys").at(1).at("in_ledger").as_bool());
  EXPECT_EQ(content.at("key_at_this_server").at(0).at("state").as_string(), "active");
  EXPECT_EQ(content.at("same_key_also_seals").at(0).at("volser").as_string(), "VOL002");
  EXPECT_FALSE(content.at("does_not_guarantee").as_string().empty());
  EXPECT_EQ(server.audit_count({"cartridge.erase", "VOL001", "oscar"}), 1U);
}

TEST_F(EvidenceSite, D6_WhatMakesNoSenseIsNotCertified) {
  Erasure good;
  good.cartridge = {"VOL001", random_uuid(), {}};
  good.began = good.ended = m().context().now();
  ASSERT_TRUE(certify_erasure(m(), operator_(), good));
  const auto field_of = [&](auto change) {
    Erasure bad = good;
    change(bad);
    const auto made = certify_erasure(m(), operator_(), bad);
    return made ? std::string("certified") : made.error().field;
  };
  EXPECT_EQ(field_of([](Erasure& e) { e.cartridge.volser = "A\nB"; }), "volser");
  EXPECT_EQ(field_of([](Erasure& e) { e.cartridge.volume = {}; }), "volume");
  EXPECT_EQ(field_of([](Erasure& e) { e.began += std::chrono::hours(1); }), "ended");
  EXPECT_EQ(field_of([](Erasure& e) { e.check_values = {"xyz"}; }), "key_check_values");
  EXPECT_EQ(field_of([](Erasure& e) { e.check_values.assign(99, "00"); }), "key_check_values");
  write(lto, "NAMED1", good.cartridge.volume);
  EXPECT_EQ(field_of([](Erasure&) {}), "volser");
  EXPECT_EQ(server.audit_count({"cartridge.erase"}), 1U);
}

Result<std::vector<PartnerHolding>> nobody(const KeyRef&) {
  return std::vector<PartnerHolding>();
}

TEST_F(EvidenceSite, K10_AProofOfDestructionNamesTheTombstoneTheBackupsAndThePartners) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "GONE1", ""));
  EXPECT_EQ(prove_destruction(m(), officer(), *m().key_ref("GONE1"), no_backups(), nobody).error().code,
            ErrorCode::kConflict)
      << "it is there";
  ASSERT_TRUE(m().destroy_key(officer(), *m().key_ref("GONE1"), {}, agreed()));
  const auto file = prove_destruction(m(), officer(), *m().key_ref("GONE1"), no_backups(), nobody);
  ASSERT_TRUE(file) << file.error().text();
  const auto document = proof::open_document(*file, proof::DocumentKind::kDestruction);
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_TRUE(proof::check_trust(*document, trust()));
  const auto& content = document->content;
  EXPECT_EQ(content.at("tombstone").at("name").as_string(), "GONE1");
  EXPECT_EQ(content.at("tombstone").at("by").as_string(), "alice");
  EXPECT_EQ(content.at("tombstone").at("approved_by").as_string(), "second");
  EXPECT_FALSE(content.at("backups").at("recorded").as_bool());
  EXPECT_FALSE(proof::open_document(*file, proof::DocumentKind::kErasure));
  const PartnersWith vienna = [](const KeyRef&) -> Result<std::vector<PartnerHolding>> {
    return std::vector<PartnerHolding>{{"VIENNA", "3f2a 9c1e", true, {}}, {"GRAZ", "77b0 0d41", false, {}}};
  };
  const BackupsWith two = [](const KeyRef&) -> Result<std::optional<std::vector<BackupHolding>>> {
    return std::optional<std::vector<BackupHolding>>({{"base-1", "vault", from_millis(1)}});
  };
  const auto listed = prove_destruction(m(), officer(), *m().key_ref("GONE1"), two, vienna);
  ASSERT_TRUE(listed);
  const auto opened = proof::open_document(*listed, proof::DocumentKind::kDestruction);
  EXPECT_EQ(opened->content.at("backups").at("holding_the_key").at(0).at("place").as_string(), "vault");
  const auto& partners = opened->content.at("partners");
  EXPECT_EQ(partners.at("holding_the_key").at(0).at("name").as_string(), "VIENNA");
  EXPECT_EQ(partners.at("holding_the_key").at(1).at("direction").as_string(), "received");
  EXPECT_NE(partners.at("note").as_string().find("may hold it"), std::string_view::npos);
  EXPECT_TRUE(content.at("partners").at("holding_the_key").as_array().empty());
}

TEST_F(EvidenceSite, K10_AForgedTombstoneIsNoProof) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "GONE2", ""));
  ASSERT_TRUE(m().destroy_key(officer(), *m().key_ref("GONE2"), {}, agreed()));
  auto mark = **m().tombstone_of(*m().key_ref("GONE2"));
  mark.approved_by = "somebody else";
  ASSERT_TRUE(server.write([&](store::Transaction& t) { return t.put(kTombstoneTable, mark.to_row()); }));
  EXPECT_EQ(prove_destruction(m(), officer(), *m().key_ref("GONE2"), no_backups(), nobody).error().code,
            ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
