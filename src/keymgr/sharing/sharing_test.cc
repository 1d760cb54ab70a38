// K18: the steps between two key servers, what becomes of each key, and what is refused.
#include "eedk/ekm_code.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/sharing_test_kit.h"
#include "keymgr/sharing/warnings.h"

namespace tapewarden::keymgr::sharing::testing {
namespace {

using keymgr::testing::destroy_whatever_is_lost;
using keymgr::testing::random_uuid;
using keymgr::testing::TestDrive;

struct Shared : TwoSites {
  void make(const std::string& range, const std::string& group = "") {
    TW_ASSERT_OK(a.manager().generate_key_range(officer(), range, group));
  }
  Bytes given(KeySelection selection) {
    auto file = a.give("B", std::move(selection));
    EXPECT_TRUE(file) << file.error().text();
    return file ? std::move(file->file) : Bytes();
  }
  Bytes given_alias(const std::string& alias) { return given(aliases({alias})); }
};

TEST_F(Shared, K18_KeysGoToThePartnerAndOpenThere) {
  make("AAA000000000000000001-03");
  const auto file = a.give("b", {.ranges = {"AAA000000000000000001-02"}});
  TW_ASSERT_OK(file);
  EXPECT_EQ(file->keys, 2U);
  const auto tried = b.take(file->file, true);
  TW_ASSERT_OK(tried);
  EXPECT_EQ(tried->added, 2U);
  EXPECT_TRUE(b.all("AAA000000000000000002").empty()) << "a dry run changes nothing";
  const auto report = b.take(file->file);
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->added, 2U);
  EXPECT_EQ(report->partner, "A");
  EXPECT_TRUE(report->warnings.empty());
  const auto here = a.all("AAA000000000000000002");
  const auto there = b.all("AAA000000000000000002");
  ASSERT_EQ(there.size(), 1U);
  EXPECT_TRUE(a.secret(here.front()) == b.secret(there.front()));
  EXPECT_EQ(there.front().origin, KeyOrigin::kImported);
  EXPECT_EQ(there.front().owner, a.id());
  EXPECT_TRUE(b.all("AAA000000000000000003").empty());
  EXPECT_EQ(a.audit_count({"key.export", "AAA000000000000000001", "second", "success"}), 1U);
  EXPECT_EQ(b.audit_count({"key.import-shared-batch", "AAA000000000000000001 AAA000000000000000002"}), 1U);
}

TEST_F(Shared, K18_ASecondImportChangesNothing) {
  make("AAA000000000000000001-04");
  const Bytes file = given({.ranges = {"AAA000000000000000001-04"}});
  TW_ASSERT_OK(b.take(file));
  const auto rows = b.rows();
  const auto key = b.all("AAA000000000000000001").front();
  const auto again = b.take(file);
  TW_ASSERT_OK(again);
  EXPECT_EQ(again->unchanged, 4U);
  EXPECT_EQ(again->added, 0U);
  EXPECT_EQ(b.rows(), rows);
  EXPECT_EQ(b.all("AAA000000000000000001").front().to_row(), key.to_row());
  EXPECT_EQ(b.audit_count({"key.import-shared-batch"}), 1U);
}

TEST_F(Shared, K18_OnesOwnExportIsRefused) {
  make("OURS1");
  expect_refused(a, given_alias("OURS1"), ErrorCode::kConflict, "exported by this site itself");
}

TEST_F(Shared, K18_NothingGoesToOrComesFromAnUnconfirmedPartner) {
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  TW_ASSERT_OK(remove_partner(b.manager(), officer(), "A"));
  expect_refused(b, file, ErrorCode::kUnauthenticated, spoken(a.fingerprint()));
  TW_ASSERT_OK(put_partner(b.manager(), officer(), "A", a.bundle(), false));
  expect_refused(b, file, ErrorCode::kConflict, "not confirmed");
  TW_ASSERT_OK(remove_partner(a.manager(), officer(), "B"));
  EXPECT_EQ(a.give("B", aliases({"KEY1"})).error().code, ErrorCode::kNotFound);
  TW_ASSERT_OK(put_partner(a.manager(), officer(), "B", b.bundle(), false));
  const auto refused = a.give("B", aliases({"KEY1"}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("not confirmed"), std::string::npos);
  EXPECT_EQ(a.audit_count({"key.export", "failure"}), 2U);
}

TEST_F(Shared, K18_AFileForAnotherSiteIsRefused) {
  Site c(3);
  introduce(a, c, "C");
  introduce(c, a, "A");
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  expect_refused(c, file, ErrorCode::kWrongKey, "not sealed to a certificate of this site");
}

TEST_F(Shared, K18_ADamagedFileIsRefusedAndChangesNothing) {
  make("KEY1");
  Bytes file = given_alias("KEY1");
  expect_refused(b, ByteView(file).first(file.size() - 10), ErrorCode::kCorrupt, "cut short");
  expect_refused(b, ByteView(file).first(100), ErrorCode::kCorrupt, "cut short");
  expect_refused(b, as_bytes("no such file"), ErrorCode::kCorrupt, "no file of shared keys");
  file[file.size() - 150] ^= 1;
  expect_refused(b, file, ErrorCode::kCorrupt, "signature does not fit");
}

TEST_F(Shared, K18_AnExpiredPartnerGetsNothingAndHisFileIsStillRead) {
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  a.clock.advance(std::chrono::hours(24 * 366 * 5));
  const auto refused = a.give("B", aliases({"KEY1"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("expired on"), std::string::npos);
  EXPECT_EQ(a.audit_count({"key.export", "failure", "expired on"}), 1U);
  b.clock.advance(std::chrono::hours(24 * 366 * 31));
  const auto report = b.take(file);
  TW_ASSERT_OK(report);
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_NE(report->warnings.front().find("expired"), std::string::npos);
  EXPECT_EQ(report->added, 1U);
}

TEST_F(Shared, K18_AFileSealedToAnOlderCertificateStillOpens) {
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  b.clock.advance(std::chrono::hours(1));
  (void)b.bundle({.renew = true});
  const auto report = b.take(file);
  TW_ASSERT_OK(report);
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_NE(report->warnings.front().find("older certificate"), std::string::npos);
}

TEST_F(Shared, K18_OneAliasTwoKeysBothAreKept) {
  make("SAME1");
  TW_ASSERT_OK(b.manager().generate_key_range(officer(), "SAME1", ""));
  const auto report = b.take(given_alias("SAME1"));
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->kept_both, 1U);
  ASSERT_EQ(report->lines.size(), 1U);
  EXPECT_EQ(report->lines.front().outcome, KeyOutcome::kKeptBoth);
  const auto both = b.all("SAME1");
  ASSERT_EQ(both.size(), 2U);
  const auto came = a.all("SAME1").front();
  const auto by_name = b.manager().key("same1#" + to_hex(came.fingerprint));
  TW_ASSERT_OK(by_name);
  EXPECT_TRUE(b.secret(*by_name) == a.secret(came));
  EXPECT_EQ(by_name->owner, a.id());
  EXPECT_EQ(b.manager().key("SAME1").error().code, ErrorCode::kConflict);
  // The end of one of them leaves the other alone, also over a restart.
  TW_ASSERT_OK(b.manager().compromise_key(officer(), ref_of(*by_name)));
  b.restart();
  for (const auto& key : b.all("SAME1")) {
    EXPECT_EQ(key.state == KeyState::kCompromised, key.id == by_name->id);
  }
  EXPECT_EQ(b.take(given_alias("SAME1"))->unchanged, 1U);
}

TEST_F(Shared, K18_StatesMergeAndNeverGoBack) {
  make("KEY1");
  make("KEY2");
  TW_ASSERT_OK(b.take(given(aliases({"KEY1", "KEY2"}))));
  TW_ASSERT_OK(a.manager().change_key_state(officer(), "KEY1", KeyState::kActive));
  TW_ASSERT_OK(a.manager().change_key_state(officer(), "KEY1", KeyState::kDeactivated));
  TW_ASSERT_OK(a.manager().compromise_key(officer(), a.manager().key_ref("KEY2").value()));
  const Bytes later = given(aliases({"KEY1", "KEY2"}));
  const auto report = b.take(later);
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->state_merged, 2U);
  EXPECT_EQ(report->lines.size(), 2U);
  EXPECT_EQ(b.manager().key("KEY1")->state, KeyState::kDeactivated);
  EXPECT_EQ(b.manager().key("KEY2")->state, KeyState::kCompromised);
  EXPECT_TRUE(b.manager().tombstone_of(b.manager().key_ref("KEY2").value())->has_value());
  // The other way round: what is compromised here stays so, whatever the file says.
  make("KEY3");
  const Bytes active = given_alias("KEY3");
  TW_ASSERT_OK(b.take(active));
  TW_ASSERT_OK(b.manager().compromise_key(officer(), b.manager().key_ref("KEY3").value()));
  EXPECT_EQ(b.take(active)->unchanged, 1U);
  EXPECT_EQ(b.manager().key("KEY3")->state, KeyState::kCompromised);
}

TEST_F(Shared, K18_ACompromisedKeyComesInCompromisedWithItsMark) {
  make("KEY1");
  TW_ASSERT_OK(a.manager().compromise_key(officer(), a.manager().key_ref("KEY1").value()));
  TW_ASSERT_OK(b.take(given_alias("KEY1")));
  EXPECT_EQ(b.manager().key("KEY1")->state, KeyState::kCompromised);
  EXPECT_TRUE(b.manager().tombstone_of(b.manager().key_ref("KEY1").value())->has_value());
}

TEST_F(Shared, K18_ADestroyedKeyDoesNotComeBack) {
  make("KEY1");
  make("KEY2");
  const Bytes file = given(aliases({"KEY1", "KEY2"}));
  TW_ASSERT_OK(b.take(file));
  TW_ASSERT_OK(destroy_whatever_is_lost(b.manager(), b.manager().key_ref("KEY1")));
  TW_ASSERT_OK(b.manager().quarantine_key(officer(), b.manager().key_ref("KEY2").value()));
  const auto report = b.take(file);
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->refused, 2U);
  ASSERT_EQ(report->lines.size(), 2U);
  EXPECT_NE(report->lines[0].remark.find("destroyed here"), std::string::npos);
  EXPECT_NE(report->lines[1].remark.find("quarantined here"), std::string::npos);
  EXPECT_EQ(b.manager().key("KEY1")->state, KeyState::kDestroyed);
  EXPECT_NE(b.manager().key("KEY2")->quarantined, kNever);
  // Nor does it go out.
  TW_ASSERT_OK(destroy_whatever_is_lost(a.manager(), a.manager().key_ref("KEY1")));
  const auto refused = a.give("B", aliases({"KEY1"}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("was destroyed"), std::string::npos);
}

struct WithDrive : Shared {
  WithDrive() {
    for (Site* site : {&a, &b}) {
      EXPECT_TRUE(site->manager().add_drive(officer(), drive.serial(), drive.pins()));
    }
    EXPECT_TRUE(a.manager().create_group(officer(), "DAILY", {}));
    EXPECT_TRUE(a.manager().generate_keys(officer(), 4, "ABC", "DAILY"));
  }
  // The alias of the key that a cartridge is begun with.
  std::string write(const std::string& volser) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.volser = volser;
    request.group = "DAILY";
    const auto answer = a.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? answer->alias : "";
  }
  std::size_t count(KeySelection selection) {
    const auto file = a.give("B", std::move(selection));
    return file ? file->keys : 0;
  }
  std::string refusal(KeySelection selection) {
    const auto file = a.give("B", std::move(selection));
    return file ? "exported" : file.error().message;
  }

  TestDrive drive{"000000000001"};
};

TEST_F(WithDrive, K18_AnImportedKeyReadsAndBeginsNothing) {
  const std::string alias = write("VOL001");
  TW_ASSERT_OK(b.take(given({.volumes = {"vol001"}})));
  const auto key = b.manager().key(alias);
  TW_ASSERT_OK(key);
  auto read = drive.request(Intent::kRead, random_uuid());
  read.dki = key->dki;
  const auto answer = b.ask(read);
  TW_ASSERT_OK(answer);
  EXPECT_TRUE(*drive.open(*answer, read) == a.secret(a.all(alias).front()));
  TW_ASSERT_OK(b.manager().create_group(officer(), "DAILY", {}));
  EXPECT_FALSE(b.manager().add_alias(officer(), "DAILY", alias));
  for (const bool by_group : {true, false}) {
    auto begin = drive.request(Intent::kWrite, random_uuid());
    (by_group ? begin.group : begin.alias) = by_group ? "DAILY" : alias;
    const auto refused = b.ask(begin);
    ASSERT_FALSE(refused);
    EXPECT_EQ(eedk::ekm_code_of(refused.error()), eedk::EkmCode::kNoKeyToServe) << refused.error().text();
  }
}

// Two sites that shared keys and later become a pair hold two rows of one key.
TEST_F(WithDrive, K18_TwoRowsOfOneKeyAreOneKeyToATape) {
  const std::string alias = write("VOL001");
  TW_ASSERT_OK(b.take(given_alias(alias)));
  DataKey twin = b.all(alias).front();
  const auto secret = b.secret(twin);
  twin.id = random_uuid();
  TW_ASSERT_OK(b.write([&](store::Transaction& t) -> Status {
    const store::Value id = to_bytes(twin.id.view());
    twin.sealed_key = t.seal(kDataKeyTable, {&id, 1}, "secret", secret);
    return b.manager().keys().put(t, twin);
  }));
  auto read = drive.request(Intent::kRead, random_uuid());
  read.dki = twin.dki;
  const auto answer = b.ask(read);
  TW_ASSERT_OK(answer);
  EXPECT_TRUE(*drive.open(*answer, read) == secret);
  // What hides one of them hides the key.
  twin.quarantined = b.clock.wall_now();
  TW_ASSERT_OK(b.write([&](store::Transaction& t) { return b.manager().keys().put(t, twin); }));
  read = drive.request(Intent::kRead, random_uuid());
  read.dki = twin.dki;
  EXPECT_FALSE(b.ask(read));
}

// A partner who says that a key is this site's own makes it no key to write with.
TEST_F(WithDrive, K18_AForeignWordMakesNoKeyWritable) {
  TW_ASSERT_OK(b.manager().generate_key_range(officer(), "BKEY1", ""));
  const auto there = b.give("A", {.aliases = {"BKEY1"}});
  TW_ASSERT_OK(there);
  TW_ASSERT_OK(a.take(there->file));
  EXPECT_EQ(a.manager().key("BKEY1")->owner, b.id());
  const Bytes back = given_alias("BKEY1");
  TW_ASSERT_OK(b.write([&](store::Transaction& t) -> Status {
    const auto row = TRY(b.manager().keys().find(t, "BKEY1"));
    return t.erase(kDataKeyTable, {to_bytes(row->id.view())});
  }));
  TW_ASSERT_OK(b.take(back));
  EXPECT_TRUE(b.manager().key("BKEY1")->owner.is_nil());
}

TEST_F(WithDrive, K18_KeysAreChosenByVolumeAliasRangeGroupAndDate) {
  const std::string first = write("VOL001");
  EXPECT_EQ(count({.groups = {"daily"}}), 1U) << "keys that began no cartridge stay here";
  EXPECT_EQ(count({.groups = {"DAILY"}, .unused = true}), 4U);
  const std::string second = write("VOL002");
  EXPECT_EQ(count({.volumes = {"VOL001", "VOL002"}, .aliases = {first}}), 2U) << "each goes once";
  EXPECT_EQ(count({.ranges = {first + "-" + second.substr(second.size() - 2)}}), 2U);
  const auto today = a.clock.wall_now();
  const auto hour = std::chrono::hours(1);
  EXPECT_EQ(count({.since = today - hour}), 2U);
  EXPECT_EQ(count({.groups = {"DAILY"}, .until = today + hour}), 2U);
  EXPECT_EQ(count({.volumes = {"VOL001"}, .since = today - hour, .until = today + hour}), 1U);
  EXPECT_NE(refusal({.since = today + hour}).find("no key fits"), std::string::npos);
  EXPECT_NE(refusal({}).find("names no key"), std::string::npos);
  EXPECT_NE(refusal({.aliases = {first, "NOKEY"}}).find("no key NOKEY"), std::string::npos);
  EXPECT_NE(refusal({.volumes = {"VOL009"}}).find("VOL009"), std::string::npos);
  EXPECT_NE(refusal({.ranges = {"ZZZ000000000000000001-09"}}).find("no key from"), std::string::npos);
  EXPECT_NE(refusal({.groups = {"NOGROUP"}}), "exported");
  TW_ASSERT_OK(destroy_whatever_is_lost(a.manager(), [&] {
    (void)a.manager().change_key_state(officer(), second, KeyState::kDeactivated);
    return a.manager().key_ref(second);
  }()));
  const auto without = a.give("B", {.groups = {"DAILY"}, .unused = true});
  TW_ASSERT_OK(without);
  EXPECT_EQ(without->keys, 3U);
  ASSERT_EQ(without->warnings.size(), 1U);
  EXPECT_NE(without->warnings.front().find("1 destroyed or quarantined"), std::string::npos);
}

TEST_F(Shared, K18_OneOfficerAloneExportsNothing) {
  make("KEY1");
  const auto alone = export_keys(a.manager(), officer(), {"B", aliases({"KEY1"})}, {});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(a.audit_count({"key.export", "failure"}), 1U);
  EXPECT_EQ(a.audit_count({"key.export", "success"}), 0U);
}

TEST_F(Shared, K18_ThePlanIsOfJustTheseKeysAndThisCertificate) {
  make("AAA000000000000000001-03");
  const ExportOrder order{"B", {.ranges = {"AAA000000000000000001-0F"}}};
  const auto digest = [&] { return plan_export(a.manager(), officer(), order)->digest; };
  const Hash256 first = digest();
  EXPECT_EQ(digest(), first);
  make("AAA000000000000000004");
  const Hash256 more = digest();
  EXPECT_NE(more, first);
  b.clock.advance(std::chrono::hours(1));
  TW_ASSERT_OK(put_partner(a.manager(), officer(), "B", b.bundle({.renew = true}), false));
  EXPECT_NE(digest(), more);
}

TEST_F(Shared, K18_WhereAKeyCameFromAndWentToIsKept) {
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  TW_ASSERT_OK(b.take(file));
  const auto fingerprint = a.all("KEY1").front().fingerprint;
  for (Site* site : {&a, &b}) {
    std::vector<Transfer> found;
    TW_ASSERT_OK(site->keystore().read([&](store::Reader& reader) -> Status {
      found = TRY(transfers_of(reader, fingerprint));
      return {};
    }));
    ASSERT_EQ(found.size(), 1U);
    const bool source = site == &a;
    EXPECT_EQ(found.front().direction, source ? Direction::kGiven : Direction::kReceived);
    EXPECT_EQ(found.front().partner, source ? "B" : "A");
    EXPECT_EQ(found.front().approved_by, source ? "second" : "");
    EXPECT_NE(found.front().ended, kNever);
  }
}

// The disk fails after so many commits.
struct FailsAfter final : store::CommitGate {
  FailsAfter(store::testing::MemoryCommitLog& log, int commits) : log_(log), left_(commits) {}
  void committed(std::uint64_t, std::function<void()> pass) override {
    if (--left_ == 0) log_.fail_with(fail(ErrorCode::kIo, "the disk failed").error());
    pass();
  }

 private:
  store::testing::MemoryCommitLog& log_;
  int left_;
};

// The batches before a failure are here, whole, and the file imported again adds the others.
TEST_F(Shared, K18_AnImportThatWasCutOffGoesOnWhenImportedAgain) {
  TW_ASSERT_OK(a.manager().generate_key_range(officer(), "AAA000000000000000001-4B0", ""));  // 1200
  const Bytes file = given({.ranges = {"AAA000000000000000001-4B0"}});
  FailsAfter gate(b.log, 2);
  b.keystore().set_gate(&gate);
  EXPECT_FALSE(b.take(file));
  b.log.clear_fault();
  b.restart();
  std::vector<Transfer> transfers;
  TW_ASSERT_OK(b.keystore().read([&](store::Reader& reader) -> Status {
    transfers = TRY(list_transfers(reader));
    return {};
  }));
  ASSERT_EQ(transfers.size(), 1U);
  EXPECT_EQ(transfers.front().ended, kNever);
  ASSERT_EQ(warnings(b.manager())->size(), 1U);
  EXPECT_NE(warnings(b.manager())->front().find("cut off"), std::string::npos);
  const auto again = b.take(file);
  TW_ASSERT_OK(again);
  EXPECT_GT(again->unchanged, 0U);
  EXPECT_EQ(again->unchanged + again->added, 1200U);
  EXPECT_EQ(b.take(file)->unchanged, 1200U);
  EXPECT_TRUE(warnings(b.manager())->empty());
}

TEST_F(Shared, K18_CertificatesThatEndSoonAreTold) {
  EXPECT_TRUE(warnings(a.manager())->empty());
  a.clock.advance(kCertificateValidity - std::chrono::hours(48));
  const auto soon = warnings(a.manager());
  TW_ASSERT_OK(soon);
  ASSERT_EQ(soon->size(), 2U);
  EXPECT_NE(soon->at(0).find("this site's certificate for sharing expires on"), std::string::npos);
  EXPECT_NE(soon->at(1).find("partner B expires on"), std::string::npos);
}

// Both servers of a pair import one file before they have heard of each other: they make the same row.
TEST_F(Shared, K18_TheSameImportAtTwoServersMakesTheSameRow) {
  make("KEY1");
  const Bytes file = given_alias("KEY1");
  TW_ASSERT_OK(b.take(file));
  const auto first = b.all("KEY1").front();
  TW_ASSERT_OK(b.write(
      [&](store::Transaction& t) -> Status { return t.erase(kDataKeyTable, {to_bytes(first.id.view())}); }));
  TW_ASSERT_OK(b.take(file));
  EXPECT_EQ(b.all("KEY1").front().id, first.id);
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing::testing
