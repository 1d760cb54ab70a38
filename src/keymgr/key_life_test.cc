// K10: the end of keys.
#include "keymgr/key_life.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;

struct LifeSite : ::testing::Test {
  LifeSite() {
    EXPECT_TRUE(m().add_drive(operator_(), lto.serial(), lto.pins()));
    EXPECT_TRUE(m().add_drive(operator_(), wrapped.serial(), wrapped.pins()));
    EXPECT_TRUE(m().create_group(operator_(), "G", {.policy = GroupPolicy::kRoundRobin}));
    EXPECT_TRUE(m().generate_key_range(operator_(), "K1", "G"));
  }
  KeyManager& m() { return server.manager(); }
  KeyRef key(const std::string& alias = "K1") { return *m().key_ref(alias); }
  Hash256 add_kek(std::size_t index, const std::string& label) {
    NewKek kek{
        rsa_certificate(shared_rsa(index), "kek " + label), shared_rsa(index), {label}, KeyOrigin::kImported};
    EXPECT_TRUE(server.write([&](store::Transaction& t) -> Status {
      (void)TRY(m().keks().add(t, officer(), kek));
      return {};
    }));
    return shared_rsa(index).public_key().spki_hash();
  }
  // A cartridge written with the next key of G, or under labels; confirmed by the drive unless told not to
  // be.
  Uuid write(const Uuid& volume, const std::string& volser, std::vector<LabelChoice> labels = {},
             bool confirm = true) {
    TestDrive& drive = labels.empty() ? lto : wrapped;
    auto request = drive.request(Intent::kWrite, volume);
    request.volser = volser;
    if (labels.empty()) request.group = "G";
    request.labels = std::move(labels);
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    if (answer && confirm) {
      auto confirmed = drive.request(Intent::kConfirm, volume);
      confirmed.confirms = answer->ledger;
      EXPECT_TRUE(server.ask(confirmed));
    }
    return volume;
  }
  bool reads(const std::string& alias) {
    auto request = lto.request(Intent::kRead, random_uuid());
    request.dki = m().key(alias)->dki;
    return server.ask(request).has_value();
  }
  std::int64_t needing(const LedgerKey& wanted) {
    return m().count_cartridges(wanted, CartridgeFilter::kNeeding).value();
  }
  Result<KeyManager::Destroyed> destroy(const KeyRef& which, std::optional<std::int64_t> lost = {}) {
    return m().destroy_key(officer(), which, {.cartridges_lost = lost}, agreed());
  }
  // Imports the secret of a key that is here under another alias.
  void bring_again(const std::string& alias, const std::string& as) {
    ImportedKey in;
    in.alias = as;
    in.state = KeyState::kActive;
    ASSERT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
      in.key = TRY(m().keys().open(reader, TRY(m().keys().find(reader, alias)).value()));
      return {};
    }));
    ASSERT_TRUE(m().import_key(officer(), in));
  }
  void deactivate(const std::string& alias = "K1") {
    EXPECT_TRUE(m().change_key_state(officer(), alias, KeyState::kDeactivated));
  }

  TestServer server;
  TestDrive lto{"000000000001", DriveKind::kLto};
  TestDrive wrapped{"000000000002", DriveKind::k3592};
};

TEST_F(LifeSite, K10_DestroyingTakesTwoAndLeavesASignedTombstone) {
  deactivate();
  EXPECT_EQ(m().destroy_key(officer(), key(), {}, {}).error().field, "approval");
  const auto destroyed = destroy(key());
  ASSERT_TRUE(destroyed) << destroyed.error().text();
  EXPECT_TRUE(destroyed->scrubbed);
  EXPECT_EQ(destroyed->tombstone.by, "alice");
  EXPECT_EQ(destroyed->tombstone.approved_by, "second");
  EXPECT_EQ(m().key("K1")->state, KeyState::kDestroyed);
  EXPECT_TRUE(m().key("K1")->sealed_key.empty());
  auto mark = *m().tombstone_of(key());
  ASSERT_TRUE(mark);
  const auto verify = [&](const Tombstone& one) {
    return server.keystore().read([&](store::Reader& reader) { return m().life().verify(reader, one); });
  };
  EXPECT_TRUE(verify(*mark));
  mark->approved_by = "nobody";
  EXPECT_EQ(verify(*mark).error().code, ErrorCode::kUnauthenticated);
  mark->server = random_uuid();
  EXPECT_EQ(verify(*mark).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(destroy(key()).error().code, ErrorCode::kConflict) << "only once";
  EXPECT_EQ(server.audit_count({"key.destroy", "alice", "second"}), 1U);
}

TEST_F(LifeSite, K10_AKeyThatCartridgesNeedIsDestroyedOnlyWithTheirNumber) {
  for (int i = 0; i < 3; ++i) write(random_uuid(), "VOL00" + std::to_string(i));
  deactivate();
  EXPECT_EQ(needing("K1"), 3);
  const auto refused = destroy(key());
  EXPECT_THAT(refused.error().message, HasSubstr("3 cartridges"));
  EXPECT_THAT(refused.error().remedy, HasSubstr("--cartridges-lost 3"));
  for (const std::int64_t wrong : {0, 2, 4, -3}) EXPECT_FALSE(destroy(key(), wrong)) << wrong;
  const auto page = m().cartridges_of(key().ledger, CartridgeFilter::kNeeding, {.limit = 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 2U);
  EXPECT_EQ(m().cartridges_of(key().ledger, CartridgeFilter::kNeeding, {.limit = 2, .after = page->next})
                ->items.size(),
            1U);
  EXPECT_FALSE(m().cartridges_of(key().ledger, CartridgeFilter::kNeeding, {.after = "nonsense"}));
  const auto done = destroy(key(), 3);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->tombstone.cartridges, 3);
  EXPECT_FALSE(reads("K1"));
}

TEST_F(LifeSite, K10_ACartridgeWrittenAnewNeedsTheOldKeyNoMoreOnceTheDriveConfirmed) {
  const Uuid volume = write(random_uuid(), "VOL001");
  ASSERT_TRUE(m().generate_key_range(operator_(), "K2", "G"));
  write(volume, "VOL001", {}, false);
  EXPECT_EQ(m().query_ledger({.alias = "K2"}, {})->items.size(), 1U);
  EXPECT_EQ(needing("K1"), 1) << "the new write may not have happened";
  EXPECT_EQ(needing("K2"), 1);
  write(volume, "VOL001");  // round robin: K1 again
  write(volume, "VOL001");  // and K2
  EXPECT_EQ(needing("K1"), 0);
  EXPECT_EQ(needing("K2"), 1);
  EXPECT_EQ(m().count_cartridges(std::string("k1"), CartridgeFilter::kEver).value(), 1) << "a copy may exist";
}

TEST_F(LifeSite, K10_ACartridgeWithoutAVolumeIsToldByItsVolser) {
  const auto import = [&](const std::string& volser, const std::string& alias) {
    ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
      LedgerEntry entry;
      entry.volser = volser;
      entry.alias = alias;
      entry.issued = m().context().now();
      (void)TRY(m().ledger().import(t, entry));
      return {};
    }));
    server.clock.advance(std::chrono::seconds(1));
  };
  import("OLD001", "K1");
  import("OLD002", "K1");
  EXPECT_EQ(needing("K1"), 2);
  import("OLD001", "K9");
  EXPECT_EQ(needing("K1"), 2) << "the word of another key manager is no confirmation";
  ASSERT_TRUE(m().generate_key_range(operator_(), "K2", "G"));
  write(random_uuid(), "OTHER1");  // with K1
  EXPECT_EQ(needing("K1"), 3);
  write(random_uuid(), "OLD001");  // with K2, confirmed by the drive
  EXPECT_EQ(needing("K1"), 2);
}

TEST_F(LifeSite, K10_AHoldStandsAgainstEverythingAndComesOffWithTwo) {
  deactivate();
  EXPECT_EQ(m().hold_key(officer(), key(), " ", kNever).error().field, "reason");
  EXPECT_EQ(m().hold_key(officer(), key(), std::string(257, 'x'), kNever).error().field, "reason");
  EXPECT_EQ(m().hold_key(officer(), key(), "tax", m().context().now()).error().field, "until");
  const auto hold = m().hold_key(officer(), key(), "case 4711", kNever);
  ASSERT_TRUE(hold) << hold.error().text();
  EXPECT_THAT(destroy(key()).error().message, HasSubstr("case 4711"));
  ASSERT_TRUE(m().quarantine_key(officer(), key()));
  EXPECT_FALSE(m().destroy_key(officer(), key(), {.purge = true}, agreed())) << "a purge is no way around";
  EXPECT_EQ(m().remove_hold(officer(), key(), hold->id, {}).error().field, "approval");
  EXPECT_EQ(m().remove_hold(officer(), key(), random_uuid(), agreed()).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(m().remove_hold(officer(), key(), hold->id, agreed()));
  EXPECT_TRUE(m().holds_of(key())->empty());
  EXPECT_TRUE(m().destroy_key(officer(), key(), {.purge = true}, agreed()));
}

TEST_F(LifeSite, K10_ARetentionDateEndsByItself) {
  deactivate();
  ASSERT_TRUE(m().hold_key(officer(), key(), "ten years", m().context().now() + std::chrono::hours(24)));
  EXPECT_THAT(destroy(key()).error().message, HasSubstr("held until"));
  server.clock.advance(std::chrono::hours(25));
  EXPECT_TRUE(destroy(key()));
}

TEST_F(LifeSite, K10_AQuarantinedKeyIsHiddenFromReadingAndWritingUntilItIsReleased) {
  ASSERT_TRUE(reads("K1"));
  ASSERT_TRUE(m().quarantine_key(officer(), key()));
  EXPECT_FALSE(reads("K1"));
  auto request = lto.request(Intent::kWrite, random_uuid());
  request.group = "G";
  EXPECT_EQ(eedk::ekm_code_of(server.ask(request).error()), eedk::EkmCode::kNoKeyToServe);
  request = lto.request(Intent::kWrite, random_uuid());
  request.alias = "K1";
  EXPECT_FALSE(server.ask(request));
  ASSERT_TRUE(m().release_key(officer(), key()));
  EXPECT_TRUE(reads("K1"));
  EXPECT_THAT(m().destroy_key(officer(), key(), {.purge = true}, agreed()).error().message,
              HasSubstr("not quarantined"));
}

TEST_F(LifeSite, K10_AQuarantinedKekOpensAndWrapsNothing) {
  const Hash256 id = add_kek(1, "A");
  const Uuid volume = random_uuid();
  auto request = wrapped.request(Intent::kWrite, volume);
  request.labels = {{"A", LabelMode::kClear}};
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_TRUE(m().quarantine_key(officer(), *m().kek_ref(id)));
  auto read = wrapped.request(Intent::kRead, volume);
  read.eedks = answer->eedks;
  EXPECT_EQ(eedk::ekm_code_of(server.ask(read).error()), eedk::EkmCode::kKeyNotHeld);
  request = wrapped.request(Intent::kWrite, random_uuid());
  request.labels = {{"A", LabelMode::kClear}};
  EXPECT_FALSE(server.ask(request));
  EXPECT_FALSE(m().export_kek_pkcs12(officer(), id,
                                     crypto::SecretBytes::copy_of(as_bytes("a long passphrase")), agreed()));
  ASSERT_TRUE(m().release_key(officer(), *m().kek_ref(id)));
  EXPECT_TRUE(server.ask(read));
}

TEST_F(LifeSite, K10_ACompromisedKeyTellsWhatItSealedAndWhere) {
  const Uuid volume = write(random_uuid(), "VOL001");
  write(random_uuid(), "VOL002");
  const auto mark = m().compromise_key(officer(), key());
  ASSERT_TRUE(mark) << mark.error().text();
  EXPECT_EQ(mark->cartridges, 2);
  EXPECT_EQ(mark->state, KeyState::kCompromised);
  const auto exposed = m().cartridges_of(key().ledger, CartridgeFilter::kEver, {});
  ASSERT_EQ(exposed->items.size(), 2U);
  EXPECT_EQ(exposed->items.front().drives, std::vector<std::string>{"000000000001"});
  EXPECT_TRUE(exposed->items.front().written);
  EXPECT_TRUE(reads("K1")) << "what it sealed must be read to be re-encrypted";
  auto append = lto.request(Intent::kAppend, volume);
  append.dki = m().key("K1")->dki;
  EXPECT_FALSE(server.ask(append));
  EXPECT_EQ(m().compromise_key(officer(), key())->signature, mark->signature) << "twice is once";
  EXPECT_FALSE(m().change_key_state(officer(), "K1", KeyState::kActive));
  ASSERT_TRUE(destroy(key(), needing("K1")));
  EXPECT_EQ(m().key("K1")->state, KeyState::kDestroyedCompromised);
}

TEST_F(LifeSite, K10_SettingTheStateToCompromisedLeavesTheMarkToo) {
  ASSERT_TRUE(m().change_key_state(officer(), "K1", KeyState::kCompromised));
  EXPECT_TRUE(m().tombstone_of(key())->has_value());
}

TEST_F(LifeSite, K10_NoImportUndoesATombstone) {
  ImportedKey in;
  in.alias = "IMP1";
  in.key = crypto::SecretBytes::copy_of(Bytes(32, 5));
  ASSERT_TRUE(m().import_key(officer(), in));
  deactivate("IMP1");
  ASSERT_TRUE(destroy(key("IMP1")));
  in.alias = "OTHERNAME";
  EXPECT_THAT(m().import_key(officer(), in).error().message, HasSubstr("destroyed here as IMP1"));
  in.alias = "IMP2";
  in.key = crypto::SecretBytes::copy_of(Bytes(32, 6));
  ASSERT_TRUE(m().import_key(officer(), in));
  ASSERT_TRUE(m().compromise_key(officer(), key("IMP2")));
  ASSERT_TRUE(server.write(
      [&](store::Transaction& t) { return t.erase(kDataKeyTable, {to_bytes(m().key("IMP2")->id.view())}); }));
  ASSERT_TRUE(m().import_key(officer(), in));
  EXPECT_EQ(m().key("IMP2")->state, KeyState::kCompromised) << "it comes in as what it is";
}

TEST_F(LifeSite, K10_RowsThatContradictATombstoneArePutRightAtTheStart) {
  deactivate();
  const DataKey before = *m().key("K1");
  const Hash256 id = add_kek(1, "A");
  const Kek kek = m().kek(id)->kek;
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  ASSERT_TRUE(destroy(key()));
  ASSERT_TRUE(destroy(*m().kek_ref(id)));
  // As an old row that comes back by a merge.
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    TRY(t.put(kDataKeyTable, before.to_row()));
    return t.put(kKekTable, kek.to_row());
  }));
  ASSERT_EQ(m().key("K1")->state, KeyState::kDeactivated);
  server.restart();
  EXPECT_EQ(m().key("K1")->state, KeyState::kDestroyed);
  EXPECT_TRUE(m().key("K1")->sealed_key.empty());
  EXPECT_EQ(m().kek(id)->kek.state, KeyState::kDestroyed);
  EXPECT_FALSE(m().kek(id)->kek.has_private);
  EXPECT_EQ(server.audit_count({"tombstone-holds"}), 2U);
}

// An import brings a secret that is here once more under another alias: the two are one key.
TEST_F(LifeSite, K10_DestroyingOneAliasAsksForEveryOtherAliasOfTheKey) {
  write(random_uuid(), "VOL001");
  bring_again("K1", "TWIN");
  const auto hold = m().hold_key(officer(), key("K1"), "case 4711", kNever);
  ASSERT_TRUE(hold);
  deactivate("TWIN");
  const auto active = destroy(key("TWIN"), 1);
  ASSERT_FALSE(active);
  EXPECT_THAT(active.error().message, HasSubstr("K1, the same key as TWIN"));
  EXPECT_EQ(active.error().field, "state");
  deactivate("K1");
  const auto held = destroy(key("TWIN"), 1);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().field, "hold");
  EXPECT_THAT(held.error().message, HasSubstr("case 4711"));
  server.restart();
  EXPECT_FALSE(m().key("K1")->sealed_key.empty());
  ASSERT_TRUE(m().remove_hold(officer(), key("K1"), hold->id, agreed()));
  const auto needed = destroy(key("TWIN"));
  ASSERT_FALSE(needed);
  EXPECT_THAT(needed.error().remedy, HasSubstr("--cartridges-lost 1"));
  EXPECT_FALSE(m().key("K1")->sealed_key.empty());
  const auto done = destroy(key("TWIN"), 1);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->tombstone.cartridges, 1);
  for (const char* alias : {"K1", "TWIN"}) {
    EXPECT_EQ(m().key(alias)->state, KeyState::kDestroyed);
    EXPECT_TRUE(m().key(alias)->sealed_key.empty());
  }
  EXPECT_EQ(server.audit_count({"key.destroy", "K1", "same_key_as", "second"}), 1U);
  server.restart();
  EXPECT_EQ(server.audit_count({"tombstone-holds"}), 0U) << "nothing was left to be put right";
}

TEST_F(LifeSite, K10_AnAliasOfACompromisedKeyIsCompromisedToo) {
  write(random_uuid(), "VOL001");
  bring_again("K1", "TWIN");
  EXPECT_EQ(m().compromise_key(officer(), key("TWIN"))->cartridges, 1);
  EXPECT_EQ(m().key("K1")->state, KeyState::kCompromised);
  EXPECT_EQ(server.audit_count({"key.compromise", "K1", "same_key_as"}), 1U);
}

TEST_F(LifeSite, K10_DestroyedThereAndCompromisedHereIsBoth) {
  deactivate();
  const Hash256 id = add_kek(1, "A");
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  ASSERT_TRUE(m().compromise_key(officer(), key()));
  ASSERT_TRUE(m().compromise_key(officer(), *m().kek_ref(id)));
  // The other server destroyed both without knowing that, and its rows came first.
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    DataKey destroyed = *m().key("K1");
    destroyed.state = KeyState::kDestroyed;
    destroyed.sealed_key.clear();
    TRY(t.put(kDataKeyTable, destroyed.to_row()));
    Kek kek = m().kek(id)->kek;
    kek.state = KeyState::kDestroyed;
    kek.sealed_private.clear();
    kek.has_private = false;
    return t.put(kKekTable, kek.to_row());
  }));
  server.restart();
  EXPECT_EQ(m().key("K1")->state, KeyState::kDestroyedCompromised);
  EXPECT_EQ(m().kek(id)->kek.state, KeyState::kDestroyedCompromised);
  EXPECT_EQ(server.audit_count({"tombstone-holds"}), 2U);
  server.restart();
  EXPECT_EQ(server.audit_count({"tombstone-holds"}), 2U);
}

TEST(KeyMerge, K10_TheStrongerStateWins) {
  using enum KeyState;
  const std::vector<KeyState> order{kPreActive,   kActive,    kDeactivated,
                                    kCompromised, kDestroyed, kDestroyedCompromised};
  for (const KeyState a : order) {
    for (const KeyState b : order) {
      const KeyState merged = KeyLife::merged_state(a, b, {});
      EXPECT_EQ(merged, KeyLife::merged_state(b, a, {}));
      EXPECT_GE(merged, std::max(a, b));
    }
  }
  EXPECT_EQ(KeyLife::merged_state(kCompromised, kDestroyed, {}), kDestroyedCompromised);
  Tombstone mark;
  mark.state = kDestroyed;
  EXPECT_EQ(KeyLife::merged_state(kActive, kActive, mark), kDestroyed);
  mark.state = kCompromised;
  EXPECT_EQ(KeyLife::merged_state(kDeactivated, kActive, mark), kCompromised);
}

TEST_F(LifeSite, K9_AKekThatACartridgeNeedsIsNotDestroyed) {
  const Hash256 a = add_kek(1, "A");
  const Hash256 b = add_kek(2, "B");
  write(random_uuid(), "ONLYA", {{"A", LabelMode::kClear}});
  write(random_uuid(), "BOTH", {{"A", LabelMode::kClear}, {"B", LabelMode::kHash}});
  EXPECT_EQ(needing(a), 1) << "the other opens with B";
  EXPECT_EQ(needing(b), 0);
  ASSERT_TRUE(m().change_kek_state(officer(), a, KeyState::kDeactivated));
  EXPECT_THAT(destroy(*m().kek_ref(a)).error().message, HasSubstr("1 cartridge in the ledger"));
  EXPECT_EQ(m().cartridges_of(a, CartridgeFilter::kNeeding, {})->items.front().newest.volser, "ONLYA");
  ASSERT_TRUE(m().quarantine_key(officer(), *m().kek_ref(b)));
  EXPECT_EQ(needing(a), 2) << "B opens nothing while it is quarantined";
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
