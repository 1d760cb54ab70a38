// K3: key groups.
#include "keymgr/key_groups.h"

#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <thread>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using eedk::ekm_code_of;
using eedk::EkmCode;

Result<DataKey> take(TestServer& server, const std::string& group) {
  std::optional<DataKey> out;
  TRY(server.write([&](store::Transaction& t) -> Status {
    out = TRY(server.manager().groups().take_next(t, group));
    return {};
  }));
  return *out;
}

TEST(KeyGroups, K3_CreateAddMoveDelete) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "Alpha", {}));
  ASSERT_TRUE(m.create_group(operator_(), "Beta", {}));
  EXPECT_EQ(m.create_group(operator_(), "ALPHA", {}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(m.create_group(operator_(), " x", {}).error().field, "group");
  ASSERT_TRUE(m.generate_key_range(operator_(), "K1", ""));
  ASSERT_TRUE(m.add_alias(operator_(), "alpha", "k1"));
  EXPECT_EQ(m.add_alias(operator_(), "beta", "k1").error().code, ErrorCode::kConflict);
  EXPECT_EQ(m.group("alpha")->total, 1);
  ASSERT_TRUE(m.move_alias(operator_(), "K1", "alpha", "beta"));
  EXPECT_EQ(m.move_alias(operator_(), "K1", "alpha", "beta").error().field, "from");
  EXPECT_EQ(m.group("alpha")->total, 0);
  EXPECT_EQ(m.group("beta")->total, 1);
  ASSERT_TRUE(m.remove_group(operator_(), "beta"));
  EXPECT_EQ(m.key("K1")->group, "");
  EXPECT_EQ(m.group("beta").error().code, ErrorCode::kNotFound);
}

// I5: after a new epoch, or a cursor that came from the peer.
TEST(KeyGroups, K3_CountsAreMadeAnewFromTheKeysThemselves) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "G", {}));
  ASSERT_TRUE(m.create_group(operator_(), "H", {}));
  const auto keys = m.generate_keys(operator_(), 8, "ABC", "G").value();
  ASSERT_TRUE(m.generate_keys(operator_(), 2, "ABC", "H"));
  ASSERT_TRUE(take(server, "G"));
  const auto deactivated = m.change_key_state(operator_(), keys[1].alias, KeyState::kDeactivated);
  ASSERT_TRUE(deactivated) << deactivated.error().text();
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    DataKey key = *TRY(m.keys().find(t, keys[2].alias));  // another server's
    key.owner = random_uuid();
    TRY(t.put(kDataKeyTable, key.to_row()));
    key = *TRY(m.keys().find(t, keys[3].alias));  // of another epoch
    key.owner_epoch += 1;
    TRY(t.put(kDataKeyTable, key.to_row()));
    key = *TRY(m.keys().find(t, keys[4].alias));  // not made in this keystore
    key.created_commit = 0;
    return t.put(kDataKeyTable, key.to_row());
  }));
  const auto spoil = [&](const std::string& group) {
    return server.write([&](store::Transaction& t) -> Status {
      const Bytes self = to_bytes(m.context().server.view());
      const auto row = TRY(t.get(kGroupCursorTable, {group, self}));
      GroupCursor cursor = GroupCursor::from_row(*row);
      cursor.total = 4711;
      cursor.used = -3;
      return t.put(kGroupCursorTable, cursor.to_row());
    });
  };
  ASSERT_TRUE(spoil("G"));
  ASSERT_TRUE(spoil("H"));
  ASSERT_TRUE(server.write([&](store::Transaction& t) { return KeyGroups::recount(t, m.context(), "G"); }));
  EXPECT_EQ(m.group("G")->total, 7);
  EXPECT_EQ(m.group("G")->remaining, 3) << "the last three";
  EXPECT_EQ(m.group("H")->total, 4711) << "of another group nothing was counted";
  ASSERT_TRUE(server.write([&](store::Transaction& t) { return KeyGroups::recount(t, m.context()); }));
  EXPECT_EQ(m.group("H")->total, 2);
  EXPECT_EQ(m.group("H")->used, 0);
  // What was right makes no commit.
  const auto before = server.keystore().head();
  ASSERT_TRUE(server.write([&](store::Transaction& t) { return KeyGroups::recount(t, m.context()); }));
  EXPECT_EQ(server.keystore().head().sequence, before.sequence);
  for (const std::size_t left : {5U, 6U, 7U}) EXPECT_EQ(take(server, "G")->alias, keys[left].alias);
  EXPECT_FALSE(take(server, "G"));
}

TEST(KeyGroups, K3_AGroupInUseIsNotDeleted) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.set_default_group(operator_(), "g"));
  const auto refused = m.remove_group(operator_(), "g");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(refused.error().remedy.empty());
  ASSERT_TRUE(m.create_group(operator_(), "h", {}));
  ASSERT_TRUE(m.set_default_group(operator_(), "h"));
  DriveChange change;
  change.default_group = "g";
  ASSERT_TRUE(m.add_drive(operator_(), "000000000001", change));
  EXPECT_NE(m.remove_group(operator_(), "g").error().message.find("000000000001"), std::string::npos);
  change.default_group = "h";
  ASSERT_TRUE(m.modify_drive(operator_(), "000000000001", change));
  EXPECT_TRUE(m.remove_group(operator_(), "g"));
}

TEST(KeyGroups, K3_OnlyOneGroupIsTheDefault) {
  TestServer server;
  auto& m = server.manager();
  for (const char* name : {"a", "b"}) ASSERT_TRUE(m.create_group(operator_(), name, {}));
  ASSERT_TRUE(m.set_default_group(operator_(), "a"));
  ASSERT_TRUE(m.set_default_group(operator_(), "b"));
  EXPECT_FALSE(m.group("a")->group.default_write);
  EXPECT_TRUE(m.group("b")->group.default_write);
}

TEST(KeyGroup, K3_UseOnceNeverRepeats) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.generate_keys(operator_(), 4, "ABC", "g"));
  std::set<std::string> seen;
  for (int i = 0; i < 2; ++i) seen.insert(take(server, "g").value().alias);
  server.restart();
  for (int i = 0; i < 2; ++i) seen.insert(take(server, "g").value().alias);
  EXPECT_EQ(seen.size(), 4U);
  const auto none = take(server, "g");
  ASSERT_FALSE(none);
  EXPECT_EQ(ekm_code_of(none.error()), EkmCode::kNoKeyToServe);
  EXPECT_FALSE(none.error().remedy.empty());
}

TEST(KeyGroup, K3_UseOnceNeverRepeatsUnderConcurrency) {
  TestServer server;
  ASSERT_TRUE(server.manager().create_group(operator_(), "g", {}));
  ASSERT_TRUE(server.manager().generate_keys(operator_(), 200, "ABC", "g"));
  std::mutex mutex;
  std::multiset<std::string> seen;
  const auto worker = [&] {
    for (int i = 0; i < 25; ++i) {
      const auto key = take(server, "g");
      const std::lock_guard lock(mutex);
      seen.insert(key ? key->alias : "refused");
    }
  };
  for (int round = 0; round < 2; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(worker);
    for (auto& thread : threads) thread.join();
    server.restart();
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 200U);
  EXPECT_EQ(server.manager().group("g")->remaining, 0);
}

TEST(KeyGroup, K3_RoundRobinGoesRoundInOrder) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g",
                             {.policy = GroupPolicy::kRoundRobin, .keys_ahead = 0, .alias_prefix = ""}));
  const auto keys = m.generate_keys(operator_(), 3, "ABC", "g");
  std::vector<std::string> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(take(server, "g").value().alias);
  server.restart();
  for (int i = 0; i < 3; ++i) taken.push_back(take(server, "g").value().alias);
  const auto& k = *keys;
  EXPECT_EQ(taken, (std::vector<std::string>{k[0].alias, k[1].alias, k[2].alias, k[0].alias, k[1].alias,
                                             k[2].alias, k[0].alias}));
  ASSERT_TRUE(server.manager().change_key_state(officer(), k[1].alias, KeyState::kDeactivated));
  EXPECT_EQ(take(server, "g")->alias, k[2].alias) << "a deactivated key is passed over";
}

TEST(KeyGroup, K3_WarnsAt80And90And100Percent) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.generate_keys(operator_(), 10, "ABC", "g"));
  const auto warnings = [&] { return server.audit_count({"group.warning"}); };
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(take(server, "g"));
  EXPECT_EQ(warnings(), 0U);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(take(server, "g"));
    EXPECT_EQ(warnings(), i);
  }
  EXPECT_EQ(server.audit_count({"group.warning", "\"80\""}), 1U);
  EXPECT_EQ(server.audit_count({"group.warning", "\"100\""}), 1U);
  ASSERT_TRUE(m.generate_keys(operator_(), 10, "ABC", "g"));
  EXPECT_EQ(m.group("g")->used_percent, 50);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(take(server, "g"));
  EXPECT_EQ(warnings(), 4U) << "a group that was refilled warns again";
}

TEST(KeyGroup, K3_OnlyTheOwnerGivesAKeyOut) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ImportedKey key;
  key.alias = "FOREIGN1";
  key.key = crypto::SecretBytes::copy_of(Bytes(32, 5));
  key.group = "g";
  key.owner.bytes.fill(2);
  ASSERT_TRUE(m.import_key(officer(), key));
  EXPECT_EQ(ekm_code_of(take(server, "g").error()), EkmCode::kNoKeyToServe);
  EXPECT_EQ(m.group("g")->total, 0) << "counts are this server's own";
}

TEST(KeyGroup, K19_AKeyThatThePeerLacksIsNotGivenOut) {
  TestServer server;
  TestPeer peer;
  auto& m = server.manager();
  m.set_peer(&peer);
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.generate_keys(operator_(), 1, "ABC", "g"));
  peer.acknowledged = server.keystore().head().sequence;
  ASSERT_TRUE(m.generate_keys(operator_(), 1, "ABC", "g"));
  EXPECT_TRUE(take(server, "g"));
  const auto refused = take(server, "g");
  ASSERT_FALSE(refused);
  EXPECT_EQ(ekm_code_of(refused.error()), EkmCode::kNoKeyToServe);
  EXPECT_NE(refused.error().message.find("peer"), std::string::npos);
  ASSERT_TRUE(m.set_setting(officer(), kPeerExhausted, "serve"));
  EXPECT_TRUE(take(server, "g"));
  m.set_peer(nullptr);
}

TEST(KeyGroup, K19_AGroupTellsWhatMayBeGivenOutWhileThePeerIsAway) {
  TestServer server;
  TestPeer peer;
  auto& m = server.manager();
  m.set_peer(&peer);
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.create_group(operator_(), "round", {.policy = GroupPolicy::kRoundRobin}));
  ASSERT_TRUE(m.generate_keys(operator_(), 3, "ABC", "g"));
  peer.acknowledged = server.keystore().head().sequence;
  ASSERT_TRUE(m.generate_keys(operator_(), 4, "ABC", "g"));
  ASSERT_TRUE(m.generate_keys(operator_(), 2, "ABC", "round"));
  const auto expect = [&](std::int64_t remaining, std::int64_t ready, std::int64_t unshared) {
    const auto status = m.group("g").value();
    EXPECT_EQ(status.remaining, remaining);
    EXPECT_EQ(status.ready, ready);
    EXPECT_EQ(status.unshared, unshared);
  };
  expect(7, 3, 4);
  EXPECT_EQ(m.group("round")->ready, 0);
  EXPECT_EQ(m.group("round")->unshared, 2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take(server, "g"));
  expect(4, 0, 4);
  const auto refused = take(server, "g");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("4 unused keys"), std::string::npos) << refused.error().message;
  peer.acknowledged = server.keystore().head().sequence;
  expect(4, 4, 0);
  peer.acknowledged = 0;
  expect(4, 0, 4);
  ASSERT_TRUE(m.set_setting(officer(), kPeerExhausted, "serve"));
  expect(4, 4, 0);
  m.set_peer(nullptr);
}

TEST(KeyFactory, K3_KeepsKeysAheadInTheBackground) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g",
                             {.policy = GroupPolicy::kUseOnce, .keys_ahead = 150, .alias_prefix = "QRS"}));
  {
    KeyFactory factory(m);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (m.group("g")->remaining < 150 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_EQ(m.group("g")->remaining, 150);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(take(server, "g")) << "serves while keys are made";
    factory.poke();
    while (m.group("g")->remaining < 150 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_EQ(m.group("g")->remaining, 150);
    EXPECT_EQ(m.group("g")->total, 155);
  }
  EXPECT_TRUE(take(server, "g")->alias.starts_with("QRS"));
  EXPECT_GE(server.audit_count({"key.generate", "system"}), 3U) << "in small transactions";
}

TEST(KeyFactory, K3_AGroupThatCannotBeFilledKeepsNoOtherFromIt) {
  TestServer server;
  KeyManager& m = server.manager();
  ASSERT_TRUE(server.keystore().write([&](store::Transaction& t) -> Status {
    KeyGroup bad;  // named before the other, and of a prefix that no alias may have
    bad.name = "A";
    bad.keys_ahead = 5;
    bad.alias_prefix = "1";
    return t.put(kKeyGroupTable, bad.to_row());
  }));
  ASSERT_TRUE(m.create_group(operator_(), "B", {GroupPolicy::kUseOnce, 100, "TWK"}));
  KeyFactory factory(m);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (m.group("B")->remaining < 100 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(m.group("B")->remaining, 100);
  EXPECT_EQ(m.group("A")->remaining, 0);
  factory.stop();
}

TEST(KeyFactory, K3_StopWaitsForWhatIsUnderWayAndNothingNewBegins) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g",
                             {.policy = GroupPolicy::kUseOnce, .keys_ahead = 5'000, .alias_prefix = "QRS"}));
  KeyFactory factory(m);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (m.group("g")->total == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  factory.stop();
  const auto made = m.group("g")->total;
  EXPECT_GT(made, 0);
  EXPECT_LT(made, 5'000) << "it was stopped on the way";
  factory.poke();
  factory.stop();
  // What were begun now would stand behind this on the same writer.
  ASSERT_TRUE(m.set_setting(officer(), kUnknownDrives, "reject"));
  EXPECT_EQ(m.group("g")->total, made);
}

TEST(KeyFactory, K3_StopOfOneThatHasNothingToDoReturns) {
  TestServer server;
  KeyFactory factory(server.manager());
  factory.stop();
  factory.stop();
  EXPECT_TRUE(server.manager().list_groups()->empty());
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
