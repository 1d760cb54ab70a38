// K4, K6, K8, K12, K14: keys for writing from the beginning of tape.
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using eedk::ekm_code_of;
using eedk::EkmCode;

struct LtoSite : ::testing::Test {
  LtoSite() { EXPECT_TRUE(server.manager().add_drive(operator_(), drive.serial(), drive.pins())); }
  KeyManager& m() { return server.manager(); }
  void group_with(const std::string& name, std::size_t keys) {
    ASSERT_TRUE(m().create_group(operator_(), name, {}));
    ASSERT_TRUE(m().generate_keys(operator_(), keys, "ABC", name));
  }
  EkmCode refusal(const KeyRequest& request) {
    const auto answer = server.ask(request);
    EXPECT_FALSE(answer);
    return answer ? EkmCode::kNone : ekm_code_of(answer.error());
  }

  TestServer server;
  TestDrive drive{"000000000001"};
};

TEST_F(LtoSite, K8_WriteGivesTheNextKeyOfTheGroup) {
  group_with("g", 2);
  ASSERT_TRUE(m().set_default_group(operator_(), "g"));
  const auto request = drive.request(Intent::kWrite, random_uuid());
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->method, Method::kIdentifiedKey);
  EXPECT_TRUE(answer->may_append);
  EXPECT_EQ(answer->dki->alias().value(), answer->alias);
  const auto key = drive.open(*answer, request);
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(crypto::key_check_value(*key, request.volume), answer->key_check);
  EXPECT_EQ(m().key(answer->alias)->state, KeyState::kActive);
  EXPECT_EQ(m().key(answer->alias)->uses, 1);
  EXPECT_EQ(server.audit_count({"key.serve", answer->alias, "VOL001", "success"}), 1U);
}

TEST_F(LtoSite, K4_RequestThenDriveThenDefault) {
  group_with("one", 2);
  group_with("two", 2);
  group_with("three", 2);
  ASSERT_TRUE(m().generate_key_range(operator_(), "SINGLE1", ""));
  ASSERT_TRUE(m().generate_key_range(operator_(), "SINGLE2", ""));
  const auto group_of = [&](const KeyRequest& request) {
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    if (!answer) return std::string();
    const auto key = m().key(answer->alias);
    return key->group.empty() ? key->alias : key->group;
  };
  auto request = drive.request(Intent::kWrite, random_uuid());
  EXPECT_EQ(refusal(request), EkmCode::kKeystoreConfiguration) << "nothing is configured";
  ASSERT_TRUE(m().set_default_group(operator_(), "three"));
  EXPECT_EQ(group_of(drive.request(Intent::kWrite, random_uuid())), "THREE");
  DriveChange change;
  change.default_group = "two";
  ASSERT_TRUE(m().modify_drive(operator_(), drive.serial(), change));
  EXPECT_EQ(group_of(drive.request(Intent::kWrite, random_uuid())), "TWO");
  change.default_group = "";
  change.default_alias = "single1";
  ASSERT_TRUE(m().modify_drive(operator_(), drive.serial(), change));
  EXPECT_EQ(group_of(drive.request(Intent::kWrite, random_uuid())), "SINGLE1");
  request = drive.request(Intent::kWrite, random_uuid());
  request.group = "one";
  EXPECT_EQ(group_of(request), "ONE");
  request = drive.request(Intent::kWrite, random_uuid());
  request.alias = "single2";
  EXPECT_EQ(group_of(request), "SINGLE2");
}

TEST_F(LtoSite, K14_RefusalsCarryCodeAndRemedyAndAreAudited) {
  group_with("g", 1);
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.group = "nowhere";
  EXPECT_EQ(refusal(request), EkmCode::kKeystoreConfiguration);
  request = drive.request(Intent::kWrite, random_uuid());
  request.alias = "NOKEY";
  const auto answer = server.ask(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail, 0xEE31U);
  EXPECT_EQ(answer.error().field, "alias");
  EXPECT_FALSE(answer.error().remedy.empty());
  request = drive.request(Intent::kWrite, random_uuid());
  request.group = "g";
  ASSERT_TRUE(server.ask(request));
  request = drive.request(Intent::kWrite, random_uuid());
  request.group = "g";
  EXPECT_EQ(refusal(request), EkmCode::kNoKeyToServe);
  EXPECT_EQ(server.audit_count({"key.refuse", "EE31", "failure"}), 2U);
  EXPECT_EQ(server.audit_count({"key.refuse", "EE34", "failure"}), 1U);
}

TEST_F(LtoSite, K13_ADriveThatIsRefusedAgainAndAgainWritesFewRecords) {
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.group = "nowhere";
  for (unsigned i = 0; i < kRefusalsRecordedAtOnce + 50; ++i) {
    request.request_id = random_uuid();
    ASSERT_EQ(refusal(request), EkmCode::kKeystoreConfiguration);
  }
  EXPECT_EQ(server.audit_count({"key.refuse"}), kRefusalsRecordedAtOnce);
  // Another reason of the same drive is told at once.
  group_with("g", 1);
  request.group = "g";
  request.request_id = random_uuid();
  ASSERT_TRUE(server.ask(request));
  request = drive.request(Intent::kWrite, random_uuid());
  request.group = "g";
  ASSERT_EQ(refusal(request), EkmCode::kNoKeyToServe);
  EXPECT_EQ(server.audit_count({"key.refuse", "EE34"}), 1U);
  EXPECT_EQ(server.audit_count({"key.refuse"}), kRefusalsRecordedAtOnce + 1);
}

TEST_F(LtoSite, K14_MalformedRequestsAreRefusedByField) {
  group_with("g", 1);
  auto request = drive.request(Intent::kWrite, Uuid{});
  EXPECT_EQ(refusal(request), EkmCode::kMessageNotParsed);
  request = drive.request(Intent::kWrite, random_uuid());
  request.request_id = {};
  EXPECT_EQ(refusal(request), EkmCode::kMessageNotParsed);
  request = drive.request(Intent::kWrite, random_uuid());
  request.volser = "VOL\n001";
  EXPECT_EQ(refusal(request), EkmCode::kMessageNotParsed);
  request = drive.request(Intent::kWrite, random_uuid());
  request.labels = {{"A", LabelMode::kClear}, {"B", LabelMode::kClear}, {"C", LabelMode::kClear}};
  EXPECT_EQ(refusal(request), EkmCode::kMessageNotParsed);
  EXPECT_EQ(refusal(drive.request(Intent::kRead, random_uuid())), EkmCode::kEedkFlagsConflict)
      << "holds nothing";
  EXPECT_EQ(m().group("g")->used, 0);
}

TEST_F(LtoSite, K12_ARetryGetsTheSameKeyAlsoAfterARestart) {
  group_with("g", 3);
  ASSERT_TRUE(m().set_default_group(operator_(), "g"));
  const auto request = drive.request(Intent::kWrite, random_uuid());
  const auto first = server.ask(request);
  ASSERT_TRUE(first);
  const auto second = server.ask(request);
  ASSERT_TRUE(second);
  server.restart();
  const auto third = server.ask(request);
  ASSERT_TRUE(third) << third.error().text();
  EXPECT_EQ(first->alias, second->alias);
  EXPECT_EQ(first->alias, third->alias);
  EXPECT_EQ(first->ledger, third->ledger);
  EXPECT_EQ(drive.open(*first, request).value(), drive.open(*third, request).value());
  EXPECT_EQ(m().group("g")->used, 1);
  auto other_volume = request;
  other_volume.volume = random_uuid();
  EXPECT_NE(server.ask(other_volume)->alias, first->alias) << "another volume is another exchange";
}

TEST_F(LtoSite, K12_OneRequestAskedManyTimesAtOnceTakesOneKey) {
  group_with("g", 8);
  ASSERT_TRUE(m().set_default_group(operator_(), "g"));
  const auto request = drive.request(Intent::kWrite, random_uuid());
  std::mutex mutex;
  std::condition_variable ready;
  std::vector<Result<KeyAnswer>> answers;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      server.service().handle(request, [&](Result<KeyAnswer> answer) {
        const std::lock_guard lock(mutex);
        answers.push_back(std::move(answer));
        ready.notify_all();
      });
    });
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(ready.wait_for(lock, std::chrono::minutes(1), [&] { return answers.size() == 8; }));
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->alias, answers.front()->alias);
  }
  EXPECT_EQ(m().group("g")->used, 1);
}

TEST_F(LtoSite, K3_AnAliasOfAUseOnceGroupBeginsOneCartridge) {
  group_with("g", 1);
  const std::string alias = m().list_keys("g", {}, {})->items.front().alias;
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.alias = alias;
  ASSERT_TRUE(server.ask(request));
  request = drive.request(Intent::kWrite, random_uuid());
  request.alias = alias;
  EXPECT_EQ(refusal(request), EkmCode::kNoKeyToServe);
}

TEST_F(LtoSite, K10_ADeactivatedKeyBeginsNothing) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "OLD1", ""));
  ASSERT_TRUE(m().change_key_state(officer(), "OLD1", KeyState::kDeactivated));
  auto request = drive.request(Intent::kWrite, random_uuid());
  request.alias = "OLD1";
  EXPECT_EQ(refusal(request), EkmCode::kProhibited);
}

struct WrapSite : ::testing::Test {
  WrapSite() { EXPECT_TRUE(server.manager().add_drive(operator_(), drive.serial(), drive.pins())); }
  KeyManager& m() { return server.manager(); }
  // A KEK with both halves, or the public half alone.
  Hash256 kek(std::size_t index, const std::string& label, bool with_private = true) {
    NewKek kek{rsa_certificate(shared_rsa(index), label), {}, {label}, KeyOrigin::kImported};
    if (with_private) kek.key = shared_rsa(index);
    EXPECT_TRUE(server.write([&](store::Transaction& t) -> Status {
      TRY(m().keks().add(t, officer(), kek));
      return {};
    }));
    return shared_rsa(index).public_key().spki_hash();
  }
  KeyRequest write(std::vector<LabelChoice> labels) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.labels = std::move(labels);
    return request;
  }
  EkmCode refusal(const KeyRequest& request) {
    const auto answer = server.ask(request);
    EXPECT_FALSE(answer);
    return answer ? EkmCode::kNone : ekm_code_of(answer.error());
  }

  TestServer server;
  TestDrive drive{"000000000002", DriveKind::k3592};
};

TEST_F(WrapSite, K6_WriteMakesTwoEedksAndASeal) {
  kek(1, "Main Key");
  const Hash256 second = kek(2, "DR Key", false);
  const auto request = write({{"main key", LabelMode::kClear}, {"DR KEY", LabelMode::kHash}});
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_TRUE(answer->eedks);
  ASSERT_EQ(answer->eedks->eedks.size(), 2U);
  EXPECT_EQ(std::get<eedk::HashLabel>(answer->eedks->eedks[1].label).spki, second);
  EXPECT_TRUE(eedk::verify_seal(*answer->eedks, m().context().signing_certificate));
  const auto key = drive.open(*answer, request);
  ASSERT_TRUE(key);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto same = eedk::open_eedk(answer->eedks->eedks[i], shared_rsa(i + 1), request.volume);
    ASSERT_TRUE(same);
    EXPECT_EQ(*same, *key);
  }
  EXPECT_EQ(crypto::key_check_value(*key, request.volume), answer->eedks->key_check);
  const auto ledger = m().query_ledger({.volser = "vol001"}, {});
  ASSERT_EQ(ledger->items.size(), 1U);
  EXPECT_EQ(eedk::decode_eedk_set(ledger->items[0].eedk_set).value(), *answer->eedks);
}

TEST_F(WrapSite, K6_EachWriteHasAFreshKey) {
  kek(1, "A");
  const auto one = write({{"A", LabelMode::kClear}});
  const auto two = write({{"A", LabelMode::kClear}});
  const auto first = server.ask(one);
  const auto second = server.ask(two);
  ASSERT_TRUE(first && second);
  EXPECT_NE(drive.open(*first, one).value(), drive.open(*second, two).value());
  EXPECT_EQ(m().list_keys("", {}, {})->items.size(), 0U) << "the data key is not kept";
}

TEST_F(WrapSite, K12_ARetryOpensTheSameEedks) {
  kek(1, "A");
  const auto request = write({{"A", LabelMode::kClear}});
  const auto first = server.ask(request);
  ASSERT_TRUE(first);
  server.restart();
  const auto second = server.ask(request);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(*first->eedks, *second->eedks);
  EXPECT_EQ(first->ledger, second->ledger);
  EXPECT_EQ(drive.open(*first, request).value(), drive.open(*second, request).value());
}

TEST_F(WrapSite, K12_ARetryWhoseKekIsGoneBeginsAnew) {
  const Hash256 id = kek(1, "A");
  kek(2, "B");
  auto request = write({{"A", LabelMode::kClear}});
  const auto first = server.ask(request);
  ASSERT_TRUE(first);
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  request.labels = {{"B", LabelMode::kClear}};
  const auto second = server.ask(request);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_NE(first->ledger, second->ledger);
  EXPECT_NE(*first->eedks, *second->eedks);
  const auto third = server.ask(request);
  ASSERT_TRUE(third);
  EXPECT_EQ(*second->eedks, *third->eedks);
}

TEST_F(WrapSite, K4_LabelsOfRequestThenDriveThenServer) {
  for (std::size_t i = 1; i <= 3; ++i) kek(i, "K" + std::to_string(i));
  EXPECT_EQ(refusal(write({})), EkmCode::kKeystoreConfiguration);
  ASSERT_TRUE(m().set_setting(officer(), kDefaultLabel1, "K1"));
  EXPECT_EQ(server.ask(write({}))->labels.front().label, "K1");
  DriveChange change;
  change.label_1 = LabelChoice{"K2", LabelMode::kHash};
  ASSERT_TRUE(m().modify_drive(operator_(), drive.serial(), change));
  EXPECT_EQ(server.ask(write({}))->labels.front().label, "K2");
  EXPECT_EQ(server.ask(write({{"K3", LabelMode::kClear}}))->labels.front().label, "K3");
}

TEST_F(WrapSite, K6_PublicHalvesAloneNeedAProof) {
  const Hash256 id = kek(1, "Elsewhere", false);
  const auto refused = server.ask(write({{"Elsewhere", LabelMode::kHash}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(ekm_code_of(refused.error()), EkmCode::kKeystoreConfiguration);
  const auto challenge = m().challenge_kek(id);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(m().prove_kek(officer(), id, *challenge, crypto::SecretBytes::copy_of(Bytes(32, 1))).error().code,
            ErrorCode::kPermissionDenied);
  const auto answer = shared_rsa(1).unwrap(challenge->wrapped, as_bytes("tapewarden proof of possession"));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(m().prove_kek(officer(), id, *challenge, *answer));
  const auto served = server.ask(write({{"Elsewhere", LabelMode::kHash}}));
  ASSERT_TRUE(served) << served.error().text();
  auto append = drive.request(Intent::kAppend, served->eedks->volume);
  append.eedks = served->eedks;
  EXPECT_EQ(refusal(append), EkmCode::kKeyNotHeld) << "closed to appending here";
}

// The other site's label beside the own one, as when each site reads with its own private half: what a pool
// is refused or granted is what a write will meet.
TEST_F(WrapSite, K6_ALabelWithThePublicHalfAloneIsWritableBesideOneThatIsReadBack) {
  kek(1, "Ours");
  const Hash256 id = kek(2, "Theirs", false);
  const auto check = [&](const std::vector<std::string>& labels) {
    return server.service().check_labels(drive.caller(), labels, {}).value();
  };
  const auto both = check({"Ours", "Theirs"});
  EXPECT_TRUE(both[0].writable && !both[0].public_only && both[0].note.empty());
  EXPECT_TRUE(both[1].writable && both[1].public_only) << both[1].problem;
  EXPECT_NE(both[1].note.find("cannot read back; only beside"), std::string::npos) << both[1].note;
  EXPECT_TRUE(server.ask(write({{"Ours", LabelMode::kClear}, {"Theirs", LabelMode::kHash}})));

  const auto alone = check({"Theirs"});
  EXPECT_TRUE(alone[0].known && alone[0].public_only && !alone[0].writable);
  EXPECT_NE(alone[0].problem.find("prove that he can unwrap"), std::string::npos) << alone[0].problem;
  EXPECT_FALSE(server.ask(write({{"Theirs", LabelMode::kHash}})));

  const auto challenge = m().challenge_kek(id).value();
  const auto answer = shared_rsa(2).unwrap(challenge.wrapped, as_bytes("tapewarden proof of possession"));
  ASSERT_TRUE(m().prove_kek(officer(), id, challenge, *answer));
  const auto proven = check({"Theirs"});
  EXPECT_TRUE(proven[0].writable && proven[0].public_only);
  EXPECT_NE(proven[0].note.find("cannot read back"), std::string::npos);
  EXPECT_EQ(proven[0].note.find("only beside"), std::string::npos);
  EXPECT_TRUE(server.ask(write({{"Theirs", LabelMode::kHash}})));
}

TEST_F(WrapSite, K19_AKekThatThePeerLacksBeginsNothing) {
  TestPeer peer;
  m().set_peer(&peer);
  kek(1, "A");
  EXPECT_EQ(refusal(write({{"A", LabelMode::kClear}})), EkmCode::kNoKeyToServe);
  peer.acknowledged = server.keystore().head().sequence;
  EXPECT_TRUE(server.ask(write({{"A", LabelMode::kClear}})));
  m().set_peer(nullptr);
}

TEST_F(WrapSite, K4_UnknownAndDeactivatedLabelsAreRefused) {
  const Hash256 id = kek(1, "A");
  EXPECT_EQ(refusal(write({{"B", LabelMode::kClear}})), EkmCode::kKeystoreConfiguration);
  EXPECT_EQ(refusal(write({{"A", LabelMode::kClear}, {"B", LabelMode::kClear}})),
            EkmCode::kKeystoreConfiguration);
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  EXPECT_EQ(refusal(write({{"A", LabelMode::kClear}})), EkmCode::kKeystoreConfiguration);
}

TEST_F(WrapSite, K5_ALabelInConflictBeginsNothing) {
  kek(1, "A");
  const Hash256 other = kek(2, "B");
  // What a merge with another server brings: the same label for another certificate.
  ASSERT_TRUE(server.write([&](store::Transaction& t) {
    return t.put(kKekLabelTable, KekLabelRow{"A", other, "A", m().context().now()}.to_row());
  }));
  const auto answer = server.ask(write({{"A", LabelMode::kClear}}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kConflict);
  EXPECT_NE(answer.error().message.find(to_hex(other)), std::string::npos);
  ASSERT_EQ(m().label_conflicts()->size(), 1U);
  EXPECT_EQ(m().label_conflicts()->front().keks.size(), 2U);
  const std::vector<std::string> labels{"A", "B", "C"};
  const auto status = server.service().check_labels(drive.caller(), labels, {});
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->at(0).conflict);
  EXPECT_FALSE(status->at(0).writable);
  EXPECT_TRUE(status->at(1).writable);
  EXPECT_FALSE(status->at(2).known);
  EXPECT_FALSE(status->at(2).problem.empty());
}

TEST_F(WrapSite, T3_CheckLabelsSaysWhatIsHeldWhere) {
  kek(1, "Both");
  kek(2, "Public", false);
  TestPeer peer;
  peer.acknowledged = server.keystore().head().sequence;
  m().set_peer(&peer);
  kek(3, "Fresh");
  ASSERT_TRUE(m().create_group(operator_(), "g", {}));
  const std::vector<std::string> labels{"both", "public", "fresh"};
  const std::vector<std::string> groups{"g", "none"};
  const auto status = server.service().check_labels(drive.caller(), labels, groups);
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->at(0).writable && status->at(0).held_by_peer);
  EXPECT_TRUE(status->at(1).known && status->at(1).writable && status->at(1).public_only);
  EXPECT_FALSE(status->at(1).held_by_peer);
  EXPECT_TRUE(status->at(2).known && !status->at(2).held_by_peer && !status->at(2).writable);
  EXPECT_TRUE(status->at(3).known && !status->at(3).writable);
  EXPECT_FALSE(status->at(4).known);
  m().set_peer(nullptr);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
