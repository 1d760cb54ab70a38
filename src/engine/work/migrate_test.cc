#include "engine/catalogue/damage_note.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using ::testing::Test;

std::string volser(unsigned number) {
  return "VOL" + std::string(number < 10 ? "00" : "0") + std::to_string(number);
}

TEST(Migrate, T5_SeveralVolumesGoOntoOneCartridgeInOneMount) {
  WorkBench bench;
  for (unsigned i = 1; i <= 3; ++i) {
    bench.write(volser(i), volume_content(300'000 + i, static_cast<std::uint8_t>(i)));
    bench.back.sim.clock.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(bench.steps(), 1U);
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.on("VOL003"), "A00001L9/3");
  const auto cartridge = bench.cartridge("A00001L9");
  EXPECT_EQ(cartridge.state, CartridgeState::kFilling);
  EXPECT_EQ(cartridge.pool, 1);
  EXPECT_TRUE(cartridge.borrowed);
  EXPECT_EQ(cartridge.next_file, 4U);
  EXPECT_EQ(cartridge.active_volumes, 3U);
  EXPECT_EQ(cartridge.written_bytes, cartridge.active_bytes);
  EXPECT_EQ(cartridge.encryption, MediumEncryption::kClear);
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kPremigrated);
  EXPECT_EQ(bench.work->traces().of_cartridge("A00001L9").size(), 1U);
  for (const auto drive : {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive}) bench.back.expect_put_away(drive);
  bench.expect_everything_readable();
}

// Volumes on A00009L9 that are not in the cache, one more than an answer of the catalogue holds.
void add_more_than_a_page(WorkBench& bench, const std::function<void(LogicalVolume&)>& set_due) {
  bench.edit_cartridge("A00009L9", [](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.medium = 1;
  });
  done(bench.catalogue->change([&](CatalogueChange& change) -> Status {
    for (std::uint32_t i = 1; i <= kMaximumPage + 1; ++i) {
      LogicalVolume volume;
      volume.volser = "L" + std::to_string(10'000 + i);
      volume.category = Category::kPrivate;
      volume.generation = 1;
      volume.written = bench.back.sim.clock.wall_now() - std::chrono::hours(1);
      volume.primary = Copy{"A00009L9", 1, i, i * 10ULL, 1000, 1};
      set_due(volume);
      TRY(change.put(volume));
    }
    return {};
  }));
}

// More than one answer of the catalogue holds, all due for longer than what a host has just written.
TEST(Migrate, T5_VolumesThatAreNotInTheCacheHideNoneThatIsHoweverManyAreDue) {
  WorkBench bench;
  bench.add_scratch("A00009L9", 2);
  add_more_than_a_page(bench, [](LogicalVolume& volume) {
    volume.primary_due = true;
    volume.primary_pool = 1;
  });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
}

// More than one answer of the catalogue holds, and none of them can be brought.
TEST(Migrate, T5_VolumesThatNobodyCanBringHideNoneThatCanBeBrought) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1), 1, 2);
  bench.steps();
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.secondary.reset();
    volume.secondary_due = true;
  });
  bench.add_scratch("A00009L9", 3);
  add_more_than_a_page(bench, [](LogicalVolume& volume) {
    volume.secondary_due = true;
    volume.secondary_pool = 2;
  });
  bench.edit_cartridge("A00009L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kEjected; });
  bench.steps();
  EXPECT_NE(bench.on("VOL001", CopyNumber::kSecondary), "nowhere");
}

// The pool has a cartridge, and it is the one that the other copy lies on.
TEST(Migrate, T5_WhatCouldGoNowhereIsNotBroughtIntoTheCache) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1), 1, 1);
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  ASSERT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.secondary.reset();
    volume.secondary_due = true;
    volume.secondary_pool = 1;
  });
  bench.edit_cartridge("A00002L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kEjected; });
  bench.wait_and_step();
  EXPECT_FALSE(bench.volume("VOL001").cached);
  EXPECT_TRUE(bench.desk->wanted().empty());
  EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 1"));
  bench.add_scratch("A00003L9");
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00003L9/1");
}

// However it came to be noted: a rebuild, say, or an older program.
TEST(Migrate, T4_AFillingCartridgeThatIsNotedDamagedIsClosedAndTold) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.note = std::string(kDamageNote) + "a drive could not read it";
  });
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kClosed);
  EXPECT_EQ(bench.cartridge("A00001L9").next_file, 2U) << "nothing more was written on it";
  EXPECT_TRUE(bench.raised(NoticeKind::kCartridgeDamaged, "A00001L9"));
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
}

TEST(Migrate, T4_WhatComesLaterIsAppended) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  bench.write("VOL002", volume_content(300'000, 2));
  bench.write("VOL001", volume_content(200'000, 3));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/2") << "written again, behind what it was";
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/3");
  const auto cartridge = bench.cartridge("A00001L9");
  EXPECT_EQ(cartridge.medium, 1U);
  EXPECT_EQ(cartridge.encryption, MediumEncryption::kIdentified);
  EXPECT_NE(cartridge.alias, "");
  EXPECT_EQ(cartridge.active_volumes, 2U);
  EXPECT_GT(cartridge.written_bytes, cartridge.active_bytes);
  EXPECT_EQ(bench.back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
  bench.expect_everything_readable();
}

// As key servers name the keys that they make: three letters and nine bytes, of which some can be printed.
TEST(Migrate, T10_TheAliasOnTheCartridgeIsTheOneInItsRow) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.back.keys.server.identifier = take(from_hex("54574b00a1b2c34100000005"));
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").alias, "TWK00A1B2C34100000005");
  // A row of before, with the group's name, is put right by the next mount.
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& row) { row.alias = "POOL1"; });
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").alias, "TWK00A1B2C34100000005");
  bench.expect_everything_readable();
}

TEST(Migrate, T4_AFullCartridgeGetsTheCataloguesBackupAndTheVolumeGoesOntoTheNext) {
  WorkBench bench({.capacity = 4U << 20, .early_warning = 1U << 20});
  bench.encrypt_pool(1);
  for (unsigned i = 1; i <= 3; ++i)
    bench.write(volser(i), volume_content(1'400'000, static_cast<std::uint8_t>(i)));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
  EXPECT_EQ(bench.on("VOL003"), "A00002L9/1") << "a logical volume does not span cartridges";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFull);
  EXPECT_TRUE(bench.cartridge("A00001L9").full_since);
  EXPECT_EQ(bench.cartridge("A00001L9").next_file, 4U) << "the backup is its last tape file";
  EXPECT_EQ(bench.messages(),
            std::vector<std::string>{"Database Backup written to Encrypted Physical Tape A00001L9"});
  EXPECT_EQ(bench.backup.made, 1U);
  EXPECT_FALSE(bench.back.sim.disk.exists("backup-of-the-catalogue"));
  bench.expect_everything_readable();
}

TEST(Migrate, T4_WithoutABackupTheCartridgeIsFullAndSaysSo) {
  WorkBench bench({.capacity = 4U << 20, .early_warning = 1U << 20});
  bench.backup.broken = true;
  for (unsigned i = 1; i <= 3; ++i)
    bench.write(volser(i), volume_content(1'400'000, static_cast<std::uint8_t>(i)));
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFull);
  EXPECT_NE(bench.cartridge("A00001L9").note, "");
  EXPECT_EQ(bench.messages(), std::vector<std::string>());
  bench.expect_everything_readable();
}

TEST(Migrate, T5_ACopyDuringWhichAHostTakesTheVolumeDoesNotCount) {
  WorkBench bench;
  bench.write("VOL001", volume_content(3'000'000, 1));
  bool taken = false;
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kWrite6) && bench.cartridge("A00001L9").medium == 1 && !taken) {
      taken = true;
      bench.desk->take("VOL001");
    }
    return std::nullopt;
  };
  bench.steps();
  ASSERT_TRUE(taken);
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  bench.write("VOL001", volume_content(2'000'000, 2));
  bench.desk->give_back("VOL001");
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1") << "over what was begun";
  bench.expect_everything_readable();
}

TEST(Migrate, T5_AVolumeWhoseFileCannotBeReadHoldsUpNoRecall) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.write("VOL002", volume_content(300'000, 2));
  done(bench.cached->env().disk->remove(take(bench.cached->path_of(bench.volume("VOL002")))));
  unsigned failed = 0;
  for (int i = 0; i < 12; ++i) {
    bench.back.sim.clock.advance(std::chrono::minutes(11));
    if (!bench.work->step()) ++failed;
  }
  EXPECT_EQ(failed, 12U) << "it is tried again and again";
  bench.ask("VOL001");
  bench.back.sim.clock.advance(std::chrono::seconds(1));
  bench.steps();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
}

// As after a start with a file of the cache missing: the copy that was due is not forgotten.
TEST(Migrate, T5_ACopyThatIsDueOfAVolumeWhoseFileIsMissingIsMadeWhenItHasBeenRecalled) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  bench.edit_volume("VOL001", [](LogicalVolume& volume) {
    volume.secondary_due = true;
    volume.secondary_pool = 2;
  });
  const auto path = take(bench.cached->path_of(bench.volume("VOL001")));
  bench.stop();
  done(bench.back.sim.disk.remove(path));
  bench.start();
  EXPECT_EQ(bench.opened.due_without_file, std::vector<std::string>{"VOL001"});
  EXPECT_FALSE(bench.volume("VOL001").cached);
  bench.steps();
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary).substr(0, 6), "A00002") << bench.open_texts();
  EXPECT_FALSE(bench.volume("VOL001").secondary_due);
  EXPECT_TRUE(bench.volume("VOL001").cached) << "it was recalled for that";
  bench.expect_everything_readable();
}

// As after an operator marked the cartridge of their first copies as damaged; their second ones are in
// pool 2.
void went_bad(WorkBench& bench, unsigned count, std::uint8_t to_pool) {
  for (unsigned i = 1; i <= count; ++i)
    bench.write(volser(i), volume_content(300'000, static_cast<std::uint8_t>(i)), 1, 2);
  bench.steps();
  for (unsigned i = 1; i <= count; ++i) ASSERT_EQ(bench.evict(volser(i)), 1U);
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kDamaged; });
  for (unsigned i = 1; i <= count; ++i)
    bench.edit_volume(volser(i), [&](LogicalVolume& volume) {
      volume.primary_due = true;
      volume.primary_pool = to_pool;
    });
}

TEST(Migrate, T5_WhatCouldNotBeWrittenAnewIsNotBroughtIntoTheCacheForIt) {
  WorkBench bench;
  bench.edit_pool(5, [](Pool& pool) { pool.borrow = Borrow::kNo; });
  went_bad(bench, 3, 5);
  bench.wait_and_step();
  for (unsigned i = 1; i <= 3; ++i)
    EXPECT_FALSE(bench.volume(volser(i)).cached) << "it could not leave again";
  EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 5")) << "and it is said why";
  bench.add_scratch("A00003L9", 5);
  bench.wait_and_step();
  for (unsigned i = 1; i <= 3; ++i) EXPECT_TRUE(bench.on(volser(i)).starts_with("A00003L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").active_volumes, 0U);
  EXPECT_FALSE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 5"));
  bench.expect_everything_readable();
}

TEST(Migrate, T5_WhatIsWrittenAnewComesIntoTheCacheAFewAtATime) {
  WorkBench bench({.cache = {.bytes = 3'200'000}});
  bench.add_scratch("A00003L9", 5);
  went_bad(bench, 6, 5);
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.desk->wanted().size(), 3U) << "with the last of them a quarter of the cache is taken";
  std::size_t most = 0;
  for (unsigned i = 0; i < 100 && take(bench.work->step()); ++i) {
    std::size_t cached = 0;
    for (unsigned j = 1; j <= 6; ++j)
      if (const auto one = bench.volume(volser(j)); one.cached && one.primary_due) ++cached;
    most = std::max(most, cached);
  }
  EXPECT_LE(most, 4U);
  for (int i = 0; i < 3; ++i) bench.wait_and_step();
  for (unsigned i = 1; i <= 6; ++i) EXPECT_TRUE(bench.on(volser(i)).starts_with("A00003L9")) << volser(i);
  bench.expect_everything_readable();
}

// Mark, clear, read: what the copy in the other pool could not give is read from the first cartridge again.
TEST(Migrate, T13_ACopyThatIsDueStandsUntilItIsWrittenAnew) {
  WorkBench bench;
  bench.add_scratch("A00003L9", 5);
  went_bad(bench, 1, 5);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = fail_from(scsi::Opcode::kRead6, 1, codes::kUnrecoveredReadError);
  bench.wait_and_step();
  EXPECT_TRUE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  for (const auto& drive : bench.back.to_drives) drive->meet = nullptr;
  bench.edit_cartridge("A00002L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kDamaged; });
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kClosed; });
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
  EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
  bench.expect_everything_readable();
}

TEST(Migrate, T2_SecondCopiesGoToAPoolOfTheirOwn) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1), 1, 2);
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00002L9/1");
  EXPECT_EQ(bench.cartridge("A00002L9").pool, 2);
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kPremigrated);
}

TEST(Migrate, T2_TwoCopiesInOnePoolLieOnTwoCartridges) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1), 1, 1);
  bench.write("VOL002", volume_content(300'000, 2), 1, 1);
  bench.steps();
  bench.wait_and_step();
  for (const auto* volser : {"VOL001", "VOL002"}) {
    const auto volume = bench.volume(volser);
    ASSERT_TRUE(volume.active(CopyNumber::kPrimary) && volume.active(CopyNumber::kSecondary)) << volser;
    EXPECT_NE(volume.primary->cartridge, volume.secondary->cartridge) << volser;
  }
}

TEST(Migrate, T2_ACopyBesideWhichTheOtherCameToLieMeanwhileDoesNotCount) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1), 1);
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&, first = true](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kWrite6) && std::exchange(first, false))
      bench.edit_volume("VOL001", [](LogicalVolume& volume) {
        volume.secondary = Copy{"A00001L9", 1, 9, 90, 1000, volume.generation};
      });
    return std::nullopt;
  };
  bench.steps();
  EXPECT_EQ(bench.on("VOL001", CopyNumber::kSecondary), "A00001L9/9");
  EXPECT_EQ(bench.on("VOL001"), "A00002L9/1") << "written once more, on another cartridge";
  bench.expect_sound();
}

TEST(Migrate, T4_AVolumeWithTwoPartitionsComesBackWithBoth) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  const auto path = take(bench.cached->path_of(bench.volume("VOL001"))) + ".partition1";
  const auto second = volume_content(70'000, 2);
  {
    const auto file = take(bench.cached->env().disk->open(path, OpenMode::kCreateNew));
    done(file->write_at(0, second));
    done(file->sync());
  }
  bench.steps();
  bench.expect_everything_readable();
  const auto back = take(bench.cached->path_of(bench.volume("VOL001"))) + ".partition1";
  EXPECT_NE(back, path) << "each file has a number of its own";
  EXPECT_EQ(take(read_file(*bench.cached->env().disk, back, 1U << 20)), second);
}

TEST(Migrate, T5_DeletionsAreToldByTheNextTrailer) {
  WorkBench bench;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  bench.edit_volume("VOL002", [](LogicalVolume& volume) { volume.category = Category::kScratch; });
  bench.edit_volume("VOL002", [](LogicalVolume& volume) { volume.deleted_generation = volume.generation; });
  bench.write("VOL001", volume_content(300'000, 3));
  bench.steps();
  done(bench.catalogue->read([](CatalogueView& view) -> Status {
    EXPECT_TRUE(TRY(view.deleted_volumes(10)).empty());
    return {};
  }));
  auto trace = bench.back.trace();
  const auto mounted =
      take(bench.back.lto().mount_for_read(wanted_of("A00001L9", TapeEncryption::kClear), trace));
  const auto trailer = take(mounted->read_trailer(3));
  EXPECT_EQ(trailer.tombstones, (std::vector<Tombstone>{{"VOL002", 1}}));
  (void)take(mounted->demount());
}

TEST(Migrate, T4_NoScratchCartridgeIsAnInterventionUntilThereIsOne) {
  WorkBench bench;
  bench.edit_pool(1, [](Pool& pool) { pool.borrow = Borrow::kNo; });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 1"));
  EXPECT_TRUE(bench.work->next_attempt());
  EXPECT_FALSE(take(bench.work->step())) << "it is not tried all the time";
  bench.add_scratch("A00003L9", 1);
  bench.work->try_again();
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
}

TEST(Migrate, T4_AVolumeThatFitsOnNoCartridgeHoldsUpNoOther) {
  WorkBench bench({.capacity = 2U << 20, .early_warning = 256U << 10});
  bench.write("VOL001", volume_content(3'000'000, 1));
  bench.back.sim.clock.advance(std::chrono::seconds(1));
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/1");
}

TEST(Migrate, T4_AVolumeThatFitsOnNoCartridgeDoesNotEndOneAfterTheOther) {
  WorkBench bench({.capacity = 2U << 20, .early_warning = 256U << 10});
  bench.write("VOL001", volume_content(3'000'000, 1));
  bench.steps();
  bench.back.sim.clock.advance(std::chrono::seconds(1));
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  ASSERT_EQ(bench.on("VOL002"), "A00001L9/1");
  bench.wait_and_step();
  bench.wait_and_step();
  EXPECT_TRUE(bench.volume("VOL001").primary_due);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling) << "it has room for others";
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 1"));
}

}  // namespace
}  // namespace tapewarden::engine::test
