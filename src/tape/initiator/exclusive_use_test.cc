// One program's sole use of a drive, against virtual drives in this process.
#include "tape/initiator/exclusive_use.h"

#include <gtest/gtest.h>

#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {
namespace {

constexpr std::uint64_t kMine = 0x5457'0000'0000'0001;
constexpr std::uint64_t kTheirs = 0x5457'0000'0000'0002;

// A way to the bench's drive. `refused`: commands that the drive does not know.
class Program final : public Transport {
 public:
  Program(Bench& bench, scsi::NexusId nexus) : inner_(*bench.drive, nexus), tape(*this) {
    EXPECT_TRUE(tape.drain_attentions().has_value());
  }
  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout) override {
    for (const auto opcode : refused)
      if (cdb[0] == static_cast<std::uint8_t>(opcode))
        return TransportAnswer{.status = scsi::ScsiStatus::kCheckCondition,
                               .sense = {.code = codes::kInvalidOpcode}};
    return inner_.execute(cdb, data_out, data_in_limit, timeout);
  }
  bool on_local_bus() const override { return true; }

 private:
  InProcessTransport inner_;

 public:
  std::vector<scsi::Opcode> refused;
  TapeDrive tape;
};

TapeFault fault_of(const TapeResult<ExclusiveUse>& use) {
  return use ? TapeFault::kOther : use.error().fault;
}

TEST(ExclusiveUse, D5_NobodyElseWritesUntilItEnds) {
  Bench bench;
  Program mine(bench, scsi::NexusId{50});
  Program theirs(bench, scsi::NexusId{51});
  {
    const auto use = ExclusiveUse::take(mine.tape, kMine);
    ASSERT_TRUE(use) << use.error().text();
    EXPECT_EQ(use->way(), ExclusiveUse::Way::kPersistent);
    EXPECT_TRUE(mine.tape.write_block(block(1)));
    EXPECT_EQ(theirs.tape.write_block(block(2)).error().fault, TapeFault::kReserved);
    EXPECT_EQ(theirs.tape.rewind().error().fault, TapeFault::kReserved);
    EXPECT_EQ(theirs.tape.registered_keys().value(), std::vector{kMine});
    EXPECT_EQ(theirs.tape.persistent_hold().value()->key, kMine);
    EXPECT_EQ(fault_of(ExclusiveUse::take(theirs.tape, kTheirs)), TapeFault::kReserved);
    EXPECT_EQ(theirs.tape.registered_keys().value(), std::vector{kMine}) << "nothing is left of the attempt";
  }
  EXPECT_TRUE(theirs.tape.registered_keys()->empty());
  EXPECT_FALSE(theirs.tape.persistent_hold()->has_value());
  EXPECT_TRUE(ExclusiveUse::take(theirs.tape, kTheirs));
}

// As two programs on one host that reach the drive by the kernel's one way to it.
TEST(ExclusiveUse, D5_AnotherProgramByTheSameWayIsSomebodyElse) {
  Bench bench;
  Program mine(bench, scsi::NexusId{50});
  const auto use = ExclusiveUse::take(mine.tape, kMine);
  ASSERT_TRUE(use);
  EXPECT_EQ(fault_of(ExclusiveUse::take(mine.tape, kTheirs)), TapeFault::kReserved);
  EXPECT_TRUE(mine.tape.write_block(block(1))) << "the first one goes on";
  EXPECT_EQ(mine.tape.registered_keys().value(), std::vector{kMine});
}

TEST(ExclusiveUse, D5_WhereThereIsOnlyReserveThatIsTaken) {
  Bench bench;
  Program mine(bench, scsi::NexusId{50});
  Program theirs(bench, scsi::NexusId{51});
  for (auto* program : {&mine, &theirs})
    program->refused = {scsi::Opcode::kPersistentReserveIn, scsi::Opcode::kPersistentReserveOut};
  {
    const auto use = ExclusiveUse::take(mine.tape, kMine);
    ASSERT_TRUE(use) << use.error().text();
    EXPECT_EQ(use->way(), ExclusiveUse::Way::kReserve);
    EXPECT_EQ(theirs.tape.write_block(block(2)).error().fault, TapeFault::kReserved);
    EXPECT_EQ(fault_of(ExclusiveUse::take(theirs.tape, kTheirs)), TapeFault::kReserved);
  }
  EXPECT_TRUE(theirs.tape.write_block(block(2)));
  mine.refused.push_back(scsi::Opcode::kReserve6);
  const auto none = ExclusiveUse::take(mine.tape, kMine);
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_EQ(none->way(), ExclusiveUse::Way::kNone);
}

TEST(ExclusiveUse, D5_WhatADeadProgramLeftIsTakenAwayByItsKey) {
  Bench bench;
  Program mine(bench, scsi::NexusId{50});
  Program dead(bench, scsi::NexusId{51});
  ASSERT_TRUE(dead.tape.register_key(0, kTheirs));
  ASSERT_TRUE(dead.tape.reserve_exclusively(kTheirs));
  ASSERT_TRUE(mine.tape.register_whatever_there_was(kMine));
  ASSERT_TRUE(mine.tape.preempt(kMine, kTheirs));
  EXPECT_EQ(mine.tape.persistent_hold().value()->key, kMine);
  EXPECT_EQ(dead.tape.write_block(block(1)).error().fault, TapeFault::kReserved);
  ASSERT_TRUE(mine.tape.register_key(kMine, 0));
  EXPECT_EQ(dead.tape.write_block(block(1)).error().fault, TapeFault::kUnitAttention)
      << "a program that lives after all is told before it writes";
  EXPECT_TRUE(ExclusiveUse::take(mine.tape, kMine));
}

}  // namespace
}  // namespace tapewarden::tape::test
