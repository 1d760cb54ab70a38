// What a key server in wrong hands may do to the other one by replication: its keystore is written as no
// honest program would, and the rows go the ordinary way.
#include <algorithm>

#include "crypto/random.h"
#include "keymgr/custody/pair_servers_test_kit.h"
#include "keymgr/testing/test_server.h"
#include "people/tables.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr {
namespace {

using testing::ModelServer;

class PeerRights : public testing::PairOfServers {
 protected:
  PeerRights() {
    EXPECT_TRUE(a.manager->create_group(actor, "DAILY", {}));
    EXPECT_TRUE(b.manager->create_group(actor, "NIGHTLY", {}));
    key = a.manager->generate_keys(actor, 1, "TWK", "DAILY").value().front();
    kek =
        a.manager->generate_kek(actor, {.common_name = "kek", .bits = 2048, .labels = {"VAULT"}}).value().kek;
    EXPECT_TRUE(a.keystore->write([&](store::Transaction& t) -> Status {
      LedgerEntry made;
      made.alias = key.alias;
      made.dki = to_bytes(key.dki.view());
      made.volser = "TW0001";
      entry = TRY(a.manager->ledger().add(t, made));
      return {};
    }));
    settle();
  }

  // What the other server wrote into its own keystore goes to this one; whether it was refused here.
  bool refused_of(const store::Keystore::Work& forge) {
    const std::size_t before = records(a, "peer.refuse-row");
    const auto forged = b.keystore->write(forge);
    EXPECT_TRUE(forged) << forged.error().text();
    for (int i = 0; i < 6; ++i) {
      const Status sent = send(b, a);
      EXPECT_TRUE(sent) << sent.error().text();
    }
    EXPECT_EQ(b.peer.acknowledged, b.keystore->head().sequence);  // what follows is not held up
    return records(a, "peer.refuse-row") > before;
  }
  bool refused_row(const store::TableSpec& table, const store::Row& row) {
    return refused_of([&](store::Transaction& t) { return t.put(table, row); });
  }

  static std::size_t records(const ModelServer& at, std::string_view action) {
    const auto all = at.log.records();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const std::string& line) {
      return line.find("\"" + std::string(action) + "\"") != line.npos;
    }));
  }
  static std::string last_record(const ModelServer& at, std::string_view action) {
    std::string out;
    for (const auto& line : at.log.records()) {
      if (line.find("\"" + std::string(action) + "\"") != line.npos) out = line;
    }
    return out;
  }
  store::Row row_at(ModelServer& at, const store::TableSpec& table, const store::Row& row_key) {
    store::Row out;
    EXPECT_TRUE(at.keystore->read([&](store::Reader& reader) -> Status {
      const auto row = TRY(reader.get(table, row_key));
      if (row) out = *row;
      return {};
    }));
    return out;
  }
  Result<crypto::SecretBytes> secret_at(ModelServer& at) {
    crypto::SecretBytes out;
    TRY(at.keystore->read([&](store::Reader& reader) -> Status {
      out = TRY(at.manager->keys().open(reader, TRY(at.manager->keys().find(reader, key.alias)).value()));
      return {};
    }));
    return out;
  }
  // Of b, under an id of its choice.
  Tombstone signed_by_b(KeyKind kind, ByteView fingerprint) {
    Tombstone mark;
    mark.kind = kind;
    mark.fingerprint = to_bytes(fingerprint);
    mark.key = Bytes(fingerprint.size(), 0x55);
    mark.name = "SOMETHING";
    mark.state = KeyState::kDestroyed;
    mark.server = b.id;
    mark.signature = b.manager->context().signing_key.sign(mark.signed_bytes());
    return mark;
  }
  // In the row of a.
  Status raise_to(store::Transaction& t, std::int64_t epoch) {
    ServerRow server = ServerRow::from_row(*TRY(t.get(kServerTable, {to_bytes(a.id.view())})));
    server.epoch = epoch;
    return t.put(kServerTable, server.to_row());
  }
  // As when the peer did not take them.
  void refuse_at_a(const std::vector<DataKey>& keys) {
    std::vector<RefusedRow> rows;
    for (const DataKey& one : keys) rows.push_back({std::string(kDataKeyTable.name), one.to_row(), "broken"});
    ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) { return a.manager->note_refused(t, rows); }));
  }
  void settle_unchecked() {
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(send(a, b));
      ASSERT_TRUE(send(b, a));
    }
  }
  store::Row entry_key() const { return {to_bytes(entry.server.view()), entry.sequence}; }

  DataKey key;
  Kek kek;
  LedgerEntry entry;
};

TEST_F(PeerRights, K19_NobodyErasesKeysKeksLedgerEntriesServersOrTombstones) {
  const auto other = a.manager->generate_keys(actor, 1, "TWK", "").value().front();
  ASSERT_TRUE(testing::destroy_whatever_is_lost(*a.manager, a.manager->key_ref(other.alias)));
  settle();
  const store::Row tombstone{std::int64_t{1}, to_bytes(ByteView(other.fingerprint)), to_bytes(a.id.view())};
  const std::vector<std::pair<const store::TableSpec*, store::Row>> rows{
      {&kDataKeyTable, {to_bytes(key.id.view())}},
      {&kKekTable, {to_bytes(ByteView(kek.id))}},
      {&kLedgerTable, entry_key()},
      {&kServerTable, {to_bytes(a.id.view())}},
      {&kTombstoneTable, tombstone}};
  for (const auto& [table, row_key] : rows) {
    const auto before = row_at(a, *table, row_key);
    ASSERT_FALSE(before.empty()) << table->name;
    EXPECT_TRUE(refused_of([&](store::Transaction& t) {
      return t.erase(*table, std::span<const store::Value>(row_key));
    })) << table->name;
    EXPECT_EQ(row_at(a, *table, row_key), before) << table->name;
  }
  EXPECT_TRUE(secret_at(a));
  EXPECT_GE(records(b, "peer.refused-row"), rows.size());  // the sender is told, and its audit says so
  EXPECT_TRUE(a.keystore->verify().value().empty());
}

TEST_F(PeerRights, K19_WhatIsWrittenOnceStays) {
  const auto secret = secret_at(a).value();
  DataKey forged = b.manager->key(key.alias).value();
  const DataKey good = forged;
  forged.alias = "OTHER";
  forged.dki = eedk::DataKeyIdentifier::from_alias("OTHER").value();
  EXPECT_TRUE(refused_row(kDataKeyTable, forged.to_row()));
  // Another secret under the old fingerprint, and under its own.
  const auto known = crypto::SecretBytes::copy_of(Bytes(32, 9));
  for (const bool honest : {false, true}) {
    EXPECT_TRUE(refused_of([&](store::Transaction& t) {
      DataKey other = good;
      const store::Value id = to_bytes(other.id.view());
      other.sealed_key = t.seal(kDataKeyTable, {&id, 1}, "secret", known);
      if (honest) other.fingerprint = fingerprint_of(known);
      return t.put(kDataKeyTable, other.to_row());
    }));
  }
  EXPECT_TRUE(secret_at(a).value() == secret);
  LedgerEntry entry_there = entry;
  entry_there.alias = "OTHER";
  EXPECT_TRUE(refused_row(kLedgerTable, entry_there.to_row()));
  EXPECT_EQ(LedgerEntry::from_row(row_at(a, kLedgerTable, entry_key())).alias, key.alias);
  // A KEK's certificate may be renewed, but only for the same key.
  const auto stranger =
      b.manager->generate_kek(actor, {.common_name = "other", .bits = 2048, .labels = {"OTHER"}}).value().kek;
  Kek swapped = b.manager->kek(kek.id).value().kek;
  swapped.certificate = stranger.certificate;
  EXPECT_TRUE(refused_row(kKekTable, swapped.to_row()));
  EXPECT_EQ(a.manager->kek(kek.id)->kek.certificate, kek.certificate);
  // Certificates that seals and secrets depend on.
  auto self = ServerRow::from_row(row_at(b, kServerTable, {to_bytes(a.id.view())}));
  self.signing_certificate = b.manager->context().signing_certificate.der();
  EXPECT_TRUE(refused_row(kServerTable, self.to_row()));
}

TEST_F(PeerRights, K19_ValuesThatNoServerWritesAreRefused) {
  const store::Row good = row_at(b, kDataKeyTable, {to_bytes(key.id.view())});
  const auto spoilt = [&](const store::TableSpec& table, store::Row row, std::string_view column,
                          store::Value value) {
    const auto at = std::ranges::find(table.columns, column, &store::Column::name) - table.columns.begin();
    row[static_cast<std::size_t>(at)] = std::move(value);
    return refused_row(table, row);
  };
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "state", std::int64_t{9}));
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "owner", Bytes(16, 0x77)));        // nobody knows that server
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "owner", to_bytes(b.id.view())));  // without a promotion
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "position", std::int64_t{-1}));
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "owner_epoch", std::int64_t{1}));
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "group_name", std::string(65, 'X')));
  EXPECT_TRUE(spoilt(kDataKeyTable, good, "transfers", std::int64_t{1} << 40));
  const auto own = row_at(b, kServerTable, {to_bytes(a.id.view())});
  EXPECT_TRUE(spoilt(kServerTable, own, "epoch", kMaximumEpoch));
  EXPECT_TRUE(
      refused_row(kSettingTable, {std::string(kPeerExhausted), std::string("always"), std::int64_t{1}}));
  EXPECT_TRUE(refused_row(kSettingTable, {std::string("no.setting"), std::string("x"), std::int64_t{1}}));
  // Nobody writes the ledger, or the places in a group, of another server.
  LedgerEntry invented = entry;
  invented.sequence = 4711;
  EXPECT_TRUE(refused_row(kLedgerTable, invented.to_row()));
  GroupCursor cursor;
  cursor.group = "DAILY";
  cursor.server = a.id;
  cursor.position = 1'000'000;
  EXPECT_TRUE(refused_row(kGroupCursorTable, cursor.to_row()));
  EXPECT_TRUE(take(a, "DAILY"));
  EXPECT_EQ(a.manager->key(key.alias)->owner, a.id);
}

TEST_F(PeerRights, K10_AKeyDiesByASignedTombstoneAloneAndNeverWhileItIsHeld) {
  DataKey dead = b.manager->key(key.alias).value();
  dead.state = KeyState::kDestroyed;
  dead.sealed_key.clear();
  EXPECT_TRUE(refused_row(kDataKeyTable, dead.to_row()));
  EXPECT_TRUE(secret_at(a));
  // A tombstone that nobody signed, or whose words were changed.
  Tombstone mark;
  mark.fingerprint = to_bytes(ByteView(key.fingerprint));
  mark.key = to_bytes(key.id.view());
  mark.name = key.alias;
  mark.state = KeyState::kDestroyed;
  mark.server = b.id;
  mark.signature = Bytes(70, 1);
  EXPECT_TRUE(refused_row(kTombstoneTable, mark.to_row()));
  mark.signature = b.manager->context().signing_key.sign(mark.signed_bytes());
  mark.approved_by = "nobody";
  EXPECT_TRUE(refused_row(kTombstoneTable, mark.to_row()));
  EXPECT_TRUE(secret_at(a));
  // What two officers did at the other server, while one here says that the key must be kept.
  ASSERT_TRUE(a.manager->hold_key(actor, a.manager->key_ref(key.alias).value(), "a lawsuit", kNever));
  mark.signature = b.manager->context().signing_key.sign(mark.signed_bytes());
  EXPECT_TRUE(refused_of([&](store::Transaction& t) -> Status {
    TRY(t.put(kTombstoneTable, mark.to_row()));
    return t.put(kDataKeyTable, dead.to_row());
  }));
  EXPECT_TRUE(secret_at(a));
  EXPECT_EQ(a.manager->key(key.alias)->state, KeyState::kPreActive);
}

TEST_F(PeerRights, K10_AHoldIsFoundWhateverIdATombstoneTells) {
  ASSERT_TRUE(a.manager->hold_key(actor, a.manager->key_ref(key.alias).value(), "a lawsuit", kNever));
  ASSERT_TRUE(a.manager->hold_key(actor, a.manager->kek_ref(kek.id).value(), "a lawsuit", kNever));
  EXPECT_TRUE(
      refused_row(kTombstoneTable, signed_by_b(KeyKind::kDataKey, ByteView(key.fingerprint)).to_row()));
  EXPECT_TRUE(refused_row(kTombstoneTable, signed_by_b(KeyKind::kKek, ByteView(kek.id)).to_row()));
  EXPECT_NE(last_record(a, "peer.refuse-row").find("a lawsuit"), std::string::npos);
  ASSERT_TRUE(a.manager->enforce_tombstones());
  EXPECT_TRUE(secret_at(a));
  EXPECT_TRUE(a.manager->kek(kek.id)->kek.has_private);
}

TEST_F(PeerRights, K19_AKeyThatARestoreForgotToHaveGivenOutStaysInItsEpoch) {
  keep_copy(a);
  ASSERT_EQ(take(a, "DAILY")->id, key.id);
  settle();
  put_back(a);
  accept(a, b);
  DataKey forged = b.manager->key(key.alias).value();
  ASSERT_EQ(forged.uses, 1);
  forged.uses = 0;
  forged.owner_epoch = 1;
  EXPECT_TRUE(refused_row(kDataKeyTable, forged.to_row())) << "a copy of everything was asked for";
  settle_unchecked();
  ASSERT_TRUE(a.progress().complete);
  EXPECT_FALSE(take(a, "DAILY"));
  ++forged.transfers;
  EXPECT_TRUE(refused_row(kDataKeyTable, forged.to_row())) << "as if it had been promoted";
  EXPECT_FALSE(take(a, "DAILY"));
  EXPECT_EQ(a.manager->key(key.alias)->owner_epoch, 0);
}

TEST_F(PeerRights, K19_WhichCopyOfItselfAServerIsItAloneSays) {
  const auto own = ServerRow::from_row(row_at(b, kServerTable, {to_bytes(a.id.view())}));
  const std::uint32_t installation = a.manager->context().installation;
  ServerRow forged = own;
  forged.installation ^= 1;
  forged.name = "somebody else";
  ++forged.epoch;  // this alone may come from the other
  EXPECT_FALSE(refused_row(kServerTable, forged.to_row()));
  EXPECT_TRUE(a.progress().complete) << "it would ask for everything once more";
  EXPECT_NE(last_record(a, "peer.change").find("installation"), std::string::npos);
  settle();
  for (ModelServer* at : {&a, &b}) {
    const auto row = ServerRow::from_row(row_at(*at, kServerTable, {to_bytes(a.id.view())}));
    EXPECT_EQ(row.installation, installation);
    EXPECT_EQ(row.name, own.name);
    EXPECT_EQ(row.epoch, own.epoch + 1);
  }
}

TEST_F(PeerRights, K19_AFullCopyNeitherRenamesAServerNorKillsByAnUnsignedTombstone) {
  keep_copy(a);
  put_back(a);
  accept(a, b);
  const auto own = ServerRow::from_row(row_at(a, kServerTable, {to_bytes(a.id.view())}));
  Tombstone unsigned_mark = signed_by_b(KeyKind::kDataKey, ByteView(key.fingerprint));
  unsigned_mark.server.bytes.fill(9);
  ASSERT_TRUE(b.keystore->write([&](store::Transaction& t) -> Status {
    ServerRow forged = ServerRow::from_row(*TRY(t.get(kServerTable, {to_bytes(a.id.view())})));
    forged.installation = own.installation ^ 1;
    forged.name = "somebody else";
    TRY(t.put(kServerTable, forged.to_row()));
    TRY(t.put(kTombstoneTable, unsigned_mark.to_row()));
    PeerProgress pretended = TRY(read_progress(t, b.parties));
    pretended.applied = std::uint64_t{1} << 40;  // "I know all that you have"
    return save_progress(t, b.parties.peer, pretended);
  }));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(send(b, a));
  EXPECT_TRUE(a.progress().complete);
  const auto now = ServerRow::from_row(row_at(a, kServerTable, {to_bytes(a.id.view())}));
  EXPECT_EQ(now.installation, own.installation);
  EXPECT_EQ(now.name, own.name);
  ASSERT_TRUE(a.manager->enforce_tombstones());
  EXPECT_TRUE(secret_at(a));
  EXPECT_NE(last_record(a, "peer.refuse-row").find("not known here"), std::string::npos);
}

TEST_F(PeerRights, K19_NobodyUsesUpAnotherServersEpochs) {
  constexpr std::int64_t kMost = kMaximumEpoch - 256;
  ASSERT_TRUE(a.keystore->write([&](store::Transaction& t) -> Status { return raise_to(t, kMost - 1); }));
  settle();
  EXPECT_FALSE(refused_of([&](store::Transaction& t) { return raise_to(t, kMost); }));
  EXPECT_TRUE(refused_of([&](store::Transaction& t) { return raise_to(t, kMost + 1); }));
  EXPECT_EQ(ServerRow::from_row(row_at(a, kServerTable, {to_bytes(a.id.view())})).epoch, kMost);
  keep_copy(a);
  put_back(a);  // a restore can begin its epoch
  accept(a, b);
  EXPECT_TRUE(refused_of([&](store::Transaction& t) { return raise_to(t, kMaximumEpoch); }));
  EXPECT_TRUE(a.manager->begin_epoch(actor));
}

TEST_F(PeerRights, K19_ARefusedKeyThatANewPeerTakesIsGivenOut) {
  ASSERT_EQ(take(a, "DAILY")->id, key.id);
  const auto other = a.manager->generate_keys(actor, 1, "TWK", "DAILY").value().front();
  refuse_at_a({other});
  a.peer.acknowledged = a.keystore->head().sequence;
  EXPECT_FALSE(take(a, "DAILY"));
  // b was broken; c takes its place.
  ModelServer c{sim, 3};
  a.meet(c);
  c.meet(a);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(send(a, c));
  EXPECT_EQ(take(a, "DAILY")->id, other.id);
}

TEST_F(PeerRights, K3_KeysThatThePeerRefusesAreMadeAnewOnce) {
  ASSERT_TRUE(a.manager->create_group(actor, "AHEAD", {GroupPolicy::kUseOnce, 4, "TWK"}));
  const auto needed = [&] {
    std::int64_t count = 0;
    EXPECT_TRUE(a.keystore->read([&](store::Reader& reader) -> Status {
      for (const auto& one : TRY(a.manager->groups().keys_needed(reader))) count += one.count;
      return {};
    }));
    return count;
  };
  const auto first = a.manager->generate_keys(actor, 4, "TWK", "AHEAD").value();
  EXPECT_EQ(needed(), 0);
  refuse_at_a({first[0], first[1], first[2]});
  EXPECT_EQ(needed(), 3);
  const auto second = a.manager->generate_keys(actor, 3, "TWK", "AHEAD").value();
  EXPECT_EQ(needed(), 0);
  refuse_at_a(second);
  refuse_at_a({first[3]});
  EXPECT_EQ(needed(), 1) << "no more than as many again";
  ASSERT_TRUE(a.manager->generate_keys(actor, 1, "TWK", "AHEAD"));
  EXPECT_EQ(needed(), 0);
}

TEST_F(PeerRights, K19_ARefusedKeyIsNeverCountedAsHeldByThePeer) {
  // A defect at b: the key's fingerprint is another one.
  DataKey bad = b.manager->generate_keys(actor, 1, "TWK", "NIGHTLY").value().front();
  bad.fingerprint[0] ^= 1;
  EXPECT_TRUE(refused_row(kDataKeyTable, bad.to_row()));  // and once more with b's note in it
  EXPECT_FALSE(a.manager->key(bad.alias));
  EXPECT_EQ(b.manager->key(bad.alias)->created_commit, kNeverHeld);
  const auto refused = take(b, "NIGHTLY");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("peer"), std::string::npos);
  EXPECT_NE(last_record(b, "peer.refused-row").find("fingerprint"), std::string::npos);
  // What is in order goes on.
  const auto good = b.manager->generate_keys(actor, 1, "TWK", "NIGHTLY").value().front();
  settle();
  EXPECT_EQ(take(b, "NIGHTLY")->id, good.id);
}

TEST_F(PeerRights, K19_AKeyThatThePeerTakesAfterAllIsGivenOutAgain) {
  DataKey bad = b.manager->generate_keys(actor, 1, "TWK", "NIGHTLY").value().front();
  const auto fingerprint = bad.fingerprint;
  bad.fingerprint[0] ^= 1;
  EXPECT_TRUE(refused_row(kDataKeyTable, bad.to_row()));
  ASSERT_FALSE(take(b, "NIGHTLY"));
  // A later key of the group goes first meanwhile; the cursor waits.
  const auto good = b.manager->generate_keys(actor, 1, "TWK", "NIGHTLY").value().front();
  settle();
  EXPECT_EQ(take(b, "NIGHTLY")->id, good.id);
  EXPECT_EQ(b.manager->key(bad.alias)->created_commit, kNeverHeld);
  // The defect is mended, and the peer takes the row.
  ASSERT_TRUE(b.keystore->write([&](store::Transaction& t) -> Status {
    DataKey mended = DataKey::from_row(*TRY(t.get(kDataKeyTable, {to_bytes(bad.id.view())})));
    mended.fingerprint = fingerprint;
    return t.put(kDataKeyTable, mended.to_row());
  }));
  settle();
  EXPECT_TRUE(a.manager->key(bad.alias));
  EXPECT_NE(b.manager->key(bad.alias)->created_commit, kNeverHeld);
  EXPECT_NE(last_record(b, "peer.took-row").find(to_hex(bad.id.view())), std::string::npos);
  EXPECT_EQ(take(b, "NIGHTLY")->id, bad.id);
  EXPECT_FALSE(take(b, "NIGHTLY"));  // once
}

TEST_F(PeerRights, K19_AKekThatWasRefusedOnceCountsAsHeldWhenItIsTaken) {
  const auto made =
      b.manager->generate_kek(actor, {.common_name = "second", .bits = 2048, .labels = {"SECOND"}})->kek;
  settle();
  Kek bad = b.manager->kek(made.id).value().kek;
  bad.certificate = kek.certificate;
  EXPECT_TRUE(refused_row(kKekTable, bad.to_row()));
  EXPECT_EQ(b.manager->kek(made.id)->kek.private_commit, kNeverHeld);
  bad = b.manager->kek(made.id).value().kek;
  bad.certificate = made.certificate;
  EXPECT_FALSE(refused_row(kKekTable, bad.to_row()));
  settle();
  EXPECT_NE(b.manager->kek(made.id)->kek.private_commit, kNeverHeld);
}

TEST_F(PeerRights, K13_WhatThePeerChangedStandsInTheAuditAsThePeers) {
  ASSERT_TRUE(b.manager->change_key_state(actor, key.alias, KeyState::kCompromised));
  AccessRule rule;
  rule.object_kind = ObjectKind::kGroup;
  rule.object = "DAILY";
  ASSERT_TRUE(b.manager->add_access_rule(actor, rule));
  ASSERT_TRUE(b.manager->generate_keys(actor, 300, "TWK", "NIGHTLY"));
  ASSERT_TRUE(b.manager->quarantine_key(actor, b.manager->kek_ref(kek.id).value()));
  settle();
  const std::string state = last_record(a, "key.change");
  EXPECT_NE(state.find(key.alias), std::string::npos);
  EXPECT_NE(state.find("compromised"), std::string::npos);
  EXPECT_NE(state.find("\"from\":\"the peer\""), std::string::npos) << state;
  EXPECT_NE(last_record(a, "key.copy").find("300"), std::string::npos);
  std::string changes;
  for (const auto& line : a.log.records()) {
    if (line.find("peer.change") != line.npos) changes += line;
  }
  EXPECT_NE(changes.find("access_rule"), std::string::npos);
  EXPECT_NE(changes.find("quarantined"), std::string::npos);
  EXPECT_EQ(records(a, "peer.refuse-row"), 0U);
}

}  // namespace
}  // namespace tapewarden::keymgr
