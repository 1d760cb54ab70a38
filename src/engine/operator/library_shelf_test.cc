// The shelf of logical volumes over a library that has their files from a keeper.
#include "engine/operator/library_shelf.h"

#include <gtest/gtest.h>

#include "tape/library/fake_volume_keeper.h"

namespace tapewarden::engine {
namespace {

using tape::test::KeptBench;

std::string told(const Status& status) {
  return status ? "" : std::string(to_string(status.error().code)) + " " + status.error().field;
}

TEST(LibraryShelf, T1_VolumesComeIntoFreeSlotsAndLeaveThem) {
  KeptBench bench;
  LibraryShelf shelf(*bench.library);
  const auto changes = bench.library->outside_changes();
  const ShelvedVolume volume{"B00001", Uuid::from(Bytes(16, 7)), tape::MediumKind::k3592};
  ASSERT_TRUE(shelf.put({volume, {"B00002", Uuid::from(Bytes(16, 8)), tape::MediumKind::kLto}}));
  EXPECT_EQ(shelf.place_of("B00001"), "slot 6");
  EXPECT_EQ(shelf.place_of("B00009"), "");
  EXPECT_GT(bench.library->outside_changes(), changes) << "hosts are told";
  EXPECT_EQ(told(shelf.put({{"B00003", {}, tape::MediumKind::kLto}, volume})), "already-exists volsers");
  EXPECT_EQ(shelf.place_of("B00003"), "") << "all or none";
  const auto taken = shelf.take("B00001");
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, std::optional(volume));
  EXPECT_EQ(shelf.place_of("B00001"), "");
  const auto again = shelf.take("B00001");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->has_value());
}

TEST(LibraryShelf, T1_AFullLibraryAndAVolumeInADriveAreNamed) {
  KeptBench bench;
  LibraryShelf shelf(*bench.library);
  std::vector<ShelvedVolume> many;
  const auto barcodes = tape::test::take(tape::barcode_range("B00001-B00004"));
  for (const auto& barcode : barcodes) many.push_back({barcode, {}, tape::MediumKind::kLto});
  EXPECT_EQ(told(shelf.put(many)), "exhausted volsers");
  ASSERT_EQ(bench.move(tape::test::kSlot, tape::test::kDrive), std::nullopt);
  EXPECT_EQ(shelf.place_of("A00001L9"), "drive 1000000001");
  const auto taken = shelf.take("A00001L9");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  bench.library->prevent_removal(true);
  EXPECT_EQ(shelf.take("A00002L9").error().code, ErrorCode::kConflict);
  EXPECT_EQ(shelf.place_of("A00002L9"), "slot 2");
}

}  // namespace
}  // namespace tapewarden::engine
