// The end of a cartridge: no image goes over it, and there is room for a backup of the catalogue.
#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20;

struct Filling : BackEnd {
  std::vector<Bytes> volumes;

  explicit Filling(std::uint64_t capacity, std::uint64_t early_warning)
      : BackEnd(tape::KeyManagement::kSystem, capacity, early_warning) {}
  std::unique_ptr<MountedCartridge> begin(MountTrace& trace) {
    return take(lto().mount_for_write_from_beginning(label_of("A00001L9"),
                                                     policy_of(TapeEncryption::kIdentified), trace));
  }
  // Until one does not fit. The last that did.
  std::optional<WrittenImage> fill(MountedCartridge& cartridge) {
    std::optional<WrittenImage> last;
    while (true) {
      auto data = volume_content(kMebibyte, static_cast<std::uint8_t>(volumes.size()));
      const auto written = write_volume(cartridge, data);
      if (!written) return last;
      last = written;
      volumes.push_back(std::move(data));
      if (written->early_warning) return last;
    }
  }
};

TEST(Capacity, T4_TheVolumeThatDoesNotFitIsWrittenAnewOnTheNextCartridge) {
  Filling back(10 * kMebibyte, 3 * kMebibyte);
  auto trace = back.trace();
  auto cartridge = back.begin(trace);
  (void)back.fill(*cartridge);
  EXPECT_GE(back.volumes.size(), 5U);
  EXPECT_EQ(cartridge->next_file(), back.volumes.size() + 1);
  // The backup of the catalogue takes the place of the volume that did not fit.
  const auto backup = write_volume(*cartridge, content(kMebibyte, 99), ImageKind::kCatalogueBackup);
  ASSERT_TRUE(backup);
  EXPECT_EQ(backup->file, back.volumes.size() + 1);
  (void)take(cartridge->demount());
  cartridge = take(back.lto().mount_for_read(wanted_of("A00001L9", TapeEncryption::kIdentified), trace));
  for (std::size_t i = 0; i < back.volumes.size(); ++i)
    EXPECT_EQ(read_volume(*cartridge, static_cast<std::uint32_t>(i + 1)), back.volumes[i]);
  EXPECT_EQ(read_volume(*cartridge, backup->file), content(kMebibyte, 99));
  (void)take(cartridge->demount());
  cartridge = take(back.lto().mount_for_write_from_beginning(label_of("A00002L9"),
                                                             policy_of(TapeEncryption::kIdentified), trace));
  EXPECT_TRUE(write_volume(*cartridge, volume_content(kMebibyte, 77)));
}

TEST(Capacity, T4_RoomIsKeptForTheBackup) {
  Filling back(10 * kMebibyte, 256U << 10U);
  back.set_options({.reserve_bytes = 4 * kMebibyte});
  auto trace = back.trace();
  const auto cartridge = back.begin(trace);
  (void)back.fill(*cartridge);
  EXPECT_GE(back.volumes.size(), 4U);
  EXPECT_LE(back.volumes.size(), 6U);
  const auto left = take(cartridge->remaining_bytes());
  ASSERT_TRUE(left);
  EXPECT_TRUE(write_volume(*cartridge, content(3 * kMebibyte, 99), ImageKind::kCatalogueBackup));
  (void)take(cartridge->demount());
}

TEST(Capacity, T4_ADriveThatDoesNotTellWhatIsLeftIsBelievedByItsWarning) {
  Filling back(10 * kMebibyte, 2 * kMebibyte);
  back.set_options({.reserve_bytes = 4 * kMebibyte});
  auto trace = back.trace();
  const auto cartridge = back.begin(trace);
  back.to_drives[BackEnd::kLtoDrive]->meet = fail_from(scsi::Opcode::kLogSense, 0, codes::kInvalidFieldInCdb);
  (void)back.fill(*cartridge);
  EXPECT_FALSE(take(cartridge->remaining_bytes()));
  EXPECT_GE(back.volumes.size(), 6U);
}

// Without a warning zone worth its name the medium is full in the middle of an image.
TEST(Capacity, T4_AFullMediumLosesNothingBeforeIt) {
  Filling back(10 * kMebibyte, 1);
  auto trace = back.trace();
  auto cartridge = back.begin(trace);
  (void)back.fill(*cartridge);
  EXPECT_GE(back.volumes.size(), 7U);
  (void)take(cartridge->demount());
  back.expect_put_away(BackEnd::kLtoDrive);
  cartridge = take(back.lto().mount_for_append(wanted_of("A00001L9", TapeEncryption::kIdentified),
                                               static_cast<std::uint32_t>(back.volumes.size() + 1), trace));
  EXPECT_TRUE(write_volume(*cartridge, content(1000, 99), ImageKind::kCatalogueBackup));
  for (std::size_t i = 0; i < back.volumes.size(); ++i)
    EXPECT_EQ(read_volume(*cartridge, static_cast<std::uint32_t>(i + 1)), back.volumes[i]);
}

TEST(Capacity, T12_AVoidImageIsToldByItsTrailer) {
  Filling back(10 * kMebibyte, kMebibyte);
  auto trace = back.trace();
  const auto cartridge = back.begin(trace);
  (void)take(cartridge->begin_image(sample_header(1000)));
  (void)take(cartridge->append(content(400)));
  EXPECT_EQ(cartridge->finish_image({}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(take(cartridge->finish_image({.is_void = true, .tombstones = {{"LV0009", 3}}})));
  EXPECT_TRUE(write_volume(*cartridge, content(500)));
  const auto trailer = take(cartridge->read_trailer(1));
  EXPECT_TRUE(trailer.is_void);
  EXPECT_EQ(trailer.tombstones, (std::vector<Tombstone>{{"LV0009", 3}}));
  EXPECT_FALSE(take(cartridge->read_trailer(2)).is_void);
  EXPECT_EQ(fault_of(cartridge->read_trailer(4).error()), MountFault::kIdentity);
}

}  // namespace
}  // namespace tapewarden::engine::test
