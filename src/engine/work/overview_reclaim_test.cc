// The overview "TS7700 encryption", section "Moving data to encrypted storage pools": the method by reclaim
// and its policies, paragraph by paragraph (docs/overview-scenarios.md).
#include "engine/work/overview_test_kit.h"

namespace tapewarden::engine::test {
namespace {

TEST_F(MovingData, T7_MovingData_ReclamationProcessingMethod) {
  migrated(1, 2);
  fill("A00001L9");
  change_properties();
  policy({.threshold_percent = 0, .days_since_written = 30});
  bench.steps();
  EXPECT_TRUE(on_old_tape(1)) << "the policies set the pace";
  policy({.threshold_percent = 0, .days_since_written = 1});
  after(days(1));
  expect_moved(1, 2);
  expect_returned("A00001L9");
}

TEST_F(MovingData, T6_MovingData_ReclaimPercentageThreshold) {
  EXPECT_EQ(Pool().reclaim.threshold_percent, 35) << "the policy of a pool for which nothing was settled";
  EXPECT_EQ(Pool().reclaim, ReclaimPolicies{.threshold_percent = 35});
  migrated(1, 4);
  fill("A00001L9");
  migrated(1, 2);  // half of it is active
  change_properties();
  policy({.threshold_percent = 35});
  after(days(400));
  EXPECT_TRUE(on_old_tape(3) && on_old_tape(4)) << "half of it is active";
  migrated(3, 3, 2);  // a quarter
  bench.steps();
  EXPECT_EQ(pool_of(4), 2);
  expect_returned("A00001L9");
  for (const int percent : {4, 96}) {
    Pool pool = default_pools()[1];
    pool.reclaim.threshold_percent = static_cast<std::uint8_t>(percent);
    EXPECT_FALSE(check(pool)) << percent;
  }
  bench.expect_everything_readable();
}

TEST_F(MovingData, T6_MovingData_DaysSinceLastAccessed) {
  migrated(1, 2);
  fill("A00001L9");
  change_properties();
  policy({.threshold_percent = 0, .days_without_access = 3});
  after(days(2));
  bench.ask(volser(1));
  bench.steps();
  ASSERT_EQ(bench.evict(volser(1)), 1U);
  after(days(2));
  EXPECT_TRUE(on_old_tape(1)) << "recalled two days ago";
  after(days(1));
  expect_moved(1, 2);
}

TEST_F(MovingData, T6_MovingData_DaysSinceLastWritten) {
  migrated(1, 1);
  after(days(2));
  migrated(2, 2);  // appended
  fill("A00001L9");
  change_properties();
  policy({.threshold_percent = 0, .days_since_written = 3});
  after(days(2));
  EXPECT_TRUE(on_old_tape(1) && on_old_tape(2)) << "it was written to two days ago";
  bench.ask(volser(1));
  bench.steps();
  ASSERT_EQ(bench.evict(volser(1)), 1U);
  after(days(1));
  expect_moved(1, 2);  // that it was read meanwhile does not count
}

TEST_F(MovingData, T6_MovingData_DaysSinceLastDataInactivation) {
  migrated(1, 4);
  fill("A00001L9");
  change_properties();
  policy({.threshold_percent = 0, .days_without_inactivation = 3, .max_active_percent = 60});
  after(days(10));
  EXPECT_TRUE(on_old_tape(4)) << "nothing of it was ever inactivated";
  migrated(1, 1, 2);
  after(days(10));
  EXPECT_TRUE(on_old_tape(4)) << "three quarters of it are active";
  migrated(2, 2, 2);
  after(days(2));
  EXPECT_TRUE(on_old_tape(4)) << "half is active, but for two days only";
  after(days(1));
  expect_moved(1, 4);
}

TEST_F(MovingData, T6_MovingData_MaximumActiveDataGoesWithInactivationAlone) {
  migrated(1, 2);
  fill("A00001L9");
  change_properties();
  migrated(1, 1, 2);  // half of it is active
  policy({.threshold_percent = 0, .days_without_inactivation = 0, .max_active_percent = 95});
  after(days(400));
  EXPECT_TRUE(on_old_tape(2)) << "by itself it makes nothing eligible";
  policy({.threshold_percent = 60, .days_without_inactivation = 0, .max_active_percent = 5});
  bench.steps();
  expect_moved(1, 2);  // and does not hold back what the threshold makes eligible
}

TEST_F(MovingData, T6_MovingData_RewrittenAndDeletedDataIsInactive) {
  migrated(1, 3);
  fill("A00001L9");
  const auto all = bench.cartridge("A00001L9");
  EXPECT_EQ(all.active_volumes, 3U);
  migrated(1, 1, 2);  // a host wrote it anew
  const auto rewritten = bench.cartridge("A00001L9");
  EXPECT_EQ(rewritten.active_volumes, 2U);
  EXPECT_LT(rewritten.active_bytes, all.active_bytes);
  bench.edit_volume(volser(2), [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  EXPECT_EQ(bench.cartridge("A00001L9").active_volumes, 2U) << "expired, and not deleted yet";
  bench.edit_volume(volser(2), [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.contents.erase(volser(2));
  const auto deleted = bench.cartridge("A00001L9");
  EXPECT_EQ(deleted.active_volumes, 1U);
  EXPECT_EQ(deleted.written_bytes, all.written_bytes) << "the rest of it is still there";
  change_properties();
  policy({.threshold_percent = 40});
  bench.steps();
  expect_moved(3, 3);
}

TEST_F(MovingData, T6_MovingData_PoliciesOfEachPoolAndTheLeastActiveFirst) {
  change_properties();
  policy({.threshold_percent = 0, .days_since_written = 5}, 1);
  policy({.threshold_percent = 0, .days_without_access = 5}, 3);
  migrated(1, 3, 1);
  fill("A00001L9");
  migrated(4, 5, 3);
  fill("A00002L9");
  migrated(6, 6, 1);  // begins a cartridge that is not filled
  bench.edit_pool(3, [](Pool& pool) { pool.reclaim_pool = 2; });
  bench.back.sim.clock.advance(days(6));
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(pool_of(4), 2) << "of pool 3, whose cartridge has less to move, by its own policy";
  EXPECT_EQ(pool_of(5), 2);
  EXPECT_TRUE(on_old_tape(1));
  bench.steps();
  EXPECT_EQ(pool_of(1), 2);
  EXPECT_TRUE(on_old_tape(6)) << "partly filled: not considered";
  EXPECT_EQ(cartridge_of(6).state, CartridgeState::kFilling);
  bench.expect_everything_readable();
}

TEST_F(MovingData, T6_MovingData_ReclaimIsInhibitedAtPeakTimes) {
  change_properties();
  policy({.threshold_percent = 0, .days_since_written = 1});
  migrated(1, 2);
  fill("A00001L9");
  bench.back.sim.clock.advance(days(2));
  const auto now = bench.back.sim.clock.wall_now();
  const auto today = std::chrono::floor<std::chrono::days>(now);
  const auto minute = std::chrono::duration_cast<std::chrono::minutes>(now - today).count();
  const WeeklyWindow peak{.day = static_cast<std::uint8_t>(std::chrono::weekday(today).c_encoding()),
                          .begin_minute = static_cast<std::uint16_t>(minute),
                          .length_minutes = 120};
  done(bench.work->set_reclaim_schedule({{peak}}));
  bench.steps();
  EXPECT_TRUE(on_old_tape(1));
  bench.ask(volser(1));
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{volser(1)}) << "hosts' work goes on";
  after(hours(2));
  expect_moved(1, 2);
}

TEST_F(MovingData, T6_MovingData_WithDualCopyThePoliciesOfBothPools) {
  bench.encrypt_pool(4);
  migrated(1, 2, 1, 3);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) fill(barcode);
  change_properties(1, 2);
  change_properties(3, 4);
  policy({.threshold_percent = 0}, 3);
  policy({.threshold_percent = 0, .days_since_written = 1}, 1);
  after(days(2));
  EXPECT_EQ(pool_of(1), 2);
  EXPECT_EQ(pool_of(1, CopyNumber::kSecondary), 3) << "that pool has no policy yet";
  policy({.threshold_percent = 0, .days_since_written = 1}, 3);
  bench.steps();
  EXPECT_EQ(pool_of(1, CopyNumber::kSecondary), 4);
  EXPECT_EQ(cartridge_of(2, CopyNumber::kSecondary).encryption, MediumEncryption::kIdentified);
  expect_moved(1, 2);
}

}  // namespace
}  // namespace tapewarden::engine::test
