#include "engine/catalogue/damage_note.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

void migrated(WorkBench& bench, unsigned count, std::uint8_t second_pool = 0) {
  for (unsigned i = 1; i <= count; ++i) {
    bench.write("VOL00" + std::to_string(i), volume_content(300'000, static_cast<std::uint8_t>(i)), 1,
                second_pool);
    bench.back.sim.clock.advance(std::chrono::seconds(1));
  }
  bench.steps();
  for (unsigned i = 1; i <= count; ++i) ASSERT_EQ(bench.evict("VOL00" + std::to_string(i)), 1U);
}
// Every read of this tape file's data ends with the sense.
void break_reads(WorkBench& bench, scsi::SenseCode code, unsigned from) {
  for (const auto& drive : bench.back.to_drives) drive->meet = fail_from(scsi::Opcode::kRead6, from, code);
}
void mend(WorkBench& bench) {
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
}

TEST(Recall, T5_SeveralVolumesOfOneCartridgeComeInOneMountInTheirOrderOnTape) {
  WorkBench bench;
  migrated(bench, 3);
  for (const auto* name : {"VOL003", "VOL001", "VOL002"}) bench.ask(name);
  EXPECT_EQ(bench.steps(), 1U);
  EXPECT_EQ(bench.told, (std::vector<std::string>{"VOL001", "VOL002", "VOL003"}));
  const auto traces = bench.work->traces().of_volume("VOL002");
  ASSERT_EQ(traces.size(), 2U);
  EXPECT_EQ(traces.front()->purpose, "read");
  EXPECT_TRUE(bench.cartridge("A00001L9").last_accessed);
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kPremigrated);
  for (unsigned i = 1; i <= 3; ++i) {
    const auto name = "VOL00" + std::to_string(i);
    EXPECT_EQ(bench.cached_content(name), bench.contents[name]);
  }
}

TEST(Recall, T5_WhatIsThereAlreadyOrNowhereIsAnsweredAtOnce) {
  WorkBench bench;
  bench.write("VOL001", volume_content(1000, 1));
  bench.ask("VOL001");
  bench.ask("NOSUCH");
  EXPECT_GT(bench.steps(), 0U);
  EXPECT_EQ(bench.told, (std::vector<std::string>{"VOL001", "NOSUCH not-found"}));
}

TEST(Recall, T5_ABadCopyGivesWayToTheOtherAndIsWrittenAnew) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  migrated(bench, 1, 2);
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bool broken = true;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      if (!broken || !is_command(cdb, scsi::Opcode::kRead6) ||
          bench.work->traces().of_cartridge("A00001L9").size() > 1)
        return std::nullopt;
      static unsigned reads = 0;
      if (++reads < 4) return std::nullopt;  // the label, its filemark, the header
      broken = false;
      return sense_answer(codes::kUnrecoveredReadError);
    };
  bench.ask("VOL001");
  bench.steps();
  EXPECT_FALSE(broken);
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kDamaged) << "nothing else lay on it";
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1") << "what was lost is written anew";
  bench.expect_everything_readable();
}

TEST(Recall, T5_ACopyWhoseKeyIsRefusedIsNotForgotten) {
  WorkBench bench;
  bench.encrypt_pool(1);
  migrated(bench, 1, 2);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      const bool refused =
          is_command(cdb, scsi::Opcode::kRead6) && bench.back.library->in_drive("1000000001") == "A00001L9";
      return refused ? sense_answer(codes::kKeyRequestUnauthorized) : std::nullopt;
    };
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"}) << "from the other copy";
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_FALSE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
}

void note_damage(WorkBench& bench, const std::string& barcode) {
  bench.edit_cartridge(barcode, [](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.note = std::string(kDamageNote) + "a drive could not read it";
  });
}

TEST(Recall, T5_ACopyThatCanBeReliedOnIsReadBeforeOneThatCannot) {
  WorkBench bench;
  migrated(bench, 1, 2);
  note_damage(bench, "A00001L9");
  bench.ask("VOL001");
  EXPECT_EQ(bench.steps(), 1U);
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_EQ(bench.work->traces().of_volume("VOL001").front()->barcode, "A00002L9");
}

// Neither is forgotten for the other, and who asked is told when both were tried.
TEST(Recall, T5_OfTwoCopiesInDoubtNoneIsForgottenAndTheAskerIsTold) {
  WorkBench bench;
  migrated(bench, 1, 2);
  note_damage(bench, "A00002L9");
  break_reads(bench, codes::kUnrecoveredReadError, 3);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001 corrupt"});
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
  ASSERT_TRUE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
  EXPECT_NE(bench.open_texts().find("which is in doubt too: damaged: "), std::string::npos)
      << bench.open_texts();
  mend(bench);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told.back(), "VOL001");
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
  EXPECT_FALSE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
}

TEST(Recall, T5_TheLastCopyGoneBadIsToldAndNotForgotten) {
  WorkBench bench;
  migrated(bench, 1);
  break_reads(bench, codes::kUnrecoveredReadError, 3);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001 corrupt"});
  EXPECT_TRUE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  mend(bench);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_FALSE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
  EXPECT_EQ(bench.told.back(), "VOL001");
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
}

// A host has the volume, and its file is missing: what lies on tape is the last that there is.
TEST(Recall, T5_ACachedVolumeWithoutItsFileKeepsTheCopyThatCouldNotBeRead) {
  for (const bool file_is_there : {true, false}) {
    WorkBench bench;
    bench.write("VOL001", volume_content(300'000, 1));
    bench.steps();
    ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
    bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.mounted = "2000000001"; });
    if (!file_is_there) done(bench.back.sim.disk.remove(take(bench.cached->path_of(bench.volume("VOL001")))));
    bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
      cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
    });
    break_reads(bench, codes::kUnrecoveredReadError, 3);
    bench.steps();
    EXPECT_EQ(bench.on("VOL001"), file_is_there ? "nowhere" : "A00001L9/1");
    EXPECT_EQ(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"), !file_is_there);
  }
}

TEST(Recall, T8_WithoutAKeyServerTheRecallWaitsAndGoesOnWhenOneIsThere) {
  WorkBench bench;
  bench.encrypt_pool(1);
  migrated(bench, 1);
  bench.back.keys.away = true;
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>());
  EXPECT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  const auto again = bench.work->next_attempt();
  ASSERT_TRUE(again);
  EXPECT_FALSE(take(bench.work->step()));
  bench.back.keys.away = false;
  bench.back.sim.clock.advance(
      std::chrono::duration_cast<std::chrono::milliseconds>(*again - bench.back.sim.clock.steady_now()));
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
}

TEST(Recall, T5_WithoutRoomTheRecallWaitsUntilThereIsSome) {
  WorkBench bench({.cache = {.bytes = 700'000}});
  migrated(bench, 1);
  bench.write("VOL008", volume_content(500'000, 8), 9);
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted = "2000000001"; });
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>());
  EXPECT_EQ(bench.back.library->in_drive("1000000001"), std::nullopt) << "nothing is mounted for it";
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted.clear(); });
  bench.wait_and_step();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
}

TEST(Recall, T5_ADiskThatIsFullIsNoCacheThatIsTooSmall) {
  WorkBench bench({.cache = {.bytes = 700'000}});
  migrated(bench, 1);
  bench.write("VOL008", volume_content(500'000, 8), 9);
  bench.steps();
  ASSERT_EQ(bench.volume("VOL008").residence(), Residence::kPremigrated);
  bench.disk.removals_refused = ErrorCode::kExhausted;
  bench.ask("VOL001");
  EXPECT_FALSE(bench.work->step());
  EXPECT_EQ(bench.told, std::vector<std::string>()) << "whoever asks is told only what stays so";
  bench.disk.removals_refused.reset();
  bench.wait_and_step();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
}

TEST(Recall, T5_RoomThatCameIsSeenSoonHoweverLongThereWasNone) {
  WorkBench bench({.cache = {.bytes = 700'000}});
  migrated(bench, 1);
  bench.write("VOL008", volume_content(500'000, 8), 9);
  bench.steps();
  ASSERT_EQ(bench.volume("VOL008").residence(), Residence::kPremigrated);
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted = "2000000001"; });
  bench.ask("VOL001");
  for (int i = 0; i < 10; ++i) bench.wait_and_step(std::chrono::minutes(11));
  EXPECT_EQ(bench.told, std::vector<std::string>());
  bench.edit_volume("VOL008", [](LogicalVolume& volume) { volume.mounted.clear(); });
  bench.wait_and_step(std::chrono::seconds(15));
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
}

TEST(Recall, T5_AMigrationGivesWayToARecallAfterTheImageItIsAt) {
  WorkBench bench;
  migrated(bench, 1);
  bench.start_work({BackEnd::kLtoDrive});
  for (unsigned i = 4; i <= 6; ++i)
    bench.write("VOL00" + std::to_string(i), volume_content(300'000, static_cast<std::uint8_t>(i)));
  bool asked = false;
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kWrite6) && !asked) {
      asked = true;
      bench.ask("VOL001");
    }
    return std::nullopt;
  };
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.on("VOL004"), "A00001L9/2");
  EXPECT_EQ(bench.on("VOL005"), "nowhere");
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  bench.steps();
  EXPECT_EQ(bench.on("VOL006"), "A00001L9/4");
}

}  // namespace
}  // namespace tapewarden::engine::test
