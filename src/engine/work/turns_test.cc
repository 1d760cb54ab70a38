// Whose turn it is: what waits for what, for how long, and what is not waited for any more.
#include <latch>
#include <thread>

#include "engine/work/fault_rules.h"
#include "engine/work/limits.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

void written(WorkBench& bench, const std::string& volser, std::size_t bytes, std::uint8_t pool = 1,
             std::uint8_t second_pool = 0) {
  bench.write(volser, volume_content(bytes, static_cast<std::uint8_t>(volser.back())), pool, second_pool);
  bench.back.sim.clock.advance(std::chrono::seconds(1));
}
void migrated(WorkBench& bench, const std::string& volser, std::size_t bytes, std::uint8_t pool = 1,
              std::uint8_t second_pool = 0) {
  written(bench, volser, bytes, pool, second_pool);
  bench.steps();
  ASSERT_EQ(bench.evict(volser), 1U);
}
void move_now(WorkBench& bench, const std::string& barcode, std::uint8_t target) {
  bench.edit_cartridge(barcode, [&](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = target};
  });
}
// As a job of another drive's thread.
DriveDesk::Claim take_drive(WorkBench& bench, std::size_t drive) {
  auto claim = bench.work->drives().claim_anyhow(*bench.back.stations[drive]);
  EXPECT_TRUE(claim);
  return *std::move(claim);
}

TEST(Turns, T6_ADriveThatBecomesFreeIsLeftToAMoveThatNeedsTwo) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  migrated(bench, "VOL001", 300'000);
  move_now(bench, "A00001L9", 2);
  std::optional other = take_drive(bench, BackEnd::kOtherLtoDrive);
  written(bench, "VOL002", 300'000, 3);
  EXPECT_TRUE(take(bench.work->step())) << "hosts' data goes first";
  EXPECT_NE(bench.on("VOL002"), "nowhere");
  bench.back.sim.clock.advance(kPairPatience);
  written(bench, "VOL003", 300'000, 3);
  EXPECT_FALSE(take(bench.work->step())) << "the drive is kept for the move";
  other.reset();
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_NE(bench.on("VOL001"), "A00001L9/1") << "which has two now";
  EXPECT_EQ(bench.on("VOL003"), "nowhere");
  bench.steps();
  EXPECT_NE(bench.on("VOL003"), "nowhere");
  bench.expect_everything_readable();
}

TEST(Turns, T6_WhoWritesEndsForAMoveThatHasWaitedForTwoDrives) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  migrated(bench, "VOL001", 300'000);
  move_now(bench, "A00001L9", 2);
  const auto other = take_drive(bench, BackEnd::kOtherLtoDrive);
  written(bench, "VOL002", 300'000, 3);
  written(bench, "VOL003", 300'000, 3);
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&, first = true](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kWrite6) && std::exchange(first, false))
      bench.back.sim.clock.advance(kPairPatience);
    return std::nullopt;
  };
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_NE(bench.on("VOL002"), "nowhere");
  EXPECT_EQ(bench.on("VOL003"), "nowhere");
}

TEST(Turns, T6_ADriveIsKeptForAMoveForAWhileOnly) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  migrated(bench, "VOL001", 300'000);
  move_now(bench, "A00001L9", 2);
  const auto other = take_drive(bench, BackEnd::kOtherLtoDrive);  // for hours, to overwrite a cartridge
  written(bench, "VOL002", 300'000, 3);
  bench.steps();
  bench.back.sim.clock.advance(kPairPatience);
  written(bench, "VOL003", 300'000, 3);
  bench.steps();
  ASSERT_EQ(bench.on("VOL003"), "nowhere");
  bench.wait_and_step(kPairHold);
  EXPECT_NE(bench.on("VOL003"), "nowhere");
}

// Another library with a drive of the same kind, between the two of the bench's own.
struct FarLibrary {
  explicit FarLibrary(WorkBench& with) : bench(with) {
    done(second.open());
    bench.work.reset();
    bench.work = std::make_unique<Work>(
        WorkParts{.env = bench.env(),
                  .catalogue = *bench.catalogue,
                  .cached = *bench.cached,
                  .desk = *bench.desk,
                  .notices = *bench.notices},
        std::vector<WorkDrive>{{bench.back.stations[BackEnd::kLtoDrive].get(), MediumKind::kLto},
                               {&far, MediumKind::kLto},
                               {bench.back.stations[BackEnd::kOtherLtoDrive].get(), MediumKind::kLto}},
        WorkOptions{.engine = uuid_of(7)});
  }
  ~FarLibrary() { bench.work.reset(); }
  FarLibrary(const FarLibrary&) = delete;
  FarLibrary& operator=(const FarLibrary&) = delete;

  WorkBench& bench;
  BackEnd there;
  PhysicalLibrary second{"LIB2",
                         *there.to_changer,
                         {{.serial = there.drives[0]->serial()}, {.serial = there.drives[1]->serial()}}};
  TapeStation far{second, *there.drives[0], there.keys, there.sim.clock, there.options};
};
void stands_in(WorkBench& bench, const std::string& barcode, const std::string& library) {
  bench.edit_cartridge(barcode, [&](PhysicalVolume& cartridge) { cartridge.library = library; });
}

TEST(Turns, T6_AMoveTakesDrivesWhereTheTargetsCartridgesStand) {
  WorkBench bench;
  migrated(bench, "VOL001", 300'000);
  for (const auto* barcode : {"A00001L9", "A00002L9"}) stands_in(bench, barcode, "LIB1");
  const FarLibrary far(bench);
  move_now(bench, "A00001L9", 2);
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
}

// The other library has one drive, by which its cartridge could be brought into the cache.
TEST(Turns, T6_StagingLeavesADriveToAMoveThatHasWaitedForTwo) {
  WorkBench bench;
  migrated(bench, "VOL001", 300'000);
  stands_in(bench, "A00001L9", bench.back.stations[BackEnd::kLtoDrive]->library_name());
  for (const auto& [barcode, pool] :
       {std::pair("A00003L9", 1), std::pair("A00004L9", 3), std::pair("A00005L9", 2)}) {
    bench.add_scratch(barcode, static_cast<std::uint8_t>(pool));
    stands_in(bench, barcode, "LIB2");
    bench.edit_pool(static_cast<std::uint8_t>(pool), [](Pool& one) { one.borrow = Borrow::kNo; });
  }
  bench.edit_cartridge("A00003L9", [](PhysicalVolume& one) {
    one.state = CartridgeState::kClosed;
    one.medium = 1;
    one.encryption = MediumEncryption::kClear;
  });
  LogicalVolume staged;
  staged.volser = "VOL009";
  staged.category = Category::kPrivate;
  staged.generation = 1;
  staged.primary = Copy{"A00003L9", 1, 1, 10, 1000, 1};
  bench.put(staged);
  FarLibrary far(bench);
  move_now(bench, "A00001L9", 2);
  move_now(bench, "A00003L9", 3);
  const auto first = take_drive(bench, BackEnd::kLtoDrive);
  const auto second = take_drive(bench, BackEnd::kOtherLtoDrive);
  {
    const auto third = bench.work->drives().claim_anyhow(far.far);
    ASSERT_TRUE(third);
    bench.steps();
    bench.back.sim.clock.advance(kPairPatience);
  }
  bench.steps();
  EXPECT_TRUE(bench.work->traces().of_cartridge("A00003L9").empty()) << "the free drive is the move's";
  bench.wait_and_step(kPairHold);
  EXPECT_FALSE(bench.work->traces().of_cartridge("A00003L9").empty()) << "which did not get another";
}

TEST(Turns, T4_ARobotThatRefusesHoldsUpNoOtherLibrary) {
  WorkBench bench;
  bench.add_scratch("A00003L9", 2);
  bench.edit_pool(2, [](Pool& pool) { pool.borrow = Borrow::kNo; });
  stands_in(bench, "A00001L9", bench.back.stations[BackEnd::kLtoDrive]->library_name());
  stands_in(bench, "A00002L9", bench.back.stations[BackEnd::kLtoDrive]->library_name());
  stands_in(bench, "A00003L9", "LIB2");
  const FarLibrary far(bench);
  bool broken = true;
  bench.back.to_changer->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!broken || !is_command(cdb, scsi::changer_opcode::kMoveMedium)) return std::nullopt;
    return sense_answer(codes::kInternalTargetFailure);
  };
  written(bench, "VOL001", 300'000);
  written(bench, "VOL002", 300'000, 2);
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_EQ(bench.on("VOL002"), "A00003L9/1") << "which stands in the other library";
  EXPECT_EQ(bench.interventions(), std::vector<std::string>()) << "pool 1 lacks no cartridge";
  broken = false;
  bench.wait_and_step();
  EXPECT_NE(bench.on("VOL001"), "nowhere");
}

// A move has waited for two drives, and the one that is free is left to it.
struct OverduePair : ::testing::Test {
  OverduePair() {
    bench.add_scratch("A00003L9");
    bench.edit_pool(4, [](Pool& pool) {
      pool.media = MediumKind::k3592;
      pool.encryption = PoolEncryption::kWrapped;
      pool.labels = {KeyLabel{"OLD", LabelMode::kClear}, KeyLabel{}};
    });
    bench.add_scratch("J00001", 4, MediumKind::k3592);
    migrated(bench, "VOL001", 300'000);
    migrated(bench, "VOL009", 300'000, 4);
    EXPECT_EQ(bench.on("VOL009"), "J00001/1");
    bench.edit_cartridge("J00001", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
    move_now(bench, "A00001L9", 2);
    other.emplace(take_drive(bench, BackEnd::kOtherLtoDrive));
    bench.steps();
    bench.back.sim.clock.advance(kPairPatience);
  }
  ~OverduePair() override { other.reset(); }

  WorkBench bench;
  std::optional<DriveDesk::Claim> other;
};

TEST_F(OverduePair, K9_ItHoldsUpNoRekeyOnADriveThatItCannotUse) {
  const std::array<KeyLabel, 2> labels{KeyLabel{"NEW", LabelMode::kClear}, KeyLabel{}};
  bench.edit_cartridge("J00001", [&](PhysicalVolume& one) { one.rekey.labels = labels; });
  bench.steps();
  EXPECT_EQ(bench.cartridge("J00001").labels, labels);
}

TEST_F(OverduePair, T13_ItHoldsUpNoErasureOnADriveThatItCannotUse) {
  bench.edit_volume("VOL009", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL009", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.edit_pool(4, [](Pool& pool) { pool.secure_erase_days = 30; });
  bench.steps();
  EXPECT_EQ(bench.cartridge("J00001").state, CartridgeState::kScratch);
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
}

TEST_F(OverduePair, T13_ADriveThatIsLeftToItErasesNothingMeanwhile) {
  bench.edit_pool(kCommonPool, [](Pool& pool) { pool.secure_erase_days = 30; });
  bench.edit_cartridge("A00002L9", [](PhysicalVolume& one) {
    one.medium = 1;
    one.state = CartridgeState::kClosed;
  });
  LogicalVolume gone;  // just now: the erasure is not urgent
  gone.volser = "VOL008";
  gone.category = Category::kPrivate;
  gone.generation = 1;
  gone.primary = Copy{"A00002L9", 1, 1, 10, 1000, 1};
  bench.put(gone);
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kAwaitingErase);
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  other.reset();
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
}

TEST(Turns, T5_ALargeRecallWithoutRoomHoldsBackNoSmallOnesAndGetsItsTurn) {
  WorkBench bench({.cache = {.bytes = 700'000}});
  migrated(bench, "VOL001", 500'000);
  migrated(bench, "VOL002", 20'000);
  migrated(bench, "VOL003", 20'000);
  migrated(bench, "VOL004", 20'000);
  bench.write("VOL008", volume_content(500'000, 8), 9);
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted = "2000000001"; });
  bench.ask("VOL001");
  bench.ask("VOL002");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL002"});
  bench.back.sim.clock.advance(kRoomTurn);
  bench.ask("VOL003");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL002"}) << "the next room is the large one's";
  bench.wait_and_step(kRoomTurn);
  EXPECT_EQ(bench.told, (std::vector<std::string>{"VOL002", "VOL003"})) << "but not for ever";
  bench.back.sim.clock.advance(kRoomTurn);
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted.clear(); });
  bench.ask("VOL004");
  bench.steps();
  bench.wait_and_step();
  EXPECT_EQ(bench.told, (std::vector<std::string>{"VOL002", "VOL003", "VOL001", "VOL004"}));
}

TEST(Turns, T5_RoomThatIsPromisedToOneRecallIsNotGivenUpByAnotherOfTheSameVolume) {
  WorkBench bench;
  migrated(bench, "VOL002", 100'000, 2);
  migrated(bench, "VOL001", 200'000, 1, 2);
  ASSERT_EQ(bench.on("VOL001"), "A00002L9/1");
  ASSERT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00001L9/2");
  bench.ask("VOL002");
  std::latch reading(1);
  std::latch goes_on(1);
  std::thread other;
  // Both are wanted of the first job's cartridge; another drive's job begins with VOL001, and is slow.
  bench.back.to_drives[BackEnd::kOtherLtoDrive]->meet =
      [&, reads = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kRead6) && ++reads == 3) {  // behind the label and its filemark
      reading.count_down();
      goes_on.wait();
    }
    return std::nullopt;
  };
  const auto room = bench.cached->free_bytes();
  std::optional<std::uint64_t> left;
  bench.ask("VOL001");
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&, reads = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kRead6) && ++reads == 1) {
      other = std::thread([&] { EXPECT_TRUE(take(bench.work->step())); });
      reading.wait();
    }
    return std::nullopt;
  };
  EXPECT_TRUE(take(bench.work->step()));
  left = bench.cached->free_bytes();
  goes_on.count_down();
  other.join();
  EXPECT_LT(*left + 300'000, room) << "both volumes, or their promises, take room";
  bench.steps();
  EXPECT_TRUE(bench.volume("VOL001").cached);
}

TEST(Turns, T6_WhatReclaimMadeDueLeavesTheCacheAgainWhenItCannotBeWritten) {
  WorkBench bench({.cache = {.bytes = 1'200'000}});
  bench.add_scratch("A00003L9", 5);
  bench.encrypt_pool(5);
  for (const auto* volser : {"VOL001", "VOL002", "VOL003"}) migrated(bench, volser, 100'000);
  migrated(bench, "VOL009", 1'000'000, 3);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
  bench.edit_pool(1, [](Pool& pool) {
    pool.reclaim = {.threshold_percent = 0, .days_since_written = 1};
    pool.reclaim_pool = 5;
  });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.sim.clock.advance(std::chrono::hours(25));
  bench.back.keys.away = true;
  bench.steps();
  ASSERT_TRUE(bench.volume("VOL001").primary_due);
  ASSERT_TRUE(bench.volume("VOL001").cached);
  bench.ask("VOL009");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL009"}) << "a host does not wait for reclaim";
  EXPECT_FALSE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  ASSERT_EQ(bench.evict("VOL009"), 1U);
  bench.contents.erase("VOL009");  // all of them together do not fit
  bench.back.keys.away = false;
  for (int i = 0; i < 4; ++i) bench.wait_and_step();
  for (const auto* volser : {"VOL001", "VOL002", "VOL003"})
    EXPECT_TRUE(bench.on(volser).starts_with("A00003L9")) << "reclaim goes on";
  bench.expect_everything_readable();
}

TEST(Turns, T6_NothingIsStagedForAPoolThatNoDriveCanWrite) {
  WorkBench bench;
  migrated(bench, "VOL001", 100'000);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0, .days_since_written = 1}; });
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim_pool = 5; });
  bench.edit_pool(5, [](Pool& pool) { pool.media = MediumKind::k3592; });
  bench.add_scratch("J00001", 5, MediumKind::k3592);
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.sim.clock.advance(std::chrono::hours(25));
  bench.steps();
  EXPECT_FALSE(bench.volume("VOL001").cached) << "it could not leave the cache again";
  EXPECT_FALSE(bench.volume("VOL001").primary_due);
  bench.start_work();
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "J00001/1");
  bench.expect_everything_readable();
}

TEST(Turns, T6_WhatWasTakenBackIsNotStagedAgainAtOnce) {
  WorkBench bench({.cache = {.bytes = 1'200'000}});
  bench.add_scratch("A00003L9", 5);
  bench.encrypt_pool(5);
  migrated(bench, "VOL001", 300'000);
  migrated(bench, "VOL009", 1'000'000, 3);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
  bench.edit_pool(1, [](Pool& pool) {
    pool.reclaim = {.threshold_percent = 0, .days_since_written = 1};
    pool.reclaim_pool = 5;
  });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.sim.clock.advance(std::chrono::hours(25));
  bench.back.keys.away = true;
  bench.steps();
  ASSERT_TRUE(bench.volume("VOL001").primary_due);
  bench.ask("VOL009");
  bench.steps();
  ASSERT_FALSE(bench.volume("VOL001").primary_due);
  ASSERT_EQ(bench.told, std::vector<std::string>{"VOL009"});
  bench.edit_pool(5, [](Pool& pool) {
    pool.encryption = PoolEncryption::kOff;
    pool.key_group.clear();
  });
  bench.steps();
  EXPECT_FALSE(bench.volume("VOL001").cached) << "others wanted its room";
  bench.wait_and_step(kFirstPause);
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
}

TEST(Turns, T6_WhatWasSavedFromADamagedCartridgeStaysInTheCacheUntilItIsWritten) {
  WorkBench bench({.cache = {.bytes = 1'200'000}});
  bench.add_scratch("A00003L9", 5);
  bench.encrypt_pool(5);
  for (const auto* volser : {"VOL001", "VOL002"}) migrated(bench, volser, 100'000);
  migrated(bench, "VOL009", 1'000'000, 3);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) {
    one.state = CartridgeState::kClosed;
    one.note = std::string(kDamageNote) + "an unrecovered read error";
    one.move = {.when = MoveRequest::When::kNow, .target_pool = 5};
  });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.keys.away = true;
  bench.steps();
  ASSERT_TRUE(bench.volume("VOL001").primary_due);
  ASSERT_TRUE(bench.volume("VOL001").cached);
  bench.ask("VOL009");
  bench.steps();
  EXPECT_TRUE(bench.volume("VOL001").primary_due) << "the tape may not give it a second time";
  EXPECT_TRUE(bench.volume("VOL001").cached);
  EXPECT_EQ(bench.told, std::vector<std::string>()) << "so a host waits for it";
  bench.back.keys.away = false;
  for (int i = 0; i < 4; ++i) bench.wait_and_step();
  EXPECT_TRUE(bench.on("VOL001").starts_with("A00003L9"));
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL009"});
}

TEST(Turns, T6_WhatIsDueToAnotherPoolThanReclaimsStaysDue) {
  WorkBench bench({.cache = {.bytes = 1'200'000}});
  bench.add_scratch("A00003L9", 5);
  bench.encrypt_pool(5);
  migrated(bench, "VOL009", 1'000'000, 3);
  written(bench, "VOL001", 300'000);
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00002L9/1");
  bench.edit_cartridge("A00002L9", [](PhysicalVolume& one) { one.state = CartridgeState::kFull; });
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0, .days_since_written = 1}; });
  bench.start_work({BackEnd::kOtherLtoDrive});
  bench.back.sim.clock.advance(std::chrono::hours(25));
  bench.back.keys.away = true;
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {  // its storage group has another pool now
    volume.primary_due = true;
    volume.primary_pool = 5;
  });
  bench.steps();
  bench.ask("VOL009");
  bench.steps();
  EXPECT_TRUE(bench.volume("VOL001").primary_due) << "reclaim would bring it to pool 1, in clear";
  bench.back.keys.away = false;
  for (int i = 0; i < 4; ++i) bench.wait_and_step();
  EXPECT_TRUE(bench.on("VOL001").starts_with("A00003L9"));
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL009"});
}

TEST(Turns, T4_APoolToWhichNothingIsToBeWrittenAnyMoreLacksNoCartridge) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.borrow = Borrow::kNo; });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 1"));
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.deleted_generation = volume.generation;
    volume.primary_due = false;
  });
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
}

TEST(Turns, T4_APoolToWhichNothingIsToBeWrittenAnyMoreLacksNoDrive) {
  WorkBench bench;
  bench.start_work({BackEnd::k3592Drive});
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_TRUE(bench.raised(NoticeKind::kDriveOffline, "pool 1"));
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.primary_pool = 2; });
  bench.edit_pool(2, [](Pool& pool) { pool.media = MediumKind::k3592; });
  bench.steps();
  EXPECT_FALSE(bench.raised(NoticeKind::kDriveOffline, "pool 1"));
}

// Calls end_soon() at the `number`-th command of that kind.
void end_at(WorkBench& bench, scsi::Opcode opcode, unsigned number) {
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&, opcode, number,
                   seen = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
      if (is_command(cdb, opcode) && ++seen == number) bench.work->end_soon();
      return std::nullopt;
    };
}
void start_again(WorkBench& bench) {
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.back.expect_put_away(BackEnd::kLtoDrive);
  bench.start_work();
}

TEST(Turns, T5_TheEndWaitsForNoLongImage) {
  WorkBench bench;
  bench.write("VOL001", volume_content(9'000'000, 1));
  end_at(bench, scsi::Opcode::kWrite6, 3);
  EXPECT_EQ(bench.steps(), 1U);
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_LT(bench.back.file_of("A00001L9").size(), 3'000'000U) << "no more than a megabyte after the word";
  EXPECT_FALSE(take(bench.work->step())) << "nothing is begun";
  start_again(bench);
  bench.steps();
  EXPECT_NE(bench.on("VOL001"), "nowhere");
  bench.expect_everything_readable();
}

TEST(Turns, T5_TheEndWaitsForNoLongRecall) {
  WorkBench bench;
  migrated(bench, "VOL001", 9'000'000);
  bench.ask("VOL001");
  end_at(bench, scsi::Opcode::kRead6, 4);
  bench.steps();
  EXPECT_FALSE(bench.volume("VOL001").cached);
  EXPECT_EQ(bench.told, std::vector<std::string>());
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  start_again(bench);
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
}

TEST(Turns, T6_TheEndWaitsForNoLongMove) {
  WorkBench bench;
  migrated(bench, "VOL001", 9'000'000);
  move_now(bench, "A00001L9", 2);
  end_at(bench, scsi::Opcode::kRead6, 5);
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  start_again(bench);
  bench.wait_and_step();
  EXPECT_TRUE(bench.on("VOL001").starts_with("A00002L9"));
  bench.expect_everything_readable();
}

}  // namespace
}  // namespace tapewarden::engine::test
