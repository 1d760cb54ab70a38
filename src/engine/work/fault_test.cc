// Whose fault it was that a mount came to nothing, and what the engine does then.
#include "engine/work/fault_rules.h"
#include "engine/work/work_test_kit.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine::test {
namespace {

void appended(WorkBench& bench) {
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.write("VOL002", volume_content(300'000, 2));
}

TEST(Fault, T9_ADriveThatFailsIsOfflineAndAnotherDoesTheWork) {
  WorkBench bench;
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      fail_from(scsi::Opcode::kWrite6, 1, codes::kInternalTargetFailure);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kPremigrated);
  EXPECT_TRUE(bench.raised(NoticeKind::kDriveOffline, "1000000001"));
  bench.back.to_drives[BackEnd::kLtoDrive]->meet = nullptr;
  done(bench.back.drives[BackEnd::kLtoDrive]->probe());
  bench.steps();
  EXPECT_FALSE(bench.raised(NoticeKind::kDriveOffline, "1000000001"));
  bench.expect_everything_readable();
}

TEST(Fault, T9_TheNumberOfCapableDrivesIsWatched) {
  WorkBench bench({.capable_drives = 3});
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.back.drives[BackEnd::kLtoDrive]->take_offline("an operator's wish");
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kDriveOffline, "encryption-capable drives"));
  done(bench.back.drives[BackEnd::kLtoDrive]->probe());
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
}

TEST(Fault, T9_NothingIsWrittenInClearInAPoolThatEncrypts) {
  WorkBench bench;
  appended(bench);
  bench.encrypt_pool(1);
  bench.steps();
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1") << "not behind what was written in clear";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.back.file_of("A00002L9").find("plaintext-of-the-volume"), std::string_view::npos);
}

// Sets pool 1 to encrypt when the drives get the `number`-th block that is written.
void encrypt_at_block(WorkBench& bench, unsigned number) {
  for (const auto drive : {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive})
    bench.back.to_drives[drive]->meet =
        [&bench, number, seen = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
      if (is_command(cdb, scsi::Opcode::kWrite6) && ++seen == number) bench.encrypt_pool(1);
      return std::nullopt;
    };
}

TEST(Fault, T9_AnImageUnderWayWhenItsPoolIsSetToEncryptIsNoCopy) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2));
  encrypt_at_block(bench, 3);  // within the image of the first
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "an image in clear is no copy in a pool that encrypts";
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/2") << "not behind what was written in clear";
  EXPECT_EQ(bench.cartridge("A00001L9").active_volumes, 0U);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00002L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.back.file_of("A00002L9").find("plaintext-of-the-volume"), std::string_view::npos);
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

TEST(Fault, T9_BehindCopiesInClearTheImageUnderWayIsDeadAndTheCartridgeIsClosed) {
  WorkBench bench;
  appended(bench);
  encrypt_at_block(bench, 2);  // within the image of the second
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1") << "it was a copy before the pool was set to encrypt";
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
  const auto clear = bench.cartridge("A00001L9");
  EXPECT_EQ(clear.state, CartridgeState::kClosed);
  EXPECT_EQ(clear.active_volumes, 1U);
  EXPECT_EQ(clear.next_file, 3U) << "something stands in its second tape file";
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

TEST(Fault, T9_AReclaimToAPoolThatIsSetToEncryptMeanwhileMovesNothingInClear) {
  WorkBench bench;
  bench.add_scratch("A00003L9");
  appended(bench);
  bench.steps();
  ASSERT_EQ(bench.on("VOL002"), "A00001L9/2");
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.move = {MoveRequest::When::kNow, 2}; });
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&bench, seen = 0U](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
      if (is_command(cdb, scsi::Opcode::kWrite6) && ++seen == 3) bench.encrypt_pool(2);
      return std::nullopt;
    };
  bench.steps();
  for (const auto* volser : {"VOL001", "VOL002"}) {
    const auto volume = bench.volume(volser);
    ASSERT_TRUE(volume.active(CopyNumber::kPrimary));
    EXPECT_EQ(bench.cartridge(volume.primary->cartridge).encryption, MediumEncryption::kIdentified) << volser;
  }
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

TEST(Fault, T9_ACartridgeThatWasMountedInClearMeanwhileTakesNothing) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  encrypt_at_block(bench, 1);  // its label
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.cartridge("A00001L9").medium, 2U) << "begun once more";
  EXPECT_EQ(bench.cartridge("A00001L9").encryption, MediumEncryption::kIdentified);
  EXPECT_EQ(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

// By its key areas the cartridge is clear, and behind its first image stands an encrypted session: no drive
// goes on writing there.
void mix(WorkBench& bench, const std::string& barcode) {
  const auto tape = take(tape::Cartridge::open(bench.back.sim.env(), "library/cartridges/" + barcode + ".twc",
                                               tape::CartridgeMode::kReadWrite));
  done(tape->to_end_of_data());
  tape::SessionSpec sealed;
  sealed.key = std::make_shared<const tape::DataKey>(crypto::SecretBytes::copy_of(Bytes(32, 9)));
  sealed.method = tape::KeyMethod::kIdentifiedKey;
  done(tape->set_write_session(std::move(sealed)));
  done(tape->write_record(volume_content(5'000, 9)));
  done(tape->unload());
}

TEST(Fault, T4_ACartridgeThatIsBothClearAndEncryptedIsClosedAndTheDrivesGoOn) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  mix(bench, "A00001L9");
  bench.write("VOL002", volume_content(300'000, 2));
  bench.wait_and_step();
  for (const auto* serial : {"1000000001", "1000000002"})
    EXPECT_FALSE(bench.raised(NoticeKind::kDriveOffline, serial)) << bench.open_texts();
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_TRUE(noted_damaged(bench.cartridge("A00001L9")));
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
  bench.wait_and_step();  // it is not tried again at once
  bench.expect_everything_readable();
}

TEST(Fault, T4_ACartridgeWhoseReadingIsRefusedForItsEncryptionTakesNoMore) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = fail_from(scsi::Opcode::kRead6, 2, codes::kEncryptionModeMismatch);
  bench.ask("VOL001");
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_TRUE(noted_damaged(bench.cartridge("A00001L9")));
}

TEST(Fault, T4_NothingIsWrittenBehindWhatIsNotedAsDamaged) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.edit_cartridge(
      "A00001L9", [](PhysicalVolume& one) { one.note = std::string(kDamageNote) + "as a rebuild has it"; });
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
}

TEST(Fault, T9_WithoutADriveThatEncryptsAsThePoolAsksTheVolumesWait) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) {
    pool.encryption = PoolEncryption::kWrapped;  // the LTO drives do it by the other method
    pool.labels[0] = {"June 2026 key", LabelMode::kClear};
  });
  bench.write("VOL001", volume_content(300'000, 1));
  EXPECT_EQ(bench.steps(), 0U);
  EXPECT_TRUE(bench.raised(NoticeKind::kDriveOffline, "pool 1"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  bench.edit_pool(1, [](Pool& pool) { pool.encryption = PoolEncryption::kOff; });
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
}

TEST(Fault, T4_AnotherCartridgeUnderItsBarcodeIsNeverWritten) {
  WorkBench bench;
  appended(bench);
  {
    auto trace = bench.back.trace();
    const auto other = take(bench.back.lto().mount_for_write_from_beginning(
        label_of("A00001L9", 9), policy_of(TapeEncryption::kClear), trace));
    (void)take(other->demount());
  }
  const auto before = to_bytes(bench.back.file_of("A00001L9"));
  bench.steps();
  EXPECT_EQ(to_bytes(bench.back.file_of("A00001L9")).size(), before.size());
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
}

TEST(Fault, T13_ACartridgeThatIsNotInTheLibraryIsOverdue) {
  WorkBench bench;
  bench.add_scratch("A00000L9");
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeOverdue, "A00000L9"));
  EXPECT_EQ(bench.cartridge("A00000L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
}

TEST(Fault, T4_ACartridgeThatCannotBeWrittenTakesNoMore) {
  WorkBench bench;
  appended(bench);
  for (const auto drive : {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive})
    bench.back.to_drives[drive]->meet =
        [&bench, drive](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      const bool bad = is_command(cdb, scsi::Opcode::kWrite6) &&
                       bench.back.library->in_drive(bench.back.drives[drive]->serial()) == "A00001L9";
      return bad ? sense_answer(codes::kWriteError) : std::nullopt;
    };
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "what the cache has of it is brought away";
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/2");
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kDamaged) << "emptied, and not scratch again";
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

TEST(Fault, T10_WhatTheCacheHasOfADamagedCartridgeStaysThereUntilItIsWrittenElsewhere) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  ASSERT_EQ(bench.evict("VOL002"), 1U);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = fail_from(scsi::Opcode::kRead6, 2, codes::kUnrecoveredReadError);
  bench.ask("VOL002");
  EXPECT_TRUE(take(bench.work->step()));
  ASSERT_TRUE(noted_damaged(bench.cartridge("A00001L9")));
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.evict("VOL001"), 0U) << "its only other copy lies on a cartridge that fails";
  bench.steps();
  EXPECT_TRUE(bench.on("VOL001").starts_with("A00002L9"));
  EXPECT_EQ(bench.evict("VOL001"), 1U);
}

TEST(Fault, T6_ADamagedCartridgeStaysDamagedWhateverAKeyServerSaysOfItLater) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& one) {
    one.state = CartridgeState::kClosed;
    one.note = std::string(kDamageNote) + "an unrecovered read error";
  });
  bench.back.keys.refuse = [](const std::string&, const scsi::KeyRequestPage&) -> std::optional<Error> {
    return Error{.code = ErrorCode::kPermissionDenied,
                 .message = "no",
                 .field = "alias",
                 .remedy = {},
                 .detail = 0xEE30};
  };
  bench.ask("VOL001");
  bench.steps();
  EXPECT_TRUE(noted_damaged(bench.cartridge("A00001L9"))) << bench.cartridge("A00001L9").note;
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL001", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kDamaged) << "not scratch again";
}

TEST(Fault, T4_AScratchCartridgeThatCannotBeWrittenIsDamaged) {
  WorkBench bench;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      const bool bad =
          is_command(cdb, scsi::Opcode::kWrite6) && bench.back.library->in_drive("1000000001") == "A00001L9";
      return bad ? sense_answer(codes::kWriteError) : std::nullopt;
    };
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kDamaged);
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1");
}

constexpr std::uint64_t kDiskPlenty = 1ULL << 40;

// `free`: of the disk under the virtual cartridges.
void lay_on_disk(WorkBench& bench, const std::uint64_t& free) {
  auto options = bench.back.options;
  options.free_on_disk = [&free] { return free; };
  bench.work.reset();
  bench.back.set_options(std::move(options));
  bench.start_work();
}

TEST(Fault, T8_AFullDiskUnderVirtualCartridgesIsNotTheirFault) {
  std::uint64_t free = kDiskPlenty;
  WorkBench bench;
  lay_on_disk(bench, free);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  free = kDiskLeastBytes - 1;
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kDiskFull, "LIB1"));
  EXPECT_FALSE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_TRUE(bench.volume("VOL001").cached) << "reading needs no room there";
  free = kDiskPlenty;
  bench.steps();
  EXPECT_FALSE(bench.raised(NoticeKind::kDiskFull, "LIB1"));
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2") << "at once, whatever pause there was";
  bench.expect_everything_readable();
}

TEST(Fault, T8_ADiskThatFillsUnderAnImageMakesNoCartridgeFullOrDamaged) {
  std::uint64_t free = kDiskPlenty;
  WorkBench bench;
  lay_on_disk(bench, free);
  const auto all = [&](const std::function<std::optional<Result<tape::TransportAnswer>>(ByteView)>& meet) {
    for (const auto& drive : bench.back.to_drives) drive->meet = meet;
  };
  // As a virtual drive says it: the label itself finds no room.
  all([&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!is_command(cdb, scsi::Opcode::kWrite6)) return std::nullopt;
    free = 0;
    return sense_answer(codes::kVolumeFull);
  });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kDiskFull, "LIB1"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00001L9").note, "");
  free = kDiskPlenty;
  all(nullptr);
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00002L9/1") << "the scratch cartridge that was not tried just now";
  // The header of the next image goes out, its content does not.
  unsigned writes = 0;
  all([&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!is_command(cdb, scsi::Opcode::kWrite6) || ++writes < 2) return std::nullopt;
    free = 0;
    return sense_answer(codes::kVolumeFull);
  });
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kDiskFull, "LIB1"));
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kFilling);
  all(nullptr);
  free = kDiskPlenty;
  bench.steps();
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/2");
  EXPECT_EQ(bench.backup.made, 0U) << "it was never full";
  bench.expect_everything_readable();
}

TEST(Fault, T4_AppendingThatTheKeyServerRefusesClosesTheCartridge) {
  WorkBench bench;
  bench.encrypt_pool(1);
  appended(bench);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      const bool refused =
          is_command(cdb, scsi::Opcode::kWrite6) && bench.back.library->in_drive("1000000001") == "A00001L9";
      return refused ? sense_answer(codes::kKeyRequestUnauthorized) : std::nullopt;
    };
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_FALSE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9")) << "its key is, not the tape";
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.expect_everything_readable();
}

TEST(Fault, T8_WithoutAKeyServerWritingWaitsAndClearPoolsGoOn) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.back.keys.away = true;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2), 2);
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_NE(bench.on("VOL002"), "nowhere");
  bench.back.keys.away = false;
  bench.wait_and_step();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_NE(bench.on("VOL001"), "nowhere");
  bench.expect_everything_readable();
}

TEST(Fault, T4_ARobotThatRefusesIsTriedAgainLater) {
  WorkBench bench;
  bool broken = true;
  bench.back.to_changer->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!broken || !is_command(cdb, scsi::changer_opcode::kMoveMedium)) return std::nullopt;
    return sense_answer(codes::kInternalTargetFailure);
  };
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  EXPECT_TRUE(bench.work->next_attempt());
  broken = false;
  bench.wait_and_step();
  EXPECT_NE(bench.on("VOL001"), "nowhere");
}

TEST(Fault, T4_ADriveThatWasResetIsUsedAgainAfterAShortPause) {
  WorkBench bench;
  bool reset = true;
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!is_command(cdb, scsi::Opcode::kWrite6) || !std::exchange(reset, false)) return std::nullopt;
    return sense_answer(codes::kPowerOn);
  };
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_FALSE(reset);
  bench.wait_and_step();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_NE(bench.on("VOL001"), "nowhere");
  EXPECT_EQ(bench.back.drives[BackEnd::kLtoDrive]->status().state, PhysicalDriveStatus::State::kIdle);
}

TEST(Fault, T4_ACartridgeThatWasLeftInADriveIsPutAwayFirst) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  ASSERT_TRUE(bench.back.library->mount("A00001L9", "1000000002"));  // and the engine was cut off
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  bench.back.expect_put_away(BackEnd::kOtherLtoDrive);
}

TEST(Fault, T3_NoMoreDrivesWriteToAPoolThanItAllows) {
  for (const std::uint8_t most : {std::uint8_t{1}, std::uint8_t{2}}) {
    WorkBench bench;
    bench.edit_pool(1, [&](Pool& pool) { pool.max_drives = most; });
    bench.write("VOL001", volume_content(300'000, 1));
    bench.write("VOL002", volume_content(300'000, 2));
    std::optional<bool> second;
    bench.back.to_drives[BackEnd::kLtoDrive]->meet =
        [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
      if (is_command(cdb, scsi::Opcode::kWrite6) && !second) {
        second = false;
        second = take(bench.work->step());  // as another drive's thread does
      }
      return std::nullopt;
    };
    bench.steps();
    EXPECT_EQ(second, most == 2);
    bench.expect_everything_readable();
  }
}

}  // namespace
}  // namespace tapewarden::engine::test
