#include "iscsi/lun.h"

#include <gmock/gmock.h>

namespace tapewarden::iscsi {
namespace {

using ::testing::Optional;

TEST(IscsiLun, L1_BothWaysOfAddressing) {
  for (const std::uint16_t lun : std::initializer_list<std::uint16_t>{0, 1, 255, 256, 0x3fff})
    EXPECT_THAT(decode_lun(encode_lun(lun)), Optional(lun));
  EXPECT_THAT(decode_lun(0x4005'0000'0000'0000), Optional(5));
  EXPECT_EQ(decode_lun(0x0100'0000'0000'0000), std::nullopt);
  EXPECT_EQ(decode_lun(0x0005'0000'0000'0001), std::nullopt);
  EXPECT_EQ(decode_lun(kReportLunsWellKnown), std::nullopt);
}

}  // namespace
}  // namespace tapewarden::iscsi
