// What an operator does at the panel beside hosts.
#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

const std::string kSerial = "1000000001";

class LibraryPanel : public ::testing::Test {
 protected:
  ErrorCode move_fault(const std::string& barcode, const std::optional<Place>& to) {
    const auto moved = bench_.library->move_by_hand(barcode, to);
    return moved ? ErrorCode::kInternal : moved.error().code;
  }
  LibraryBench bench_;
};

TEST_F(LibraryPanel, L2_ACartridgeFindsItsWayHome) {
  auto& library = *bench_.library;
  EXPECT_EQ(take(library.move_by_hand("A00001L9", drive_place("1000000002"))), drive_place("1000000002"));
  EXPECT_EQ(take(library.move_by_hand("A00002L9", std::nullopt)), slot_place(1)) << "it is at home";
  EXPECT_EQ(take(library.move_by_hand("A00001L9", std::nullopt)), slot_place(0));
  EXPECT_EQ(take(library.move_by_hand("A00003L9", drive_place(kSerial))), drive_place(kSerial));
  EXPECT_EQ(take(library.move_by_hand("A00003L9", std::nullopt)), slot_place(2));
  EXPECT_EQ(take(library.move_by_hand("A00003L9", port_place(0))), port_place(0));
  EXPECT_EQ(take(library.move_by_hand("A00004L9", slot_place(2))), slot_place(2));
  // Its slot is taken: the first free one.
  EXPECT_EQ(take(library.move_by_hand("A00003L9", std::nullopt)), slot_place(3));
  bench_.expect_whole();
}

TEST_F(LibraryPanel, L2_HostsAreToldOfEachMoveAndOfNoneThatFailed) {
  auto& library = *bench_.library;
  const auto before = library.outside_changes();
  EXPECT_EQ(move_fault("A00001L9", slot_place(1)), ErrorCode::kConflict);
  EXPECT_EQ(move_fault("A00001L9", slot_place(99)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(move_fault("A00001L9", drive_place("1000000009")), ErrorCode::kNotFound);
  EXPECT_EQ(move_fault("J00001", drive_place(kSerial)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(move_fault("Z00001", std::nullopt), ErrorCode::kNotFound);
  EXPECT_EQ(library.outside_changes(), before);
  (void)take(library.move_by_hand("A00001L9", port_place(1)));
  EXPECT_EQ(library.outside_changes(), before + 1);
  bench_.expect_whole();
}

TEST_F(LibraryPanel, L2_ADriveThatIsOffTakesNothingAndGivesItsCartridgeAway) {
  auto& library = *bench_.library;
  (void)take(library.move_by_hand("A00001L9", drive_place(kSerial)));
  const Bytes block(1000, 3);
  ASSERT_TRUE(bench_.run(0, scsi::Write6{.fixed = false, .transfer_length = 1000}.encode(), block).good());
  done(library.switch_drive(kSerial, false));
  EXPECT_EQ(bench_.run(0, Bytes(6, 0)).sense.code, codes::kUnitOffline);
  EXPECT_EQ(bench_.at(kDrive), "A00001L9") << "it is still there";
  EXPECT_TRUE(library.describe(kDrive).exception);
  EXPECT_EQ(move_fault("A00002L9", drive_place(kSerial)), ErrorCode::kConflict);
  // A host's changer takes it out, and what was written is there.
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  EXPECT_EQ(bench_.move(kSlot, kDrive), codes::kElementLoadFailed);
  EXPECT_EQ(bench_.at(kSlot), "A00001L9");
  EXPECT_EQ(bench_.move(kSlot, kDrive + 1), std::nullopt);
  EXPECT_EQ(bench_.run(1, scsi::Read6{.fixed = false, .transfer_length = 1000}.encode()).data_in, block);
  done(library.switch_drive(kSerial, true));
  EXPECT_EQ(bench_.run(0, Bytes(6, 0)).sense.code, codes::kMediumNotPresent);
  EXPECT_EQ(bench_.move(kDrive + 1, kDrive), std::nullopt);
  bench_.expect_whole();
}

TEST_F(LibraryPanel, L3_PowerEndsEveryReservation) {
  auto& library = *bench_.library;
  ASSERT_TRUE(bench_.run(0, Bytes{0x16, 0, 0, 0, 0, 0}).good());
  const auto before = library.bays()[0]->status({}, std::chrono::seconds{1});
  ASSERT_TRUE(before);
  EXPECT_EQ(before->holder, kHost);
  EXPECT_TRUE(before->reserved);
  done(library.switch_drive(kSerial, false));
  done(library.switch_drive(kSerial, true));
  const auto after = library.bays()[0]->status({}, std::chrono::seconds{1});
  ASSERT_TRUE(after);
  EXPECT_FALSE(after->reserved);
  EXPECT_FALSE(library.switch_drive("1000000009", true));
}

TEST_F(LibraryPanel, L2_AMoveByHandIsDurableWhenItReturns) {
  (void)take(bench_.library->move_by_hand("A00001L9", drive_place(kSerial)));
  bench_.kill();
  bench_.start();
  EXPECT_EQ(bench_.at(kDrive), "A00001L9");
  bench_.expect_whole();
}

}  // namespace
}  // namespace tapewarden::tape::test
