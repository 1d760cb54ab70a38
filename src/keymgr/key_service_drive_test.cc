// K1 (unknown drives), K11 (pins and permissions), K27: who is served.
#include <gtest/gtest.h>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using eedk::ekm_code_of;
using eedk::EkmCode;

struct DriveSite : ::testing::Test {
  DriveSite() {
    EXPECT_TRUE(m().create_group(operator_(), "g", {}));
    EXPECT_TRUE(m().generate_keys(operator_(), 20, "ABC", "g"));
    EXPECT_TRUE(m().set_default_group(operator_(), "g"));
  }
  KeyManager& m() { return server.manager(); }
  Result<KeyAnswer> write(const TestDrive& by) {
    return server.ask(by.request(Intent::kWrite, random_uuid()));
  }
  EkmCode refusal(const KeyRequest& request) {
    const auto answer = server.ask(request);
    EXPECT_FALSE(answer);
    return answer ? EkmCode::kNone : ekm_code_of(answer.error());
  }

  TestServer server;
  TestDrive drive{"1068000073"};
};

TEST_F(DriveSite, K1_AnUnknownDriveWaitsForAnOperator) {
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveNotConfigured);
  const auto pending = m().list_drives(DriveState::kPending, {});
  ASSERT_EQ(pending->items.size(), 1U);
  EXPECT_EQ(pending->items[0].serial, "001068000073");
  EXPECT_EQ(pending->items[0].offered_certificate, drive.certificate().der());
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveNotConfigured);
  Hash256 other{};
  EXPECT_EQ(m().accept_drive(operator_(), drive.serial(), other).error().code, ErrorCode::kConflict);
  const Hash256 shown = drive.certificate().public_key()->spki_hash();
  ASSERT_TRUE(m().accept_drive(operator_(), drive.serial(), shown));
  const auto answer = write(drive);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(server.audit_count({"drive.discover", "001068000073"}), 1U);
  EXPECT_EQ(server.audit_count({"drive.accept", "oscar"}), 1U);
}

TEST_F(DriveSite, K1_RejectLeavesNoRowAndAcceptServesAtOnce) {
  ASSERT_TRUE(m().set_setting(officer(), kUnknownDrives, "reject"));
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveNotConfigured);
  EXPECT_EQ(m().list_drives({}, {})->items.size(), 0U);
  ASSERT_TRUE(m().set_setting(officer(), kUnknownDrives, "accept"));
  const auto answer = write(drive);
  ASSERT_TRUE(answer) << answer.error().text();
  const auto row = m().drive(drive.serial());
  EXPECT_EQ(row->state, DriveState::kAccepted);
  EXPECT_FALSE(row->identity_hash.empty());
  TestDrive impostor("1068000073");
  EXPECT_EQ(refusal(impostor.request(Intent::kWrite, random_uuid())), EkmCode::kDriveKeyUnverified)
      << "the first identity is pinned";
  EXPECT_EQ(m().set_setting(officer(), kUnknownDrives, "perhaps").error().field, std::string(kUnknownDrives));
}

TEST_F(DriveSite, K1_ARejectedDriveStaysOut) {
  refusal(drive.request(Intent::kWrite, random_uuid()));
  ASSERT_TRUE(m().reject_drive(operator_(), drive.serial()));
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveNotConfigured);
  EXPECT_EQ(m().drive(drive.serial())->state, DriveState::kRejected);
}

TEST_F(DriveSite, K1_PendingDrivesAreBounded) {
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    Caller caller = drive.caller();
    for (std::size_t i = 0; i < kMaximumPendingDrives + 5; ++i) {
      caller.serial = "F" + std::to_string(10'000'000'000 + i);
      TRY(m().drives().discover(t, caller, false));
    }
    return {};
  }));
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveNotConfigured);
  std::int64_t rows = 0;
  ASSERT_TRUE(server.keystore().read([&](store::Reader& r) -> Status {
    rows = TRY(r.aggregate(kDriveTable, "COUNT(*)", "1", {}));
    return {};
  }));
  EXPECT_EQ(rows, static_cast<std::int64_t>(kMaximumPendingDrives));
}

TEST_F(DriveSite, K11_AnotherIdentityIsRefusedAndOffered) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  ASSERT_TRUE(write(drive));
  TestDrive renewed = drive;
  renewed.renew_identity();
  EXPECT_EQ(refusal(renewed.request(Intent::kWrite, random_uuid())), EkmCode::kDriveKeyUnverified);
  EXPECT_TRUE(write(drive)) << "the pinned one is still served";
  ASSERT_TRUE(m().accept_drive(operator_(), drive.serial(), renewed.certificate().public_key()->spki_hash()));
  EXPECT_TRUE(write(renewed));
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveKeyUnverified);
  ASSERT_TRUE(m().dismiss_drive_offer(operator_(), drive.serial()));
  EXPECT_TRUE(m().drive(drive.serial())->offered_certificate.empty());
}

TEST_F(DriveSite, K11_KeysAreWrappedOnlyToThePinnedKey) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.wrapping_key_hash = shared_rsa(1).public_key().spki_hash();
  request.caller.wrapping_spki = shared_rsa(1).public_key().spki();
  EXPECT_EQ(refusal(request), EkmCode::kDriveKeyUnverified);
  EXPECT_EQ(m().group("g")->used, 0);
}

TEST_F(DriveSite, K11_AWrappingKeyThatTheIdentityDidNotSignIsNotPinned) {
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.caller.wrapping_vouched = false;
  EXPECT_EQ(refusal(request), EkmCode::kDriveNotConfigured);
  EXPECT_TRUE(m().drive(drive.serial())->offered_wrapping_spki.empty());
}

TEST_F(DriveSite, K11_AProxyOffersNoWrappingKeyForADriveWithAnIdentity) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.caller.identity = {};
  request.caller.proxy = Hash256{7};
  request.caller.proxy_name = "proxy";
  request.caller.wrapping_spki = shared_rsa(1).public_key().spki();
  request.caller.wrapping_vouched = true;
  request.wrapping_key_hash = shared_rsa(1).public_key().spki_hash();
  EXPECT_FALSE(server.ask(request));
  EXPECT_TRUE(m().drive(drive.serial())->offered_wrapping_spki.empty());
  EXPECT_TRUE(m().accept_drive(operator_(), drive.serial()));
  EXPECT_EQ(m().drive(drive.serial())->wrapping_spki, drive.wrapping_key().public_key().spki());
  EXPECT_TRUE(write(drive));
}

TEST_F(DriveSite, K11_ADriveAddedBySerialAloneMustBeAcceptedOnce) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), {}));
  EXPECT_EQ(refusal(drive.request(Intent::kWrite, random_uuid())), EkmCode::kDriveKeyUnverified);
  ASSERT_TRUE(m().accept_drive(operator_(), drive.serial()));
  EXPECT_TRUE(write(drive));
}

TEST_F(DriveSite, K11_AnExpiredCertificateReadsButNeverWrites) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  const auto written = write(drive);
  ASSERT_TRUE(written);
  for (const Intent intent : {Intent::kWrite, Intent::kAppend, Intent::kRead}) {
    auto request = drive.request(intent, random_uuid());
    request.caller.certificate_expired = true;
    if (intent != Intent::kWrite) request.dki = written->dki;
    const auto answer = server.ask(request);
    EXPECT_EQ(answer.has_value(), intent == Intent::kRead);
    if (!answer) {
      EXPECT_EQ(ekm_code_of(answer.error()), EkmCode::kDriveKeyUnverified);
    }
  }
}

TEST_F(DriveSite, K11_AProxySpeaksOnlyForItsSerials) {
  DriveChange change;
  change.wrapping_spki = drive.wrapping_key().public_key().spki();
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), change));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.caller.identity = {};
  EXPECT_EQ(refusal(request), EkmCode::kDriveKeyUnverified) << "nobody vouches";
  Hash256 proxy{};
  proxy.fill(3);
  request.caller.proxy = proxy;
  request.caller.proxy_name = "engine";
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
  ASSERT_TRUE(m().allow_proxy(operator_(), proxy, "engine", drive.serial()));
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(m().query_ledger({.drive = "001068000073"}, {})->items.front().proxy, "engine");
  ASSERT_TRUE(m().forbid_proxy(operator_(), proxy, drive.serial()));
  request.request_id = random_uuid();
  EXPECT_EQ(refusal(request), EkmCode::kProhibited) << "checked at every request";
}

TEST_F(DriveSite, K11_NoProxySpeaksForADriveWithItsOwnKey) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  Hash256 proxy{};
  proxy.fill(3);
  ASSERT_TRUE(m().allow_proxy(operator_(), proxy, "engine", drive.serial()));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.caller.identity = {};
  request.caller.proxy = proxy;
  EXPECT_EQ(refusal(request), EkmCode::kDriveKeyUnverified);
}

// Rules see the group that a key is in: moving it would open what an officer closed.
TEST_F(DriveSite, K27_AnOperatorMovesNoKeyOutOfAGuardedGroup) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  ASSERT_TRUE(m().create_group(operator_(), "open", {}));
  const auto keys = m().list_keys("G", {}, {});
  ASSERT_TRUE(keys);
  const std::string alias = keys->items.front().alias;
  AccessRule rule;
  rule.subject_kind = SubjectKind::kDrive;
  rule.subject = "000000000009";
  rule.object_kind = ObjectKind::kGroup;
  rule.object = "g";
  rule.may_write = rule.may_read = true;
  ASSERT_TRUE(m().add_access_rule(officer(), rule));
  for (const Status& refused :
       {m().move_alias(operator_(), alias, "G", "open"), m().remove_alias(operator_(), "G", alias)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied) << refused.error().text();
    EXPECT_EQ(refused.error().field, "group");
  }
  EXPECT_EQ(m().key(alias)->group, "G");
  EXPECT_TRUE(m().move_alias(officer(), alias, "G", "open"));
  EXPECT_TRUE(m().remove_alias(operator_(), "open", alias)) << "no rule names that group";
}

TEST_F(DriveSite, K27_TheFirstRuleClosesAGroup) {
  const TestDrive other("000000000002");
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  ASSERT_TRUE(m().add_drive(operator_(), other.serial(), other.pins()));
  ASSERT_TRUE(write(other));
  AccessRule rule;
  rule.subject_kind = SubjectKind::kDrive;
  rule.subject = drive.serial();
  rule.object_kind = ObjectKind::kGroup;
  rule.object = "g";
  rule.may_write = true;
  const auto added = m().add_access_rule(officer(), rule);
  ASSERT_TRUE(added) << added.error().text();
  EXPECT_EQ(m().add_access_rule(officer(), rule).error().code, ErrorCode::kAlreadyExists);
  const auto served = write(drive);
  ASSERT_TRUE(served) << served.error().text();
  EXPECT_EQ(ekm_code_of(write(other).error()), EkmCode::kProhibited);
  auto read = drive.request(Intent::kRead, random_uuid());
  read.dki = served->dki;
  EXPECT_EQ(refusal(read), EkmCode::kProhibited) << "write and read apart";
  rule.subject_kind = SubjectKind::kAny;
  rule.subject = "";
  rule.may_write = false;
  rule.may_read = true;
  ASSERT_TRUE(m().add_access_rule(officer(), rule));
  EXPECT_TRUE(server.ask(read));
  ASSERT_TRUE(m().remove_access_rule(officer(), added->id));
  EXPECT_EQ(ekm_code_of(write(drive).error()), EkmCode::kProhibited);
}

TEST_F(DriveSite, K27_DenyByDefault) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  ASSERT_TRUE(m().set_setting(officer(), kAccessDefault, "deny"));
  EXPECT_EQ(ekm_code_of(write(drive).error()), EkmCode::kProhibited);
  AccessRule rule;
  rule.may_write = true;
  ASSERT_TRUE(m().add_access_rule(officer(), rule));
  EXPECT_TRUE(write(drive));
}

TEST_F(DriveSite, K4_ADriveGetsNoKeyThatItsCartridgeCannotName) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  ASSERT_TRUE(write(drive)) << "an LTO drive by the identified-key method";
  DriveChange wrong;
  wrong.kind = DriveKind::k3592;
  ASSERT_TRUE(m().modify_drive(operator_(), drive.serial(), wrong));
  const auto refused = write(drive);
  ASSERT_FALSE(refused);
  EXPECT_EQ(ekm_code_of(refused.error()), EkmCode::kKeystoreConfiguration);
  EXPECT_EQ(refused.error().field, "kind");
  EXPECT_NE(refused.error().remedy.find("3592"), std::string::npos);
  wrong.kind = DriveKind::kLto;
  ASSERT_TRUE(m().modify_drive(operator_(), drive.serial(), wrong));
  auto labels = drive.request(Intent::kWrite, random_uuid());
  labels.labels = {{"Any", LabelMode::kClear}};
  EXPECT_EQ(refusal(labels), EkmCode::kKeystoreConfiguration);
}

TEST_F(DriveSite, K27_ASecondLabelIsNoWayAroundARule) {
  drive = TestDrive("000000000003", DriveKind::k3592);
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  NewKek kek{rsa_certificate(shared_rsa(1), "kek"), shared_rsa(1), {"Closed", "Open"}, KeyOrigin::kImported};
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    TRY(m().keks().add(t, officer(), kek));
    return {};
  }));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.labels = {{"Open", LabelMode::kClear}};
  const auto written = server.ask(request);
  ASSERT_TRUE(written) << written.error().text();
  AccessRule rule;
  rule.subject_kind = SubjectKind::kDrive;
  rule.subject = "000000000009";
  rule.object_kind = ObjectKind::kLabel;
  rule.object = "closed";
  rule.may_write = rule.may_read = true;
  ASSERT_TRUE(m().add_access_rule(officer(), rule));
  request.request_id = random_uuid();
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
  auto read = drive.request(Intent::kRead, written->eedks->volume);
  read.eedks = written->eedks;
  EXPECT_EQ(refusal(read), EkmCode::kProhibited);
}

TEST_F(DriveSite, K27_APartitionCountsOnlyFromItsProxy) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  AccessRule rule;
  rule.subject_kind = SubjectKind::kPartition;
  rule.subject = "Pool 1";
  rule.object_kind = ObjectKind::kGroup;
  rule.object = "g";
  rule.may_write = true;
  ASSERT_TRUE(m().add_access_rule(officer(), rule));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.caller.partition = "pool 1";
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
  Hash256 proxy{};
  proxy.fill(3);
  request.caller.proxy = proxy;
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
  ASSERT_TRUE(m().allow_proxy(operator_(), proxy, "library", drive.serial()));
  EXPECT_TRUE(server.ask(request));
  // Nor does it count less when the drive signs by itself and the proxy only passes the request on.
  request.caller.proxy.reset();
  request.request_id = random_uuid();
  request.caller.relay = proxy;
  EXPECT_TRUE(server.ask(request));
  request.request_id = random_uuid();
  request.caller.relay->fill(4);
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
}

TEST_F(DriveSite, K13_NoAnswerLeavesWithoutItsAuditRecord) {
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  server.log.fail_with({ErrorCode::kExhausted, "the audit disk is full", "", "", 0});
  EXPECT_FALSE(write(drive));
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
