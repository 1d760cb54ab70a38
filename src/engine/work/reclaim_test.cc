#include "engine/work/limits.h"
#include "engine/work/reclaim_schedule.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using std::chrono::hours;

std::string volser(unsigned number) {
  return "VOL00" + std::to_string(number);
}
void write_some(WorkBench& bench, unsigned from, unsigned to, std::uint8_t pool = 1) {
  for (unsigned i = from; i <= to; ++i) {
    bench.write(volser(i), volume_content(100'000, static_cast<std::uint8_t>(i)), pool);
    bench.back.sim.clock.advance(std::chrono::seconds(1));
  }
  bench.steps();
}
void fill(WorkBench& bench, const std::string& barcode) {
  bench.edit_cartridge(barcode, [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kFull;
    cartridge.full_since = bench.back.sim.clock.wall_now();
  });
}
// A00001L9 is full, and of its four volumes only the last is of now. The others went to A00002L9.
void mostly_inactive(WorkBench& bench) {
  write_some(bench, 1, 4);
  fill(bench, "A00001L9");
  ASSERT_EQ(bench.evict("VOL004"), 1U);
  bench.work->set_reclaim_schedule({{{.day = 0, .begin_minute = 0, .length_minutes = 10'080}}}).value();
  write_some(bench, 1, 3);
  bench.work->set_reclaim_schedule({}).value();
}

TEST(Reclaim, T6_TheLastActiveVolumesGoFromTapeToTape) {
  WorkBench bench;
  mostly_inactive(bench);
  const auto before = bench.volume("VOL004");
  EXPECT_GT(bench.steps(), 0U);
  EXPECT_EQ(bench.on("VOL004"), "A00002L9/4");
  const auto after = bench.volume("VOL004");
  EXPECT_EQ(after.generation, before.generation);
  EXPECT_FALSE(after.cached) << "no cache space is needed";
  EXPECT_EQ(after.cache_file, before.cache_file);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00001L9").pool, kCommonPool) << "borrowed, and returned";
  EXPECT_EQ(bench.work->traces().of_volume("VOL004").front()->barcode, "A00001L9");
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_WithOneDriveTheyGoThroughTheCache) {
  WorkBench bench;
  mostly_inactive(bench);
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00002L9/4");
  EXPECT_EQ(bench.volume("VOL004").residence(), Residence::kPremigrated);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_NothingIsStagedThatCouldNotLeaveTheCacheAgain) {
  WorkBench bench;
  mostly_inactive(bench);
  bench.edit_pool(1, [](Pool& pool) {
    pool.reclaim_pool = 5;
    pool.borrow = Borrow::kNo;
  });
  bench.edit_pool(5, [](Pool& pool) { pool.borrow = Borrow::kNo; });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.steps();
  EXPECT_FALSE(bench.volume("VOL004").cached) << "pool 5 has no cartridge";
  EXPECT_FALSE(bench.volume("VOL004").primary_due);
  bench.add_scratch("A00003L9", 5);
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL004"), "A00003L9/1");
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_StagingTakesAPartOfTheCacheAtATime) {
  WorkBench bench({.cache = {.bytes = 1'200'000}});
  write_some(bench, 1, 4);
  fill(bench, "A00001L9");
  for (unsigned i = 1; i <= 4; ++i) ASSERT_EQ(bench.evict(volser(i)), 1U);
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0, .days_since_written = 1}; });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.sim.clock.advance(hours(25));
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_FALSE(bench.volume("VOL004").primary_due) << "a quarter of the cache is not enough for all of them";
  bench.wait_and_step();
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL004"), "A00002L9/4");
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_TheLastScratchCartridgeIsLeftToWhatMakesOthersScratch) {
  WorkBench bench;
  write_some(bench, 1, 4);
  fill(bench, "A00001L9");
  ASSERT_EQ(bench.evict("VOL004"), 1U);
  for (unsigned i = 1; i <= 3; ++i)
    bench.write(volser(i), volume_content(100'000, static_cast<std::uint8_t>(i)), 1);
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00002L9/1") << "reclaim began it";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/2");
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  // In a window in which reclaim is inhibited nothing is kept for it.
  fill(bench, "A00002L9");
  done(bench.work->set_reclaim_schedule({{{.day = 0, .begin_minute = 0, .length_minutes = 10'080}}}));
  for (unsigned i = 1; i <= 3; ++i)
    bench.write(volser(i), volume_content(100'000, static_cast<std::uint8_t>(i)), 1);
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_TheTargetIsThePoolsReclaimPool) {
  WorkBench bench;
  bench.encrypt_pool(5);
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim_pool = 5; });
  bench.add_scratch("A00003L9");
  mostly_inactive(bench);
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00003L9/1");
  EXPECT_EQ(bench.cartridge("A00003L9").pool, 5);
  EXPECT_EQ(bench.cartridge("A00003L9").encryption, MediumEncryption::kIdentified);
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_OnlyFilledCartridgesAreReclaimed) {
  WorkBench bench;
  write_some(bench, 1, 4);
  write_some(bench, 1, 3);
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00001L9/4");
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
}

TEST(Reclaim, T6_WhatNobodyFillsAnyMoreIsClosed) {
  WorkBench bench;
  write_some(bench, 1, 1);
  ASSERT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  write_some(bench, 2, 2, 2);
  bench.edit_volume("VOL002", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL002", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.contents.erase("VOL002");
  bench.encrypt_pool(1);
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed) << "in clear, and its pool encrypts";
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch) << "nothing lies on it";
  EXPECT_EQ(bench.cartridge("A00002L9").pool, kCommonPool) << "borrowed, and returned";
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0, .days_since_written = 1}; });
  bench.wait_and_step(hours(25));
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "closed ones are reclaimed";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  bench.expect_everything_readable();
}

TEST(Reclaim, T6_TheLeastActiveComesFirstOverAllPools) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  bench.add_scratch("A00004L9");
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim.days_since_written = 1; });
  bench.edit_pool(2, [](Pool& pool) { pool.reclaim.days_since_written = 1; });
  write_some(bench, 1, 2, 1);
  write_some(bench, 3, 3, 2);
  fill(bench, "A00001L9");
  fill(bench, "A00002L9");
  bench.steps();
  bench.back.sim.clock.advance(hours(25));
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.on("VOL003"), "A00003L9/1") << "of pool 2, which has less";
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.steps();
  EXPECT_NE(bench.on("VOL001"), "A00001L9/1");
}

TEST(Reclaim, T6_EachPolicyMakesEligibleByItself) {
  const std::vector<ReclaimPolicies> policies = {
      {.threshold_percent = 60, .max_active_percent = 65},
      {.threshold_percent = 0, .days_without_access = 3},
      {.threshold_percent = 0, .days_since_written = 3},
      {.threshold_percent = 0, .days_without_inactivation = 3, .max_active_percent = 60}};
  for (const auto& policy : policies) {
    WorkBench bench;
    write_some(bench, 1, 2);
    fill(bench, "A00001L9");
    bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0}; });
    write_some(bench, 1, 1);
    bench.back.sim.clock.advance(hours(73));
    bench.steps();
    EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
    bench.edit_pool(1, [&](Pool& pool) { pool.reclaim = policy; });
    bench.steps();
    EXPECT_EQ(bench.on("VOL002"), "A00002L9/2");
  }
}

TEST(Reclaim, T6_WhileItIsInhibitedNoneBegins) {
  WorkBench bench;
  mostly_inactive(bench);
  const auto day = std::chrono::floor<std::chrono::days>(bench.back.sim.clock.wall_now());
  const auto weekday = static_cast<std::uint8_t>(std::chrono::weekday(day).c_encoding());
  const ReclaimSchedule schedule{{{.day = weekday, .begin_minute = 0, .length_minutes = 1440}}};
  done(bench.work->set_reclaim_schedule(schedule));
  EXPECT_EQ(bench.work->reclaim_schedule(), schedule);
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00001L9/4");
  bench.back.sim.clock.advance(hours(24));
  bench.steps();
  EXPECT_EQ(bench.on("VOL004"), "A00002L9/4");
}

TEST(Reclaim, T6_AScheduleIsHeldAgainstTheWeek) {
  ReclaimSchedule schedule{{{.day = 6, .begin_minute = 1380, .length_minutes = 120}}};  // around its end
  done(schedule.check());
  const auto sunday = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};
  EXPECT_TRUE(schedule.inhibits(sunday + std::chrono::minutes(59)));
  EXPECT_FALSE(schedule.inhibits(sunday + std::chrono::minutes(60)));
  EXPECT_TRUE(schedule.inhibits(sunday - std::chrono::minutes(60)));
  EXPECT_FALSE(schedule.inhibits(sunday - std::chrono::minutes(61)));
  for (const WeeklyWindow bad : {WeeklyWindow{.day = 7, .begin_minute = 0, .length_minutes = 1},
                                 WeeklyWindow{.day = 0, .begin_minute = 1440, .length_minutes = 1},
                                 WeeklyWindow{.day = 0, .begin_minute = 0, .length_minutes = 0},
                                 WeeklyWindow{.day = 0, .begin_minute = 0, .length_minutes = 10'081}})
    EXPECT_FALSE((ReclaimSchedule{{bad}}.check()));
  EXPECT_FALSE((ReclaimSchedule{std::vector<WeeklyWindow>(101, {.length_minutes = 1})}.check()));
}

TEST(Reclaim, T6_AVolumeThatCannotBeReadStaysAndTheOthersGo) {
  WorkBench bench;
  write_some(bench, 1, 3);
  for (unsigned i = 1; i <= 3; ++i) ASSERT_EQ(bench.evict(volser(i)), 1U);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  // The header of VOL002: behind label and filemark, and header, data, trailer and filemark of VOL001.
  unsigned reads = 0;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      if (!is_command(cdb, scsi::Opcode::kRead6) || ++reads != 7) return std::nullopt;
      return sense_answer(codes::kUnrecoveredReadError);
    };
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
  EXPECT_EQ(bench.on("VOL003"), "A00002L9/2");
  EXPECT_TRUE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL002"));
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/3") << "it could be read after all";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kDamaged) << "it is not scratch again";
  bench.expect_everything_readable();
}

TEST(Move, T7_AtOnceAlsoWhatIsNotFull) {
  WorkBench bench;
  bench.encrypt_pool(2);
  write_some(bench, 1, 2);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  done(bench.work->set_reclaim_schedule({{{.day = 0, .begin_minute = 0, .length_minutes = 10'080}}}));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "an operator's wish is no reclaim";
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/2");
  EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00001L9").move, MoveRequest{});
  bench.expect_everything_readable();
}

TEST(Move, T7_WhenEligibleItWaitsForThePolicy) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0, .days_since_written = 2}; });
  write_some(bench, 1, 1);
  fill(bench, "A00001L9");
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kWhenEligible, .target_pool = 2};
  });
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.back.sim.clock.advance(hours(49));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").pool, 2);
}

// A cartridge of the target takes more, and holds the volume's other copy.
TEST(Move, T7_TheTwoCopiesOfAVolumeNeverLieOnOneCartridge) {
  for (const bool one_drive : {false, true}) {
    SCOPED_TRACE(one_drive);
    WorkBench bench;
    bench.write("VOL001", volume_content(300'000, 1), 1, 2);
    bench.steps();
    ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
    ASSERT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
    if (one_drive) bench.start_work({BackEnd::kLtoDrive});
    bench.edit_cartridge("A00001L9",
                         [](PhysicalVolume& cartridge) { cartridge.move = {MoveRequest::When::kNow, 2}; });
    bench.steps();
    EXPECT_EQ(bench.on("VOL001"), "A00001L9/1") << "there is no other cartridge";
    EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 2"));
    bench.add_scratch("A00003L9");
    bench.wait_and_step();
    EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
    EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
    EXPECT_EQ(bench.interventions(), std::vector<std::string>());
    bench.expect_everything_readable();
  }
}

TEST(Move, T7_AnImageBesideWhichTheOtherCopyCameToLieMeanwhileDoesNotCount) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  write_some(bench, 1, 1);
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  unsigned writes = 0;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      if (is_command(cdb, scsi::Opcode::kWrite6) && ++writes == 2)  // behind the label
        bench.edit_volume("VOL001", [](LogicalVolume& volume) {
          volume.secondary = Copy{"A00002L9", 1, 9, 90, 1000, volume.generation};
        });
      return std::nullopt;
    };
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  bench.steps();
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/9");
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1") << "moved once more, to another cartridge";
  bench.expect_sound();
}

TEST(Move, T7_SecondCopiesStaySecondCopies) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  bench.write("VOL001", volume_content(100'000, 1), 1, 2);
  bench.steps();
  ASSERT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
  bench.edit_cartridge("A00002L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 3};
  });
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00003L9/1");
}

TEST(SecureErase, T13_AnEmptiedCartridgeIsOverwrittenBeforeItIsScratch) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.secure_erase_days = 3; });
  write_some(bench, 1, 1);
  ASSERT_NE(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  EXPECT_TRUE(take(bench.work->step()));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00001L9").encryption, MediumEncryption::kUnknown);
  EXPECT_EQ(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
  EXPECT_EQ(bench.work->traces().of_cartridge("A00001L9").front()->purpose, "erase");
  bench.write("VOL002", volume_content(100'000, 2));
  bench.steps();
  bench.expect_everything_readable();
}

TEST(SecureErase, T13_AnEraseThatWasAskedForIsDoneWhenTheCartridgeComesBack) {
  WorkBench bench;
  write_some(bench, 1, 1);
  fill(bench, "A00001L9");
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.contents.clear();
  for (const auto state : {CartridgeState::kAwaitingErase, CartridgeState::kEjected, CartridgeState::kFull})
    bench.edit_cartridge("A00001L9", [&](PhysicalVolume& one) { one.state = state; });
  ASSERT_NE(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
}

TEST(SecureErase, T13_ItComesBeforeOtherWorkOnlyWhenItIsDue) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.secure_erase_days = 3; });
  write_some(bench, 1, 1);
  write_some(bench, 1, 1);
  fill(bench, "A00001L9");
  bench.start_work({BackEnd::kLtoDrive});
  bench.write("VOL001", volume_content(100'000, 3));
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "hosts' data first";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kAwaitingErase);
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
}

TEST(SecureErase, T13_WhenItsTimeHasComeItIsErasedFirst) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.secure_erase_days = 3; });
  write_some(bench, 1, 1);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.contents.clear();
  bench.back.sim.clock.advance(hours(49));
  bench.write("VOL002", volume_content(100'000, 2));
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.on("VOL002"), "nowhere");
}

// Pool 1 encrypts, and pool 9 was never set: what an order in the catalogue says is not enough.
TEST(Reclaim, T3_AMoveOfAPoolThatEncryptsIsHeldFromClearUntilItIsSaid) {
  for (const bool pair : {true, false}) {
    WorkBench bench;
    bench.encrypt_pool(1);
    write_some(bench, 1, 2);
    ASSERT_EQ(bench.evict("VOL001"), 1U);
    const auto move = [&](MoveRequest to) {
      bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
        cartridge.state = CartridgeState::kClosed;
        cartridge.move = to;
      });
    };
    if (!pair) bench.start_work({BackEnd::kOtherLtoDrive});
    move({MoveRequest::When::kNow, 9});
    bench.wait_and_step();
    EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
    EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch) << "nothing was begun in clear";
    EXPECT_TRUE(bench.raised(NoticeKind::kHeldFromClear, "A00001L9"));
    EXPECT_NE(bench.open_texts().find("--allow-clear"), std::string::npos);
    move({MoveRequest::When::kNow, 9, true});
    bench.wait_and_step();
    EXPECT_EQ(bench.on("VOL001").substr(0, 8), "A00002L9");
    EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kClear);
    EXPECT_FALSE(bench.raised(NoticeKind::kHeldFromClear, "A00001L9"));
    bench.expect_everything_readable();
  }
}

TEST(Reclaim, T3_WhatAPoolEncryptsIsNotReclaimedIntoClear) {
  WorkBench bench;
  bench.encrypt_pool(1);
  mostly_inactive(bench);
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim_pool = 9; });
  bench.add_scratch("A00003L9");
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL004"), "A00001L9/4");
  EXPECT_EQ(bench.cartridge("A00003L9").state, CartridgeState::kScratch);
  EXPECT_TRUE(bench.raised(NoticeKind::kHeldFromClear, "pool 1"));
  bench.edit_pool(1, [](Pool& pool) { pool.clear_reclaim_pool = 9; });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL004"), "A00003L9/1");
  EXPECT_FALSE(bench.raised(NoticeKind::kHeldFromClear, "pool 1"));
  bench.expect_everything_readable();
}

// As of the TS7700: a pool's settings count when a cartridge is written from its beginning.
TEST(Reclaim, T3_WithinAPoolThatIsSetToOffItIsWrittenInClear) {
  WorkBench bench;
  bench.encrypt_pool(1);
  write_some(bench, 1, 1);
  bench.edit_pool(1, [](Pool& pool) { pool.encryption = PoolEncryption::kOff; });
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 1};
  });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kClear);
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
}

// What was brought into the cache for a pool that encrypted then.
TEST(Reclaim, T3_WhatIsStagedForAPoolThatIsSetToOffMeanwhileIsHeld) {
  WorkBench bench;
  bench.encrypt_pool(1);
  write_some(bench, 1, 1);
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 5};
  });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.primary_due = true;
    volume.primary_pool = 5;
  });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  EXPECT_TRUE(bench.raised(NoticeKind::kHeldFromClear, "A00001L9"));
  bench.encrypt_pool(5);
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.expect_everything_readable();
}

// It was brought into the cache with leave; without the move there is none.
TEST(Reclaim, T3_WhatIsStagedForClearStaysWhereItIsWhenTheMoveIsTakenBack) {
  WorkBench bench;
  bench.encrypt_pool(1);
  write_some(bench, 1, 1);
  bench.edit_cartridge("A00001L9",
                       [&](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kClosed; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.primary_due = true;
    volume.primary_pool = 5;
  });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  EXPECT_FALSE(bench.volume("VOL001").primary_due) << "it need not stay in the cache";
  EXPECT_EQ(bench.evict("VOL001"), 1U);
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_EQ(bench.messages(), std::vector<std::string>());
  for (const auto& notice : bench.notices->since(0)) EXPECT_NE(notice.kind, NoticeKind::kHeldFromClear);
}

// The image that is lost has no cartridge any more that says what may become of it.
TEST(Reclaim, T3_ALostImageIsWrittenAnewInClearOnlyWithTheLeaveOfThen) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.add_scratch("A00003L9");
  write_some(bench, 1, 1);
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 9, true};
  });
  unsigned reads = 0;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      if (!is_command(cdb, scsi::Opcode::kRead6) || ++reads != 5) return std::nullopt;
      bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) { cartridge.move = {}; });
      return sense_answer(codes::kUnrecoveredReadError);
    };
  bench.steps();
  ASSERT_GE(reads, 5U);
  bench.wait_and_step();
  const auto on = bench.volume("VOL001").primary->cartridge;
  EXPECT_NE(on, "A00001L9") << "it was lost there";
  EXPECT_EQ(bench.cartridge(on).encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.cartridge(on).pool, 1);
}

// What lies on a cartridge in doubt is not left there alone.
TEST(Reclaim, T3_WhatIsHeldFromClearAndLiesInDoubtStaysInTheCacheAndIsToldUntilItIsSaid) {
  WorkBench bench;
  bench.encrypt_pool(1);
  write_some(bench, 1, 1);
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.note = "damaged: it met an error";
  });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.primary_due = true;
    volume.primary_pool = 5;
  });
  bench.wait_and_step();
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.evict("VOL001"), 0U);
  EXPECT_TRUE(bench.raised(NoticeKind::kHeldFromClear, "A00001L9"));
  bench.wait_and_step();
  bench.wait_and_step();
  std::size_t told = 0;
  for (const auto& notice : bench.notices->since(0))
    told += notice.kind == NoticeKind::kHeldFromClear ? 1 : 0;
  EXPECT_EQ(told, 1U) << "once, and it stays open";
  bench.encrypt_pool(5);
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_FALSE(bench.raised(NoticeKind::kHeldFromClear, "A00001L9"));
}

// They stand before it by their barcodes, and their target waits.
TEST(Move, T7_HoweverManyCannotBeMovedNowTheyHideNoneThatCan) {
  WorkBench bench;
  write_some(bench, 1, 1);
  bench.edit_pool(5, [](Pool& pool) { pool.encryption = PoolEncryption::kHeld; });
  for (std::size_t i = 1; i <= 2 * kCandidates + 1; ++i) {
    const auto barcode = std::to_string(900'000 + i) + "L9";
    bench.add_scratch(barcode, 2);
    bench.edit_cartridge(barcode, [](PhysicalVolume& cartridge) {
      cartridge.state = CartridgeState::kClosed;
      cartridge.medium = 1;
      cartridge.move = {MoveRequest::When::kNow, 5};
    });
    LogicalVolume volume;
    volume.volser = "L" + std::to_string(10'000 + i);
    volume.category = Category::kPrivate;
    volume.generation = 1;
    volume.primary = Copy{barcode, 1, 1, 10, 1000, 1};
    bench.put(volume);
  }
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 9};
  });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
}

TEST(Move, T7_AMoveThatIsTakenBackEndsAfterTheImageThatItIsAt) {
  WorkBench bench;
  write_some(bench, 1, 4);
  struct TakesBack : Meter {
    WorkBench* bench = nullptr;
    void image_written(std::uint8_t, bool, std::uint64_t, ImageFrom from) override {
      if (from == ImageFrom::kTape)
        bench->edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) { cartridge.move = {}; });
    }
  } meter;
  meter.bench = &bench;
  bench.tell(meter);
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 9};
  });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
  EXPECT_EQ(bench.on("VOL004"), "A00001L9/4");
  bench.expect_everything_readable();
}

}  // namespace
}  // namespace tapewarden::engine::test
