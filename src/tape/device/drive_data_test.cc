#include "scsi/position.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"

namespace tapewarden::tape::test {
namespace {

struct LengthCase {
  std::size_t block;
  std::uint32_t wanted;
  bool sili;
  std::uint32_t mode_length;
  bool good;
  std::int64_t residual;
};

TEST(DriveData, D1_VariableReadResiduals) {
  for (const auto& c : {LengthCase{300, 300, false, 0, true, 0}, LengthCase{300, 1000, false, 0, false, 700},
                        LengthCase{300, 100, false, 0, false, -200}, LengthCase{300, 1000, true, 0, true, 0},
                        LengthCase{300, 100, true, 0, true, 0},
                        LengthCase{300, 1000, true, 512, true, 0},        // SILI hides a short block always,
                        LengthCase{300, 100, true, 512, false, -200}}) {  // a long one only with length 0
    Bench bench;
    EXPECT_GOOD(bench.write(block(1, c.block)));
    EXPECT_GOOD(bench.rewind());
    EXPECT_GOOD(bench.set_block_length(c.mode_length));
    const auto read = bench.read(c.wanted, c.sili);
    EXPECT_EQ(read.good(), c.good) << c.wanted;
    const auto expected = block(1, c.block);
    EXPECT_TRUE(equal(read.data_in, ByteView(expected).first(std::min<std::size_t>(c.block, c.wanted))));
    if (!c.good) {
      EXPECT_EQ(read.sense.code, codes::kNone);
      EXPECT_TRUE(read.sense.incorrect_length);
      EXPECT_EQ(read.sense.information, c.residual);
    }
    EXPECT_EQ(bench.object(), 1U) << "the position is after the block";
  }
}

TEST(DriveData, D1_FixedReadResiduals) {
  Bench bench;
  EXPECT_GOOD(bench.set_block_length(100));
  Bytes five = block(1, 500);
  EXPECT_GOOD(bench.run(scsi::Write6{true, 5}.encode(), five));
  EXPECT_EQ(bench.object(), 5U);
  EXPECT_GOOD(bench.write(block(9, 60)));    // object 5, short
  EXPECT_GOOD(bench.write(block(10, 140)));  // object 6, long
  EXPECT_GOOD(bench.filemarks());            // object 7
  EXPECT_GOOD(bench.rewind());
  const auto read = [&bench](std::uint32_t blocks) {
    return bench.run(scsi::Read6{true, false, blocks}.encode());
  };
  auto all = read(5);
  EXPECT_GOOD(all);
  EXPECT_EQ(all.data_in, five);
  EXPECT_GOOD(bench.locate(3));
  auto shorter = read(4);  // blocks 3 and 4, then the short one
  EXPECT_TRUE(shorter.sense.incorrect_length);
  EXPECT_EQ(shorter.sense.information, 2);
  EXPECT_EQ(shorter.data_in.size(), 260U);
  EXPECT_EQ(bench.object(), 6U);
  auto longer = read(2);
  EXPECT_TRUE(longer.sense.incorrect_length);
  EXPECT_EQ(longer.sense.information, 2);
  EXPECT_EQ(longer.data_in.size(), 100U);
  EXPECT_EQ(bench.object(), 7U);
  EXPECT_GOOD(bench.locate(3));
  EXPECT_GOOD(read(2));
  EXPECT_GOOD(bench.locate(7));
  auto mark = read(3);
  EXPECT_SENSE(mark, codes::kFilemarkDetected);
  EXPECT_TRUE(mark.sense.filemark);
  EXPECT_EQ(mark.sense.information, 3);
  auto end = read(2);
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 2);
  EXPECT_EQ(bench.object(), 8U);
}

TEST(DriveData, D1_FixedReadStopsAtFilemarkWithWhatItHas) {
  Bench bench;
  EXPECT_GOOD(bench.set_block_length(100));
  EXPECT_GOOD(bench.run(scsi::Write6{true, 2}.encode(), block(1, 200)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  const auto read = bench.run(scsi::Read6{true, false, 5}.encode());
  EXPECT_SENSE(read, codes::kFilemarkDetected);
  EXPECT_EQ(read.sense.information, 3);
  EXPECT_EQ(read.data_in.size(), 200U);
  EXPECT_EQ(bench.object(), 3U);
}

TEST(DriveData, D1_FixedNeedsABlockLengthAndBounds) {
  Bench bench;
  EXPECT_SENSE(bench.run(scsi::Read6{true, false, 1}.encode()), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(scsi::Read6{true, false, 0}.encode()), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(scsi::Write6{true, 1}.encode(), Bytes(10)), codes::kInvalidFieldInCdb);
  EXPECT_GOOD(bench.set_block_length(1U << 20U));
  EXPECT_SENSE(bench.run(scsi::Read6{true, false, 100}.encode()), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(scsi::Write6{true, 100}.encode()), codes::kInvalidFieldInCdb);
  EXPECT_GOOD(bench.run(scsi::Read6{false, false, 0}.encode()));
  EXPECT_GOOD(bench.run(scsi::Write6{false, 0}.encode()));
  EXPECT_EQ(bench.object(), 0U);
}

TEST(DriveData, D1_ShortDataOutWritesNothing) {
  Bench bench;
  EXPECT_SENSE(bench.run(scsi::Write6{false, 100}.encode(), Bytes(99)), codes::kTransferTooShort);
  EXPECT_EQ(bench.object(), 0U);
  const auto more = bench.run(scsi::Write6{false, 100}.encode(), block(1, 150));
  EXPECT_GOOD(more);
  EXPECT_EQ(more.data_out_used, 100U);
}

TEST(DriveData, D1_VariableReadAtMarksAndEnd) {
  Bench bench;
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  const auto mark = bench.read(1000, false);
  EXPECT_SENSE(mark, codes::kFilemarkDetected);
  EXPECT_TRUE(mark.sense.filemark);
  EXPECT_EQ(mark.sense.information, 1000);
  const auto end = bench.read(1000, true);
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 1000);
  EXPECT_FALSE(end.sense.filemark);
}

// Objects: 0 1 2 FM(3) 4 5 FM(6) 7
struct Laid : Bench {
  Laid() {
    for (const char kind : {'b', 'b', 'b', 'f', 'b', 'b', 'f', 'b'})
      EXPECT_TRUE((kind == 'b' ? write(block(1)) : filemarks()).good());
    EXPECT_TRUE(rewind().good());
  }
  scsi::Response blocks(std::int64_t count) {
    return run(scsi::Space{scsi::SpaceCode::kBlocks, count}.encode());
  }
  scsi::Response marks(std::int64_t count) {
    return run(scsi::Space{scsi::SpaceCode::kFilemarks, count}.encode());
  }
};

TEST(DriveData, D1_SpaceBlocks) {
  Laid bench;
  EXPECT_GOOD(bench.blocks(2));
  EXPECT_EQ(bench.object(), 2U);
  const auto mark = bench.blocks(5);
  EXPECT_SENSE(mark, codes::kFilemarkDetected);
  EXPECT_EQ(mark.sense.information, 4);
  EXPECT_EQ(bench.object(), 4U);
  const auto back = bench.blocks(-3);
  EXPECT_SENSE(back, codes::kFilemarkDetected);
  EXPECT_EQ(back.sense.information, 3);
  EXPECT_EQ(bench.object(), 3U);
  const auto begin = bench.blocks(-9);
  EXPECT_SENSE(begin, codes::kBeginningOfMediumReached);
  EXPECT_TRUE(begin.sense.end_of_medium);
  EXPECT_EQ(begin.sense.information, 6);
  EXPECT_EQ(bench.object(), 0U);
  EXPECT_GOOD(bench.locate(7));
  const auto end = bench.blocks(3);
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 2);
  EXPECT_GOOD(bench.blocks(0));
  EXPECT_EQ(bench.object(), 8U);
}

TEST(DriveData, D1_SpaceFilemarks) {
  Laid bench;
  EXPECT_GOOD(bench.marks(1));
  EXPECT_EQ(bench.object(), 4U);
  EXPECT_GOOD(bench.marks(1));
  EXPECT_EQ(bench.object(), 7U);
  EXPECT_GOOD(bench.marks(-1));
  EXPECT_EQ(bench.object(), 6U);
  const auto end = bench.marks(3);
  EXPECT_SENSE(end, codes::kEndOfDataDetected);
  EXPECT_EQ(end.sense.information, 2);
  EXPECT_EQ(bench.object(), 8U);
  const auto begin = bench.marks(-5);
  EXPECT_SENSE(begin, codes::kBeginningOfMediumReached);
  EXPECT_EQ(begin.sense.information, 3);
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_EQ(bench.object(), 8U);
  const scsi::Space far{scsi::SpaceCode::kFilemarks, 1LL << 40U};
  EXPECT_SENSE(bench.run(far.encode()), codes::kEndOfDataDetected);
}

TEST(DriveData, D1_LocateAndReadPosition) {
  Laid bench;
  EXPECT_GOOD(bench.locate(4));
  const auto position = [&bench](scsi::PositionForm form) {
    return scsi::PositionData::decode(bench.run(scsi::ReadPosition{form, 64}.encode()).data_in, form).value();
  };
  EXPECT_EQ(position(scsi::PositionForm::kShort).logical_object, 4U);
  EXPECT_EQ(position(scsi::PositionForm::kLong).file_number, 1U);
  EXPECT_EQ(position(scsi::PositionForm::kExtended).logical_object, 4U);
  EXPECT_FALSE(position(scsi::PositionForm::kShort).beginning_of_partition);
  EXPECT_GOOD(bench.run(scsi::Locate{.target = scsi::LocateTarget::kFile, .identifier = 2}.encode()));
  EXPECT_EQ(bench.object(), 7U);
  EXPECT_SENSE(bench.locate(100), codes::kEndOfDataDetected);
  EXPECT_EQ(bench.object(), 8U);
  EXPECT_SENSE(bench.run(scsi::Locate{.target = scsi::LocateTarget::kFile, .identifier = 9}.encode()),
               codes::kEndOfDataDetected);
  EXPECT_SENSE(bench.run(scsi::Locate{.change_partition = true, .partition = 1, .identifier = 0}.encode()),
               codes::kInvalidFieldInCdb);
  EXPECT_GOOD(bench.run(scsi::Locate{.change_partition = true, .partition = 0, .identifier = 0}.encode()));
  EXPECT_TRUE(position(scsi::PositionForm::kShort).beginning_of_partition);
}

TEST(DriveData, D1_EarlyWarningAndVolumeOverflow) {
  Bench bench({}, MediumKind::kLto, nullptr, 1U << 20U, 512U << 10U);
  std::uint32_t written = 0;
  scsi::Response last;
  while ((last = bench.write(block(written, 50'000))).good()) ++written;
  EXPECT_SENSE(last, codes::kEndOfMediumReached);
  EXPECT_TRUE(last.sense.end_of_medium);
  EXPECT_EQ(last.sense.information, 0);
  EXPECT_EQ(last.data_out_used, 50'000U);
  ++written;
  EXPECT_EQ(bench.object(), written) << "the block at early warning is on tape";
  scsi::PositionData position =
      scsi::PositionData::decode(bench.run(scsi::ReadPosition{}.encode()).data_in, scsi::PositionForm::kShort)
          .value();
  EXPECT_TRUE(position.end_of_partition);
  while (has_sense(last = bench.write(block(written, 50'000)), codes::kEndOfMediumReached)) ++written;
  EXPECT_SENSE(last, codes::kVolumeFull);
  EXPECT_TRUE(last.sense.end_of_medium);
  EXPECT_EQ(last.sense.information, 50'000);
  EXPECT_GOOD(bench.rewind());
  for (std::uint32_t i = 0; i < written; ++i) EXPECT_EQ(bench.read(65536).data_in, block(i, 50'000));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
}

TEST(DriveData, D1_FixedWriteCountsBlocksAtTheEnd) {
  Bench bench({}, MediumKind::kLto, nullptr, 1U << 20U, 100U << 10U);
  EXPECT_GOOD(bench.set_block_length(50'000));
  const auto full = bench.run(scsi::Write6{true, 40}.encode(), Bytes(std::size_t{40} * 50'000, 7));
  EXPECT_SENSE(full, codes::kVolumeFull);
  EXPECT_EQ(full.sense.information, 40 - static_cast<std::int64_t>(bench.object()));
  EXPECT_EQ(full.data_out_used, bench.object() * 50'000);
}

TEST(DriveData, D1_WriteProtectAndWorm) {
  Bench bench;
  EXPECT_GOOD(bench.write(block(1)));
  static_cast<void>(bench.drive->eject().value());
  ASSERT_TRUE(bench.drive->insert(kTapePath, true).has_value());
  bench.settle(kHost);
  EXPECT_SENSE(bench.write(block(2)), codes::kWriteProtected);
  EXPECT_SENSE(bench.filemarks(), codes::kWriteProtected);
  EXPECT_SENSE(bench.run(scsi::Erase6{.whole_medium = true}.encode()), codes::kWriteProtected);
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_TRUE(bench.run(from_hex("1a0000000c00").value()).data_in.at(2) & 0x80U);

  Bench worm({}, MediumKind::kLto, nullptr, 64U << 20U, 0, true);
  EXPECT_GOOD(worm.write(block(1)));
  EXPECT_GOOD(worm.filemarks());
  EXPECT_GOOD(worm.rewind());
  EXPECT_SENSE(worm.write(block(2)), codes::kWormOverwrite);
  EXPECT_SENSE(worm.run(scsi::Erase6{.whole_medium = true}.encode()), codes::kWormOverwrite);
  EXPECT_GOOD(worm.end_of_data());
  EXPECT_GOOD(worm.write(block(2)));
}

TEST(DriveData, D1_OverwriteAndEraseDropWhatFollows) {
  Laid bench;
  EXPECT_GOOD(bench.locate(2));
  EXPECT_GOOD(bench.write(block(77)));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.locate(1));
  EXPECT_GOOD(bench.run(scsi::Erase6{.whole_medium = true}.encode()));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
}

TEST(DriveData, D1_PowerLossKeepsWhatWasSynced) {
  Bench bench;
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.write(block(99)));
  bench.sim.disk.power_loss();
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(bench.read().data_in, block(i));
  EXPECT_SENSE(bench.read(), codes::kFilemarkDetected);
  const auto rest = bench.read();
  EXPECT_TRUE(has_sense(rest, codes::kEndOfDataDetected) || rest.data_in == block(99));
}

TEST(DriveData, D1_DiskErrorsAreWriteErrors) {
  Bench bench;
  EXPECT_GOOD(bench.write(block(1)));
  bench.sim.disk.fail_after(0);
  EXPECT_SENSE(bench.filemarks(), codes::kWriteError);
  bench.sim.disk.clear_faults();
  EXPECT_SENSE(bench.write(block(2)), codes::kWriteError);  // until the cartridge is loaded anew
}

}  // namespace
}  // namespace tapewarden::tape::test
