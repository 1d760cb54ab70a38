#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

// Written in that way, with one volume on it.
void written(BackEnd& back, TapeEncryption encryption) {
  auto trace = back.trace();
  const auto cartridge =
      take(back.lto().mount_for_write_from_beginning(label_of("A00001L9"), policy_of(encryption), trace));
  ASSERT_TRUE(write_volume(*cartridge, volume_content(700'000)));
  (void)take(cartridge->demount());
}

TEST(Erase, T13_NothingOfItIsLeftOnTheCartridge) {
  for (const auto encryption : {TapeEncryption::kClear, TapeEncryption::kIdentified}) {
    BackEnd back;
    written(back, encryption);
    const auto before = back.file_of("A00001L9").size();
    auto trace = back.trace();
    done(back.lto().erase("A00001L9", trace));
    back.expect_put_away(BackEnd::kLtoDrive);
    EXPECT_LT(back.file_of("A00001L9").size() + 700'000, before);
    EXPECT_EQ(back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
    const auto read = back.lto().mount_for_read(wanted_of("A00001L9", TapeEncryption::kClear), trace);
    ASSERT_FALSE(read);
    EXPECT_EQ(fault_of(read.error()), MountFault::kIdentity) << "it has no label";
  }
}

TEST(Erase, T13_ItNeedsNoKeyServer) {
  BackEnd back;
  written(back, TapeEncryption::kIdentified);
  back.keys.away = true;
  auto trace = back.trace();
  done(back.lto().erase("A00001L9", trace));
  back.keys.away = false;
  written(back, TapeEncryption::kClear);
}

TEST(Erase, T13_AFaultIsToldAndTheCartridgePutAway) {
  BackEnd back;
  written(back, TapeEncryption::kClear);
  back.to_drives[BackEnd::kLtoDrive]->meet = fail_from(scsi::Opcode::kErase6, 0, codes::kEraseFailure);
  auto trace = back.trace();
  const auto erased = back.lto().erase("A00001L9", trace);
  ASSERT_FALSE(erased);
  EXPECT_EQ(fault_of(erased.error()), MountFault::kMedium);
  back.expect_put_away(BackEnd::kLtoDrive);
}

}  // namespace
}  // namespace tapewarden::engine::test
