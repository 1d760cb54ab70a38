#include "tape/initiator/ahead_transport.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>

#include "base/testing/freed_memory.h"
#include "scsi/cdb.h"
#include "tape/device/drive_test_kit.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::tape::test {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::seconds kTimeout{10};
constexpr scsi::NexusId kNexus{50};

template <typename Condition>
bool eventually(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return condition();
}

// Keeps the data of the last command, and looks whether anybody comes in beside another.
class KeepingUnit final : public scsi::LogicalUnit {
 public:
  scsi::Response execute(const scsi::Command& command) override {
    const Inside inside(*this);
    check_kept();
    if (command.keep) {
      if (hoards) hoarded.push_back(command.keep);
      kept = command.keep;
      last = command.keep;
      data = command.data_out;
      if (!data.empty()) first = data.front();
    }
    return scsi::good(Bytes(answer));
  }
  void look_ahead() override {
    const Inside inside(*this);
    check_kept();
    data = {};
    kept.reset();
    ++looks;
  }
  void rest() override {
    const Inside inside(*this);
    ++rests;
  }
  void nexus_lost(scsi::NexusId) override {
    const Inside inside(*this);
    data = {};
    kept.reset();
    hoarded.clear();
    ++lost;
  }
  void reset() override {}

  std::shared_ptr<const void> kept;
  bool hoards = false;
  std::vector<std::shared_ptr<const void>> hoarded;
  std::weak_ptr<const void> last;
  ByteView data;
  std::uint8_t first = 0;
  std::size_t answer = 0;  // bytes
  std::atomic<unsigned> looks = 0;
  std::atomic<unsigned> rests = 0;
  std::atomic<unsigned> lost = 0;
  std::atomic<bool> met = false;      // two at once
  std::atomic<bool> changed = false;  // what it keeps

 private:
  struct Inside {
    explicit Inside(KeepingUnit& in) : unit(in) {
      if (unit.inside_.exchange(true)) unit.met = true;
    }
    ~Inside() { unit.inside_ = false; }
    KeepingUnit& unit;
  };
  void check_kept() {
    if (!std::ranges::all_of(data, [this](std::uint8_t byte) { return byte == first; })) changed = true;
  }
  std::atomic<bool> inside_ = false;
};

Bytes write_cdb(std::size_t bytes) {
  return scsi::Write6{false, static_cast<std::uint32_t>(bytes)}.encode();
}

TEST(AheadTransport, T4_TheUnitLooksAheadAfterDataAndThenRests) {
  KeepingUnit unit;
  {
    AheadTransport transport(unit, kNexus);
    EXPECT_TRUE(transport.on_local_bus());
    EXPECT_TRUE(transport.execute(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, 0, kTimeout));
    EXPECT_TRUE(transport.execute(write_cdb(10), Bytes(10, 1), 0, kTimeout));
    EXPECT_TRUE(eventually([&] { return unit.looks == 1; }));
    EXPECT_TRUE(transport.execute(scsi::Read6{false, false, 10}.encode(), {}, 10, kTimeout));
    EXPECT_TRUE(eventually([&] { return unit.looks == 2; }));
    EXPECT_TRUE(transport.execute(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, 0, kTimeout));
    EXPECT_TRUE(eventually([&] { return unit.rests != 0; }));
    EXPECT_TRUE(eventually([&] { return unit.last.expired(); })) << "what was written is kept no longer";
    EXPECT_EQ(unit.looks, 2U) << "a command without data is followed by none";
  }
  EXPECT_EQ(unit.lost, 1U);
  EXPECT_FALSE(unit.met);
}

TEST(AheadTransport, T4_NothingRunsBesideACommandAndWhatIsKeptStaysAsItIs) {
  KeepingUnit unit;
  {
    AheadTransport transport(unit, kNexus);
    Bytes data(5000);
    for (unsigned i = 0; i < 20'000; ++i) {
      std::ranges::fill(data, static_cast<std::uint8_t>(i));
      ASSERT_TRUE(transport.execute(write_cdb(data.size()), data, 0, kTimeout));
      if (i % 100 == 0) std::this_thread::yield();
    }
  }
  EXPECT_FALSE(unit.met);
  EXPECT_FALSE(unit.changed);
}

// Copies larger and smaller than the one before, kept beyond the unit's rest, and of the last command.
TEST(AheadTransport, T4_WhatWasWrittenIsInNoMemoryThatIsFreed) {
  const Bytes secret(9000, tapewarden::testing::kSecretByte);
  const tapewarden::testing::LooksAtFreedMemory looks;
  for (const bool hoards : {false, true}) {
    KeepingUnit unit;
    unit.hoards = hoards;
    AheadTransport transport(unit, kNexus);
    const auto write = [&](std::size_t bytes) {
      EXPECT_TRUE(transport.execute(write_cdb(bytes), ByteView(secret).first(bytes), 0, kTimeout));
    };
    for (const std::size_t bytes : {5000U, 5000U, 9000U, 100U, 9000U, 3000U}) write(bytes);
    EXPECT_TRUE(eventually([&] { return unit.rests != 0; }));
    for (const std::size_t bytes : {5000U, 100U, 200U, 9000U}) write(bytes);
  }
  EXPECT_EQ(looks.freed_secrets(), 0U);
}

TEST(AheadTransport, T4_NoMoreComesThanWasAskedFor) {
  KeepingUnit unit;
  unit.answer = 20;
  AheadTransport transport(unit, kNexus);
  EXPECT_EQ(take(transport.execute(scsi::Read6{false, false, 8}.encode(), {}, 8, kTimeout)).data_in.size(),
            8U);
}

TEST(AheadTransport, T4_ADriveThatWorksAheadGivesBackWhatWasWritten) {
  constexpr std::size_t kBlock = 300'000;
  constexpr std::uint32_t kBlocks = 40;
  Bench bench;
  AheadTransport transport(*bench.drive, kNexus);
  TapeDrive tape(transport);
  ASSERT_TRUE(tape.drain_attentions());
  for (std::uint32_t i = 0; i < kBlocks; ++i) ASSERT_TRUE(tape.write_block(block(i, kBlock)));
  ASSERT_TRUE(tape.write_filemarks(1));
  ASSERT_TRUE(tape.rewind());
  for (std::uint32_t i = 0; i < kBlocks; ++i) {
    const auto read = tape.read_block(kBlock);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->data, block(i, kBlock)) << i;
  }
  const auto end = tape.read_block(kBlock);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, ReadOutcome::Kind::kFilemark);
}

TEST(AheadTransport, T4_ABlockThatCouldNotBeWrittenIsToldBeforeTheFilemarkIs) {
  constexpr std::size_t kBlock = 300'000;
  Bench bench;
  AheadTransport transport(*bench.drive, kNexus);
  TapeDrive tape(transport);
  ASSERT_TRUE(tape.drain_attentions());
  ASSERT_TRUE(tape.write_block(block(0, kBlock)));
  ASSERT_TRUE(tape.test_ready()) << "nothing is under way in the drive";
  bench.sim.disk.fail_after(0);
  bool told = false;
  for (std::uint32_t i = 1; i < 4 && !told; ++i) told = !tape.write_block(block(i, kBlock));
  EXPECT_TRUE(told || !tape.write_filemarks(1));
}

}  // namespace
}  // namespace tapewarden::tape::test
