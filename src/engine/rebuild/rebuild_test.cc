// A catalogue that was lost is put together again from the cartridges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/rebuild/rebuild_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Rebuilding : ::testing::Test {
  Site site;

  LogicalVolume volume(const std::string& volser) { return take(site.fresh->volume(volser)); }
  PhysicalVolume cartridge(const std::string& barcode) { return take(site.fresh->cartridge(barcode)); }
};

TEST_F(Rebuilding, T12_WhatTheCatalogueKnewIsThereAgain) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kIdentified);
  site.know_cartridge("A00002L9", 3, MediumEncryption::kClear);
  site.know_cartridge("J00001", 2, MediumEncryption::kWrapped);
  Pool pool = default_pools()[5];
  pool.name = "payroll";
  pool.encryption = PoolEncryption::kWrapped;
  pool.labels[0] = {"June 2026 key", LabelMode::kHash};
  ASSERT_TRUE(site.live.put(pool, StorageGroup{"PAYROLL", 1, "wages"}, ManagementClass{"TWICE", 2, ""}));
  const auto first = site.write("A00001L9", 1, TapeEncryption::kIdentified,
                                {{.volser = "LV0001", .group = "PAYROLL", .management = "TWICE"},
                                 {.volser = "LV0002", .generation = 3, .bytes = 0}});
  const auto second =
      site.write("A00002L9", 3, TapeEncryption::kClear,
                 {{.volser = "LV0001", .copy = 2, .group = "PAYROLL", .management = "TWICE"}});
  auto one = site.known_volume("LV0001", 1);
  one.storage_group = "PAYROLL";
  one.management_class = "TWICE";
  one.primary = first[0];
  one.secondary = second[0];
  auto two = site.known_volume("LV0002", 3);
  two.primary = first[1];
  two.preference = 0;
  two.cache_file = 4;
  auto scratch = site.known_volume("LV0009", 6);
  scratch.category = Category::kScratch;
  scratch.deleted_generation = 6;
  ASSERT_TRUE(site.live.put(one, two, scratch));
  (void)site.write("J00001", 2, TapeEncryption::kWrapped, {}, true);

  const auto report = site.rebuild();
  EXPECT_TRUE(report.backup_made);
  EXPECT_EQ(report.cartridges_read, 3U);
  EXPECT_EQ(report.volumes, 3U);
  EXPECT_EQ(report.with_content, 2U);
  EXPECT_EQ(report.count(FindingKind::kLostVolume), 0U);
  EXPECT_EQ(report.count(FindingKind::kUnknownLabels), 0U);
  // The blank ones of the library.
  EXPECT_THAT(subjects(report, FindingKind::kNoLabel), ElementsAre("A00003L9", "A00004L9", "J00002"));
  const auto pools = site.fresh.look([](CatalogueView& view) { return view.pools(); });
  EXPECT_EQ(pools[5], pool);
  one.primary_pool = one.secondary_pool = two.primary_pool = 1;
  EXPECT_EQ(volume("LV0001"), one);
  EXPECT_EQ(volume("LV0002"), two);
  auto expected = scratch;
  expected.stamp.clear();
  EXPECT_EQ(volume("LV0009"), expected);
  auto tape = cartridge("A00001L9");
  EXPECT_EQ(tape.state, CartridgeState::kFilling);
  EXPECT_EQ(tape.encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(tape.alias, "KEY000000001");
  EXPECT_EQ(tape.medium, 1U);
  EXPECT_EQ(tape.next_file, 3U);
  EXPECT_EQ(tape.active_volumes, 2U);
  EXPECT_EQ(tape.written_bytes, first[0].bytes + first[1].bytes);
  EXPECT_TRUE(tape.borrowed);
  EXPECT_EQ(cartridge("J00001").state, CartridgeState::kFull);
  EXPECT_EQ(cartridge("J00001").labels[0], (KeyLabel{"June 2026 key", LabelMode::kHash}));
  site.expect_readable("LV0001");
  site.expect_readable("LV0002");
  EXPECT_EQ(site.progress.back().done, 6U);
  EXPECT_EQ(site.progress.back().all, 6U);
}

TEST_F(Rebuilding, T12_ErasuresThatWereAskedForAreAskedForAgainAndNewLabelsAreNot) {
  const RekeyRequest wanted{.labels = {KeyLabel{"July 2026 key", LabelMode::kClear}, KeyLabel{}}};
  const auto ask = [&](const std::string& barcode) {
    auto tape = take(site.live->cartridge(barcode));
    tape.rekey = wanted;
    ASSERT_TRUE(site.live.put(tape));
  };
  for (const auto* barcode : {"J00001", "J00002"}) {
    site.know_cartridge(barcode, 1, MediumEncryption::kWrapped, CartridgeState::kFull);
    ask(barcode);
  }
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear, CartridgeState::kFull);
  auto tape = take(site.live->cartridge("A00001L9"));
  for (const auto state :
       {CartridgeState::kAwaitingErase, CartridgeState::kEjected, CartridgeState::kClosed}) {
    tape.state = state;
    ASSERT_TRUE(site.live.put(tape));
  }
  ASSERT_TRUE(take(site.live->cartridge("A00001L9")).erase_first);
  (void)site.write("J00001", 1, TapeEncryption::kWrapped, {});
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {}, true);
  (void)site.write("J00002", 2, TapeEncryption::kClear, {});  // begun anew since
  const auto report = site.rebuild();
  EXPECT_TRUE(cartridge("A00001L9").erase_first);
  EXPECT_THAT(subjects(report, FindingKind::kToBeErased), ElementsAre("A00001L9"));
  EXPECT_EQ(cartridge("J00001").rekey, RekeyRequest()) << "done or withdrawn since, for all that is known";
  EXPECT_THAT(report.findings,
              Contains(Finding{FindingKind::kLabelsDropped, "J00001", "key labels July 2026 key"}));
  EXPECT_EQ(report.count(FindingKind::kLabelsDropped), 1U);
  EXPECT_EQ(cartridge("J00002").rekey, RekeyRequest());
}

// The pool may be used for something else by now.
TEST_F(Rebuilding, T12_MovesThatWereAskedForAreToldAndNotDone) {
  for (const auto& [barcode, when] : {std::pair("J00001", MoveRequest::When::kNow),
                                      std::pair("J00002", MoveRequest::When::kWhenEligible)}) {
    site.know_cartridge(barcode, 1, MediumEncryption::kWrapped, CartridgeState::kFull);
    auto tape = take(site.live->cartridge(barcode));
    tape.move = {when, 7};
    ASSERT_TRUE(site.live.put(tape));
  }
  (void)site.write("J00001", 1, TapeEncryption::kWrapped, {{.volser = "LV0001"}}, true);
  const auto report = site.rebuild();
  EXPECT_EQ(cartridge("J00001").move, MoveRequest());
  EXPECT_EQ(cartridge("J00002").move, MoveRequest()) << "also of one that was not here";
  EXPECT_THAT(report.findings, Contains(Finding{FindingKind::kMoveDropped, "J00001", "to pool 7 now"}));
  EXPECT_THAT(report.findings,
              Contains(Finding{FindingKind::kMoveDropped, "J00002", "to pool 7 when reclaim would take it"}));
}

TEST_F(Rebuilding, T12_WithoutABackupCartridgesSayWhatTheyKnow) {
  site.pool = 4;
  const auto copies = site.write("A00001L9", 2, TapeEncryption::kIdentified,
                                 {{.volser = "LV0001", .generation = 2, .group = "PAYROLL"},
                                  {.volser = "LV0001", .generation = 3, .group = "PAYROLL"},
                                  {.volser = "LV0002", .tombstones = {{"LV0003", 7}}}});
  (void)site.write("J00001", 1, TapeEncryption::kWrapped, {{.volser = "LV0007"}});
  const auto report = site.rebuild();
  EXPECT_FALSE(report.backup_made);
  EXPECT_EQ(report.count(FindingKind::kNoBackup), 1U);
  EXPECT_THAT(subjects(report, FindingKind::kNewVolume), ElementsAre("LV0001", "LV0002", "LV0007"));
  EXPECT_THAT(subjects(report, FindingKind::kNewConstruct), ElementsAre("--------", "PAYROLL"));
  EXPECT_THAT(subjects(report, FindingKind::kUnknownLabels), ElementsAre("J00001"));
  EXPECT_EQ(cartridge("A00001L9").alias, "KEY000000001");  // it stands on the cartridge
  EXPECT_THAT(subjects(report, FindingKind::kDeletedSince), ElementsAre("LV0003"));
  EXPECT_EQ(volume("LV0001").primary, copies[1]);  // the newest, and its block is known
  EXPECT_EQ(volume("LV0001").storage_group, "PAYROLL");
  EXPECT_EQ(volume("LV0001").category, Category::kPrivate);
  EXPECT_EQ(volume("LV0001").capacity_bytes, 800'000'000U);
  EXPECT_EQ(volume("LV0002").volume, uuid_of_volume("LV0002"));
  const auto group = site.fresh.look([](CatalogueView& view) { return view.storage_group("PAYROLL"); });
  EXPECT_EQ(group.pool, 4);
  EXPECT_EQ(cartridge("A00001L9").pool, 4);
  EXPECT_EQ(site.fresh->volume("LV0003").error().code, ErrorCode::kNotFound);
  // It goes on counting when it comes back.
  ASSERT_TRUE(site.fresh.put(engine::testing::scratch_volume("LV0003")));
  EXPECT_EQ(volume("LV0003").generation, 7U);
  site.expect_readable("LV0001");
  site.expect_readable("LV0002");
}

TEST_F(Rebuilding, T12_VoidTornAndDeletedImagesDoNotComeBack) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001"},
                    {.volser = "LV0001", .generation = 2, .is_void = true, .tombstones = {{"LV0005", 1}}},
                    {.volser = "LV0002", .generation = 4},
                    {.volser = "LV0003"},
                    {.volser = "LV0005"},
                    {.volser = "LV0004", .torn = true}});
  (void)site.write("A00002L9", 1, TapeEncryption::kIdentified,
                   {{.volser = "LV0006", .tombstones = {{"LV0002", 4}}}, {.volser = "LV0003", .torn = true}});
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").generation, 1U);
  site.expect_readable("LV0001");
  site.expect_readable("LV0003");
  site.expect_readable("LV0006");
  EXPECT_FALSE(site.fresh->volume("LV0002"));
  EXPECT_FALSE(site.fresh->volume("LV0004"));
  EXPECT_FALSE(site.fresh->volume("LV0005"));  // also the tombstone of a void image counts
  EXPECT_THAT(subjects(report, FindingKind::kTornImage), ElementsAre("A00001L9", "A00002L9"));
  EXPECT_EQ(cartridge("A00001L9").next_file, 6U);
  EXPECT_EQ(cartridge("A00002L9").next_file, 2U);
  // What comes next takes the torn one's place.
  (void)site.append("A00002L9", 1, TapeEncryption::kIdentified, 2, {{.volser = "LV0008"}});
}

TEST_F(Rebuilding, T12_ACartridgeBegunAnewHoldsTheOldCopiesNoMore) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  const auto old = site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  auto known = site.known_volume("LV0001", 1);
  known.primary = old[0];
  ASSERT_TRUE(site.live.put(known));
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {}, true);
  // Reclaimed since: the volume lies on another cartridge, and this one was begun anew, encrypted.
  const auto moved = site.write("A00003L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  (void)site.write("A00001L9", 2, TapeEncryption::kIdentified, {{.volser = "LV0002"}});
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, moved[0]);
  EXPECT_EQ(volume("LV0001").stamp, known.stamp);
  EXPECT_EQ(cartridge("A00001L9").medium, 2U);
  EXPECT_EQ(cartridge("A00001L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(cartridge("A00001L9").alias, "KEY000000001");
  EXPECT_EQ(report.count(FindingKind::kUnknownLabels), 0U);
  site.expect_readable("LV0001");
  site.expect_readable("LV0002");
}

TEST_F(Rebuilding, T12_OfTwoImagesOfOneContentTheOneOnTheCartridgeBegunLastCounts) {
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  const auto moved = site.write("A00001L9", 5, TapeEncryption::kIdentified, {{.volser = "LV0001"}});
  (void)site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, moved[0]);
  EXPECT_EQ(cartridge("A00002L9").active_volumes, 0U);
  EXPECT_EQ(cartridge("A00002L9").state, CartridgeState::kClosed);  // and is given back
}

TEST_F(Rebuilding, T12_TheNewestBackupCountsAndImagesBehindItToo) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  ASSERT_TRUE(site.live.put(StorageGroup{"OLD", 1, ""}));
  const auto first = site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  auto one = site.known_volume("LV0001", 1);
  one.primary = first[0];
  ASSERT_TRUE(site.live.put(one));
  (void)site.append("A00001L9", 1, TapeEncryption::kClear, 2, {}, true);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  ASSERT_TRUE(site.live.put(StorageGroup{"NEW", 2, "since"}));
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {}, true);
  const auto newer = site.write("A00003L9", 1, TapeEncryption::kClear,
                                {{.volser = "LV0001", .generation = 2, .group = "NEW"}});
  const auto report = site.rebuild();
  const auto groups = site.fresh.look([](CatalogueView& view) { return view.storage_groups(); });
  EXPECT_EQ(groups.size(), 3U);
  EXPECT_EQ(volume("LV0001").primary, newer[0]);
  EXPECT_EQ(volume("LV0001").storage_group, "NEW");
  EXPECT_EQ(volume("LV0001").capacity_bytes, one.capacity_bytes);  // the cartridge does not tell it
  EXPECT_EQ(volume("LV0001").stamp, Bytes());
  EXPECT_EQ(cartridge("A00001L9").active_volumes, 0U);
  EXPECT_EQ(report.count(FindingKind::kNewConstruct), 0U);
  // Only the newest backup was kept.
  const auto names = take(site.back.sim.disk.list("rebuild"));
  EXPECT_EQ(std::ranges::count_if(names, [](const auto& name) { return name.starts_with("backup-"); }), 1);
}

TEST_F(Rebuilding, T12_WhatWasInTheCacheOnlyIsNamedAndMissing) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  const auto copies = site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}});
  ASSERT_TRUE(site.live.put_cached(site.known_volume("LV0001", 1)));
  auto two = site.known_volume("LV0002", 2);
  two.primary = copies[0];
  ASSERT_TRUE(site.live.put_cached(two));
  auto scratch = site.known_volume("LV0003", 5);
  scratch.category = Category::kScratch;
  ASSERT_TRUE(site.live.put_cached(scratch));
  (void)site.append("A00001L9", 1, TapeEncryption::kClear, 2, {}, true);
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kLostVolume), ElementsAre("LV0001", "LV0003"));
  EXPECT_THAT(subjects(report, FindingKind::kOlderContent), ElementsAre("LV0002"));
  EXPECT_EQ(volume("LV0001").residence(), Residence::kMissing);
  EXPECT_EQ(volume("LV0001").generation, 1U);
  EXPECT_EQ(volume("LV0002").generation, 1U);
  site.expect_readable("LV0002");
  EXPECT_EQ(volume("LV0003").residence(), Residence::kEmpty);
  EXPECT_EQ(volume("LV0003").generation, 5U);
  // No key of the cache came along.
  EXPECT_FALSE(volume("LV0001").has_cache_key);
  const auto totals = site.fresh.look([](CatalogueView& view) { return view.volume_totals(); });
  EXPECT_EQ(totals.size(), 3U);
}

// A00002L9 has the newest content, and is away while the catalogue is put together again; it comes back for
// the next time.
TEST_F(Rebuilding, T12_WhatIsWrittenAfterARebuildIsNewerThanWhatACartridgeThatWasAwayHolds) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}, {.volser = "LV0002"}}, true);
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").generation, 1U);
  // As a host changes one, and the other expires.
  auto changed = volume("LV0001");
  ++changed.generation;
  auto expired = volume("LV0002");
  expired.category = Category::kScratch;
  ASSERT_TRUE(site.fresh.put_cached(changed));
  ASSERT_TRUE(site.fresh.put(expired));
  expired.deleted_generation = expired.generation;
  ASSERT_TRUE(site.fresh.put(expired));
  ASSERT_TRUE(site.fresh.put(site.known_volume("LV0003", 0)));
  auto blank = volume("LV0003");
  ++blank.generation;
  ASSERT_TRUE(site.fresh.put_cached(blank));
  EXPECT_GT(volume("LV0001").generation, 7U);
  EXPECT_GT(volume("LV0003").generation, 7U) << "a volser that the backup did not know";
  std::vector<DeletedVolume> deleted;
  ASSERT_TRUE(site.fresh->read([&](CatalogueView& view) -> Status {
    deleted = TRY(view.deleted_volumes(10));
    return {};
  }));
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_GT(deleted[0].generation, 7U) << "also what nobody has seen is deleted";
  EXPECT_LT(deleted[0].generation, volume("LV0001").generation) << "and nothing that comes";

  (void)site.write("A00002L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001", .generation = 2},
                    {.volser = "LV0002", .generation = 7},
                    {.volser = "LV0003", .generation = 7}});
  (void)site.append("A00001L9", 1, TapeEncryption::kClear, 4,
                    {{.volser = "LV0001",
                      .generation = volume("LV0001").generation,
                      .tombstones = {{"LV0002", deleted[0].generation}}},
                     {.volser = "LV0003", .generation = volume("LV0003").generation}});
  const auto wanted = std::pair(volume("LV0001").generation, volume("LV0003").generation);
  Box next;
  const auto again = site.begin_rebuild();
  done(again->discard());
  const auto work = site.begin_rebuild();
  done(work->examine_all());
  (void)take(work->finish(*next, site.engine));
  EXPECT_EQ(take(next->volume("LV0001")).generation, wanted.first);
  EXPECT_EQ(take(next->volume("LV0001")).primary->cartridge, "A00001L9");
  EXPECT_EQ(take(next->volume("LV0003")).generation, wanted.second);
  EXPECT_FALSE(next->volume("LV0002")) << "it stays deleted";
}

// A00002L9 alone has what was written after the first rebuild, and is away while the second one runs: nothing
// that this one sees tells how far generations went.
TEST_F(Rebuilding, T12_WhatIsWrittenAfterASecondRebuildIsNewerThanWhatWasWrittenAfterTheFirst) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  const auto change_it = [this](Box& catalogue) {
    site.back.sim.clock.advance(std::chrono::hours(1));
    const auto work = site.begin_rebuild();
    done(work->examine_all());
    (void)take(work->finish(*catalogue, site.engine));
    done(work->discard());
    auto volume = take(catalogue->volume("LV0001"));
    for (int changes = 0; changes < 3; ++changes) {
      ++volume.generation;
      EXPECT_TRUE(catalogue.put_cached(volume));
      volume = take(catalogue->volume("LV0001"));
    }
    return volume.generation;
  };
  Box first;
  Box second;
  const auto away = change_it(first);
  EXPECT_GT(change_it(second) - 2, away) << "the first of three changes is above the last one of before";
  const auto last = take(second->volume("LV0001")).generation;
  (void)site.append("A00001L9", 1, TapeEncryption::kClear, 2, {{.volser = "LV0001", .generation = last}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = away}});
  (void)site.rebuild();
  EXPECT_EQ(volume("LV0001").generation, last);
  EXPECT_EQ(volume("LV0001").primary->cartridge, "A00001L9");
  site.expect_readable("LV0001");
}

TEST_F(Rebuilding, T12_AnAbsentCartridgeKeepsWhatTheBackupKnowsOfIt) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  const auto old = site.write("A00001L9", 1, TapeEncryption::kClear,
                              {{.volser = "LV0001"}, {.volser = "LV0002", .generation = 2}});
  auto one = site.known_volume("LV0001", 2);
  one.primary = Copy{"X00001L9", 4, 1, 2, 1000, 2};
  auto two = site.known_volume("LV0002", 2);
  two.primary = Copy{"X00001L9", 4, 2, 5, 1000, 2};
  site.know_cartridge("X00001L9", 4, MediumEncryption::kIdentified, CartridgeState::kFull);
  site.know_cartridge("X00002L9", 1, MediumEncryption::kUnknown, CartridgeState::kScratch);
  ASSERT_TRUE(site.live.put(one, two));
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {}, true);
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kAbsentCartridge), ElementsAre("X00001L9", "X00002L9"));
  EXPECT_THAT(subjects(report, FindingKind::kNeedsCartridge), ElementsAre("LV0001"));
  // The newer content may come back with its cartridge: the old one is not given in its place.
  EXPECT_EQ(volume("LV0001").primary, one.primary);
  EXPECT_EQ(volume("LV0002").primary, old[1]);  // the same content, and it is here
  EXPECT_EQ(cartridge("X00001L9").state, CartridgeState::kEjected);
  EXPECT_EQ(cartridge("X00001L9").active_volumes, 1U);
  EXPECT_TRUE(cartridge("X00002L9").unexamined) << "it may have been written since the backup";
  EXPECT_EQ(report.count(FindingKind::kLostVolume), 0U);
}

TEST_F(Rebuilding, T12_ACartridgeWhoseKeyIsRefusedIsKeptAsKnown) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kIdentified);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00003L9", 1, MediumEncryption::kIdentified);
  const auto sealed = site.write("A00001L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0001"}});
  (void)site.write("A00003L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0003"}});
  (void)site.write("A00004L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0004"}});
  auto one = site.known_volume("LV0001", 1);
  one.primary = sealed[0];
  ASSERT_TRUE(site.live.put(one));
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}}, true);
  site.back.keys.server.refuse = true;
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kUnreadCartridge),
              ElementsAre("A00001L9", "A00003L9", "A00004L9"));
  EXPECT_THAT(subjects(report, FindingKind::kNeedsCartridge), ElementsAre("LV0001"));
  EXPECT_EQ(volume("LV0001").primary, one.primary);
  EXPECT_EQ(cartridge("A00001L9").state,
            CartridgeState::kClosed);  // nothing is appended behind what is unknown
  EXPECT_EQ(cartridge("A00001L9").alias, "KEY000000001");
  // Of these nothing is known, so that nothing gives them back for writing.
  EXPECT_EQ(cartridge("A00003L9").state, CartridgeState::kDamaged);
  EXPECT_EQ(cartridge("A00004L9").state, CartridgeState::kDamaged);
  EXPECT_TRUE(cartridge("A00001L9").unexamined);
  EXPECT_TRUE(cartridge("A00003L9").unexamined);
  EXPECT_FALSE(cartridge("A00002L9").unexamined);
  site.expect_readable("LV0002");
  site.back.keys.server.refuse = false;
  site.expect_readable("LV0001");
}

TEST_F(Rebuilding, T12_WhenTheKeyServersAreBackTheRebuildGoesOnWithWhatWasUnread) {
  (void)site.write("A00001L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0001"}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}});
  site.back.keys.away = true;
  (void)site.rebuild();
  site.back.keys.away = false;
  site.progress.clear();
  Box again;
  const auto work = site.begin_rebuild();
  EXPECT_EQ(work->progress().done, 1U);  // the clear one was read before; blank ones are looked at again
  done(work->examine_all());
  const auto report = take(work->finish(*again, site.engine));
  EXPECT_EQ(report.volumes, 2U);
  EXPECT_EQ(report.count(FindingKind::kUnreadCartridge), 0U);
  again.expect_sound();
}

TEST_F(Rebuilding, T12_ARebuildThatWasBrokenOffGoesOn) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}}, true);
  (void)site.write("A00003L9", 1, TapeEncryption::kClear, {{.volser = "LV0003"}});
  for (std::uint64_t writes = 0; writes < 12; ++writes) {
    SCOPED_TRACE(writes);
    auto work = site.begin_rebuild();
    site.back.sim.disk.fail_after(writes);
    (void)work->examine_all();
    site.back.sim.disk.clear_faults();
    work.reset();
    site.back.sim.disk.power_loss(&site.back.sim.random);
    // A drive that met the fault went offline.
    for (const auto& drive : site.back.drives) (void)drive->probe();
  }
  const auto report = site.rebuild();
  EXPECT_EQ(report.cartridges_read, 3U);
  EXPECT_TRUE(report.backup_made);
  for (const auto* volser : {"LV0001", "LV0002", "LV0003"}) site.expect_readable(volser);
}

TEST_F(Rebuilding, T12_AVolumeDeletedAndInsertedAgainIsTheNewOne) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  const auto old = site.write("A00001L9", 1, TapeEncryption::kClear,
                              {{.volser = "LV0001", .generation = 4}, {.volser = "LV0002", .generation = 2}});
  for (const auto& [volser, generation] : {std::pair("LV0001", 4U), std::pair("LV0002", 2U)}) {
    auto gone = site.known_volume(volser, generation);
    gone.category = Category::kScratch;
    gone.primary = old[generation == 4 ? 0 : 1];
    ASSERT_TRUE(site.live.put(gone));
    ASSERT_TRUE(
        site.live->change([&](CatalogueChange& change) -> Status { return change.withdraw_volume(volser); }));
  }
  // One comes back, and is written again.
  ASSERT_TRUE(site.live.put(engine::testing::scratch_volume("LV0001")));
  (void)site.append("A00001L9", 1, TapeEncryption::kClear, 3, {}, true);
  const auto again =
      site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = 5}});
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, again[0]);
  EXPECT_EQ(volume("LV0001").deleted_generation, 4U);
  EXPECT_FALSE(site.fresh->volume("LV0002"));
  EXPECT_EQ(report.count(FindingKind::kDeletedSince), 0U);  // the backup knows
  ASSERT_TRUE(site.fresh.put(engine::testing::scratch_volume("LV0002")));
  EXPECT_EQ(volume("LV0002").generation, 2U);
  // No trailer tells these deletions: the next one does.
  const auto due = site.fresh.look([](CatalogueView& view) { return view.deleted_volumes(10); });
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].volser, "LV0001");
  EXPECT_EQ(due[0].generation, 4U);
  EXPECT_EQ(due[1].volser, "LV0002");
  site.expect_readable("LV0001");
}

TEST_F(Rebuilding, T12_ABlankCartridgeHoldsNothingWhateverTheBackupKnows) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00003L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00004L9", 6, MediumEncryption::kUnknown, CartridgeState::kScratch);
  const auto old = site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  auto one = site.known_volume("LV0001", 2);
  one.primary = Copy{"A00003L9", 1, 1, 2, 1000, 2};
  ASSERT_TRUE(site.live.put(one));
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {}, true);
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kNoLabel),
              ElementsAre("A00003L9", "A00004L9", "J00001", "J00002"));
  EXPECT_THAT(subjects(report, FindingKind::kOlderContent), ElementsAre("LV0001"));
  EXPECT_EQ(volume("LV0001").primary, old[0]);
  EXPECT_EQ(cartridge("A00003L9").state, CartridgeState::kDamaged);
  EXPECT_EQ(cartridge("A00004L9").state, CartridgeState::kScratch);  // as it was
  EXPECT_FALSE(cartridge("A00004L9").unexamined);
  EXPECT_EQ(cartridge("A00004L9").medium, 6U);
}

TEST_F(Rebuilding, T12_WhatWasFoundIsForgottenWhenTheCatalogueIsInItsPlace) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  const auto work = site.begin_rebuild();
  done(work->examine_all());
  (void)take(work->finish(*site.fresh, site.engine));
  done(work->discard());
  EXPECT_THAT(take(site.back.sim.disk.list("rebuild")), IsEmpty());
  EXPECT_EQ(site.begin_rebuild()->progress().done, 0U);
}

TEST_F(Rebuilding, T12_ACartridgeThatTookTwoDrivesOfflineIsNotPutIntoAThird) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}});
  auto stations = site.stations();
  stations[1] = {site.back.library.get(), site.back.stations[BackEnd::kOtherLtoDrive].get(),
                 MediumKind::kLto};
  const auto work = take(Rebuild::begin(site.back.sim.env(), stations, {.folder = "rebuild"}));
  for (const std::size_t drive : {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive}) {
    site.back.to_drives[drive]->meet = [this,
                                        drive](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      const bool poisoned = site.back.drives[drive]->status().barcode == "A00001L9";
      if (!poisoned || !is_command(cdb, scsi::Opcode::kRead6)) return std::nullopt;
      return sense_answer(codes::kInternalTargetFailure);
    };
  }
  EXPECT_EQ(fault_of(work->step(0).error()), MountFault::kDrive);
  EXPECT_EQ(work->progress().done, 0U);
  auto more = work->step(1);
  while (more && *more) more = work->step(1);
  EXPECT_EQ(fault_of(more.error()), MountFault::kDrive);
  for (const auto& drive : site.back.drives) done(drive->probe());
  EXPECT_EQ(take(work->step(0)), false);
  const auto report = take(work->finish(*site.fresh, site.engine));
  EXPECT_EQ(report.volumes, 1U);
  EXPECT_THAT(subjects(report, FindingKind::kUnreadCartridge),
              ElementsAre("A00001L9", "J00001", "J00002"));  // these had no drive
  EXPECT_EQ(cartridge("A00001L9").state, CartridgeState::kDamaged);
}

TEST_F(Rebuilding, T12_AnotherEnginesCartridgesAreLeftAlone) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  site.engine = uuid_of(8);
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = 9}}, true);
  site.engine = uuid_of(7);
  const auto work = site.begin_rebuild();
  done(work->examine_all());
  EXPECT_EQ(work->engines(), (std::map<Uuid, std::size_t>{{uuid_of(7), 1}, {uuid_of(8), 1}}));
  EXPECT_EQ(work->finish(*site.fresh, uuid_of(9)).error().code, ErrorCode::kNotFound);
  const auto report = take(work->finish(*site.fresh, uuid_of(7)));
  EXPECT_THAT(subjects(report, FindingKind::kOtherEngine), ElementsAre("A00002L9"));
  EXPECT_FALSE(report.backup_made);
  EXPECT_EQ(volume("LV0001").generation, 1U);
  EXPECT_FALSE(site.fresh->cartridge("A00002L9"));
  // Only into an empty one.
  EXPECT_EQ(work->finish(*site.fresh, uuid_of(7)).error().code, ErrorCode::kConflict);
}

TEST_F(Rebuilding, T12_ADamagedBackupGivesWayToTheOneBeforeIt) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  ASSERT_TRUE(site.live.put(StorageGroup{"OLD", 1, ""}));
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {}, true);
  // A later one that is noise.
  auto trace = site.back.trace();
  const auto tape =
      take(site.back.lto().mount_for_append(wanted_of("A00001L9", TapeEncryption::kClear), 2, trace));
  auto header = sample_header(1000);
  header.identity = {.kind = ImageKind::kCatalogueBackup};
  header.written = site.back.sim.clock.wall_now() + std::chrono::hours(1);
  EXPECT_EQ(take(tape->begin_image(header)), ImageFit::kFits);
  EXPECT_EQ(take(tape->append(content(1000))), ImageFit::kFits);
  EXPECT_TRUE(take(tape->finish_image({})));
  (void)take(tape->demount());
  const auto report = site.rebuild();
  EXPECT_TRUE(report.backup_made);
  EXPECT_EQ(site.fresh.look([](CatalogueView& view) { return view.storage_groups(); }).size(), 2U);
}

TEST_F(Rebuilding, T12_ATapeFileThatCannotBeReadHidesNothingBehindIt) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001"}, {.volser = "LV0002"}, {.volser = "LV0003"}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0004"}});
  for (const auto& [barcode, header] : {std::pair("A00001L9", 1), std::pair("A00002L9", 0)}) {
    const auto file = site.back.file_of(barcode);
    std::size_t at = file.find("TWSTKHDR");
    for (int i = 0; i < header; ++i) at = file.find("TWSTKHDR", at + 1);
    site.back.sim.disk.content("library/cartridges/" + std::string(barcode) + ".twc")[at + 20] ^= 1;
  }
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kDamagedImage), ElementsAre("A00001L9", "A00002L9"));
  site.expect_readable("LV0001");
  site.expect_readable("LV0003");
  EXPECT_FALSE(site.fresh->volume("LV0002"));
  EXPECT_EQ(cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_EQ(cartridge("A00001L9").next_file, 4U);
  // Nothing that is known lies on it, and it is not given back for writing: somebody may save what is there.
  EXPECT_EQ(cartridge("A00002L9").state, CartridgeState::kDamaged);
}

TEST_F(Rebuilding, T12_ADriveThatFailsLeavesTheCartridgeForAnother) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  site.back.drives[BackEnd::kLtoDrive]->take_offline("it smokes");
  const auto work = site.begin_rebuild();
  EXPECT_EQ(fault_of(work->examine_all().error()), MountFault::kDrive);
  auto others = site.stations();
  others[0].station = site.back.stations[BackEnd::kOtherLtoDrive].get();
  const auto again = take(Rebuild::begin(site.back.sim.env(), others, {.folder = "rebuild"}));
  done(again->examine_all());
  EXPECT_EQ(take(again->finish(*site.fresh, site.engine)).volumes, 1U);
}

// The next volume of a pool that encrypted must not go onto a cartridge in clear.
TEST_F(Rebuilding, T12_WithoutABackupPoolsAreHeldUntilTheyAreSet) {
  site.pool = 4;
  (void)site.write("A00001L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0001"}});
  site.pool = 6;
  (void)site.write("J00001", 1, TapeEncryption::kWrapped, {{.volser = "LV0002"}});
  const auto report = site.rebuild();
  const auto pools = site.fresh.look([](CatalogueView& view) { return view.pools(); });
  for (const auto& pool : pools)
    EXPECT_EQ(pool.encryption, pool.number == 0 ? PoolEncryption::kOff : PoolEncryption::kHeld)
        << int{pool.number};
  EXPECT_EQ(pools[4].media, MediumKind::kLto);
  EXPECT_EQ(pools[6].media, MediumKind::k3592);
  EXPECT_EQ(report.count(FindingKind::kHeldPool), 32U);
  EXPECT_THAT(report.findings, Contains(Finding{FindingKind::kHeldPool, "pool 4", "1 encrypted cartridge"}));
  EXPECT_THAT(subjects(report, FindingKind::kTakesMore), ElementsAre("A00001L9", "J00001"));
}

// A pool was set to encrypt, and a cartridge begun in it, after the backup was made.
TEST_F(Rebuilding, T12_APoolThatWasSetToEncryptAfterTheBackupIsHeld) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  site.pool = 4;
  (void)site.write("A00002L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0002"}});
  const auto report = site.rebuild();
  ASSERT_TRUE(report.backup_made);
  const auto pools = site.fresh.look([](CatalogueView& view) { return view.pools(); });
  EXPECT_EQ(pools[1].encryption, PoolEncryption::kOff);
  EXPECT_EQ(pools[4].encryption, PoolEncryption::kHeld);
  EXPECT_THAT(subjects(report, FindingKind::kHeldPool), ElementsAre("pool 4"));
}

// One that was written before the cartridge was full (backup_job.h): settings are back, a cartridge that was
// closed is, and one with images behind the backup takes more.
TEST_F(Rebuilding, T12_AnEarlyBackupStandsBetweenImagesAndKnowsWhatWasClosed) {
  Pool pool;
  pool.number = 1;
  pool.reclaim_pool = 1;
  pool.encryption = PoolEncryption::kIdentified;
  pool.key_group = "DAILY";
  ASSERT_TRUE(site.live.put(pool));
  site.know_cartridge("A00001L9", 1, MediumEncryption::kIdentified);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kIdentified, CartridgeState::kClosed);
  (void)site.write("A00002L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0002"}});
  (void)site.write("A00001L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0001"}}, true);
  (void)site.append("A00001L9", 1, TapeEncryption::kIdentified, 3, {{.volser = "LV0003"}});
  const auto report = site.rebuild();
  ASSERT_TRUE(report.backup_made);
  EXPECT_EQ(report.count(FindingKind::kHeldPool), 0U);
  EXPECT_EQ(report.count(FindingKind::kTakesMore), 0U);
  EXPECT_EQ(site.fresh.look([](CatalogueView& view) { return view.pool(1); }), pool);
  EXPECT_EQ(cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_EQ(cartridge("A00001L9").next_file, 4U);
  EXPECT_EQ(cartridge("A00002L9").state, CartridgeState::kClosed);
  site.expect_readable("LV0003");
}

// A new site: a backup was ordered before its first volume.
TEST_F(Rebuilding, T12_ACartridgeWithAnEarlyBackupAtItsEndTakesMore) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00003L9", 1, MediumEncryption::kClear);
  site.backup_name = kEarlyBackupName;
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {}, true);
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  site.backup_name = kFinalBackupName;
  (void)site.write("A00003L9", 1, TapeEncryption::kClear, {{.volser = "LV0002"}}, true);
  (void)site.rebuild();
  EXPECT_EQ(cartridge("A00001L9").state, CartridgeState::kFilling) << "or it would be scratch soon";
  EXPECT_EQ(cartridge("A00001L9").next_file, 2U);
  EXPECT_EQ(cartridge("A00002L9").state, CartridgeState::kFilling);
  EXPECT_EQ(cartridge("A00002L9").next_file, 3U);
  EXPECT_EQ(cartridge("A00003L9").state, CartridgeState::kFull);
}

// That a key is asked for says that it was begun encrypted, and the backup knows nothing of that.
TEST_F(Rebuilding, T12_ACartridgeWhoseKeyIsRefusedAndThatTheBackupDoesNotKnowHoldsPools) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  site.pool = 4;
  (void)site.write("A00002L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0002"}});
  site.back.keys.server.refuse = true;
  const auto report = site.rebuild();
  ASSERT_TRUE(report.backup_made);
  const auto pools = site.fresh.look([](CatalogueView& view) { return view.pools(); });
  EXPECT_EQ(pools[4].encryption, PoolEncryption::kHeld);
  EXPECT_EQ(pools[1].encryption, PoolEncryption::kHeld) << "which pool it is of nobody can tell";
  EXPECT_EQ(pools[0].encryption, PoolEncryption::kOff);
}

TEST_F(Rebuilding, T12_ACartridgeThatTheBackupHasInClearAndWhoseKeyIsRefusedHoldsItsPool) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.pool = 4;
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  site.pool = 5;
  site.know_cartridge("A00003L9", 1, MediumEncryption::kIdentified);
  site.pool = 1;
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  (void)site.write("A00002L9", 2, TapeEncryption::kIdentified, {{.volser = "LV0002"}});
  (void)site.write("A00003L9", 1, TapeEncryption::kIdentified, {{.volser = "LV0003"}});
  site.back.keys.server.refuse = true;
  const auto report = site.rebuild();
  const auto pools = site.fresh.look([](CatalogueView& view) { return view.pools(); });
  EXPECT_EQ(pools[4].encryption, PoolEncryption::kHeld);
  EXPECT_EQ(pools[1].encryption, PoolEncryption::kOff);
  EXPECT_EQ(pools[5].encryption, PoolEncryption::kOff) << "as the backup has it: it was known to encrypt";
}

// It was pool 1's, in clear, before it was pool 4's, which encrypts; and so was the default.
TEST_F(Rebuilding, T12_WithoutABackupAGroupGoesOnWhereItsVolumesAreEncrypted) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001", .group = "PAYROLL"}, {.volser = "LV0002"}});
  site.pool = 4;
  (void)site.write("A00002L9", 1, TapeEncryption::kIdentified,
                   {{.volser = "LV0003", .group = "PAYROLL"}, {.volser = "LV0004"}});
  const auto report = site.rebuild();
  const auto groups = site.fresh.look([](CatalogueView& view) { return view.storage_groups(); });
  ASSERT_EQ(groups.size(), 2U);
  for (const auto& group : groups) EXPECT_EQ(group.pool, 4) << group.name;
  EXPECT_THAT(report.findings, Contains(Finding{FindingKind::kNewConstruct, "PAYROLL",
                                                "storage group, pool 4, where its volumes are encrypted"}));
}

TEST_F(Rebuilding, T12_TheEngineTellsOnceThatItsCatalogueWasRebuilt) {
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  (void)site.rebuild();
  Notices notices(site.back.sim.clock, nullptr);
  done(say_rebuilt(*site.live, notices));
  EXPECT_TRUE(notices.since(0).empty());
  done(say_rebuilt(*site.fresh, notices));
  done(say_rebuilt(*site.fresh, notices));
  ASSERT_EQ(notices.since(0).size(), 1U);
  EXPECT_EQ(notices.since(0).front().kind, NoticeKind::kCatalogueRebuilt);
  EXPECT_EQ(code_of(notices.since(0).front().kind), "TWE010I");
}

}  // namespace
}  // namespace tapewarden::engine::test
