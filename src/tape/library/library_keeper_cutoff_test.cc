// A library whose cartridges come from a keeper, and a program that ends in the middle.
#include "tape/library/fake_volume_keeper.h"

namespace tapewarden::tape::test {
namespace {

using Answer = FakeVolumeKeeper::Answer;

const Bytes kReady = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);

// The disk fails after every possible number of writes, and the program ends there: with a cartridge that is
// there, and with one that is being brought.
TEST(KeptLibraryCutOff, T5_CutOffAtEveryWriteOfAMoveACartridgeIsInOnePlaceAndFetchedThere) {
  for (const bool into_drive : {true, false}) {
    for (const auto how : {Answer::kAtOnce, Answer::kLater}) {
      for (std::uint64_t writes = 0;; ++writes) {
        ASSERT_LT(writes, 100U);
        KeptBench bench;
        bench.cache->answer(how);
        const std::uint16_t source = into_drive ? kSlot : kDrive;
        const std::uint16_t destination = into_drive ? kDrive : kSlot;
        if (!into_drive) {
          ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
        }
        bench.sim.disk.fail_after(writes);
        const auto failed = bench.move(source, destination);
        bench.kill();
        bench.start_again();
        EXPECT_EQ(bench.at(failed ? source : destination), "A00001L9") << writes;
        EXPECT_EQ(bench.at(failed ? destination : source), "") << writes;
        const bool in_drive = bench.at(kDrive) == "A00001L9";
        EXPECT_EQ(bench.cache->lent().contains("A00001L9"), in_drive) << writes;
        EXPECT_EQ(bench.run(0, kReady).good(), in_drive) << writes;
        if (!failed) break;
      }
    }
  }
}

// Between the inventory's commit and the load: the inventory has it in the drive, and no drive has loaded it.
TEST(KeptLibraryCutOff, T5_CutOffBeforeItCameItIsFetchedAgain) {
  KeptBench bench;
  bench.cache->answer(Answer::kLater);
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  bench.kill();
  bench.start_again(Answer::kLater);
  EXPECT_EQ(bench.cache->take_asked(), (std::vector<std::string>{"fetch A00001L9"}));
  ASSERT_TRUE(bench.cache->bring("A00001L9"));
  EXPECT_TRUE(bench.run(0, kReady).good());
  // And while it was loaded.
  for (std::uint64_t writes = 0; writes < 10; ++writes) {
    bench.start_again(Answer::kLater);
    bench.sim.disk.fail_after(writes);
    ASSERT_TRUE(bench.cache->bring("A00001L9"));
    bench.kill();
    bench.start_again();
    EXPECT_TRUE(bench.run(0, kReady).good()) << writes;
  }
}

}  // namespace
}  // namespace tapewarden::tape::test
