// A library whose drives get keys, while the key servers are slow or away: who waits for them, and who not.
#include <future>

#include "scsi/changer_cdb.h"
#include "scsi/inquiry.h"
#include "tape/library/fake_bay_keys.h"
#include "tape/library/limits.h"
#include "tape/library/partition_robot.h"

namespace tapewarden::tape::test {
namespace {

struct KeyedLibrary : LibraryBench {
  FakeExchange drive_side;
  FakeBayKeys servers;

  KeyedLibrary() {
    library.reset();
    keys = &servers;
    key_side = &drive_side;
    servers.brings = true;
    start();
  }
  // Leaves a write that key servers are not told of yet.
  void write_in(std::size_t drive, std::uint16_t from) {
    ASSERT_EQ(move(from, static_cast<std::uint16_t>(kDrive + drive)), std::nullopt);
    EXPECT_GOOD(run(drive, scsi::Write6{.transfer_length = 300}.encode(), block(1)));
  }
};

TEST(LibraryKeys, L4_EveryCartridgeIsClosedBeforeTheFirstWriteIsToldAtTheEnd) {
  KeyedLibrary bench;
  bench.write_in(0, kSlot);
  bench.write_in(1, kSlot + 1);
  bench.servers.reachable = false;
  int open_then = 0;
  bench.servers.on_confirm = [&] {
    for (const auto& bay : bench.library->bays()) open_then += bay->holds_cartridge() ? 1 : 0;
  };
  done(bench.library->power_off());
  EXPECT_EQ(bench.servers.asked, 2);
  EXPECT_EQ(open_then, 0);
}

TEST(LibraryKeys, L4_TellingAtTheEndHasOneTimeForAllDrives) {
  KeyedLibrary bench;
  bench.write_in(0, kSlot);
  bench.write_in(1, kSlot + 1);
  bench.servers.reachable = false;
  bench.servers.on_confirm = [&] { bench.sim.clock.advance(kFarewellPatience); };
  done(bench.library->power_off());
  EXPECT_EQ(bench.servers.asked, 1);
  EXPECT_EQ(bench.servers.patience, kFarewellPatience);
  ASSERT_EQ(bench.notes.size(), 1U);
  EXPECT_NE(bench.notes[0].find("no time"), std::string::npos);
}

TEST(LibraryKeys, L4_AKeyServerThatDoesNotAnswerOnePartitionHoldsUpNoOther) {
  KeyedLibrary bench;
  bench.library.reset();
  bench.spec.partitions = {take(parse_partition("A, drives 1000000001, slots 1-2")),
                           take(parse_partition("B, drives 1000000002, slots 3-4"))};
  bench.start();
  PartitionRobot robot_a(*bench.library, bench.spec, bench.spec.partitions[0]);
  PartitionRobot robot_b(*bench.library, bench.spec, bench.spec.partitions[1]);
  Changer other(robot_b, {.serial = "TWL0000001-B"});
  bench.write_in(0, kSlot);
  std::promise<void> called;
  std::promise<void> go_on;
  bench.servers.on_confirm = [&] {
    called.set_value();
    go_on.get_future().wait();
  };
  auto moved = std::async(std::launch::async, [&] { return robot_a.move(kDrive, kSlot).has_value(); });
  called.get_future().wait();
  auto answered = std::async(std::launch::async, [&] {
    const auto run = [&](const Bytes& cdb) {
      return other.execute({.cdb = cdb, .nexus = kHost, .data_out = {}}).good();
    };
    (void)run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady));  // the attention of a new host
    return run(scsi::Inquiry{.allocation_length = 36}.encode()) &&
           run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)) &&
           run(scsi::ReadElementStatus{.count = 0xffff, .allocation_length = 0xffff}.encode());
  });
  const auto in_time = answered.wait_for(std::chrono::seconds{20});
  go_on.set_value();
  EXPECT_EQ(in_time, std::future_status::ready);
  EXPECT_TRUE(answered.get());
  EXPECT_TRUE(moved.get());
  EXPECT_EQ(bench.servers.confirmed.size(), 1U);
}

TEST(LibraryKeys, L4_ACartridgeThatAHostKeepsInItsDriveMakesNobodyWaitForKeyServers) {
  KeyedLibrary bench;
  bench.write_in(0, kSlot);
  ASSERT_TRUE(bench.run(0, scsi::PreventAllow{.prevent = true}.encode()).good());
  const auto asked = bench.servers.asked;
  EXPECT_EQ(bench.move(kDrive, kSlot), codes::kRemovalPreventedByDrive);
  EXPECT_EQ(bench.servers.asked, asked) << "it has not left";
}

TEST(LibraryKeys, L4_AMoveNamesDriveAndCartridgeOfWhatIsToBeConfirmed) {
  KeyedLibrary bench;
  bench.write_in(0, kSlot);
  ASSERT_EQ(bench.move(kDrive, kSlot), std::nullopt);
  EXPECT_EQ(bench.servers.asked_of, "drive 1000000001, cartridge A00001L9");
}

}  // namespace
}  // namespace tapewarden::tape::test
