// K17, K19: where else a key must lie before it is given out for writing.
#include "keymgr/serve_policy.h"

#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "eedk/ekm_code.h"
#include "keymgr/peer_changes.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using eedk::ekm_code_of;
using eedk::EkmCode;

// Backups that hold what the test says.
class TestBackups final : public BackupView {
 public:
  std::uint64_t backed_up_commit(std::string_view, bool) const override { return holds; }
  std::uint64_t backed_up_commit(bool) const override { return holds; }
  void kick() override {}
  bool has_counted_target() const override { return counted; }
  void want(std::uint64_t commit) override {
    ++wants;
    if (commit > wanted) wanted = commit;
  }

  std::atomic<std::uint64_t> holds{0};
  std::atomic<bool> counted{true};
  std::atomic<std::uint64_t> wanted{0};
  std::atomic<std::size_t> wants{0};
};

class ServePolicyTest : public ::testing::Test {
 protected:
  ServePolicyTest() {
    m().set_backups(&backups);
    EXPECT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
    EXPECT_TRUE(m().add_drive(operator_(), wrapping.serial(), wrapping.pins()));
  }
  ~ServePolicyTest() override { m().set_peer(nullptr); }

  KeyManager& m() { return server.manager(); }
  void set(std::string_view name, std::string_view value) {
    ASSERT_TRUE(m().set_setting(officer(), name, value));
  }
  void group_with(const std::string& name, std::size_t keys, GroupPolicy policy = GroupPolicy::kUseOnce) {
    ASSERT_TRUE(m().create_group(operator_(), name, {.policy = policy}));
    ASSERT_TRUE(m().generate_keys(operator_(), keys, "ABC", name));
  }
  void back_up() { backups.holds = server.keystore().head().sequence; }
  ServeRule rule() {
    ServeRule out;
    EXPECT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
      out = TRY(serve_rule(reader, m().context(), m().settings()));
      return {};
    }));
    return out;
  }
  Result<DataKey> take(const std::string& group) {
    std::optional<DataKey> out;
    TRY(server.write([&](store::Transaction& t) -> Status {
      out = TRY(m().groups().take_next(t, group));
      return {};
    }));
    return *out;
  }
  Result<DataKey> take_alias(const std::string& alias) {
    std::optional<DataKey> out;
    TRY(server.write([&](store::Transaction& t) -> Status {
      out = TRY(m().groups().take(t, TRY(m().keys().find(t, alias)).value()));
      return {};
    }));
    return *out;
  }
  KeyRequest write(const std::string& group) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.group = group;
    return request;
  }
  static EkmCode code(const auto& result) { return result ? EkmCode::kNone : ekm_code_of(result.error()); }
  Hash256 kek(std::size_t index, const std::string& label, bool with_private = true) {
    NewKek kek{rsa_certificate(shared_rsa(index), label), {}, {label}, KeyOrigin::kImported};
    if (with_private) kek.key = shared_rsa(index);
    EXPECT_TRUE(server.write([&](store::Transaction& t) -> Status {
      TRY(m().keks().add(t, officer(), kek));
      return {};
    }));
    return shared_rsa(index).public_key().spki_hash();
  }

  TestBackups backups;  // outlives the server
  TestServer server;
  TestPeer peer;
  TestDrive drive{"000000000001"};
  TestDrive wrapping{"000000000002", DriveKind::k3592};
};

TEST_F(ServePolicyTest, K17_TheDefaultFollowsFromWhatIsConfigured) {
  backups.counted = false;
  EXPECT_EQ(rule().policy, ServePolicy::kAtOnce);
  EXPECT_FALSE(rule().chosen);
  m().set_peer(&peer);
  EXPECT_EQ(rule().policy, ServePolicy::kAfterReplica);
  backups.counted = true;
  EXPECT_EQ(rule().policy, ServePolicy::kAfterBackup);
  set(kServe, "at-once");
  EXPECT_EQ(rule().policy, ServePolicy::kAtOnce);
  EXPECT_TRUE(rule().chosen);
  set(kServe, "auto");
  EXPECT_EQ(rule().policy, ServePolicy::kAfterBackup);
  EXPECT_EQ(m().set_setting(officer(), kServe, "never").error().field, "keys.serve");
}

TEST_F(ServePolicyTest, K17_KeysThatAreInNoBackupArePassedOverAndWaitedFor) {
  group_with("g", 2);
  back_up();
  ASSERT_TRUE(m().generate_keys(operator_(), 1, "ABC", "g"));
  EXPECT_EQ(m().group("g")->waiting, 1);
  ASSERT_TRUE(take("g"));
  ASSERT_TRUE(take("g"));
  const auto waits = take("g");
  ASSERT_FALSE(waits);
  EXPECT_EQ(waits.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ekm_code_of(waits.error()), EkmCode::kWaitingForBackup);
  EXPECT_NE(waits.error().message.find("no backup yet"), std::string::npos);
  EXPECT_GT(backups.wanted, backups.holds) << "the backup is asked for";
  EXPECT_EQ(m().group("g")->used, 2) << "nothing is used up by a write that waits";
  back_up();
  EXPECT_TRUE(take("g"));
  EXPECT_EQ(code(take("g")), EkmCode::kNoKeyToServe) << "used up is told apart";
}

TEST_F(ServePolicyTest, K3_AKeyThatWasPassedOverIsNotLost) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "OLD1", ""));
  back_up();
  group_with("g", 2);
  ASSERT_TRUE(m().add_alias(operator_(), "g", "OLD1"));
  const auto old = take("g");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->alias, "OLD1") << "the last in the group, and the only one in a backup";
  EXPECT_EQ(code(take("g")), EkmCode::kWaitingForBackup);
  back_up();
  const auto first = take("g");
  const auto second = take("g");
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->alias, second->alias);
  EXPECT_EQ(code(take("g")), EkmCode::kNoKeyToServe);
  EXPECT_EQ(m().group("g")->used, 3);
}

TEST_F(ServePolicyTest, K3_ARoundPassesOverKeysInNoBackup) {
  group_with("round", 2, GroupPolicy::kRoundRobin);
  back_up();
  ASSERT_TRUE(m().generate_keys(operator_(), 1, "ABC", "round"));
  const auto first = take("round");
  const auto second = take("round");
  const auto third = take("round");
  ASSERT_TRUE(first && second && third) << "use does not make a key unsafe";
  EXPECT_NE(first->alias, second->alias);
  EXPECT_EQ(first->alias, third->alias);
}

TEST_F(ServePolicyTest, K17_AKeyAskedForByItsAliasWaitsToo) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "SINGLE1", ""));
  EXPECT_EQ(code(take_alias("SINGLE1")), EkmCode::kWaitingForBackup);
  back_up();
  EXPECT_TRUE(take_alias("SINGLE1"));
  EXPECT_TRUE(take_alias("SINGLE1"));
}

TEST_F(ServePolicyTest, K17_WhatCameFromAnotherServerCountsFromItsLastCommitHere) {
  ASSERT_TRUE(m().generate_key_range(operator_(), "TAKEN1", ""));
  back_up();
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    DataKey key = TRY(m().keys().find(t, "TAKEN1")).value();
    key.created_commit = 0;  // as a key that was taken over
    return m().keys().put(t, key);
  }));
  EXPECT_EQ(code(take_alias("TAKEN1")), EkmCode::kWaitingForBackup);
  back_up();
  EXPECT_TRUE(take_alias("TAKEN1"));
}

TEST_F(ServePolicyTest, K17_AKeyThatThePeerRefusedWaitsForNoBackupThatCannotBe) {
  m().set_peer(&peer);
  group_with("g", 1);
  const Hash256 id = kek(1, "Ours");
  const DataKey key = m().list_keys("g", std::nullopt, {10})->items.front();
  const std::vector<RefusedRow> refused{{std::string(kDataKeyTable.name), key.to_row(), "broken"},
                                        {std::string(kKekTable.name), m().kek(id)->kek.to_row(), "broken"}};
  ASSERT_TRUE(server.write([&](store::Transaction& t) { return m().note_refused(t, refused); }));
  set(kPeerExhausted, "serve");
  EXPECT_EQ(code(take("g")), EkmCode::kWaitingForBackup);
  EXPECT_LE(backups.wanted, server.keystore().head().sequence);
  const auto waiting = [&] {
    std::int64_t newest = -1;
    EXPECT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
      newest = TRY(newest_waiting(reader, m().context(), m().settings()));
      return {};
    }));
    return newest;
  };
  EXPECT_GT(waiting(), 0);
  EXPECT_LE(waiting(), static_cast<std::int64_t>(server.keystore().head().sequence));
  back_up();
  EXPECT_EQ(waiting(), 0);
  EXPECT_TRUE(take("g"));
}

TEST_F(ServePolicyTest, K17_AfterBackupAsksForThePeerToo) {
  m().set_peer(&peer);
  group_with("g", 3);
  back_up();
  EXPECT_EQ(code(take("g")), EkmCode::kNoKeyToServe) << "in a backup, not at the peer";
  set(kPeerExhausted, "serve");
  EXPECT_TRUE(take("g")) << "that lifts the peer's part";
  backups.holds = 0;
  EXPECT_EQ(code(take("g")), EkmCode::kWaitingForBackup) << "and the peer's part alone";
  set(kPeerExhausted, "refuse");
  peer.acknowledged = server.keystore().head().sequence;
  EXPECT_EQ(code(take("g")), EkmCode::kWaitingForBackup) << "at the peer, in no backup";
  set(kServe, "after-replica");
  peer.acknowledged = server.keystore().head().sequence;
  EXPECT_TRUE(take("g"));
  peer.acknowledged = 0;
  EXPECT_EQ(code(take("g")), EkmCode::kNoKeyToServe);
  set(kServe, "at-once");
  EXPECT_TRUE(take("g"));
}

TEST_F(ServePolicyTest, K17_WhoAsksForReplicasWithoutAPeerIsTakenAtHisWord) {
  group_with("g", 1);
  set(kServe, "after-replica");
  const auto refused = take("g");
  EXPECT_EQ(code(refused), EkmCode::kNoKeyToServe);
  EXPECT_NE(refused.error().remedy.find("no peer is configured"), std::string::npos);
}

TEST_F(ServePolicyTest, K17_AfterBackupWithoutATargetSaysWhatToDo) {
  backups.counted = false;
  set(kServe, "after-backup");
  group_with("g", 1);
  const auto refused = take("g");
  EXPECT_EQ(code(refused), EkmCode::kWaitingForBackup);
  EXPECT_NE(refused.error().message.find("no backup target that counts"), std::string::npos);
  EXPECT_NE(refused.error().remedy.find("add a backup target"), std::string::npos);
}

TEST_F(ServePolicyTest, K17_OneExchangeThatWaitsIsAuditedOnceAndThenServed) {
  group_with("g", 1);
  const auto request = write("g");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(server.ask(request)), EkmCode::kWaitingForBackup);
  EXPECT_EQ(server.audit_count({"key.wait", "EF10"}), 1U);
  EXPECT_EQ(server.service().counts().waiting.now, 1U);
  EXPECT_EQ(code(server.ask(write("g"))), EkmCode::kWaitingForBackup) << "another exchange";
  EXPECT_EQ(server.audit_count({"key.wait", "EF10"}), 2U);
  auto elsewhere = wrapping.request(Intent::kWrite, random_uuid());
  elsewhere.request_id = request.request_id;
  elsewhere.group = "g";
  EXPECT_FALSE(server.ask(elsewhere)) << "another drive under the same id is refused by itself";
  EXPECT_EQ(server.audit_count({"key.refuse"}), 1U);
  back_up();
  const auto served = server.ask(request);
  ASSERT_TRUE(served) << served.error().text();
  EXPECT_EQ(server.audit_count({"key.serve", "waited_ms", "\"asked\":\"6\""}), 1U);
  EXPECT_EQ(server.service().counts().waiting.begun, 2U);
}

TEST_F(ServePolicyTest, K17_AnEedkIsMadeOnlyWithAKekWhosePrivateHalfIsInABackup) {
  kek(1, "Ours");
  kek(2, "Theirs", false);
  auto request = wrapping.request(Intent::kWrite, random_uuid());
  request.labels = {{"Ours", LabelMode::kClear}, {"Theirs", LabelMode::kHash}};
  EXPECT_EQ(code(server.ask(request)), EkmCode::kWaitingForBackup);
  const std::vector<std::string> labels{"Ours"};
  const auto status = server.service().check_labels(wrapping.caller(), labels, {});
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->front().writable);
  EXPECT_NE(status->front().problem.find("no backup yet"), std::string::npos);
  back_up();
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->eedks->eedks.size(), 2U) << "a public half alone is not asked for";
  // A second one of ours that is in no backup holds the write up, though the first would open it.
  kek(3, "Fresh");
  request = wrapping.request(Intent::kWrite, random_uuid());
  request.labels = {{"Ours", LabelMode::kClear}, {"Fresh", LabelMode::kHash}};
  EXPECT_EQ(code(server.ask(request)), EkmCode::kWaitingForBackup);
  // Reading is never held up.
  auto read = wrapping.request(Intent::kRead, request.volume);
  read.volume = answer->eedks->volume;
  read.eedks = answer->eedks;
  backups.holds = 0;
  EXPECT_TRUE(server.ask(read));
}

TEST_F(ServePolicyTest, K3_TheFactoryAsksForTheBackupAndMakesNoMoreThanWanted) {
  ASSERT_TRUE(m().create_group(operator_(), "g", {.keys_ahead = 10}));
  KeyFactory factory(m());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  const auto until = [&](const auto& condition) {
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  };
  EXPECT_TRUE(until([&] { return m().group("g")->total == 10 && backups.wants > 0; }));
  for (int i = 0; i < 5; ++i) {
    const std::size_t before = backups.wants;
    factory.poke();
    EXPECT_TRUE(until([&] { return backups.wants > before; }));
  }
  EXPECT_EQ(m().group("g")->total, 10) << "keys that wait count as made";
  EXPECT_EQ(m().group("g")->waiting, 10);
  back_up();
  EXPECT_EQ(m().group("g")->waiting, 0);
  EXPECT_TRUE(take("g"));
  factory.stop();
}

TEST_F(ServePolicyTest, K17_WhatWaitsIsCounted) {
  group_with("g", 3);
  kek(1, "Ours");
  WaitingKeys waiting;
  const auto look = [&] {
    return server.keystore().read([&](store::Reader& reader) -> Status {
      waiting = TRY(count_waiting(reader, m().context(), m().settings()));
      return {};
    });
  };
  ASSERT_TRUE(look());
  EXPECT_EQ(waiting.keys, 3);
  EXPECT_EQ(waiting.keks, 1);
  EXPECT_NE(waiting.since, kNever);
  back_up();
  ASSERT_TRUE(look());
  EXPECT_EQ(waiting.keys + waiting.keks, 0);
}

// An engine's pool may name it: a write waits, as a drive does, and data does not go out in clear meanwhile.
TEST_F(ServePolicyTest, T3_ANameWhoseKeyComesByItselfWaitsAndIsNotRefused) {
  ASSERT_TRUE(m().create_group(operator_(), "DAILY", {.keys_ahead = 200}));
  ASSERT_TRUE(m().create_group(operator_(), "EMPTY", {}));
  const std::vector<std::string> groups{"DAILY", "EMPTY"};
  const auto ask = [&] { return *server.service().check_labels(drive.caller(), {}, groups); };
  EXPECT_TRUE(ask()[0].known && ask()[0].waits) << "no key was made yet";
  ASSERT_TRUE(m().generate_keys(operator_(), 3, "ABC", "DAILY"));
  const auto waiting = ask();
  EXPECT_TRUE(waiting[0].waits && !waiting[0].writable) << "in no backup yet";
  EXPECT_NE(waiting[0].note.find("waits for now"), std::string::npos) << waiting[0].note;
  EXPECT_FALSE(waiting[1].waits) << "nobody makes keys for it";
  kek(1, "Ours");
  const std::vector<std::string> labels{"Ours"};
  EXPECT_TRUE(server.service().check_labels(wrapping.caller(), labels, {})->front().waits);
  back_up();
  EXPECT_TRUE(ask()[0].writable && !ask()[0].waits);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
