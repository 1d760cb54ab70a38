// A drive and the partitions of its cartridge: page 11h, FORMAT MEDIUM, LOCATE, READ POSITION, attributes and
// log pages by partition, append-only mode, keys.
#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/position.h"
#include "scsi/tape_cdb.h"
#include "tape/device/drive_test_kit.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::tape {
namespace {

using namespace test;

constexpr std::uint64_t kMedium = 64U << 20;
const std::string kSecondPath = kTapePath + ".partition1";

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

struct Divided : Bench {
  explicit Divided(DriveOptions options = {}, bool worm = false)
      : Bench(std::move(options), MediumKind::kLto, nullptr, kMedium, 0, worm) {}

  // Page 11h with the bits and sizes given, in megabytes.
  scsi::Response ask(std::uint8_t flags, std::uint8_t additional, std::uint16_t first, std::uint16_t second,
                     std::uint8_t power = 6) {
    ByteWriter body;
    body.u8(1).u8(additional).u8(static_cast<std::uint8_t>(flags | 0x1c)).u8(3).u8(power).u8(0);
    return select({.pages = {{0x11, body.u16(first).u16(second).take()}}});
  }
  scsi::Response format(std::uint8_t how) { return run(scsi::FormatMedium{.format = how}.encode()); }
  void divide() {
    EXPECT_GOOD(ask(0x20, 1, 10, 0xffff));
    EXPECT_GOOD(format(2));
  }
  scsi::Response to(std::uint8_t partition, std::uint64_t object = 0) {
    return run(scsi::Locate{.change_partition = true, .partition = partition, .identifier = object}.encode());
  }
  scsi::PositionData position(scsi::PositionForm form = scsi::PositionForm::kLong) {
    const std::uint16_t allocation = form == scsi::PositionForm::kExtended ? 32 : 0;
    return take(scsi::PositionData::decode(run(scsi::ReadPosition{form, allocation}.encode()).data_in, form));
  }
  std::string page_11() { return to_hex(run(hex("1a0811001000")).data_in).substr(8); }
  scsi::LogPage log(std::uint8_t page) {
    return take(
        scsi::LogPage::decode(run(scsi::LogSense{.page = page, .allocation_length = 4096}.encode()).data_in));
  }
  std::optional<Bytes> attribute(std::uint8_t partition, std::uint16_t id) {
    const auto data =
        run(scsi::ReadAttribute{.partition = partition, .first_attribute = id, .allocation_length = 65536}
                .encode());
    if (!data.good()) return {};
    return scsi::decode_attributes(data.data_in).value().front().value;
  }
  scsi::Response set_attribute(std::uint8_t partition, std::uint16_t id, const std::string& value) {
    const auto list = scsi::encode_attributes({{id, false, 1, to_bytes(value)}});
    return run(scsi::WriteAttribute{.partition = partition,
                                    .parameter_length = static_cast<std::uint32_t>(list.size())}
                   .encode(),
               list);
  }
  scsi::Response append_only(bool on) {
    Bytes body(28);
    body[1] = on ? 0x10 : 0x00;
    return select({.pages = {{0x10, body, 0x01}}});
  }
  scsi::Response allow(std::uint8_t permission, std::uint8_t partition, std::uint64_t object) {
    return run(
        scsi::AllowOverwrite{static_cast<scsi::AllowOverwrite::Permission>(permission), partition, object}
            .encode());
  }
};

TEST(DrivePartitions, L3_FormatMediumMakesThePartitionsOfPage11) {
  Divided bench;
  EXPECT_EQ(bench.page_11(), "110a01001c03060000430000") << "67 MB in one";
  EXPECT_GOOD(bench.ask(0x20, 1, 10, 0xffff));
  EXPECT_EQ(bench.page_11(), "110a01013c030600000affff") << "what the next format shall make";
  EXPECT_GOOD(bench.format(2));
  EXPECT_EQ(bench.page_11(), "110a01011c030600000a0039");
  EXPECT_EQ(bench.drive->cartridge()->partitions(), 2);
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.to(1));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_EQ(bench.page_11(), "110a01011c030600000a0039");
  EXPECT_EQ(bench.read().data_in, block(1)) << "a load goes to the beginning of partition 0";
  EXPECT_SENSE(bench.format(0), codes::kPositionPastBeginning);
  EXPECT_GOOD(bench.to(1));
  EXPECT_EQ(bench.read().data_in, block(2));
  EXPECT_GOOD(bench.to(1));
  EXPECT_SENSE(bench.format(0), codes::kPositionPastBeginning);  // of partition 1 only
  EXPECT_GOOD(bench.to(0));
  EXPECT_GOOD(bench.format(1));  // nothing asked for: the sizes that there are
  EXPECT_EQ(bench.page_11(), "110a01011c030600000a0039");
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.to(1));
  EXPECT_SENSE(bench.read(), codes::kEndOfDataDetected);
  EXPECT_GOOD(bench.to(0));
  EXPECT_GOOD(bench.format(0));
  EXPECT_EQ(bench.page_11(), "110a01001c03060000430000");
  EXPECT_FALSE(bench.sim.disk.exists(kSecondPath));
}

TEST(DrivePartitions, L3_SizesByTheDriveOrRaisedToTheLeast) {
  Divided bench;
  EXPECT_GOOD(bench.ask(0x80, 1, 0, 0));  // FDP
  EXPECT_GOOD(bench.format(1));
  const auto least = least_partition_bytes(kMedium);
  EXPECT_EQ(bench.drive->cartridge()->capacity(1).capacity_bytes, least);
  EXPECT_EQ(bench.drive->cartridge()->capacity(0).capacity_bytes, kMedium - least);
  EXPECT_GOOD(bench.ask(0x20, 1, 1, 0xffff, 0));  // LTFS: one unit of 10^0 bytes, and the rest
  EXPECT_GOOD(bench.format(2));
  EXPECT_EQ(bench.drive->cartridge()->capacity(0).capacity_bytes, least);
  EXPECT_EQ(bench.drive->cartridge()->capacity(1).capacity_bytes, kMedium - least);
  EXPECT_GOOD(bench.ask(0x40, 0, 0, 0));  // SDP, none additional
  EXPECT_GOOD(bench.format(1));
  EXPECT_EQ(bench.drive->cartridge()->partitions(), 1);
}

TEST(DrivePartitions, L3_PartitionsThatCannotBeAreRefusedAndChangeNothing) {
  Divided bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.ask(0xa0, 1, 10, 0xffff), codes::kInvalidFieldInParameters);  // FDP and IDP
  EXPECT_SENSE(bench.ask(0xc0, 1, 10, 0xffff), codes::kInvalidFieldInParameters);  // FDP and SDP
  EXPECT_SENSE(bench.ask(0x20, 2, 10, 0xffff), codes::kInvalidFieldInParameters);  // three
  EXPECT_SENSE(bench.ask(0x20, 1, 0xffff, 0xffff), codes::kInvalidFieldInParameters);
  EXPECT_EQ(bench.page_11(), "110a01001c03060000430000");
  for (const auto& [first, second] :
       {std::pair<std::uint16_t, std::uint16_t>{60, 60}, {0xffff, 67}, {9000, 1}}) {
    EXPECT_GOOD(bench.ask(0x20, 1, first, second));
    EXPECT_SENSE(bench.format(2), codes::kInvalidFieldInCdb);
  }
  EXPECT_GOOD(bench.ask(0x20, 1, 10, 0xffff, 15));
  EXPECT_SENSE(bench.format(2), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("040002000100")), codes::kInvalidFieldInCdb);  // vendor-specific data
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_SENSE(bench.to(1), codes::kInvalidFieldInCdb);
  EXPECT_EQ(bench.to(1).sense.field->byte, 8);
  Divided worm({}, true);
  EXPECT_EQ(worm.page_11().substr(0, 6), "110a00") << "no additional ones";
  EXPECT_GOOD(worm.format(0));
  EXPECT_GOOD(worm.write(block(1)));
  EXPECT_GOOD(worm.rewind());
  EXPECT_SENSE(worm.format(0), codes::kWormOverwrite);
}

TEST(DrivePartitions, L3_PositionsAndMotionKnowThePartition) {
  Divided bench;
  bench.divide();
  EXPECT_GOOD(bench.to(1));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.write(block(2)));
  for (const auto form :
       {scsi::PositionForm::kShort, scsi::PositionForm::kLong, scsi::PositionForm::kExtended}) {
    EXPECT_EQ(bench.position(form).partition, 1);
    EXPECT_EQ(bench.position(form).logical_object, 3U);
  }
  EXPECT_EQ(bench.position().file_number, 1U);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.position().partition, 1) << "REWIND keeps to its partition";
  EXPECT_TRUE(bench.position().beginning_of_partition);
  EXPECT_SENSE(bench.run(scsi::Space{scsi::SpaceCode::kFilemarks, 5}.encode()), codes::kEndOfDataDetected);
  EXPECT_EQ(bench.position().logical_object, 3U);
  EXPECT_SENSE(bench.run(scsi::Space{scsi::SpaceCode::kFilemarks, -5}.encode()),
               codes::kBeginningOfMediumReached);
  EXPECT_EQ(bench.position().partition, 1);
  EXPECT_GOOD(bench.run(scsi::Locate{.partition = 0, .identifier = 2}.encode()));  // without CP: here
  EXPECT_EQ(bench.position().partition, 1);
  EXPECT_SENSE(bench.to(0, 9), codes::kEndOfDataDetected);
  EXPECT_EQ(bench.position(), (scsi::PositionData{.beginning_of_partition = true}));
  // LOCATE(16) as LTFS looks for the end of data.
  EXPECT_SENSE(bench.run(hex("92020001ffffffffffffffff00000000")), codes::kEndOfDataDetected);
  EXPECT_EQ(bench.position().partition, 1);
  EXPECT_EQ(bench.position().logical_object, 3U);
  EXPECT_GOOD(bench.run(hex("921a0001000000000000000000000000")));  // CP, destination type end of data
  EXPECT_GOOD(bench.run(hex("920a0001000000000000000100000000")));  // file 1
  EXPECT_EQ(bench.position().logical_object, 2U);
  EXPECT_GOOD(bench.load());
  EXPECT_EQ(bench.position().partition, 0);
}

TEST(DrivePartitions, L3_CapacitiesAttributesAndLogPagesByPartition) {
  Divided bench;
  bench.divide();
  EXPECT_GOOD(bench.write(block(1, 2'000'000)));
  EXPECT_EQ(bench.attribute(0, 0x0001), ByteWriter().u64(9).take());
  EXPECT_EQ(bench.attribute(1, 0x0001), ByteWriter().u64(54).take());
  EXPECT_EQ(bench.attribute(0, 0x0000), ByteWriter().u64(7).take());
  EXPECT_EQ(bench.attribute(1, 0x0000), ByteWriter().u64(54).take());
  EXPECT_GOOD(bench.set_attribute(0, 0x080c, "coherency of the first"));
  EXPECT_GOOD(bench.set_attribute(1, 0x080c, "and of the second"));
  EXPECT_EQ(bench.attribute(0, 0x080c), to_bytes("coherency of the first"));
  EXPECT_EQ(bench.attribute(1, 0x080c), to_bytes("and of the second"));
  EXPECT_EQ(bench.attribute(1, 0x0401), bench.attribute(0, 0x0401))
      << "the medium's serial number is its own";
  EXPECT_FALSE(bench.attribute(2, 0x0001));
  EXPECT_FALSE(bench.attribute(0, 0x1623)) << "not there, and said so";
  EXPECT_EQ(to_hex(bench.log(0x17).find(0x0202)->value), "070000000000000a0700000100000039");
  EXPECT_EQ(to_hex(bench.log(0x17).find(0x0203)->value), "07000000000000020700000100000000");
  EXPECT_EQ(to_hex(bench.log(0x17).find(0x0204)->value), "07000000000000070700000100000039");
  EXPECT_EQ(scsi::number_of(*bench.log(0x31).find(2)), 54U);
  EXPECT_EQ(scsi::number_of(*bench.log(0x31).find(4)), 54U);
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.format(0));
  EXPECT_EQ(to_hex(bench.log(0x17).find(0x0202)->value), "0700000000000043");
}

// A partition is full, the other is not: early warning and end by partition.
TEST(DrivePartitions, L3_APartitionEndsByItself) {
  Divided bench;
  bench.divide();
  scsi::Response last;
  unsigned warned = 0;
  for (std::uint32_t i = 0; i < 200; ++i) {
    last = bench.write(block(i, 90'000));
    if (has_sense(last, codes::kEndOfMediumReached)) ++warned;
    if (has_sense(last, codes::kVolumeFull)) break;
  }
  EXPECT_SENSE(last, codes::kVolumeFull);
  EXPECT_GT(warned, 0U);
  EXPECT_TRUE(bench.position().end_of_partition);
  EXPECT_GOOD(bench.to(1));
  EXPECT_FALSE(bench.position().end_of_partition);
  EXPECT_GOOD(bench.write(block(1, 90'000)));
}

TEST(DrivePartitions, L3_TheVolumeChangeReferenceTellsOfEveryWrite) {
  Divided bench;
  bench.divide();
  const auto reference = [&bench] { return bench.attribute(0, 0x0009).value(); };
  const auto start = reference();
  EXPECT_EQ(start.size(), 4U);
  EXPECT_EQ(reference(), start);
  EXPECT_GOOD(bench.write(block(1)));
  const auto written = reference();
  EXPECT_NE(written, start);
  EXPECT_GOOD(bench.set_attribute(0, 0x080c, "of this reference"));
  EXPECT_EQ(reference(), written) << "an attribute is no change of the volume";
  EXPECT_GOOD(bench.to(1));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_NE(reference(), written);
}

TEST(DrivePartitions, L3_AppendOnlyModeOverwritesWhereItIsAllowed) {
  Divided bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_SENSE(bench.allow(1, 0, 2), codes::kNotInAppendOnlyMode);
  EXPECT_SENSE(bench.append_only(true), codes::kPositionPastBeginning);
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.append_only(true));
  EXPECT_SENSE(bench.write(block(9)), codes::kWriteAppendPosition);
  EXPECT_SENSE(bench.filemarks(), codes::kWriteAppendPosition);
  EXPECT_SENSE(bench.run(hex("190000000000")), codes::kWriteAppendPosition);
  EXPECT_SENSE(bench.format(0), codes::kWriteAppendPosition);
  EXPECT_EQ(bench.read().data_in, block(1)) << "nothing of that changed anything";
  EXPECT_SENSE(bench.allow(1, 0, 0), codes::kSequentialPositioningRefused);  // that is not here
  EXPECT_GOOD(bench.allow(1, 0, 1));
  EXPECT_GOOD(bench.write(block(3)));
  EXPECT_GOOD(bench.write(block(4)));  // at the end of data it is no overwriting
  EXPECT_GOOD(bench.locate(1));
  EXPECT_GOOD(bench.allow(1, 0, 1));
  EXPECT_GOOD(bench.locate(1));
  EXPECT_SENSE(bench.write(block(5)), codes::kWriteAppendPosition);  // moving ended the permission
  EXPECT_EQ(bench.read().data_in, block(3));
  EXPECT_SENSE(bench.append_only(false), codes::kInvalidFieldInParameters);  // not while it is loaded
  EXPECT_GOOD(bench.load());
  EXPECT_GOOD(bench.allow(2, 0, 0));
  EXPECT_GOOD(bench.format(0));
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.append_only(false));
  EXPECT_GOOD(bench.load());
}

TEST(DrivePartitions, L3_ALostPartitionIsAMediumErrorAndPartition0Reads) {
  Divided bench;
  bench.divide();
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  take(bench.drive->eject());
  done(bench.sim.disk.remove(kSecondPath));
  done(bench.drive->insert(kTapePath));
  bench.settle(kHost);
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_SENSE(bench.to(1), codes::kMediumFormatCorrupted);
  EXPECT_EQ(bench.position().partition, 0);
  EXPECT_SENSE(bench.write(block(2)), codes::kWriteError);
  EXPECT_FALSE(bench.attribute(1, 0x0001));
  EXPECT_EQ(to_hex(bench.log(0x17).find(0x0203)->value), "070000000000000007000001ffffffff");
  EXPECT_FALSE(bench.sim.disk.exists(kSecondPath)) << "nothing is made anew";
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_SENSE(bench.format(1), codes::kInvalidFieldInCdb);  // of a size that nobody knows
  EXPECT_GOOD(bench.ask(0x20, 1, 10, 0xffff));
  EXPECT_GOOD(bench.format(2));
  EXPECT_GOOD(bench.to(1));
  EXPECT_GOOD(bench.write(block(2)));
}

// FORMAT MEDIUM over another cartridge's file: refused before anything is done.
TEST(DrivePartitions, L3_AnothersFileIsNotFormattedOver) {
  Divided bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.rewind());
  take(bench.sim.disk.open(kSecondPath, OpenMode::kCreate, 0600));
  bench.sim.disk.content(kSecondPath) = to_bytes("somebody's letters");
  EXPECT_GOOD(bench.ask(0x20, 1, 10, 0xffff));
  EXPECT_SENSE(bench.format(2), codes::kFormatFailed);
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_EQ(bench.sim.disk.content(kSecondPath), to_bytes("somebody's letters"));
}

TEST(DrivePartitions, D1_AKeyServesBothPartitionsAndGoesFromBoth) {
  Divided bench;
  bench.divide();
  EXPECT_GOOD(bench.set_encryption(encrypting(key_bytes(1))));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.to(1));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.to(0));
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.set_encryption(no_encryption()));
  EXPECT_GOOD(bench.to(1));
  EXPECT_SENSE(bench.read(), codes::kUnableToDecrypt);
  EXPECT_GOOD(bench.to(0));
  EXPECT_SENSE(bench.read(), codes::kUnableToDecrypt);
  EXPECT_GOOD(bench.set_encryption(encrypting(key_bytes(1))));
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.to(1));
  EXPECT_EQ(bench.read().data_in, block(2));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.unload());
  for (const auto& path : {kTapePath, kSecondPath}) {
    const auto& file = bench.sim.disk.content(path);
    EXPECT_EQ(as_text(file).find("marker-plaintext"), std::string_view::npos) << path;
  }
}

}  // namespace
}  // namespace tapewarden::tape
