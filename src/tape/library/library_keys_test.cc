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

// Both ends of an exchange with key servers that do not answer: nobody else waits.
struct TwoPartitions : KeyedLibrary {
  std::unique_ptr<PartitionRobot> one;
  std::unique_ptr<PartitionRobot> other;
  std::promise<void> called;
  std::promise<void> go_on;

  TwoPartitions() {
    library.reset();
    spec.partitions = {take(parse_partition("A, drives 1000000001, slots 1-2")),
                       take(parse_partition("B, drives 1000000002, slots 3-4"))};
    start();
    one = std::make_unique<PartitionRobot>(*library, spec, spec.partitions[0]);
    other = std::make_unique<PartitionRobot>(*library, spec, spec.partitions[1]);
  }
  std::function<void()> block() {
    return [this] {
      called.set_value();
      go_on.get_future().wait();
    };
  }
  // `what` runs beside the blocked exchange, in bounded time.
  void expect_in_time(const std::function<void()>& what) {
    called.get_future().wait();
    auto ran = std::async(std::launch::async, what);
    const auto in_time = ran.wait_for(std::chrono::seconds{20});
    go_on.set_value();
    EXPECT_EQ(in_time, std::future_status::ready);
  }
};

TEST(LibraryKeys, L4_AMoveIntoADriveWhoseLastWriteIsBeingToldMakesNobodyWait) {
  TwoPartitions bench;
  bench.write_in(0, kSlot);
  bench.servers.on_confirm = bench.block();
  auto moved = std::async(std::launch::async, [&] { return bench.one->move(kDrive, kSlot).has_value(); });
  bench.expect_in_time([&] {
    EXPECT_TRUE(bench.one->move(kSlot + 1, kDrive)) << "the next cartridge goes in";
    EXPECT_TRUE(bench.other->move(kSlot, kDrive));
    EXPECT_TRUE(bench.other->move(kDrive, kSlot));
    EXPECT_TRUE(bench.library->bays()[0]->status({}, std::chrono::seconds{10}));
  });
  EXPECT_TRUE(moved.get());
  EXPECT_EQ(bench.servers.confirmed.size(), 1U);
  EXPECT_EQ(bench.at(kDrive), "A00002L9");
}

TEST(LibraryKeys, L4_ADriveThatWaitsForAKeyMakesNobodyElseWait) {
  TwoPartitions bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  (void)bench.run(0, scsi::plain_cdb(scsi::Opcode::kTestUnitReady));
  bench.servers.on_serve = bench.block();
  const auto write = scsi::Write6{.transfer_length = 300}.encode();
  auto wrote = std::async(std::launch::async, [&] { return bench.run(0, write, block(1)); });
  bench.expect_in_time([&] {
    const auto out = bench.one->move(kDrive, kSlot);
    EXPECT_EQ(out ? scsi::SenseCode{} : out.error().code, codes::kNotReadyLoading);
    const auto in = bench.one->move(kSlot + 1, kDrive);
    EXPECT_EQ(in ? scsi::SenseCode{} : in.error().code, codes::kDestinationFull);
    EXPECT_TRUE(bench.other->move(kSlot, kDrive));
    EXPECT_TRUE(bench.other->move(kDrive, kSlot));
    EXPECT_TRUE(bench.library->bays()[0]->status({}, std::chrono::seconds{10}));
    const auto unloaded = bench.library->unload_by_hand("1000000001", {}, false);
    ASSERT_FALSE(unloaded);
    EXPECT_EQ(unloaded.error().code, ErrorCode::kUnavailable);
  });
  EXPECT_GOOD(wrote.get());
  EXPECT_EQ(bench.move(kDrive, kSlot), std::nullopt);
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
