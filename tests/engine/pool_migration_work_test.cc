// A migration of a pool with the work with tape that carries it out (feature row T7), in steps.
#include <gmock/gmock.h>

#include "engine/operator/pool_migrations.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using State = PoolMigrationState;

constexpr std::uint8_t kOld = 1;
constexpr std::uint8_t kNew = 2;
constexpr unsigned kVolumes = 6;

std::string volser(unsigned number) {
  return "VOL00" + std::to_string(number);
}

// Six volumes in clear: four on a full cartridge, two on one that takes more. None is in the cache.
struct MigrationBench {
  MigrationBench() {
    for (const auto* barcode : {"A00003L9", "A00004L9"}) bench.add_scratch(barcode);
    bench.edit_pool(kOld, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0}; });
    write(1, 4);
    bench.edit_cartridge("A00001L9", [](PhysicalVolume& full) { full.state = CartridgeState::kFull; });
    write(5, kVolumes);
    for (unsigned i = 1; i <= kVolumes; ++i) EXPECT_EQ(bench.evict(volser(i)), 1U);
    bench.encrypt_pool(kNew);
    bench.back.sim.clock.advance(std::chrono::minutes(1));
  }
  void write(unsigned from, unsigned to) {
    for (unsigned i = from; i <= to; ++i)
      bench.write(volser(i), volume_content(100'000, static_cast<std::uint8_t>(i)), kOld);
    bench.steps();
  }
  PoolMigrations migrations() {
    return PoolMigrations({.env = bench.env(),
                           .catalogue = *bench.catalogue,
                           .notices = *bench.notices,
                           .hold = [this](const std::string& barcode) -> Result<std::shared_ptr<void>> {
                             auto claim = bench.work->claim_cartridge(barcode);
                             if (!claim) return fail(ErrorCode::kConflict, "work is under way", "barcode");
                             return std::make_shared<Claims::Claim>(*std::move(claim));
                           },
                           .wake = [this] { bench.work->try_again(); }});
  }
  PoolMigration start(const MigrationRequest& request = {kOld, kNew}) {
    return take(migrations().start(request, "operator-1"));
  }
  // As the program does it: work as far as it goes, then a look at the migration.
  State go_on() {
    for (unsigned turn = 0; turn < 10; ++turn) {
      bench.steps();
      done(migrations().advance());
      if (ended(state())) break;
    }
    return state();
  }
  State state(std::uint64_t number = 1) { return take(migrations().progress(number)).migration.state; }
  // Every volume lies in that pool, on a cartridge that was encrypted.
  void expect_all_in(std::uint8_t pool) {
    for (unsigned i = 1; i <= kVolumes; ++i) {
      const auto on = bench.cartridge(bench.volume(volser(i)).primary->cartridge);
      EXPECT_EQ(on.pool, pool) << volser(i);
      EXPECT_EQ(on.encryption, MediumEncryption::kIdentified) << volser(i);
    }
  }

  WorkBench bench;
};

TEST(PoolMigrationAtWork, T7_APoolInClearIsMovedToOneThatEncrypts) {
  MigrationBench test;
  EXPECT_EQ(test.start().counts.volumes, kVolumes);
  EXPECT_EQ(test.go_on(), State::kFinished);
  test.expect_all_in(kNew);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) {
    EXPECT_EQ(test.bench.cartridge(barcode).state, CartridgeState::kScratch);
    EXPECT_EQ(test.bench.cartridge(barcode).pool, kCommonPool) << "borrowed, and given back";
  }
  test.bench.expect_everything_readable();
}

TEST(PoolMigrationAtWork, T7_WithOneDriveItGoesThroughTheCache) {
  MigrationBench test;
  test.bench.start_work({BackEnd::kOtherLtoDrive});
  test.start();
  EXPECT_EQ(test.go_on(), State::kFinished);
  test.expect_all_in(kNew);
  test.bench.expect_everything_readable();
}

TEST(PoolMigrationAtWork, T7_APowerLossInTheMiddleOfItLosesNothing) {
  MigrationBench test;
  test.start();
  ASSERT_TRUE(take(test.bench.work->step()));
  test.bench.lose_power();
  EXPECT_EQ(test.go_on(), State::kFinished);
  test.expect_all_in(kNew);
  test.bench.expect_everything_readable();
}

TEST(PoolMigrationAtWork, T7_WithinAPoolEverythingIsWrittenWithOtherKeys) {
  MigrationBench test;
  test.start();
  ASSERT_EQ(test.go_on(), State::kFinished);
  const auto before = test.bench.volume(volser(1)).primary->cartridge;
  test.bench.back.sim.clock.advance(std::chrono::minutes(1));
  const auto begun =
      test.start({kNew, kNew, MoveRequest::When::kNow, PoolKeys{PoolEncryption::kIdentified, {}, "POOL1"}});
  EXPECT_EQ(begun.counts.volumes, kVolumes);
  for (unsigned turn = 0; turn < 10 && !ended(test.state(2)); ++turn) test.go_on();
  EXPECT_EQ(test.state(2), State::kFinished);
  EXPECT_NE(test.bench.volume(volser(1)).primary->cartridge, before);
  test.expect_all_in(kNew);
  test.bench.expect_everything_readable();
}

TEST(PoolMigrationAtWork, T7_WithoutScratchItWaitsAndSaysSo) {
  MigrationBench test;
  test.start();
  for (const auto* barcode : {"A00003L9", "A00004L9"})
    test.bench.edit_cartridge(barcode, [](PhysicalVolume& taken) { taken.pool = taken.home_pool = 9; });
  EXPECT_EQ(test.go_on(), State::kMoving);
  const auto progress = take(test.migrations().progress(1));
  EXPECT_EQ(progress.percent, 0U);
  ASSERT_FALSE(progress.hindrances.empty());
  EXPECT_EQ(progress.hindrances.front().kind, MigrationHindrance::Kind::kNoScratch);
  test.bench.edit_cartridge("A00003L9",
                            [](PhysicalVolume& back) { back.pool = back.home_pool = kCommonPool; });
  test.bench.work->try_again();
  EXPECT_EQ(test.go_on(), State::kFinished);
  test.bench.expect_everything_readable();
}

}  // namespace
}  // namespace tapewarden::engine::test
