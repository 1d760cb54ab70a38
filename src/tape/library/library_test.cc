#include "tape/library/library.h"

#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

const Bytes kReady = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);

Bytes write_cdb(std::size_t size) {
  return scsi::Write6{.transfer_length = static_cast<std::uint32_t>(size)}.encode();
}

TEST(Library, L2_SlotToDriveAndBack) {
  LibraryBench bench;
  EXPECT_EQ(bench.run(0, kReady).sense.code, codes::kMediumNotPresent);
  EXPECT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  EXPECT_EQ(bench.at(kSlot), "");
  EXPECT_EQ(bench.at(kDrive), "A00001L9");
  const auto element = bench.library->describe(kDrive);
  EXPECT_EQ(element.source, kSlot);
  EXPECT_FALSE(element.accessible);
  EXPECT_EQ(element.identifier, "TAPEWARDVIRTUAL LTO     1000000001");
  EXPECT_TRUE(bench.run(0, kReady).good());
  EXPECT_EQ(bench.move(kDrive, kSlot + 7), std::nullopt);
  EXPECT_EQ(bench.at(kSlot + 7), "A00001L9");
  EXPECT_EQ(bench.library->describe(kSlot + 7).source, kSlot);
  EXPECT_EQ(bench.run(0, kReady).sense.code, codes::kMediumNotPresent);
  bench.expect_whole();
}

// Every pair of kinds of elements, full and empty.
TEST(Library, L2_EveryPairOfElementsMovesWhenSourceIsFullAndDestinationEmpty) {
  const std::uint16_t full[] = {kSlot, kPort, kDrive};
  const std::uint16_t empty[] = {kSlot + 7, kPort + 1, kDrive + 1};
  for (const auto source : full) {
    for (const auto destination : empty) {
      LibraryBench bench;
      if (source != kSlot) {
        ASSERT_EQ(bench.move(kSlot, source), std::nullopt);
      }
      EXPECT_EQ(bench.move(destination, source), codes::kSourceEmpty);
      EXPECT_EQ(bench.move(source, kSlot + 2), codes::kDestinationFull);
      EXPECT_EQ(bench.at(source), "A00001L9");
      EXPECT_EQ(bench.move(source, source), std::nullopt);  // it is there already
      EXPECT_EQ(bench.move(source, destination), std::nullopt);
      EXPECT_EQ(bench.at(source), "");
      EXPECT_EQ(bench.at(destination), "A00001L9");
      bench.expect_whole();
    }
  }
}

TEST(Library, L2_ExchangeChangesTwoPlaces) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  // What mtx exchange does: slot 2 into the drive, the drive's cartridge into slot 2.
  EXPECT_EQ(bench.exchange(kSlot + 1, kDrive, kSlot + 1), std::nullopt);
  EXPECT_EQ(bench.at(kDrive), "A00002L9");
  EXPECT_EQ(bench.at(kSlot + 1), "A00001L9");
  // On to a third place.
  EXPECT_EQ(bench.exchange(kSlot + 1, kDrive, kDrive + 1), std::nullopt);
  EXPECT_EQ(bench.at(kDrive), "A00001L9");
  EXPECT_EQ(bench.at(kDrive + 1), "A00002L9");
  // Two drives change their cartridges.
  EXPECT_EQ(bench.exchange(kDrive, kDrive + 1, kDrive), std::nullopt);
  EXPECT_EQ(bench.at(kDrive), "A00002L9");
  EXPECT_EQ(bench.at(kDrive + 1), "A00001L9");
  EXPECT_EQ(bench.exchange(kSlot, kDrive, kSlot), codes::kSourceEmpty);
  EXPECT_EQ(bench.exchange(kDrive, kSlot, kDrive), codes::kSourceEmpty);
  EXPECT_EQ(bench.exchange(kSlot + 2, kDrive, kSlot + 3), codes::kDestinationFull);
  EXPECT_EQ(bench.exchange(kSlot + 2, kDrive, kDrive), codes::kDestinationFull);
  EXPECT_EQ(bench.at(kDrive), "A00002L9");
  bench.expect_whole();
}

TEST(Library, L2_ACartridgeOfTheOtherKindStaysWhereItIs) {
  LibraryBench bench;
  EXPECT_EQ(bench.move(kSlot + 4, kDrive), codes::kCartridgeDoesNotFit);
  EXPECT_EQ(bench.move(kSlot, kDrive + 2), codes::kCartridgeDoesNotFit);
  EXPECT_EQ(bench.move(kSlot + 4, kDrive + 2), std::nullopt);
  EXPECT_EQ(bench.exchange(kSlot, kDrive + 2, kSlot), codes::kCartridgeDoesNotFit);
  EXPECT_EQ(bench.at(kDrive + 2), "J00001");
  bench.expect_whole();
}

TEST(Library, L2_ADriveWhoseHostPreventsRemovalKeepsItsCartridge) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  ASSERT_TRUE(bench.run(0, scsi::PreventAllow{.prevent = true}.encode()).good());
  EXPECT_EQ(bench.move(kDrive, kSlot), codes::kRemovalPreventedByDrive);
  EXPECT_EQ(bench.exchange(kSlot + 1, kDrive, kSlot + 1), codes::kRemovalPreventedByDrive);
  EXPECT_TRUE(bench.run(0, kReady).good());
  bench.expect_whole();
  ASSERT_TRUE(bench.run(0, scsi::PreventAllow{.prevent = false}.encode()).good());
  EXPECT_EQ(bench.move(kDrive, kSlot), std::nullopt);
}

// A move that fails when the inventory is written: the cartridge that is in already must come out again.
TEST(Library, L2_AMoveIsUndoneWhateverAHostPreventsOnTheEmptyDrive) {
  LibraryBench bench;
  ASSERT_TRUE(bench.run(0, scsi::PreventAllow{.prevent = true}.encode()).good());
  for (std::uint64_t writes = 0; writes < 30; ++writes) {
    bench.sim.disk.fail_after(writes);
    const auto failed = bench.move(kSlot, kDrive);
    bench.sim.disk.clear_faults();
    bench.expect_whole();
    if (!failed) return;
  }
  ADD_FAILURE() << "the move never succeeds";
}

TEST(Library, L2_AHostUnloadsAndTheElementBecomesAccessible) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  ASSERT_TRUE(bench.run(0, scsi::LoadUnload{.load = false}.encode()).good());
  EXPECT_TRUE(bench.library->describe(kDrive).accessible);
  EXPECT_TRUE(bench.library->describe(kDrive).full);
  EXPECT_EQ(bench.move(kDrive, kSlot), std::nullopt);
  bench.expect_whole();
}

TEST(Library, L2_WhatAHostWroteIsThereAfterAMoveAndARestart) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  ASSERT_TRUE(bench.run(0, write_cdb(300), block(1)).good());
  ASSERT_EQ(bench.move(kDrive, kSlot + 6), std::nullopt);  // not even a filemark before it
  bench.kill();
  bench.start();
  EXPECT_EQ(bench.at(kSlot + 6), "A00001L9");
  ASSERT_EQ(bench.move(kSlot + 6, kDrive + 1), std::nullopt);
  const auto read = bench.run(1, scsi::Read6{.transfer_length = 300}.encode());
  EXPECT_EQ(read.data_in, block(1));
}

TEST(Library, L2_ACartridgeInADriveIsThereAgainAfterARestart) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive + 1), std::nullopt);
  ASSERT_TRUE(bench.run(1, write_cdb(300), block(2)).good());
  ASSERT_TRUE(bench.run(1, scsi::WriteFilemarks{.count = 1}.encode()).good());
  bench.kill();
  bench.start();
  EXPECT_TRUE(bench.notes.empty());
  bench.expect_whole();
  EXPECT_EQ(bench.library->describe(kDrive + 1).source, kSlot);
  EXPECT_EQ(bench.run(1, scsi::Read6{.transfer_length = 300}.encode()).data_in, block(2));
}

TEST(Library, L2_PowerOffClosesWhatIsInTheDrivesAndForgetsNothing) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  ASSERT_TRUE(bench.run(0, scsi::PreventAllow{.prevent = true}.encode()).good());
  ASSERT_TRUE(bench.run(0, write_cdb(300), block(3)).good());  // buffered
  done(bench.library->power_off());
  bench.kill();
  bench.start();
  EXPECT_EQ(bench.at(kDrive), "A00001L9");
  EXPECT_EQ(bench.run(0, scsi::Read6{.transfer_length = 300}.encode()).data_in, block(3));
}

// A disk that fails after every possible number of writes: what the host sees as failed left everything where
// it was, and after a restart each cartridge is in one place.
TEST(Library, L2_CutOffAtEveryWriteOfAMoveACartridgeIsInOnePlace) {
  struct Case {
    std::uint16_t source;
    std::uint16_t destination;
  };
  for (const auto& [source, destination] :
       {Case{kSlot, kSlot + 7}, Case{kSlot, kDrive}, Case{kDrive, kSlot + 7}, Case{kDrive, kDrive + 1}}) {
    for (std::uint64_t writes = 0;; ++writes) {
      LibraryBench bench;
      if (source == kDrive) {
        ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
        ASSERT_TRUE(bench.run(0, write_cdb(300), block(4)).good());
        ASSERT_TRUE(bench.run(0, scsi::WriteFilemarks{.count = 1}.encode()).good());
      }
      bench.sim.disk.fail_after(writes);
      const auto moved = bench.move(source, destination);
      if (moved) {
        EXPECT_EQ(bench.at(source), "A00001L9") << writes;
      }
      bench.kill();
      bench.start();
      bench.expect_whole();
      EXPECT_EQ(bench.at(moved ? source : destination), "A00001L9") << writes;
      ASSERT_LT(writes, 100U);
      if (!moved) break;
    }
  }
}

TEST(Library, L2_CutOffAtEveryWriteOfAnExchangeBothAreInOnePlace) {
  for (std::uint64_t writes = 0;; ++writes) {
    LibraryBench bench;
    ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
    bench.sim.disk.fail_after(writes);
    const auto exchanged = bench.exchange(kSlot + 1, kDrive, kSlot + 1);
    bench.kill();
    bench.start();
    bench.expect_whole();
    EXPECT_EQ(bench.at(kDrive), exchanged ? "A00001L9" : "A00002L9") << writes;
    EXPECT_EQ(bench.at(kSlot + 1), exchanged ? "A00002L9" : "A00001L9") << writes;
    ASSERT_LT(writes, 100U);
    if (!exchanged) break;
  }
}

TEST(Library, L2_AFailedMoveLeavesTheDrivesAsTheyWere) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  auto& file = bench.sim.disk.content("library/cartridges/A00002L9.twc");
  for (auto& byte : file) byte = 0;
  EXPECT_EQ(bench.move(kSlot + 1, kDrive + 1), codes::kElementLoadFailed);
  EXPECT_EQ(bench.at(kSlot + 1), "A00002L9");
  EXPECT_EQ(bench.exchange(kSlot + 1, kDrive, kSlot + 1), codes::kElementLoadFailed);
  EXPECT_TRUE(bench.run(0, kReady).good());  // it is back
  EXPECT_EQ(bench.notes.size(), 2U);
  bench.expect_whole();
}

TEST(Library, L2_AnotherFileUnderTheSameNameIsNotLoaded) {
  LibraryBench bench;
  const auto other = bench.sim.disk.content("library/cartridges/A00002L9.twc");
  bench.sim.disk.content("library/cartridges/A00001L9.twc") = other;
  EXPECT_EQ(bench.move(kSlot, kDrive), codes::kElementLoadFailed);
  ASSERT_EQ(bench.notes.size(), 1U);
  EXPECT_NE(bench.notes[0].find("another cartridge"), std::string::npos);
  EXPECT_FALSE(bench.library->bays()[0]->holds_cartridge());
}

TEST(Library, L2_ADamagedCartridgeInADriveCanBeMovedAway) {
  LibraryBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  bench.kill();
  for (auto& byte : bench.sim.disk.content("library/cartridges/A00001L9.twc")) byte = 0;
  bench.start();
  EXPECT_EQ(bench.notes.size(), 1U);
  const auto element = bench.library->describe(kDrive);
  EXPECT_TRUE(element.full);
  ASSERT_TRUE(element.exception);
  EXPECT_EQ(element.exception->asc, 0x53);
  EXPECT_EQ(element.exception->ascq, 0x09);
  EXPECT_EQ(bench.move(kDrive, kSlot), std::nullopt);
  EXPECT_EQ(bench.at(kSlot), "A00001L9");
  EXPECT_EQ(bench.move(kSlot + 1, kDrive), std::nullopt);
}

TEST(Library, L2_AMissingFileIsShownAndUnknownOnesAreTold) {
  LibraryBench bench;
  bench.library.reset();
  done(bench.sim.disk.remove("library/cartridges/A00003L9.twc"));
  done(write_file_atomically(bench.sim.disk, "library/cartridges/notes.txt", to_bytes("hello")));
  bench.start();
  EXPECT_EQ(bench.notes,
            (std::vector<std::string>{"the file of cartridge A00003L9 is missing",
                                      "the file notes.txt in cartridges/ is not in the inventory"}));
  const auto element = bench.library->describe(kSlot + 2);
  EXPECT_EQ(element.volume_tag, "A00003L9");
  ASSERT_TRUE(element.exception);
  EXPECT_EQ(element.exception->ascq, 0x08);
  EXPECT_EQ(bench.move(kSlot + 2, kDrive), codes::kElementStatusUnknown);
  EXPECT_TRUE(bench.library->audit());
}

TEST(Library, L2_HostsLearnOfAnOperatorsActionsUnlessTheyPreventThem) {
  LibraryBench bench;
  Changer changer(*bench.library, bench.spec.changer);
  const scsi::Command ready{.cdb = kReady, .nexus = kHost};
  (void)changer.execute(ready);
  ASSERT_TRUE(changer.execute(ready).good());
  ASSERT_EQ(bench.move(kSlot, kPort), std::nullopt);
  ASSERT_TRUE(changer.execute(ready).good());  // a host's own move is no news
  const auto prevent = scsi::PreventAllow{.prevent = true}.encode();
  ASSERT_TRUE(changer.execute({.cdb = prevent, .nexus = kHost}).good());
  const auto take_away = [](LibraryFolder& folder) { return export_cartridge(folder, "A00001L9"); };
  EXPECT_EQ(bench.library->act(take_away).error().code, ErrorCode::kConflict);
  changer.nexus_lost(kHost);
  (void)changer.execute(ready);
  done(bench.library->act(take_away));
  EXPECT_EQ(changer.execute(ready).sense.code, codes::kImportExportAccessed);
  EXPECT_EQ(bench.at(kPort), "");
}

TEST(Library, L2_DrivesMustBeThoseOfTheConfiguration) {
  LibraryBench bench;
  bench.library.reset();
  bench.spec.drives[0].kind = MediumKind::k3592;
  std::vector<std::shared_ptr<DriveBay>> bays;
  for (std::size_t i = 0; i < 3; ++i)
    bays.push_back(
        std::make_shared<DriveBay>(std::make_unique<Drive>(bench.sim.env(), identity_of(i), DriveOptions{})));
  const auto opened = Library::open(take(LibraryFolder::open(bench.sim.env(), bench.spec)), std::move(bays));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().field, "library.drives");
}

}  // namespace
}  // namespace tapewarden::tape::test
