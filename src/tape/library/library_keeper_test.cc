// A library whose cartridges come from a keeper: at once, later, or not at all.
#include "scsi/inquiry.h"
#include "tape/library/fake_bay_keys.h"
#include "tape/library/fake_volume_keeper.h"
#include "tape/library/partition_robot.h"

namespace tapewarden::tape::test {
namespace {

using Answer = FakeVolumeKeeper::Answer;
using Asked = std::vector<std::string>;

const Bytes kReady = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
const Bytes kReadOne = scsi::Read6{.transfer_length = 300}.encode();
const Bytes kWriteOne = scsi::Write6{.transfer_length = 300}.encode();
const std::string kFirst = "1000000001";

class KeptLibrary : public ::testing::Test {
 protected:
  scsi::SenseCode ready(std::size_t drive = 0) { return bench_.run(drive, kReady).sense.code; }
  void expect_waiting(std::size_t drive = 0) {
    EXPECT_EQ(ready(drive), codes::kNotReadyLoading);
    const auto element = describe(drive);
    EXPECT_TRUE(element.full);
    EXPECT_FALSE(element.exception);
  }
  void expect_not_loaded(std::size_t drive = 0) {
    EXPECT_EQ(ready(drive), codes::kMediumNotPresent);
    const auto element = describe(drive);
    EXPECT_TRUE(element.full);
    ASSERT_TRUE(element.exception);
    EXPECT_EQ(element.exception->asc, codes::kElementLoadFailed.asc);
    EXPECT_EQ(element.exception->ascq, codes::kElementLoadFailed.ascq);
  }
  scsi::ElementDescriptor describe(std::size_t drive) const {
    return bench_.library->describe(static_cast<std::uint16_t>(kDrive + drive));
  }
  void expect_asked(const Asked& asked) { EXPECT_EQ(bench_.cache->take_asked(), asked); }
  // Puts A00001L9 into the first drive, to be brought.
  void await() {
    bench_.cache->answer(Answer::kLater);
    ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
    expect_waiting();
    expect_asked({"fetch A00001L9"});
  }
  KeptBench bench_;
};

TEST_F(KeptLibrary, T5_ACartridgeThatIsThereIsLoadedAtOnceAndReturnedWhenItLeaves) {
  EXPECT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  expect_asked({"fetch A00001L9"});
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_GOOD(bench_.run(0, kWriteOne, block(1)));
  ASSERT_TRUE(bench_.run(0, scsi::LoadUnload{.load = false}.encode()).good());
  EXPECT_TRUE(describe(0).accessible);
  expect_asked({});
  EXPECT_EQ(bench_.move(kDrive, kSlot + 7), std::nullopt);
  expect_asked({"returned A00001L9"});
  EXPECT_EQ(bench_.move(kSlot + 7, kDrive + 1), std::nullopt);
  EXPECT_EQ(bench_.run(1, kReadOne).data_in, block(1));
  EXPECT_TRUE(bench_.notes.empty());
}

TEST_F(KeptLibrary, T5_TheFileIsClosedAndWholeWhenItIsReturned) {
  bool held = true;
  bench_.cache->on_returned = [&] {
    held = bench_.library->bays()[0]->holds_cartridge();
    const auto cartridge = take(Cartridge::open(bench_.sim.env(), "cache/A00001L9", CartridgeMode::kRead));
    Bytes into(300);
    EXPECT_EQ(take(cartridge->read_record(into)).data.size(), 300U);
  };
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  ASSERT_TRUE(bench_.run(0, kWriteOne, block(1)).good());  // not even a filemark behind it
  ASSERT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  EXPECT_FALSE(held);
}

TEST_F(KeptLibrary, T5_WhileACartridgeIsBroughtTheDriveIsBecomingReady) {
  await();
  EXPECT_TRUE(describe(0).accessible);
  EXPECT_EQ(describe(0).source, kSlot);
  for (const auto& cdb :
       {kReady, kReadOne, scsi::Rewind{}.encode(), scsi::LoadUnload{.load = false}.encode(),
        scsi::PreventAllow{.prevent = true}.encode(), scsi::plain_cdb(scsi::Opcode::kReserve6)})
    EXPECT_EQ(bench_.run(0, cdb).sense.code, codes::kNotReadyLoading);
  EXPECT_TRUE(bench_.run(0, scsi::Inquiry{.allocation_length = 36}.encode()).good());
  EXPECT_TRUE(bench_.run(0, scsi::RequestSense{.allocation_length = 18}.encode()).good());
  EXPECT_TRUE(bench_.run(0, scsi::ReportLuns{.allocation_length = 16}.encode()).good());

  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  const auto told = bench_.library->bays()[0]->execute({.cdb = kReady, .nexus = kOtherHost, .data_out = {}});
  EXPECT_EQ(told.sense.code.key, scsi::SenseKey::kUnitAttention);
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_FALSE(describe(0).accessible);
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({"returned A00001L9"});
}

TEST_F(KeptLibrary, T5_AHostThatKnowsTheDriveIsToldThatTheMediumMayHaveChanged) {
  (void)bench_.run(0, kReady);
  await();
  ASSERT_TRUE(bench_.cache->bring("A00001L9"));
  const auto first = bench_.library->bays()[0]->execute({.cdb = kReady, .nexus = kHost, .data_out = {}});
  EXPECT_EQ(first.sense.code, codes::kMediumMayHaveChanged);
  const auto second = bench_.library->bays()[0]->execute({.cdb = kReady, .nexus = kHost, .data_out = {}});
  EXPECT_TRUE(second.good());
}

TEST_F(KeptLibrary, T5_WhatCannotBeBroughtIsToldAndCanBeMovedAway) {
  await();
  EXPECT_TRUE(bench_.cache->fail_to_bring("A00001L9"));
  expect_not_loaded();
  ASSERT_EQ(bench_.notes.size(), 1U);
  EXPECT_NE(bench_.notes[0].find("A00001L9 could not be loaded into drive 1000000001"), std::string::npos);
  EXPECT_NE(bench_.notes[0].find("no copy"), std::string::npos);
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({});
  EXPECT_EQ(bench_.at(kSlot), "A00001L9");
  await();
}

TEST_F(KeptLibrary, T5_ACartridgeThatTheKeeperRefusesStaysWhereItIs) {
  bench_.cache->answer(Answer::kError);
  EXPECT_EQ(bench_.move(kSlot, kDrive), codes::kElementLoadFailed);
  EXPECT_EQ(bench_.at(kSlot), "A00001L9");
  EXPECT_EQ(bench_.at(kDrive), "");
  EXPECT_EQ(ready(), codes::kMediumNotPresent);
  const auto by_hand = bench_.library->move_by_hand("A00001L9", drive_place(kFirst));
  ASSERT_FALSE(by_hand);
  EXPECT_NE(by_hand.error().text().find("the cache cannot be read"), std::string::npos);
  expect_asked({"fetch A00001L9", "fetch A00001L9"});
  EXPECT_EQ(bench_.notes.size(), 2U);
}

TEST_F(KeptLibrary, T5_AnotherVolumeThanTheInventorysIsNotLoaded) {
  bench_.cache->files["A00001L9"] = bench_.cache->files["A00002L9"];
  EXPECT_EQ(bench_.move(kSlot, kDrive), codes::kElementLoadFailed);
  expect_asked({"fetch A00001L9", "returned A00001L9"});
  await();
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  expect_not_loaded();
  ASSERT_EQ(bench_.notes.size(), 2U);
  EXPECT_NE(bench_.notes[1].find("another cartridge"), std::string::npos);
  expect_asked({});
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({"returned A00001L9"});
}

TEST_F(KeptLibrary, T5_AHostTakesACartridgeBackThatIsBeingBrought) {
  await();
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({"give up A00001L9"});
  EXPECT_FALSE(bench_.cache->bring("A00001L9"));
  EXPECT_EQ(ready(), codes::kMediumNotPresent);
  // From drive to drive it is fetched for the other one.
  await();
  EXPECT_EQ(bench_.move(kDrive, kDrive + 1), std::nullopt);
  expect_asked({"give up A00001L9", "fetch A00001L9"});
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_TRUE(bench_.run(1, kReady).good());
  EXPECT_EQ(ready(), codes::kMediumNotPresent);
}

TEST_F(KeptLibrary, T5_AnOperatorTakesACartridgeBackThatIsBeingBrought) {
  await();
  EXPECT_EQ(take(bench_.library->move_by_hand("A00001L9", std::nullopt)), slot_place(0));
  expect_asked({"give up A00001L9"});
  await();
  EXPECT_EQ(take(bench_.library->unload_by_hand(kFirst, std::nullopt, true)), slot_place(0));
  expect_asked({"give up A00001L9"});
  EXPECT_EQ(ready(), codes::kMediumNotPresent);
}

TEST_F(KeptLibrary, T5_PreventionOnTheEmptyDriveDoesNotKeepACartridgeThatNeverCame) {
  ASSERT_TRUE(bench_.run(0, scsi::PreventAllow{.prevent = true}.encode()).good());
  await();
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({"give up A00001L9"});
  await();
  ASSERT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_EQ(bench_.move(kDrive, kSlot), codes::kRemovalPreventedByDrive);
  EXPECT_EQ(bench_.exchange(kSlot + 1, kDrive, kSlot + 1), codes::kRemovalPreventedByDrive);
  expect_asked({});
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_EQ(take(bench_.library->unload_by_hand(kFirst, std::nullopt, true)), slot_place(0));
  expect_asked({"returned A00001L9"});
}

TEST_F(KeptLibrary, T5_ACartridgeThatComesBeforeTheAnswerIsLoaded) {
  bench_.cache->answer(Answer::kLater);
  bench_.cache->on_fetched = [this] { EXPECT_TRUE(bench_.cache->bring("A00001L9")); };
  EXPECT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  EXPECT_TRUE(bench_.run(0, kReady).good());
}

TEST_F(KeptLibrary, T5_WhatGoesWrongWithAReturnedCartridgeIsToldAndItIsOutAllTheSame) {
  bench_.cache->return_fault = fail(ErrorCode::kIo, "the catalogue cannot be written").error();
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  ASSERT_EQ(bench_.notes.size(), 1U);
  EXPECT_NE(bench_.notes[0].find("the catalogue cannot be written"), std::string::npos);
}

TEST_F(KeptLibrary, T5_AnExchangeWorksOverWhatIsBroughtAndWhatIsThere) {
  await();
  EXPECT_EQ(bench_.exchange(kSlot + 1, kDrive, kSlot + 1), std::nullopt);
  expect_asked({"give up A00001L9", "fetch A00002L9"});
  EXPECT_EQ(bench_.at(kDrive), "A00002L9");
  EXPECT_EQ(bench_.at(kSlot + 1), "A00001L9");
  expect_waiting();
  ASSERT_TRUE(bench_.cache->bring("A00002L9"));
  bench_.cache->answer(Answer::kAtOnce);
  EXPECT_EQ(bench_.exchange(kSlot + 1, kDrive, kDrive + 1), std::nullopt);
  expect_asked({"returned A00002L9", "fetch A00001L9", "fetch A00002L9"});
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_TRUE(bench_.run(1, kReady).good());
  EXPECT_EQ(bench_.cache->lent(), (std::set<std::string>{"A00001L9", "A00002L9"}));
}

TEST_F(KeptLibrary, T5_AnExchangeThatFailsFetchesAgainWhatItTookOut) {
  bench_.cache->files["A00002L9"] = "cache/nothing";
  await();
  bench_.cache->answer(Answer::kAtOnce);
  EXPECT_EQ(bench_.exchange(kSlot + 1, kDrive, kSlot + 1), codes::kElementLoadFailed);
  expect_asked({"give up A00001L9", "fetch A00002L9", "returned A00002L9", "fetch A00001L9"});
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_EQ(bench_.exchange(kSlot + 1, kDrive, kSlot + 1), codes::kElementLoadFailed);
  expect_asked({"returned A00001L9", "fetch A00002L9", "returned A00002L9", "fetch A00001L9"});
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_EQ(bench_.at(kDrive), "A00001L9");
  EXPECT_EQ(bench_.at(kSlot + 1), "A00002L9");
}

TEST_F(KeptLibrary, T5_AMoveIsTakenBackWhenTheInventoryCannotBeWritten) {
  for (const auto how : {Answer::kAtOnce, Answer::kLater}) {
    bench_.cache->answer(how);
    for (std::uint64_t writes = 0;; ++writes) {
      ASSERT_LT(writes, 30U);
      bench_.sim.disk.fail_after(writes);
      const auto failed = bench_.move(kSlot, kDrive);
      bench_.sim.disk.clear_faults();
      if (!failed) break;
      EXPECT_EQ(bench_.at(kSlot), "A00001L9");
      EXPECT_EQ(ready(), codes::kMediumNotPresent);
      EXPECT_TRUE(bench_.cache->lent().empty());
      EXPECT_FALSE(bench_.cache->wanted("A00001L9"));
    }
    ASSERT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  }
}

TEST_F(KeptLibrary, T5_WhatIsInDrivesIsFetchedAtTheStartAndNobodyWaitsForIt) {
  await();
  bench_.cache->answer(Answer::kAtOnce);
  ASSERT_EQ(bench_.move(kSlot + 1, kDrive + 1), std::nullopt);
  bench_.start_again(Answer::kLater);
  expect_asked({"fetch A00001L9", "fetch A00002L9"});
  expect_waiting(0);
  expect_waiting(1);
  EXPECT_TRUE(bench_.cache->bring("A00002L9"));
  EXPECT_TRUE(bench_.run(1, kReady).good());
  expect_waiting(0);
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_TRUE(bench_.run(0, kReady).good());
  EXPECT_TRUE(bench_.notes.empty());

  bench_.start_again(Answer::kError);
  EXPECT_EQ(bench_.notes.size(), 2U);
  expect_not_loaded();
  expect_asked({"fetch A00001L9", "fetch A00002L9"});
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({});
}

TEST_F(KeptLibrary, T5_PowerOffReturnsNothingAndGivesUpWhatIsBeingBrought) {
  ASSERT_EQ(bench_.move(kSlot + 1, kDrive + 1), std::nullopt);
  ASSERT_TRUE(bench_.run(1, kWriteOne, block(3)).good());
  (void)bench_.cache->take_asked();
  await();
  done(bench_.library->power_off());
  expect_asked({"give up A00001L9"});
  EXPECT_FALSE(bench_.cache->listened_to());
  EXPECT_FALSE(bench_.library->bays()[1]->holds_cartridge());
  bench_.start_again();
  EXPECT_EQ(bench_.at(kDrive), "A00001L9");
  EXPECT_EQ(bench_.run(1, kReadOne).data_in, block(3));
}

TEST_F(KeptLibrary, T5_NobodyListensWhenTheLibraryIsGone) {
  await();
  bench_.library.reset();
  EXPECT_FALSE(bench_.cache->listened_to());
  EXPECT_FALSE(bench_.cache->bring("A00001L9"));
}

TEST_F(KeptLibrary, T5_ADriveThatIsSwitchedOffAndOnGetsItsCartridgeAnew) {
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  done(bench_.library->switch_drive(kFirst, false));
  expect_asked({"fetch A00001L9", "returned A00001L9"});
  EXPECT_EQ(ready(), codes::kUnitOffline);
  EXPECT_EQ(bench_.at(kDrive), "A00001L9");
  bench_.cache->answer(Answer::kLater);
  done(bench_.library->switch_drive(kFirst, true));
  expect_asked({"fetch A00001L9"});
  expect_waiting();
  // Off while it is being brought.
  done(bench_.library->switch_drive(kFirst, false));
  expect_asked({"give up A00001L9"});
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  EXPECT_EQ(bench_.move(kSlot, kDrive), codes::kElementLoadFailed);
  expect_asked({});
  done(bench_.library->switch_drive(kFirst, true));
  await();
}

TEST_F(KeptLibrary, T5_ADriveWithoutPowerDoesNotTouchWhatComes) {
  await();
  bench_.cache->on_returned = [] { ADD_FAILURE() << "nothing was loaded"; };
  // The bay alone: the library has not heard of it yet.
  auto& bay = *bench_.library->bays()[0];
  done(bay.switch_off());
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_FALSE(bay.holds_cartridge());
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  expect_asked({"give up A00001L9"});
}

TEST_F(KeptLibrary, T5_ALibraryManagedDriveGetsKeysForACartridgeThatWasBrought) {
  FakeExchange drive_side;
  FakeBayKeys servers;
  servers.brings = true;
  bench_.library.reset();
  bench_.keys = &servers;
  bench_.key_side = &drive_side;
  bench_.spec.encryption = {{.first = "A00002L9", .last = "A00002L9", .policy = {.encrypt = false}}};
  bench_.start_again(Answer::kLater);
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  ASSERT_EQ(bench_.move(kSlot + 1, kDrive + 1), std::nullopt);
  EXPECT_EQ(bench_.run(0, kWriteOne, block(1)).sense.code, codes::kNotReadyLoading);
  ASSERT_TRUE(bench_.cache->bring("A00001L9"));
  ASSERT_TRUE(bench_.cache->bring("A00002L9"));
  EXPECT_GOOD(bench_.run(0, kWriteOne, block(1)));
  EXPECT_EQ(servers.served, 1);
  EXPECT_GOOD(bench_.run(1, kWriteOne, block(1)));
  EXPECT_EQ(servers.served, 1) << "a rule says that it is written in clear";
  // The keeper has the cartridge before the key server is waited for.
  bool back = false;
  servers.on_confirm = [&] { back = !bench_.cache->lent().contains("A00001L9"); };
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  EXPECT_EQ(servers.confirmed.size(), 1U);
  EXPECT_TRUE(back);
  bench_.library.reset();
}

TEST_F(KeptLibrary, T5_APartitionHasItsCartridgesFromTheKeeper) {
  bench_.library.reset();
  bench_.spec.partitions = {{.name = "ARCHIVE", .drives = {"1000000002"}, .slots = {0, 4}, .ports = {0, 1}}};
  bench_.start_again(Answer::kLater);
  const auto& partition = bench_.spec.partitions[0];
  PartitionRobot robot(*bench_.library, bench_.spec, partition);
  ASSERT_TRUE(robot.move(kSlot, kDrive));
  expect_asked({"fetch A00001L9"});
  expect_waiting(1);
  EXPECT_FALSE(robot.describe(kDrive).exception);
  ASSERT_TRUE(robot.exchange(kSlot + 1, kDrive, kSlot));
  expect_asked({"give up A00001L9", "fetch A00002L9"});
  ASSERT_TRUE(bench_.cache->bring("A00002L9"));
  EXPECT_TRUE(bench_.run(1, kReady).good());
  ASSERT_TRUE(robot.move(kDrive, kSlot + 1));
  expect_asked({"returned A00002L9"});
}

}  // namespace
}  // namespace tapewarden::tape::test
