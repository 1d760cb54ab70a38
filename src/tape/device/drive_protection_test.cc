// Logical block protection, SSC-4 section 4.2.28; the control data protection page is table 118.
#include "base/crc32c.h"
#include "scsi/tape_cdb.h"
#include "tape/device/block_protection.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {
namespace {

Bytes guarded(Bytes data) {
  const auto guard = guard_of(data);
  data.insert(data.end(), guard.begin(), guard.end());
  return data;
}

struct Protected : Bench {
  Protected() { EXPECT_GOOD(protect(0x02, 4, 0xc0)); }
  scsi::Response protect(std::uint8_t method, std::uint8_t length, std::uint8_t flags) {
    Bytes body(28);
    body[0] = method;
    body[1] = length;
    body[2] = flags;
    return select({.pages = {{0x0a, body, 0xf0}}});
  }
};

// RFC 3720 appendix B.4: 32 bytes of zeros have the CRC-32C 8A9136AAh; least significant byte first.
TEST(BlockProtection, L3_GuardOfKnownBlocks) {
  EXPECT_EQ(to_hex(guard_of(Bytes(32))), "aa36918a");
  EXPECT_EQ(to_hex(guard_of(Bytes(32, 0xff))), "43aba862");
  EXPECT_FALSE(without_guard(Bytes(4)).has_value());
  EXPECT_EQ(to_bytes(without_guard(guarded(block(1))).value()), block(1));
}

TEST(BlockProtection, L3_VariableBlocksCarryTheirGuardBothWays) {
  Protected bench;
  EXPECT_GOOD(bench.write(guarded(block(1))));
  EXPECT_GOOD(bench.rewind());
  const auto read = bench.read(304, false);
  EXPECT_GOOD(read);
  EXPECT_EQ(read.data_in, guarded(block(1)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read(300, false).sense.information, -4) << "the length asked for counts the guard";
  EXPECT_GOOD(bench.protect(0, 0, 0));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read(300, false).data_in, block(1)) << "what is on the medium has none";
}

TEST(BlockProtection, L3_FixedBlocksCountTheGuardInTheirLength) {
  Protected bench;
  EXPECT_GOOD(bench.set_block_length(104));
  Bytes both = guarded(block(1, 100));
  const auto second = guarded(block(2, 100));
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_GOOD(bench.run(scsi::Write6{true, 2}.encode(), both));
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.run(scsi::Verify6{.fixed = true, .length = 2}.encode()));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.run(scsi::Read6{true, false, 2}.encode()).data_in, both);
}

TEST(BlockProtection, L3_AWrongGuardWritesNothingOfItsBlock) {
  Protected bench;
  EXPECT_GOOD(bench.set_block_length(104));
  Bytes both = guarded(block(1, 100));
  auto second = guarded(block(2, 100));
  second[50] ^= 4U;
  both.insert(both.end(), second.begin(), second.end());
  const auto refused = bench.run(scsi::Write6{true, 2}.encode(), both);
  EXPECT_SENSE(refused, codes::kBlockGuardCheckFailed);
  EXPECT_EQ(refused.sense.information, 1);
  EXPECT_EQ(refused.data_out_used, 104U);
  EXPECT_EQ(bench.object(), 1U);
  EXPECT_SENSE(bench.write(Bytes(3)), codes::kBlockGuardCheckFailed);
  EXPECT_EQ(bench.object(), 1U);
}

TEST(BlockProtection, L3_WritingAndReadingAreChosenApart) {
  Protected bench;
  EXPECT_GOOD(bench.protect(0x02, 4, 0x80));
  EXPECT_GOOD(bench.write(guarded(block(1))));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.protect(0x02, 4, 0x40));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_GOOD(bench.locate(1));
  EXPECT_EQ(bench.read().data_in, guarded(block(2)));
}

TEST(BlockProtection, L3_OtherMethodsAreRefusedAndResetEndsIt) {
  Protected bench;
  const auto reed_solomon = bench.protect(0x01, 4, 0xc0);
  EXPECT_SENSE(reed_solomon, codes::kInvalidFieldInParameters);
  EXPECT_EQ(reed_solomon.sense.field->byte, 4 + 4);
  EXPECT_SENSE(bench.protect(0x02, 3, 0xc0), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.protect(0x02, 4, 0xe0), codes::kInvalidFieldInParameters);  // RBDP
  const auto page = [&bench] {
    return to_hex(bench
                      .run(scsi::ModeSense{.disable_block_descriptor = true,
                                           .page = 0x0a,
                                           .subpage = 0xf0,
                                           .allocation_length = 255}
                               .encode())
                      .data_in)
        .substr(8, 14);
  };
  EXPECT_EQ(page(), "4af0001c0204c0");
  bench.drive->reset();
  bench.settle(kHost);
  EXPECT_EQ(page(), "4af0001c000000");
}

TEST(BlockProtection, L3_EncryptedBlocksCarryIt) {
  Protected bench;
  const auto key = key_bytes(5);
  EXPECT_GOOD(bench.set_encryption(encrypting(key)));
  EXPECT_GOOD(bench.write(guarded(block(1))));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read(304, false).data_in, guarded(block(1)));
}

}  // namespace
}  // namespace tapewarden::tape::test
