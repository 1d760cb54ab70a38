// What becomes of two key servers' content when they meet, and who may give out what.
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>

#include "crypto/key_check.h"
#include "keymgr/custody/pair_servers_test_kit.h"
#include "keymgr/key_lookup.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr {
namespace {

using store::testing::MemoryCommitLog;
using tapewarden::testing::SimEnv;
using testing::ModelServer;

using testing::PairOfServers;

TEST_F(PairOfServers, K10_DestroyedStaysDestroyedWhateverTheVersion) {
  const auto key = a.manager->generate_keys(actor, 1, "TWK", "").value().front();
  settle();
  ASSERT_TRUE(testing::destroy_whatever_is_lost(*a.manager, a.manager->key_ref(key.alias)));
  // The other moves on through more versions, and even says compromised.
  ASSERT_TRUE(b.manager->change_key_state(actor, key.alias, KeyState::kActive));
  ASSERT_TRUE(b.manager->change_key_state(actor, key.alias, KeyState::kDeactivated));
  ASSERT_TRUE(b.manager->change_key_state(actor, key.alias, KeyState::kCompromised));
  settle();
  for (ModelServer* at : {&a, &b}) {
    const auto now = at->manager->key(key.alias).value();
    EXPECT_EQ(now.state, KeyState::kDestroyedCompromised);
    EXPECT_TRUE(now.sealed_key.empty());
    EXPECT_NE(now.times.destroyed, kNever);
    EXPECT_NE(now.times.compromised, kNever);
    EXPECT_NE(now.times.activated, kNever);
  }
}

TEST_F(PairOfServers, K10_JoinOfStatesIsASemilattice) {
  std::vector<KeyState> all;
  for (int value = 1; value <= 6; ++value) all.push_back(static_cast<KeyState>(value));
  for (const KeyState x : all) {
    EXPECT_EQ(join(x, x), x);
    for (const KeyState y : all) {
      EXPECT_EQ(join(x, y), join(y, x));
      EXPECT_GE(join(x, y), std::max(x, y));
      for (const KeyState z : all) EXPECT_EQ(join(join(x, y), z), join(x, join(y, z)));
    }
  }
}

TEST_F(PairOfServers, K19_TwoIndependentInstallationsMergeWithoutACollision) {
  // Both were set up by their own defaults, and both then by the same habits.
  for (ModelServer* at : {&a, &b}) {
    ASSERT_TRUE(at->manager->create_group(actor, "DAILY", {}));
    ASSERT_TRUE(at->manager->set_default_group(actor, "DAILY"));
    ASSERT_TRUE(at->manager->generate_keys(actor, 20, "", "DAILY"));
    ASSERT_TRUE(at->manager->generate_key_range(actor, "KEY000000000000000001-03", "DAILY"));
    DriveChange change;
    change.default_group = "DAILY";
    ASSERT_TRUE(at->manager->add_drive(actor, "1234567890", change));
    sim.clock.advance(std::chrono::hours(1));
  }
  Uuid volume;
  volume.bytes[0] = 7;
  LedgerEntry entry;
  ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) -> Status {
    const auto key = TRY(a.manager->keys().find(t, "KEY000000000000000002"));
    entry.alias = key->alias;
    entry.dki = to_bytes(key->dki.view());
    entry.volume = volume;
    entry.kcv = to_bytes(ByteView(crypto::key_check_value(TRY(a.manager->keys().open(t, *key)), volume)));
    entry = TRY(a.manager->ledger().add(t, entry));
    return {};
  }));
  const auto mine = a.manager->key("KEY000000000000000002").value();
  settle();
  for (ModelServer* at : {&a, &b}) {
    EXPECT_EQ(key_count(*at), 46U);  // default aliases do not meet, and of the same aliases both keys stay
    const auto ambiguous = at->manager->key("KEY000000000000000002");
    ASSERT_FALSE(ambiguous);
    EXPECT_EQ(ambiguous.error().code, ErrorCode::kConflict);
    EXPECT_EQ(at->manager->key(mine.alias + "#" + to_hex(mine.fingerprint)).value().id, mine.id);
    // A tape that carries the identifier of both gets the key that sealed it; one that nobody knows of gets
    // none, and is told the choice.
    KeyRequest request;
    request.volume = volume;
    request.dki = mine.dki;
    EXPECT_TRUE(at->keystore->read([&](store::Reader& reader) -> Status {
      EXPECT_EQ(TRY(key_of_tape(reader, *at->manager, request))->id, mine.id);
      request.volume.bytes[0] = 8;
      const auto unknown = key_of_tape(reader, *at->manager, request);
      EXPECT_FALSE(unknown);
      EXPECT_NE(unknown.error().remedy.find(to_hex(mine.fingerprint)), std::string::npos);
      request.alias = mine.alias + "#" + to_hex(mine.fingerprint);
      EXPECT_EQ(TRY(key_of_tape(reader, *at->manager, request))->id, mine.id);
      return {};
    }));
    EXPECT_EQ(at->manager->group("DAILY").value().total, 23);
  }
  // Each still gives out its own keys alone.
  std::set<Uuid> given;
  for (int i = 0; i < 23; ++i) {
    for (ModelServer* at : {&a, &b}) EXPECT_TRUE(given.insert(take(*at, "DAILY").value().id).second);
  }
  EXPECT_FALSE(take(a, "DAILY"));
  EXPECT_FALSE(take(b, "DAILY"));
}

TEST_F(PairOfServers, K10_AQuarantinedKeyHidesNoOtherOfItsName) {
  std::vector<DataKey> keys;
  for (ModelServer* at : {&a, &b}) {
    ASSERT_TRUE(at->manager->generate_key_range(actor, "KEY000000000000000001", ""));
    keys.push_back(at->manager->key("KEY000000000000000001").value());
  }
  const auto sealed_by = [&](ModelServer& at, const DataKey& key, std::uint8_t number) {
    LedgerEntry entry;
    entry.volume.bytes[0] = number;
    entry.alias = key.alias;
    entry.dki = to_bytes(key.dki.view());
    ASSERT_TRUE(at.keystore->write([&](store::Transaction& t) -> Status {
      const auto secret = TRY(at.manager->keys().open(t, key));
      entry.kcv = to_bytes(ByteView(crypto::key_check_value(secret, entry.volume)));
      return at.manager->ledger().add(t, entry).has_value() ? Status() : fail(ErrorCode::kInternal, "");
    }));
  };
  sealed_by(a, keys[0], 1);
  sealed_by(b, keys[1], 2);
  settle();
  // Whichever of them is hidden, the other one's tape is read, and the hidden one's is told why not.
  for (const std::size_t hidden : {0U, 1U}) {
    const auto name = keys[hidden].alias + "#" + to_hex(keys[hidden].fingerprint);
    ASSERT_TRUE(a.manager->quarantine_key(actor, a.manager->key_ref(name).value()));
    EXPECT_TRUE(a.keystore->read([&](store::Reader& reader) -> Status {
      for (const std::size_t tape : {0U, 1U}) {
        KeyRequest request;
        request.volume.bytes[0] = static_cast<std::uint8_t>(tape + 1);
        request.dki = keys[tape].dki;
        const auto found = key_of_tape(reader, *a.manager, request);
        EXPECT_TRUE(found) << found.error().text();
        if (!found) continue;
        EXPECT_EQ((*found)->id, keys[tape].id);
        EXPECT_EQ((*found)->quarantined != kNever, tape == hidden);
      }
      return {};
    }));
    ASSERT_TRUE(a.manager->release_key(actor, a.manager->key_ref(name).value()));
  }
}

TEST_F(PairOfServers, K19_AConflictIsKeptShownAndAcknowledgedAtBoth) {
  settle();
  ASSERT_TRUE(a.manager->set_setting(actor, kDefaultLabel1, "FROM A"));
  ASSERT_TRUE(b.manager->set_setting(actor, kDefaultLabel1, "FROM B"));
  settle();
  ASSERT_EQ(conflict_count(a), 1U);
  ASSERT_EQ(conflict_count(b), 1U);
  const auto conflict = b.manager->list_conflicts(false, {}).value().items.front();
  EXPECT_EQ(conflict.table, "setting");
  EXPECT_NE(conflict.high.content.find("FROM B"), std::string::npos);
  EXPECT_NE(conflict.low.content.find("FROM A"), std::string::npos);
  ASSERT_TRUE(a.manager->acknowledge_conflict({"anna", ActorKind::kOperator}, conflict.id));
  settle();
  EXPECT_EQ(conflict_count(b), 0U);
  EXPECT_EQ(b.manager->list_conflicts(true, {}).value().items.front().acknowledged_by, "anna");
  EXPECT_FALSE(a.manager->acknowledge_conflict(actor, Uuid{}));
  // Changes in knowledge of each other are none.
  ASSERT_TRUE(b.manager->set_setting(actor, kDefaultLabel1, "AGAIN B"));
  settle();
  ASSERT_TRUE(a.manager->set_setting(actor, kDefaultLabel1, "AGAIN A"));
  settle();
  EXPECT_EQ(conflict_count(a), 0U);
}

TEST_F(PairOfServers, K19_ServedWithoutThePeerNothingIsGivenTwiceWhenItComesBack) {
  ASSERT_TRUE(a.manager->create_group(actor, "DAILY", {}));
  settle();
  ASSERT_TRUE(a.manager->generate_keys(actor, 4, "TWK", "DAILY"));
  ASSERT_TRUE(b.manager->generate_keys(actor, 4, "TWL", "DAILY"));
  settle();
  std::set<Uuid> given;
  const auto take_all = [&](ModelServer& at) {
    std::size_t count = 0;
    for (auto key = take(at, "DAILY"); key; key = take(at, "DAILY")) {
      EXPECT_TRUE(given.insert(key->id).second) << key->alias << " was given out twice";
      ++count;
    }
    return count;
  };
  // Away from each other: first what both hold, then nothing, then what the setting allows.
  for (ModelServer* at : {&a, &b}) {
    at->peer.in_step = false;
    at->sender->close();
    ASSERT_TRUE(at->manager->generate_keys(actor, 3, at == &a ? "TWM" : "TWN", "DAILY"));
    EXPECT_EQ(take_all(*at), 4U);
    ASSERT_TRUE(at->manager->set_setting(actor, kPeerExhausted, "serve"));
    EXPECT_EQ(take_all(*at), 3U);
  }
  settle();
  for (ModelServer* at : {&a, &b}) {
    EXPECT_EQ(take_all(*at), 0U);
    EXPECT_EQ(key_count(*at), 14U);
    const auto keys = at->manager->list_keys("DAILY", std::nullopt, {100}).value().items;
    for (const DataKey& key : keys) {
      EXPECT_EQ(key.uses, 1) << key.alias;
    }
  }
  // Together again: each gives out its own, once.
  ASSERT_TRUE(a.manager->unset_setting(actor, kPeerExhausted));
  ASSERT_TRUE(a.manager->generate_keys(actor, 2, "TWK", "DAILY"));
  settle();
  EXPECT_EQ(take_all(b), 0U);
  EXPECT_EQ(take_all(a), 2U);
  EXPECT_EQ(given.size(), 16U);
}

TEST_F(PairOfServers, K19_AServerThatWasTakenOverObeysWhenItReturns) {
  ASSERT_TRUE(a.manager->create_group(actor, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(actor, 10, "", "DAILY"));
  const auto many = a.manager->generate_keys(actor, 1, "", "").value().front();
  settle();
  ASSERT_TRUE(take(a, "DAILY"));
  // The two do not see each other. b takes over; a does not know.
  const auto taken = b.manager->promote(actor, a.id);
  ASSERT_TRUE(taken) << taken.error().text();
  EXPECT_EQ(*taken, 1U);
  EXPECT_FALSE(take(b, "DAILY"));  // never another server's use-once keys
  EXPECT_EQ(b.manager->key(many.alias).value().owner, b.id);
  ASSERT_TRUE(take(a, "DAILY"));  // a's own, which b never gives out
  settle();
  const auto refused = take(a, "DAILY");
  ASSERT_FALSE(refused);
  EXPECT_EQ(a.manager->group("DAILY").value().remaining, 0);
  EXPECT_EQ(a.manager->key(many.alias).value().owner, b.id);
  // Both go on with keys of their own.
  ASSERT_TRUE(a.manager->generate_keys(actor, 2, "", "DAILY"));
  ASSERT_TRUE(b.manager->generate_keys(actor, 2, "", "DAILY"));
  settle();
  EXPECT_TRUE(take(a, "DAILY"));
  EXPECT_TRUE(take(b, "DAILY"));
  EXPECT_FALSE(b.manager->promote(actor, b.id));
  EXPECT_FALSE(b.manager->promote(actor, Uuid{}));
}

TEST_F(PairOfServers, K17_ARestoredServerIsRefusedUntilAcceptedAndThenHasEverything) {
  ASSERT_TRUE(a.manager->create_group(actor, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(actor, 5, "", "DAILY"));
  settle();
  keep_copy(a);
  ASSERT_TRUE(a.manager->generate_keys(actor, 3, "", "DAILY"));
  const auto used = take(a, "DAILY").value();
  settle();
  put_back(a);
  EXPECT_FALSE(take(a, "DAILY"));  // which of them were given out it cannot know
  const Status refused = send(a, b);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("accept-restored"), std::string::npos);
  EXPECT_FALSE(send(b, a));
  ASSERT_TRUE(b.refused);
  ASSERT_TRUE(b.keystore->write(
      [&](store::Transaction& t) -> Status { return accept_restored(t, b.parties, actor, *b.refused); }));
  settle();
  EXPECT_EQ(key_count(a), 8U);
  EXPECT_EQ(a.manager->key(used.alias).value().uses, 1);
  EXPECT_FALSE(take(a, "DAILY"));
  ASSERT_TRUE(a.manager->generate_keys(actor, 1, "", "DAILY"));
  settle();
  EXPECT_NE(take(a, "DAILY").value().id, used.id);
  EXPECT_EQ(conflict_count(a), 0U);
}

TEST_F(PairOfServers, K17_AnEpochThatARestoreRaisedHoldsFromTheFirstStart) {
  ASSERT_TRUE(a.manager->create_group(actor, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(actor, 3, "", "DAILY"));
  settle();
  ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) -> Status {
    const auto row = TRY(t.get(kServerTable, {to_bytes(a.id.view())}));
    ServerRow self = ServerRow::from_row(*row);
    ++self.epoch;
    return t.put(kServerTable, self.to_row());
  }));
  a.close();
  a.open();
  connect();
  settle();
  EXPECT_FALSE(take(a, "DAILY"));
  EXPECT_EQ(a.manager->group("DAILY").value().remaining, 0);
  ASSERT_TRUE(a.manager->generate_keys(actor, 1, "", "DAILY"));
  settle();
  EXPECT_TRUE(take(a, "DAILY"));
}

TEST_F(PairOfServers, K19_ACommitBeyondOneMessageGoesInSeveral) {
  settle();
  // More rows than a message may hold, in one commit.
  const auto made = a.manager->generate_key_range(actor, "XYZ000000000000000001-5DC0", "");
  ASSERT_TRUE(made) << made.error().text();
  ASSERT_EQ(made->size(), 24'000U);
  const std::uint64_t before = a.peer.acknowledged;
  ASSERT_TRUE(send(a, b));
  EXPECT_EQ(a.peer.acknowledged, before);  // the peer does not have the commit yet
  // The wire breaks in the middle: what came is no harm, and all of it comes again.
  a.sender->close();
  settle();
  EXPECT_EQ(a.peer.acknowledged, a.keystore->head().sequence);
  EXPECT_TRUE(b.manager->key(made->back().alias));
  EXPECT_EQ(conflict_count(b), 0U);
}

TEST_F(PairOfServers, K19_AnOldCopyThatGrewBeyondWhatThePeerSawIsFound) {
  settle();
  const std::string copy = a.directory.file("copy.db");
  MemoryCommitLog log;
  ASSERT_TRUE(a.keystore->copy_to(copy));
  log.copy_from(a.log);
  ASSERT_TRUE(a.manager->set_setting(actor, kDefaultLabel1, "LOST"));
  settle();
  a.close();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(a.path + suffix);
  std::filesystem::copy_file(copy, a.path);
  a.log.copy_from(log);
  a.open();
  connect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(a.manager->set_setting(actor, kDefaultLabel1, "NEW " + std::to_string(i)));
  }
  ASSERT_GT(a.keystore->head().sequence, b.progress().peer_head.sequence);
  const Status refused = send(a, b);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(a.sender->rolled_back());
}

TEST_F(PairOfServers, K19_ANewSecondaryGetsWhatAnEarlierOneMade) {
  settle();
  ASSERT_TRUE(b.manager->generate_keys(actor, 4, "", ""));
  settle();
  // b is gone for good; c takes its place and gets b's keys from a.
  ModelServer c{sim, 3};
  a.meet(c);
  c.meet(a);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(send(a, c));
    ASSERT_TRUE(send(c, a));
  }
  EXPECT_EQ(key_count(c), 4U);
  EXPECT_EQ(c.manager->list_servers().value().size(), 3U);
}

// One backup is restored, the machine is lost again, and the backup is restored once more: the second copy
// begins the epoch that the first one acted in.
TEST_F(PairOfServers, K17_TwoRestoresOfOneBackupDoNotActInOneEpoch) {
  ASSERT_TRUE(a.manager->create_group(actor, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(actor, 2, "", "DAILY"));
  settle();
  keep_copy(a);
  const auto work = [&] {
    ASSERT_TRUE(a.manager->generate_keys(actor, 3, "", "DAILY"));
    ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) -> Status {
      for (int i = 0; i < 3; ++i) {
        LedgerEntry entry;
        entry.volume = Uuid::random(sim.random);
        (void)TRY(a.manager->ledger().add(t, entry));
      }
      return {};
    }));
  };
  put_back(a);
  accept(a, b);
  settle();
  work();
  settle();
  ASSERT_TRUE(take(a, "DAILY"));
  ASSERT_TRUE(take(a, "DAILY"));
  settle();
  put_back(a);
  work();  // before anybody can tell it that the epoch is not new
  accept(a, b);
  settle();
  for (ModelServer* at : {&a, &b}) {
    EXPECT_TRUE(at->keystore->read([&](store::Reader& reader) -> Status {
      EXPECT_EQ(TRY(reader.aggregate(kLedgerTable, "COUNT(*)", "1", {})), 6);
      const auto row = TRY(reader.get(kServerTable, {to_bytes(a.id.view())}));
      EXPECT_EQ(ServerRow::from_row(*row).epoch, 2);
      EXPECT_EQ(ServerRow::from_row(*row).installation, a.manager->context().installation);
      return {};
    }));
    for (const auto& line : at->log.records()) {
      EXPECT_EQ(line.find("peer.refuse-row"), line.npos) << line;
    }
  }
  EXPECT_EQ(key_count(a), 8U);
  EXPECT_EQ(a.manager->group("DAILY")->remaining, 0) << "those of the repeated epoch are not given out";
  ASSERT_TRUE(a.manager->generate_keys(actor, 1, "", "DAILY"));
  settle();
  EXPECT_TRUE(take(a, "DAILY"));
  EXPECT_FALSE(take(a, "DAILY"));
}

// The two were independent once, so one alias means two keys; one of them is destroyed.
TEST_F(PairOfServers, K10_OfTwoKeysOfOneAliasOneDies) {
  for (ModelServer* at : {&a, &b}) {
    ASSERT_TRUE(at->manager->generate_key_range(actor, "KEY000000000000000001-01", ""));
  }
  const auto mine = a.manager->key("KEY000000000000000001").value();
  settle();
  const std::string name = mine.alias + "#" + to_hex(mine.fingerprint);
  ASSERT_TRUE(a.manager->change_key_state(actor, name, KeyState::kCompromised));
  const auto destroyed = testing::destroy_whatever_is_lost(*a.manager, a.manager->key_ref(name));
  ASSERT_TRUE(destroyed) << destroyed.error().text();
  settle();
  for (ModelServer* at : {&a, &b}) {
    const auto keys = at->manager->list_keys("", std::nullopt, {10}).value().items;
    ASSERT_EQ(keys.size(), 2U);
    for (const DataKey& one : keys) EXPECT_EQ(is_tombstone(one.state), one.id == mine.id);
  }
  // A row that contradicts the tombstone is put right where it comes in, whatever else has its name.
  ASSERT_TRUE(b.keystore->write([&](store::Transaction& t) -> Status {
    auto row = TRY(t.get(kDataKeyTable, {to_bytes(mine.id.view())}));
    DataKey key = DataKey::from_row(*row);
    key.state = KeyState::kDestroyed;
    TRY(t.put(kDataKeyTable, key.to_row()));
    return b.manager->life().enforce(t).has_value() ? Status() : fail(ErrorCode::kInternal, "not enforced");
  }));
  EXPECT_EQ(b.manager->key(name)->state, KeyState::kDestroyedCompromised);
}

TEST_F(PairOfServers, K27_QuotasMadeApartForTheSameBecomeTheStricterOne) {
  Quota quota;
  quota.object_kind = ObjectKind::kGroup;
  quota.object = "DAILY";
  quota.writes_hour = 10;
  quota.writes_day = 20;
  const auto at_a = a.manager->add_quota(actor, quota);
  ASSERT_TRUE(at_a) << at_a.error().text();
  quota.writes_hour = 5;
  quota.writes_day = 0;
  quota.reads_day = 7;
  const auto at_b = b.manager->add_quota(actor, quota);
  ASSERT_TRUE(at_b);
  EXPECT_EQ(at_a->id, at_b->id);
  settle();
  for (ModelServer* at : {&a, &b}) {
    const auto all = at->manager->list_quotas().value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front().quota.writes_hour, 5);
    EXPECT_EQ(all.front().quota.writes_day, 20);
    EXPECT_EQ(all.front().quota.reads_day, 7);
  }
  EXPECT_EQ(conflict_count(a), 1U);
  // Of an older release with an id of its own: both hold.
  Quota old = at_a.value();
  old.id = Uuid::random(*sim.env().random);
  ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) { return t.put(kQuotaTable, old.to_row()); }));
  settle();
  for (ModelServer* at : {&a, &b}) EXPECT_EQ(at->manager->list_quotas()->size(), 2U);
}

TEST_F(PairOfServers, K10_AQuarantineIsNotLostToALaterRowThatDoesNotKnowIt) {
  const auto kek =
      a.manager->generate_kek(actor, {.common_name = "kek", .bits = 2048, .labels = {"VAULT"}})->kek;
  settle();
  ASSERT_TRUE(a.manager->quarantine_key(actor, a.manager->kek_ref(kek.id).value()));
  ASSERT_TRUE(b.manager->change_kek_state(actor, kek.id, KeyState::kDeactivated));
  ASSERT_TRUE(b.manager->change_kek_state(actor, kek.id, KeyState::kCompromised));
  settle();
  for (ModelServer* at : {&a, &b}) EXPECT_NE(at->manager->kek(kek.id)->kek.quarantined, kNever);
}

}  // namespace
}  // namespace tapewarden::keymgr
