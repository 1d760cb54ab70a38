// The overview "TS7700 encryption", section "Moving data to encrypted storage pools", paragraph by paragraph
// (docs/overview-scenarios.md), over the work with tape alone. What hosts and constructs have to do with it
// is in tests/engine/scenario_moving_test.cc, reclaim's policies in overview_reclaim_test.cc.
#include "engine/work/overview_test_kit.h"

namespace tapewarden::engine::test {
namespace {

TEST_F(MovingData, T7_MovingData_EachWayEndsOnEncryptedCartridges) {
  migrated(1, 2);
  fill("A00001L9");
  change_properties();
  bench.write(volser(3), volume_content(100'000, 3), 2);  // new data of the storage group
  bench.steps();
  EXPECT_EQ(pool_of(3), 2);
  EXPECT_TRUE(on_old_tape(1) && on_old_tape(2)) << "old data stays until it is recalled or reclaimed";
  bench.ask(volser(1));
  bench.steps();
  bench.edit_volume(volser(1), [](LogicalVolume& volume) {  // as when the host unmounts it
    volume.primary_due = true;
    volume.primary_pool = 2;
  });
  bench.steps();
  EXPECT_EQ(pool_of(1), 2);
  EXPECT_TRUE(on_old_tape(2));
  policy({.threshold_percent = 60});
  bench.steps();
  expect_moved(1, 3);
  expect_returned("A00001L9");
}

TEST_F(MovingData, T7_MovingData_WithDualCopyTheSecondaryPoolsLikewise) {
  bench.encrypt_pool(4);
  migrated(1, 2, 1, 3);
  ASSERT_EQ(pool_of(1, CopyNumber::kSecondary), 3);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) fill(barcode);
  change_properties(1, 2);
  change_properties(3, 4);
  for (const auto* barcode : {"A00001L9", "A00002L9"})
    move(barcode, MoveRequest::When::kNow, bench.cartridge(barcode).pool == 1 ? 2 : 4);
  bench.steps();
  for (unsigned i = 1; i <= 2; ++i) {
    EXPECT_EQ(pool_of(i, CopyNumber::kSecondary), 4);
    EXPECT_EQ(cartridge_of(i, CopyNumber::kSecondary).encryption, MediumEncryption::kIdentified);
  }
  expect_moved(1, 2);
}

TEST_F(MovingData, T7_MovingData_NewMediaInTheSameMove) {
  bench.add_scratch("J00001", 5, MediumKind::k3592);
  bench.edit_pool(5, [](Pool& pool) {
    pool.media = MediumKind::k3592;
    pool.encryption = PoolEncryption::kWrapped;
    pool.labels[0] = {"KEK 1", LabelMode::kClear};
  });
  migrated(1, 2);
  fill("A00001L9");
  change_properties(1, 5);
  policy({.threshold_percent = 0, .days_since_written = 1});
  after(days(2));
  EXPECT_EQ(bench.on(volser(1)), "J00001/1");
  EXPECT_EQ(bench.on(volser(2)), "J00001/2");
  EXPECT_EQ(bench.cartridge("J00001").kind, MediumKind::k3592);
  EXPECT_EQ(bench.cartridge("J00001").encryption, MediumEncryption::kWrapped);
  expect_returned("A00001L9");
  bench.expect_everything_readable();
}

TEST_F(MovingData, T7_MovingData_RecallDataMethod) {
  migrated(1, 2);
  fill("A00001L9");
  change_properties();
  for (unsigned i = 1; i <= 2; ++i) bench.ask(volser(i));
  bench.steps();
  EXPECT_TRUE(on_old_tape(1)) << "recalled, and not unmounted yet";
  EXPECT_TRUE(bench.volume(volser(1)).cached && bench.volume(volser(2)).cached) << "it takes cache space";
  for (unsigned i = 1; i <= 2; ++i)  // as when hosts unmount them, and their storage group names the new pool
    bench.edit_volume(volser(i), [](LogicalVolume& volume) {
      volume.primary_due = true;
      volume.primary_pool = 2;
    });
  bench.steps();
  expect_moved(1, 2);
  expect_returned("A00001L9");
}

TEST_F(MovingData, T7_MovingData_RecallInTheOrderOfTheTapeIsOneMount) {
  migrated(1, 4);
  for (const unsigned i : {3U, 1U, 4U, 2U}) bench.ask(volser(i));
  const auto mounts = bench.work->traces().of_cartridge("A00001L9").size();
  EXPECT_EQ(bench.steps(), 1U);
  EXPECT_EQ(bench.work->traces().of_cartridge("A00001L9").size(), mounts + 1);
  EXPECT_EQ(bench.told, (std::vector<std::string>{"VOL001", "VOL002", "VOL003", "VOL004"}));
}

TEST_F(MovingData, T7_MovingData_MoveLogicalVolumesMethod) {
  migrated(1, 2);
  fill("A00001L9");
  migrated(3, 4);
  fill("A00002L9");
  policy({.threshold_percent = 0, .days_since_written = 30});
  move("A00001L9", MoveRequest::When::kNow);
  move("A00002L9", MoveRequest::When::kWhenEligible);
  bench.steps();
  for (unsigned i = 1; i <= 2; ++i) {
    EXPECT_EQ(pool_of(i), 2) << "at once";
    EXPECT_FALSE(bench.volume(volser(i)).cached) << "from tape to tape: no cache space is needed";
  }
  EXPECT_TRUE(on_old_tape(3) && on_old_tape(4)) << "not eligible yet";
  after(days(30));
  for (unsigned i = 3; i <= 4; ++i) EXPECT_EQ(pool_of(i), 2) << "to its target, not the pool's own";
  expect_moved(1, 4);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) expect_returned(barcode);
}

TEST_F(MovingData, T7_MovingData_CleanUp) {
  change_properties();
  policy({.threshold_percent = 60, .days_without_access = 1, .days_since_written = 1});
  migrated(1, 2);
  fill("A00001L9");
  migrated(3, 3);
  after(days(2));
  EXPECT_EQ(pool_of(1), 2);
  EXPECT_TRUE(on_old_tape(3)) << "partly filled when the migration began: no policy takes it";
  move("A00002L9", MoveRequest::When::kNow);
  bench.steps();
  expect_moved(1, 3);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) expect_returned(barcode);
}

TEST_F(MovingData, T7_MovingData_TheOldPoolIsFreeForOtherUses) {
  change_properties();
  migrated(1, 2);
  move("A00001L9", MoveRequest::When::kNow);
  bench.steps();
  expect_moved(1, 2);
  done(bench.catalogue->read([](CatalogueView& view) -> Status {
    EXPECT_EQ(TRY(view.cartridges({.pool = 1}, {})).items, std::vector<PhysicalVolume>());
    return {};
  }));
  bench.add_scratch("J00001", 1, MediumKind::k3592);
  bench.edit_pool(1, [](Pool& pool) {
    pool = default_pools()[1];
    pool.name = "vault";
    pool.media = MediumKind::k3592;
    pool.encryption = PoolEncryption::kWrapped;
    pool.labels[0] = {"KEK 2", LabelMode::kHash};
  });
  bench.write(volser(3), volume_content(100'000, 3), 1);
  bench.steps();
  EXPECT_EQ(bench.on(volser(3)), "J00001/1");
  EXPECT_EQ(bench.cartridge("J00001").labels[0].text, "KEK 2");
  bench.expect_everything_readable();
}

}  // namespace
}  // namespace tapewarden::engine::test
