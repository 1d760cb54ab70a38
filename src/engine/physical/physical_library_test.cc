#include "engine/physical/physical_library.h"

#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

const std::string kFirst = "1000000001";
const std::string kSecond = "1000000002";

template <typename T>
MountFault fault(const Result<T>& result) {
  return result ? MountFault::kNone : fault_of(result.error());
}

TEST(PhysicalLibrary, T4_KnowsCartridgesByBarcodeAndDrivesBySerial) {
  BackEnd back;
  EXPECT_TRUE(back.library->problems().empty());
  ASSERT_EQ(back.library->inventory().size(), 6U);
  EXPECT_EQ(back.library->inventory().front(),
            (PlacedCartridge{.barcode = "A00001L9", .element = kSlot, .type = scsi::ElementType::kStorage}));
  EXPECT_FALSE(back.library->find("NOBODY"));
  EXPECT_FALSE(back.library->in_drive(kFirst));
}

TEST(PhysicalLibrary, T4_MovesThereAndBack) {
  BackEnd back;
  EXPECT_EQ(take(back.library->mount("A00002L9", kSecond)), kSlot + 1);
  EXPECT_EQ(back.library->find("A00002L9")->drive, kSecond);
  EXPECT_EQ(back.library->in_drive(kSecond), "A00002L9");
  EXPECT_EQ(take(back.library->mount("A00002L9", kSecond)), kDrive + 1);  // is there already
  const auto other = back.library->mount("A00002L9", kFirst);
  EXPECT_EQ(fault(other), MountFault::kLibrary);
  EXPECT_EQ(other.error().message, "cartridge A00002L9 is in another drive");
  EXPECT_EQ(back.library->mount("A00001L9", kSecond).error().code, ErrorCode::kConflict);
  EXPECT_EQ(take(back.library->demount(kSecond)), kSlot + 1);
  EXPECT_EQ(back.library->demount(kSecond).error().code, ErrorCode::kConflict);
}

TEST(PhysicalLibrary, T4_WhatIsNotThereIsNamed) {
  BackEnd back;
  EXPECT_EQ(back.library->mount("B00001L9", kFirst).error().message,
            "cartridge B00001L9 is not in library LIB1");
  EXPECT_EQ(back.library->mount("A00001L9", "77").error().message, "library LIB1 has no drive 77");
  EXPECT_EQ(back.library->demount("77").error().code, ErrorCode::kNotFound);
}

// An operator moves cartridges; the engine learns of it when it matters.
TEST(PhysicalLibrary, T13_WhatAnOperatorMovedIsFound) {
  BackEnd back;
  const tape::Place slot{.kind = tape::PlaceKind::kSlot, .index = 7};
  (void)take(back.robot->move_by_hand("A00001L9", slot));
  EXPECT_EQ(back.library->find("A00001L9")->element, kSlot);  // not known yet
  EXPECT_EQ(take(back.library->mount("A00001L9", kFirst)), kSlot + 7);
  // Its slot is taken meanwhile: it goes to a free one.
  (void)take(back.robot->move_by_hand("A00002L9", slot));
  EXPECT_EQ(take(back.library->demount(kFirst)), kSlot);
  EXPECT_EQ(back.robot->describe(kSlot).volume_tag, "A00001L9");
  (void)take(back.robot->move_by_hand("A00003L9", tape::Place{.kind = tape::PlaceKind::kPort, .index = 0}));
  done(back.library->refresh());
  EXPECT_EQ(back.library->find("A00003L9")->type, scsi::ElementType::kImportExport);
}

TEST(PhysicalLibrary, T13_ACartridgeIsHandedOutToAnImportExportElement) {
  BackEnd back;
  EXPECT_EQ(take(back.library->hand_out("A00001L9")), tape::test::kPort);
  EXPECT_EQ(back.library->find("A00001L9")->type, scsi::ElementType::kImportExport);
  EXPECT_EQ(take(back.library->hand_out("A00001L9")), tape::test::kPort) << "it lies there already";
  EXPECT_EQ(take(back.library->hand_out("A00002L9")), tape::test::kPort + 1);
  EXPECT_EQ(back.library->hand_out("A00003L9").error().code, ErrorCode::kExhausted);
  EXPECT_EQ(back.library->hand_out("NOBODY").error().code, ErrorCode::kNotFound);
  (void)take(back.library->mount("A00004L9", kFirst));
  EXPECT_EQ(back.library->hand_out("A00004L9").error().code, ErrorCode::kConflict);
  // From there it goes into a drive, and its place is free again.
  (void)take(back.library->mount("A00001L9", kSecond));
  EXPECT_EQ(take(back.library->hand_out("A00003L9")), tape::test::kPort);
}

TEST(PhysicalLibrary, T4_ABrokenRobotIsTheLibrarysFault) {
  BackEnd back;
  back.to_changer->meet = [](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (cdb[0] != static_cast<std::uint8_t>(scsi::changer_opcode::kMoveMedium)) return std::nullopt;
    return sense_answer(codes::kElementLoadFailed);
  };
  const auto moved = back.library->mount("A00001L9", kFirst);
  EXPECT_EQ(fault(moved), MountFault::kLibrary);
  EXPECT_NE(moved.error().message.find("moving cartridge A00001L9 to drive 1000000001"), std::string::npos);
  back.to_changer->meet = nullptr;
  EXPECT_EQ(take(back.library->mount("A00001L9", kFirst)), kSlot);
}

TEST(PhysicalLibrary, T4_ALibraryThatDoesNotAnswerIsNotOpened) {
  BackEnd back;
  back.to_changer->meet = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return fail(ErrorCode::kTimeout, "no answer");
  };
  EXPECT_EQ(fault_of(back.library->open().error()), MountFault::kLibrary);
  back.to_changer->meet = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return tape::TransportAnswer{scsi::ScsiStatus::kGood, {}, Bytes(64, 1)};
  };
  EXPECT_EQ(fault_of(back.library->open().error()), MountFault::kLibrary);
}

TEST(PhysicalLibrary, T9_DrivesThatTheLibraryDoesNotHaveAreTold) {
  BackEnd back;
  PhysicalLibrary other("LIB1", *back.to_changer,
                        {{.serial = kFirst},
                         {.serial = "9999999999"},
                         {.serial = "0000000002"},
                         {.serial = "ANY", .element = kDrive + 1},
                         {.serial = "TWICE", .element = kDrive + 1}});
  done(other.open());
  EXPECT_EQ(other.problems(), (std::vector<std::string>{"drive 9999999999 is not in the library",
                                                        "drive 0000000002 is not in the library",
                                                        "drive TWICE stands where drive ANY does"}));
  EXPECT_EQ(take(other.mount("A00001L9", "ANY")), kSlot);
  EXPECT_EQ(back.robot->describe(kDrive + 1).volume_tag, "A00001L9");
}

// An older library refuses DVCID: then the configuration says where the drives stand.
TEST(PhysicalLibrary, T9_WithoutIdentifiersElementsCount) {
  BackEnd back;
  back.to_changer->meet = [](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    const auto status = scsi::ReadElementStatus::decode(cdb);
    if (!status || !status->device_ids) return std::nullopt;
    return sense_answer(codes::kInvalidFieldInCdb);
  };
  PhysicalLibrary other("LIB1", *back.to_changer,
                        {{.serial = kFirst}, {.serial = kSecond, .element = kDrive}});
  done(other.open());
  EXPECT_EQ(other.problems(), (std::vector<std::string>{"drive 1000000001 is not in the library"}));
  EXPECT_EQ(take(other.mount("A00001L9", kSecond)), kSlot);
}

// Two cartridges with one barcode: neither is moved.
TEST(PhysicalLibrary, T4_ABarcodeThatStandsThereTwiceIsNotMoved) {
  BackEnd back;
  back.to_changer->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    const auto status = scsi::ReadElementStatus::decode(cdb);
    if (!status || status->type != scsi::ElementType::kStorage) return std::nullopt;
    auto response = back.changer->execute({.cdb = cdb, .nexus = scsi::NexusId{70}});
    auto data = scsi::ElementStatusData::decode(response.data_in).value();
    data.pages.at(0).descriptors.at(1).volume_tag = "A00001L9";
    return tape::TransportAnswer{scsi::ScsiStatus::kGood, {}, data.encode()};
  };
  done(back.library->refresh());
  EXPECT_EQ(back.library->problems(),
            (std::vector<std::string>{"barcode A00001L9 stands in more than one element"}));
  EXPECT_EQ(back.library->mount("A00001L9", kFirst).error().message,
            "two cartridges in library LIB1 bear A00001L9");
}

}  // namespace
}  // namespace tapewarden::engine::test
