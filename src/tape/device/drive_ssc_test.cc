// A drive as SSC-4 describes it: lengths, residuals, motion, ends. Sense data are compared with bytes laid
// out by hand from SPC-4 table 48 (fixed format).
#include <algorithm>

#include "scsi/position.h"
#include "scsi/tape_cdb.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"

namespace tapewarden::tape::test {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
std::string sense_bytes(const scsi::Response& response) {
  return to_hex(response.sense.encode_fixed());
}

// SSC-4 section 6.4: after two of five blocks a filemark: VALID, FILEMARK, residual 3, 00/01.
TEST(DriveSsc, L3_FilemarkInAFixedReadAsBytes) {
  Bench bench;
  EXPECT_GOOD(bench.set_block_length(512));
  EXPECT_GOOD(bench.run(scsi::Write6{true, 2}.encode(), block(1, 1024)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(sense_bytes(bench.run(hex("080100000500"))), "f00080000000030a00000000000100000000");
  // End of data: BLANK CHECK 00/05, nothing read of four.
  EXPECT_EQ(sense_bytes(bench.run(hex("080100000400"))), "f00008000000040a00000000000500000000");
}

// SSC-4 section 6.4: a block of 300 for 100 and for 1000: ILI with -200 and 700, NO SENSE.
TEST(DriveSsc, L3_IncorrectLengthAsBytes) {
  Bench bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(sense_bytes(bench.run(hex("080000006400"))), "f00020ffffff380a00000000000000000000");
  EXPECT_EQ(sense_bytes(bench.run(hex("08000003e800"))), "f00020000002bc0a00000000000000000000");
  // SPACE back over both and one more: EOM, 00/04, residual 1 (SSC-4 section 7.11).
  EXPECT_EQ(sense_bytes(bench.run(hex("1100fffffd00"))), "f00040000000010a00000000000400000000");
}

TEST(DriveSsc, L3_BlocksUpToWhatThreeBytesSay) {
  Bench bench;
  EXPECT_EQ(to_hex(bench.run(hex("050000000000")).data_in), "00ffffff0001");
  const auto large = block(3, kMaxBlockBytes);
  EXPECT_GOOD(bench.write(large));
  EXPECT_GOOD(bench.rewind());
  const auto read = bench.run(hex("0800ffffff00"));
  EXPECT_GOOD(read);
  EXPECT_EQ(read.data_in, large);
}

// READ REVERSE, RECOVER BUFFERED DATA, and the explicit address commands.
TEST(DriveSsc, L3_CommandsThatAreNotOfferedSayInvalidOperationCode) {
  Bench bench;
  for (const auto opcode : Bytes{0x0f, 0x14, 0x80, 0x81, 0x88, 0x8a, 0x8f, 0x93}) {
    Bytes cdb(16);
    cdb[0] = opcode;
    const auto refused = bench.run(cdb);
    EXPECT_EQ(sense_bytes(refused), "700005000000000a00000000200000c00000") << int{opcode};
  }
}

// Objects: 0 FM1 2 FM3 FM4 5 FM6 FM7 FM8.
struct Marked : Bench {
  Marked() {
    for (const char kind : std::string_view("bfbffbfff"))
      EXPECT_TRUE((kind == 'b' ? write(block(1)) : filemarks()).good());
    EXPECT_TRUE(rewind().good());
  }
  scsi::Response sequential(std::int64_t count) {
    return run(scsi::Space{scsi::SpaceCode::kSequentialFilemarks, count}.encode());
  }
};

// SSC-4 section 7.11, CODE 2.
TEST(DriveSsc, L3_SpaceSequentialFilemarks) {
  Marked bench;
  EXPECT_GOOD(bench.sequential(2));
  EXPECT_EQ(bench.object(), 5U);
  EXPECT_GOOD(bench.sequential(3));
  EXPECT_EQ(bench.object(), 9U);
  EXPECT_GOOD(bench.sequential(-2));
  EXPECT_EQ(bench.object(), 7U);
  EXPECT_GOOD(bench.sequential(-2));
  EXPECT_EQ(bench.object(), 3U);
  const auto begin = bench.sequential(-2);
  EXPECT_SENSE(begin, codes::kBeginningOfMediumReached);
  EXPECT_EQ(begin.sense.information, 2);
  const auto end = bench.sequential(4);
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 4);
  EXPECT_EQ(bench.object(), 9U);
  EXPECT_SENSE(bench.run(hex("110400000100")), codes::kInvalidFieldInCdb);  // setmarks
}

TEST(DriveSsc, L3_SpaceSixteenAndItsResidualBeyond32Bits) {
  Marked bench;
  EXPECT_GOOD(bench.run(hex("91010000000000000000000200000000")));
  EXPECT_EQ(bench.object(), 4U);
  const auto far = bench.run(hex("91010000000000100000000000000000"));  // 2^36 filemarks
  EXPECT_SENSE(far, codes::kEndOfDataDetected);
  EXPECT_EQ(far.sense.information, (std::int64_t{1} << 36U) - 4);
  EXPECT_EQ(sense_bytes(far).substr(0, 14), "70000800000000") << "does not fit: VALID is zero";
}

// SSC-4 section 7.5: long form: flags, partition, object number, file number.
TEST(DriveSsc, L3_ReadPositionFormsAsBytes) {
  Marked bench;
  EXPECT_EQ(to_hex(bench.run(hex("34000000000000000000")).data_in),
            "8000000000000000000000000000000000000000");
  EXPECT_GOOD(bench.run(hex("92180000000000000000000000000000")));  // LOCATE(16), end of data
  EXPECT_EQ(to_hex(bench.run(hex("34000000000000000000")).data_in),
            "0000000000000009000000090000000000000000");
  EXPECT_EQ(to_hex(bench.run(hex("34060000000000000000")).data_in),
            "0000000000000000"
            "0000000000000009"
            "0000000000000006"
            "0000000000000000");
  EXPECT_EQ(to_hex(bench.run(hex("34080000000000002000")).data_in),
            "0000001c00000000"
            "0000000000000009"
            "0000000000000009"
            "0000000000000000");
  EXPECT_SENSE(bench.run(hex("34060000000000002000")), codes::kInvalidFieldInCdb);
}

// SSC-4 section 6.9.
TEST(DriveSsc, L3_VerifyByBlocksAndBytes) {
  Bench bench;
  EXPECT_GOOD(bench.set_block_length(100));
  EXPECT_GOOD(bench.run(scsi::Write6{true, 3}.encode(), block(1, 300)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.run(scsi::Verify6{.fixed = true, .length = 2}.encode()));
  EXPECT_EQ(bench.object(), 2U);
  const auto mark = bench.run(scsi::Verify6{.fixed = true, .length = 4}.encode());
  EXPECT_SENSE(mark, codes::kFilemarkDetected);
  EXPECT_EQ(mark.sense.information, 3);
  EXPECT_TRUE(mark.data_in.empty());
  EXPECT_GOOD(bench.rewind());
  const scsi::Verify6 compare{.compare = true, .fixed = true, .length = 3};
  const auto same = bench.run(compare.encode(), block(1, 300));
  EXPECT_GOOD(same);
  EXPECT_EQ(same.data_out_used, 300U);
  EXPECT_GOOD(bench.rewind());
  auto other = block(1, 300);
  other[150] ^= 1U;
  const auto differs = bench.run(compare.encode(), other);
  EXPECT_SENSE(differs, codes::kMiscompared);
  EXPECT_EQ(differs.sense.information, 2);
  EXPECT_SENSE(bench.run(compare.encode(), Bytes(299)), codes::kTransferTooShort);
  EXPECT_GOOD(bench.rewind());
  const auto longer = bench.run(scsi::Verify6{.length = 60}.encode());
  EXPECT_TRUE(longer.sense.incorrect_length);
  EXPECT_EQ(longer.sense.information, -40);
}

TEST(DriveSsc, L3_VerifyByFilemarksAndToTheEnd) {
  Marked bench;
  EXPECT_GOOD(bench.run(scsi::Verify6{.by_filemarks = true, .length = 3}.encode()));
  EXPECT_EQ(bench.object(), 5U);
  const auto end = bench.run(scsi::Verify6{.by_filemarks = true, .length = 5}.encode());
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 2);
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.run(scsi::Verify6{.to_end_of_data = true}.encode()));
  EXPECT_EQ(bench.object(), 9U);
  for (const auto& refused : {scsi::Verify6{.protection_method = true, .length = 1},
                              scsi::Verify6{.to_end_of_data = true, .by_filemarks = true},
                              scsi::Verify6{.by_filemarks = true, .compare = true, .length = 1},
                              scsi::Verify6{.immediate = true, .compare = true, .length = 1},
                              scsi::Verify6{.fixed = true, .length = 1}})
    EXPECT_SENSE(bench.run(refused.encode()), codes::kInvalidFieldInCdb);
}

TEST(DriveSsc, L3_VerifyFindsDamage) {
  Bench bench;
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  auto& file = bench.sim.disk.content(kTapePath);
  const auto mark = to_bytes(std::string_view("marker-plaintext-1;"));
  const auto found = std::search(file.begin(), file.end(), mark.begin(), mark.end());
  ASSERT_NE(found, file.end());
  *found ^= 1U;
  const auto damaged = bench.run(scsi::Verify6{.to_end_of_data = true}.encode());
  EXPECT_SENSE(damaged, codes::kUnrecoveredReadError);
  EXPECT_EQ(damaged.sense.information, 0);
}

TEST(DriveSsc, L3_AFloodOfFilemarksIsRefused) {
  Bench bench;
  EXPECT_GOOD(bench.run(scsi::WriteFilemarks{false, 3}.encode()));
  EXPECT_SENSE(bench.run(scsi::WriteFilemarks{false, kMaxFilemarks + 1}.encode()), codes::kInvalidFieldInCdb);
  EXPECT_EQ(bench.drive->cartridge()->position().file_number, 3U) << "nothing was written";
}

TEST(DriveSsc, L3_UnbufferedModeIsOnDiskWhenItSaysGood) {
  Bench bench;
  EXPECT_GOOD(bench.select({.buffered_mode = 0}));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_SENSE(bench.run(scsi::WriteFilemarks{true, 1}.encode()), codes::kInvalidFieldInCdb);
  bench.sim.disk.power_loss();
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  EXPECT_EQ(bench.read().data_in, block(1));
}

// SSC-4 section 4.2.3: once when the zone is entered, then nothing, then early warning at every write.
TEST(DriveSsc, L3_ProgrammableEarlyWarningIsToldOnce) {
  Bench bench({}, MediumKind::kLto, nullptr, 8U << 20U, 1U << 20U);
  Bytes body(28);
  body[3] = 2;  // megabytes
  EXPECT_GOOD(bench.select({.pages = {{0x10, body, 0x01}}}));
  std::string told;
  for (std::uint32_t i = 0; i < 38; ++i) {
    const auto written = bench.write(block(i, 200'000));
    if (written.good()) continue;
    ASSERT_EQ(written.sense.information, 0);
    told += written.sense.code == codes::kProgrammableEarlyWarning ? 'p' : 'e';
    EXPECT_EQ(written.sense.end_of_medium, told.back() == 'e');
    const auto position = bench.run(scsi::ReadPosition{}.encode()).data_in;
    EXPECT_EQ(position.at(0), told.back() == 'e' ? 0x41 : 0x01);  // EOP, BPEW
  }
  EXPECT_EQ(told.substr(0, 2), "pe");
  EXPECT_EQ(told.find('p', 1), std::string::npos);
}

// What a filemark acknowledged is there after the disk failed and the cartridge was loaded anew.
TEST(DriveSsc, L3_AFailingDiskLosesNothingBehindAFilemark) {
  Bench bench;
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  bench.sim.disk.fail_after(0);
  std::uint32_t more = 3;
  while (bench.write(block(more, 100'000)).good()) ++more;
  EXPECT_SENSE(bench.filemarks(), codes::kWriteError);
  bench.sim.disk.clear_faults();
  bench.sim.disk.power_loss();
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(bench.read().data_in, block(i));
  EXPECT_SENSE(bench.read(), codes::kFilemarkDetected);
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.write(block(9)));
}

// Early warning while the disk is short, 0D/00/02 behind it; marks always go through.
TEST(DriveSsc, L3_AFillingDiskIsTheEndOfTheTape) {
  std::optional<std::uint64_t> free = kDiskWarningBytes;
  DriveOptions options;
  options.free_bytes = [&free](const std::string& path) {
    EXPECT_EQ(path, kTapePath);
    return free;
  };
  Bench bench(options);
  EXPECT_GOOD(bench.write(block(1)));
  free = kDiskWarningBytes - 1;
  const auto warned = bench.write(block(2));
  EXPECT_SENSE(warned, codes::kEndOfMediumReached);
  EXPECT_TRUE(warned.sense.end_of_medium);
  EXPECT_EQ(warned.sense.information, 0);
  free = kDiskReserveBytes - 1;
  const auto full = bench.write(block(3));
  EXPECT_SENSE(full, codes::kVolumeFull);
  EXPECT_EQ(full.sense.information, 300);
  EXPECT_EQ(full.data_out_used, 0U);
  const auto mark = bench.filemarks();
  EXPECT_SENSE(mark, codes::kEndOfMediumReached);
  EXPECT_EQ(mark.sense.information, 0);
  bench.sim.disk.power_loss();
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  for (std::uint32_t i = 1; i <= 2; ++i) EXPECT_EQ(bench.read().data_in, block(i));
  EXPECT_SENSE(bench.read(), codes::kFilemarkDetected);
  free.reset();
  EXPECT_GOOD(bench.write(block(4)));
}

// SSC-4 section 7.1.
TEST(DriveSsc, L3_FormatMediumEmptiesAtTheBeginningOnly) {
  Bench bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_SENSE(bench.run(hex("040000000000")), codes::kPositionPastBeginning);
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.run(hex("040000000100"), Bytes(1)), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("040003000000")), codes::kInvalidFieldInCdb);
  EXPECT_GOOD(bench.run(hex("040000000000")));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.run(hex("040001000000")));  // the partitions of page 11h: one

  Bench worm({}, MediumKind::kLto, nullptr, 64U << 20U, 0, true);
  EXPECT_GOOD(worm.run(hex("040000000000")));  // blank
  EXPECT_GOOD(worm.write(block(1)));
  EXPECT_GOOD(worm.rewind());
  EXPECT_SENSE(worm.run(hex("040000000000")), codes::kWormOverwrite);
  EXPECT_EQ(worm.read().data_in, block(1));
}

TEST(DriveSsc, L3_LoadUnloadBits) {
  Bench bench;
  EXPECT_SENSE(bench.run(hex("1b0000000400")), codes::kInvalidFieldInCdb);  // EOT
  EXPECT_SENSE(bench.run(hex("1b0000000900")), codes::kInvalidFieldInCdb);  // HOLD with LOAD
  EXPECT_GOOD(bench.run(hex("1b0100000200")));                              // IMMED, RETEN: unload
  EXPECT_SENSE(bench.run(hex("000000000000")), codes::kInitializingCommandRequired);
  EXPECT_GOOD(bench.run(hex("1b0000000100")));
  bench.settle(kHost);
  EXPECT_GOOD(bench.run(hex("1b0000000800")));  // HOLD: unloaded, still in the drive
  EXPECT_TRUE(bench.drive->holds_cartridge());
}

}  // namespace
}  // namespace tapewarden::tape::test
