// Who uses a drive: programs of this host and of others on one virtual drive.
#include "cli/drive_use.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "cli/exit_code.h"
#include "cli/host_tape.h"
#include "tape/device/drive_test_kit.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::cli {
namespace {

using tape::test::Bench;
using tape::test::block;
using ::testing::HasSubstr;

constexpr std::uint16_t kHost = 0x1234;
constexpr std::uint16_t kStart = 77;

// A process at the drive. `living`: those that its host knows, all started at the same time.
struct Program {
  Program(Bench& bench, std::uint32_t nexus, std::uint32_t process, std::uint16_t host = kHost)
      : transport(*bench.drive, scsi::NexusId{nexus}), drive(transport) {
    EXPECT_TRUE(drive.drain_attentions());
    processes = {.host = host, .own = process, .own_start = kStart, .lives = [this](auto number, auto start) {
                   return start == kStart && std::ranges::find(living, number) != living.end();
                 }};
    context.err = &said;
  }
  Result<std::unique_ptr<DriveUse>> take() { return DriveUse::take(context, drive, "/dev/sg7", processes); }
  auto release(bool force = false) { return end_others_use(drive, "/dev/sg7", force, processes); }
  // As a process that is killed: its reservation stays.
  void leave_reserved() {
    ASSERT_TRUE(drive.register_key(0, reservation_key(processes)));
    ASSERT_TRUE(drive.reserve_exclusively(reservation_key(processes)));
  }

  tape::InProcessTransport transport;
  tape::TapeDrive drive;
  Processes processes;
  std::vector<std::uint32_t> living;
  std::ostringstream said;
  Context context;
};

TEST(DriveUse, D5_ASecondProgramIsToldWhoIsAtWork) {
  Bench bench;
  Program first(bench, 50, 4711);
  Program second(bench, 51, 4712);
  second.living = {4711};
  {
    const auto use = first.take();
    ASSERT_TRUE(use) << use.error().text();
    const auto refused = second.take();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
    EXPECT_THAT(refused.error().text(), HasSubstr("process 4711 of this host has reserved it"));
    EXPECT_EQ(second.release(true).error().code, ErrorCode::kConflict) << "it lives";
    EXPECT_TRUE(first.drive.write_block(block(1)));
  }
  EXPECT_TRUE(second.take());
}

TEST(DriveUse, D5_WhatADeadProcessLeftIsToldAndTakenAway) {
  for (const std::uint32_t way : {50U, 51U}) {  // its own, as over iSCSI; or the same, as by the kernel
    Bench bench;
    Program dead(bench, 50, 4711);
    dead.leave_reserved();
    Program next(bench, way, 4712);
    const auto refused = next.take();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("which is there no more"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("tapewarden drive release /dev/sg7 takes"));
    const auto ended = next.release();
    ASSERT_TRUE(ended) << ended.error().text();
    ASSERT_EQ(ended->size(), 1U);
    EXPECT_EQ(ended->front().process, 4711U);
    EXPECT_TRUE(next.drive.registered_keys()->empty());
    EXPECT_TRUE(next.release()->empty()) << "nothing more to do";
    EXPECT_TRUE(next.take());
  }
}

// A process number that was given again is another process.
TEST(DriveUse, D5_AProcessOfTheSameNumberIsNotTheDeadOne) {
  Bench bench;
  Program dead(bench, 50, 4711);
  dead.processes.own_start = kStart + 1;
  dead.leave_reserved();
  Program next(bench, 51, 4712);
  next.living = {4711};
  EXPECT_TRUE(next.release());
}

TEST(DriveUse, D5_AnotherHostIsLeftAloneUnlessForced) {
  Bench bench;
  Program other(bench, 50, 4711, 0x9999);
  other.leave_reserved();
  Program mine(bench, 51, 4712);
  mine.living = {4711};
  EXPECT_THAT(mine.take().error().text(), AllOf(HasSubstr("on another host"), HasSubstr("--force")));
  EXPECT_EQ(mine.release().error().code, ErrorCode::kConflict);
  EXPECT_EQ(mine.release(true)->size(), 1U);
  EXPECT_EQ(other.drive.write_block(block(1)).error().fault, tape::TapeFault::kUnitAttention)
      << "whoever was at work is told";
  EXPECT_TRUE(mine.take());
}

TEST(DriveUse, D5_OtherSoftwareIsNamedByItsKey) {
  Bench bench;
  Program cluster(bench, 50, 1);
  ASSERT_TRUE(cluster.drive.register_key(0, 0xabcdef));
  Program mine(bench, 51, 4712);
  EXPECT_TRUE(mine.take()) << "who is registered and reserves nothing is in nobody's way";
  ASSERT_TRUE(cluster.drive.reserve_exclusively(0xabcdef));
  EXPECT_THAT(mine.take().error().text(), HasSubstr("other software, with key 0000000000abcdef"));
  EXPECT_FALSE(mine.release());
  EXPECT_TRUE(mine.release(true));
}

TEST(DriveUse, D5_PlainReservationsTellNoName) {
  Bench bench;
  Program other(bench, 50, 4711);
  ASSERT_TRUE(other.drive.reserve());
  Program mine(bench, 51, 4712);
  EXPECT_THAT(mine.take().error().text(), HasSubstr("it is not told who"));
  EXPECT_EQ(mine.release(true).error().code, ErrorCode::kConflict);
}

TEST(DriveUse, D5_ThisProcessIsKnownByItsKey) {
  const auto processes = Processes::of_this_host();
  const auto holder = holder_of(reservation_key(processes), processes);
  EXPECT_EQ(holder.kind, HolderKind::kAlive);
  EXPECT_EQ(holder.process, static_cast<std::uint32_t>(::getpid()));
  EXPECT_FALSE(processes.lives(holder.process, static_cast<std::uint16_t>(processes.own_start ^ 1U)));
}

// A tape file that was ended by its filemark is whole, whatever becomes of the reservation.
TEST(DriveUse, D5_TheEndOfTheUseCutsNoTapeFile) {
  Bench bench;
  Program mine(bench, 50, 4711);
  {
    const auto use = mine.take();
    ASSERT_TRUE(use);
    EXPECT_TRUE(mine.drive.set_encryption(tape::test::encrypting(tape::test::key_bytes(1))));
    EXPECT_TRUE(mine.drive.write_block(block(1)));
    EXPECT_TRUE(mine.drive.write_filemarks(1));
  }
  EXPECT_EQ(mine.drive.encryption_status()->encryption, scsi::EncryptionMode::kEncrypt)
      << "`load-key` leaves its key for the next program";
  EXPECT_TRUE(bench.drive->force_eject());
  const auto cartridge =
      tape::Cartridge::open(bench.sim.env(), tape::test::kTapePath, tape::CartridgeMode::kRead);
  ASSERT_TRUE(cartridge);
  EXPECT_TRUE((*cartridge)->cut_off_files().empty());
}

TEST(Interruption, D5_ASignalEndsTheWaitingForData) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  EXPECT_TRUE(check_interruption());
  {
    const Interruption interruption;
    EXPECT_TRUE(check_interruption());
    ASSERT_EQ(::write(pipe[1], "x", 1), 1);
    EXPECT_TRUE(await_readable(pipe[0]));
    char byte = 0;
    ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
    ASSERT_EQ(::raise(SIGTERM), 0);
    const auto ended = await_readable(pipe[0]);
    ASSERT_FALSE(ended);
    EXPECT_EQ(exit_code_of(ended.error()), ExitCode::kInterrupted);
  }
  EXPECT_TRUE(check_interruption()) << "it is over";
  ::close(pipe[0]);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace tapewarden::cli
