#include "scsi/ram_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "scsi/inquiry.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

const NexusId kFirst{1};
const NexusId kSecond{2};

class RamDiskTest : public ::testing::Test {
 protected:
  Response execute(Bytes cdb, ByteView data_out = {}, NexusId nexus = kFirst) {
    return disk_.execute({.cdb = cdb, .nexus = nexus, .data_out = data_out});
  }
  static Bytes cdb10(std::uint8_t opcode, std::uint8_t address, std::uint8_t blocks, std::uint8_t flags = 0) {
    return {opcode, flags, 0, 0, 0, address, 0, 0, blocks, 0};
  }
  RamDisk disk_{100, "SERIAL1"};
};

TEST_F(RamDiskTest, L1_WhatIsWrittenIsReadByEveryForm) {
  Bytes data(2 * kRamDiskBlock, 0xab);
  data[600] = 1;
  const auto written = execute(cdb10(0x2a, 7, 2), data);
  EXPECT_TRUE(written.good());
  EXPECT_EQ(written.data_out_used, data.size());
  EXPECT_EQ(execute(cdb10(0x28, 7, 2)).data_in, data);
  EXPECT_EQ(execute({0x08, 0, 0, 7, 2, 0}).data_in, data);
  EXPECT_EQ(execute({0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0}).data_in, data);
  EXPECT_EQ(execute({0x88, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0}).data_in, data);
}

TEST_F(RamDiskTest, L1_AShortWriteStoresWholeBlocksAndTellsWhatItWanted) {
  const auto response = execute(cdb10(0x2a, 0, 2), Bytes(kRamDiskBlock + 100, 0xff));
  EXPECT_TRUE(response.good());
  EXPECT_EQ(response.data_out_used, 2 * kRamDiskBlock);
  const auto read = execute(cdb10(0x28, 0, 2)).data_in;
  EXPECT_EQ(read[kRamDiskBlock - 1], 0xff);
  EXPECT_EQ(read[kRamDiskBlock], 0);
}

TEST_F(RamDiskTest, L1_NothingBeyondTheEnd) {
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{0x28, 0x2a, 0x2f, 0x34, 0x35, 0x41}) {
    const auto response = execute(cdb10(opcode, 99, 2), Bytes(2 * kRamDiskBlock));
    EXPECT_EQ(response.sense.code, (SenseCode{SenseKey::kIllegalRequest, 0x21, 0})) << unsigned{opcode};
  }
  Bytes far(16);
  far[0] = 0x88;
  for (std::size_t i = 2; i < 14; ++i) far[i] = 0xff;
  EXPECT_EQ(execute(far).sense.code.asc, 0x21);
}

TEST_F(RamDiskTest, L1_ItsCommandsAreListedOnceAndShownAsBytes) {
  const auto one = [&](std::uint8_t option, std::uint8_t opcode, std::uint8_t action) {
    return execute({0xa3, 0x0c, option, opcode, 0, action, 0, 0, 1, 0, 0, 0});
  };
  EXPECT_EQ(to_hex(one(1, 0x28, 0).data_in), "0003000a28f8ffffffff1fffff00");
  EXPECT_EQ(to_hex(one(2, 0x9e, 0x10).data_in), "000300109e10ffffffffffffffffffffffff0100");
  EXPECT_EQ(to_hex(one(3, 0xa3, 0x0d).data_in), "00010000");
  EXPECT_EQ(to_hex(one(1, 0x5e, 0).data_in), "00010000");
  for (const auto& wrong : {one(1, 0x9e, 0), one(2, 0x28, 0), one(4, 0x28, 0)})
    EXPECT_EQ(wrong.sense.code, sense_codes::kInvalidFieldInCdb);
  const auto all = execute({0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0}).data_in;
  std::set<std::pair<unsigned, unsigned>> listed;
  for (std::size_t at = 4; at < all.size(); at += 8) listed.emplace(all[at], all[at + 3]);
  EXPECT_EQ(listed.size(), (all.size() - 4) / 8);
  EXPECT_TRUE(listed.contains({0x16, 0}));
  EXPECT_TRUE(listed.contains({0xa3, 0x0c}));
}

TEST_F(RamDiskTest, L1_VerifyAndCompareTellWhereTheDifferenceIs) {
  Bytes data(kRamDiskBlock);
  EXPECT_TRUE(execute(cdb10(0x2f, 0, 1, 0x02), data).good());
  data[10] = 1;
  const auto differs = execute(cdb10(0x2f, 0, 1, 0x02), data);
  EXPECT_EQ(differs.sense.code.key, SenseKey::kMiscompare);
  EXPECT_EQ(differs.sense.information, 10);
  Bytes pair(2 * kRamDiskBlock);
  pair[kRamDiskBlock] = 9;
  Bytes cdb(16);
  cdb[0] = 0x89;
  cdb[13] = 1;
  EXPECT_TRUE(execute(cdb, pair).good());
  EXPECT_EQ(execute(cdb10(0x28, 0, 1)).data_in[0], 9);
  EXPECT_EQ(execute(cdb, pair).sense.code.key, SenseKey::kMiscompare);
  EXPECT_EQ(execute(cdb, ByteView(pair).first(100)).sense.code, sense_codes::kInvalidFieldInCdb);
}

TEST_F(RamDiskTest, L1_BadCommandsAreNamed) {
  EXPECT_EQ(execute({0xff, 0, 0, 0, 0, 0}).sense.code, sense_codes::kInvalidOpcode);
  EXPECT_EQ(execute({}).sense.code, sense_codes::kInvalidOpcode);
  EXPECT_EQ(execute({0x28, 0, 0, 0, 0, 0}).sense.code, sense_codes::kInvalidFieldInCdb) << "cut short";
  EXPECT_EQ(execute({0, 1, 0, 0, 0, 0}).sense.code, sense_codes::kInvalidFieldInCdb) << "a reserved bit";
  EXPECT_EQ(execute(cdb10(0x28, 0, 1, 0x20)).sense.code, sense_codes::kInvalidFieldInCdb) << "protection";
  EXPECT_EQ(execute({0x12, 1, 0xc7, 0, 255, 0}).sense.code, sense_codes::kInvalidFieldInCdb);
}

TEST_F(RamDiskTest, L1_ItNamesItself) {
  const auto standard = StandardInquiry::decode(execute({0x12, 0, 0, 0, 96, 0}).data_in);
  ASSERT_TRUE(standard.has_value());
  EXPECT_EQ(standard->product, "RAM DISK");
  EXPECT_EQ(standard->device_type, 0);
  const auto serial = execute({0x12, 1, 0x80, 0, 255, 0}).data_in;
  EXPECT_EQ(as_text(ByteView(serial).subspan(4)), "SERIAL1");
  EXPECT_EQ(to_hex(execute(cdb10(0x25, 0, 0)).data_in), "0000006300000200");
}

TEST_F(RamDiskTest, L1_ReservationsHoldOthersOffUntilTheirHolderIsGone) {
  EXPECT_TRUE(execute({0x16, 0, 0, 0, 0, 0}).good());
  EXPECT_EQ(execute({0, 0, 0, 0, 0, 0}, {}, kSecond).status, ScsiStatus::kReservationConflict);
  EXPECT_TRUE(execute({0x17, 0, 0, 0, 0, 0}, {}, kSecond).good()) << "releases nothing";
  EXPECT_EQ(execute({0, 0, 0, 0, 0, 0}, {}, kSecond).status, ScsiStatus::kReservationConflict);
  disk_.nexus_lost(kFirst);
  EXPECT_TRUE(execute({0, 0, 0, 0, 0, 0}, {}, kSecond).good());
}

TEST_F(RamDiskTest, L1_AResetIsToldToEverybodyOnce) {
  execute({0, 0, 0, 0, 0, 0});
  execute({0, 0, 0, 0, 0, 0}, {}, kSecond);
  disk_.reset();
  EXPECT_TRUE(execute({0x12, 0, 0, 0, 96, 0}).good());
  EXPECT_EQ(execute({0, 0, 0, 0, 0, 0}).sense.code, sense_codes::kBusDeviceReset);
  EXPECT_TRUE(execute({0, 0, 0, 0, 0, 0}).good());
  const auto sense = Sense::decode(execute({0x03, 0, 0, 0, 18, 0}, {}, kSecond).data_in);
  EXPECT_EQ(sense->code, sense_codes::kBusDeviceReset);
  EXPECT_TRUE(execute({0, 0, 0, 0, 0, 0}, {}, kSecond).good());
}

}  // namespace
}  // namespace tapewarden::scsi
