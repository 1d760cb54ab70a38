// What a drive tells about itself, as bytes laid out by hand from SPC-4 and SSC-4 tables.
#include <algorithm>
#include <map>

#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/tape_cdb.h"
#include "tape/device/command_table.h"
#include "tape/device/density.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
struct Pages : Bench {
  using Bench::Bench;
  std::string told(std::string_view cdb) { return to_hex(run(hex(cdb)).data_in); }
  std::string vpd(std::uint8_t page) {
    return to_hex(
        run(scsi::Inquiry{.vital_product_data = true, .page = page, .allocation_length = 255}.encode())
            .data_in);
  }
  scsi::LogPage log(std::uint8_t page, scsi::NexusId nexus = kHost) {
    const auto data =
        run(scsi::LogSense{.page = page, .allocation_length = 65535}.encode(), {}, nexus).data_in;
    return scsi::LogPage::decode(data).value();
  }
  std::uint64_t logged(std::uint8_t page, std::uint16_t code, scsi::NexusId nexus = kHost) {
    const auto found = log(page, nexus);
    const auto* parameter = found.find(code);
    return parameter == nullptr ? ~std::uint64_t{0} : scsi::number_of(*parameter);
  }
  std::string mode(std::uint8_t page, std::uint8_t subpage,
                   scsi::PageControl control = scsi::PageControl::kCurrent) {
    return to_hex(ByteView(run(scsi::ModeSense{.disable_block_descriptor = true,
                                               .control = control,
                                               .page = page,
                                               .subpage = subpage,
                                               .allocation_length = 255}
                                   .encode())
                               .data_in)
                      .subspan(4));
  }
};

DriveOptions of_density(std::uint8_t code) {
  DriveOptions options;
  options.density = code;
  return options;
}

// SPC-4 tables 217 to 220.
TEST(DrivePages, L3_OperationCodesAsBytes) {
  Pages bench;
  EXPECT_EQ(bench.told("a30c01080000000001000000"), "000300060803ffffff00");
  EXPECT_EQ(bench.told("a30c810800000000010000"
                       "00"),
            "008300060803ffffff00"
            "000a0000000000050000012c");
  EXPECT_EQ(bench.told("a30c010f0000000001000000"), "00010000") << "READ REVERSE is not supported";
  EXPECT_EQ(bench.told("a30c025f0006000001000000"), "0003000a5f06ff0000ffffffff00");
  EXPECT_EQ(bench.told("a30c025f0007000001000000"), "00010000");
  EXPECT_SENSE(bench.run(hex("a30c015f0000000001000000")), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("a30c02080000000001000000")), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("a30c04080000000001000000")), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("a30b00000000000001000000")), codes::kInvalidFieldInCdb);
  EXPECT_EQ(bench.told("a30c035f0003000001000000").substr(0, 12), "0003000a5f03");
  EXPECT_EQ(bench.told("a30c03080001000001000000"), "00010000");
}

TEST(DrivePages, L3_AllOperationCodesAreListedOnce) {
  Pages bench;
  const auto all = bench.run(hex("a30c00000000000100000000")).data_in;
  EXPECT_EQ(all.size(), 4 + 8 * command_rows().size());
  std::set<std::uint32_t> seen;
  for (std::size_t at = 4; at < all.size(); at += 8) {
    EXPECT_TRUE(seen.insert(static_cast<std::uint32_t>(all[at] << 8U | all[at + 3])).second) << int{all[at]};
    EXPECT_EQ(all[at + 5] & 1, has_service_actions(all[at]) ? 1 : 0);
  }
  const auto timed = bench.run(hex("a30c80000000000100000000")).data_in;
  EXPECT_EQ(timed.size(), 4 + 20 * command_rows().size());
}

// SPC-4 table 222: abort task, abort task set, clear task set, logical unit reset.
TEST(DrivePages, L3_TaskManagementAsBytes) {
  Pages bench;
  EXPECT_EQ(bench.told("a30d00000000000000100000"), "d8000000");
  EXPECT_EQ(bench.told("a30d80000000000000100000"), "d800000c000000000000000000000000");
  EXPECT_SENSE(bench.run(hex("a30d00000000000000030000")), codes::kInvalidFieldInCdb);
}

// SPC-4 sections 6.36 and 6.45.
TEST(DrivePages, L3_TimestampIsSetForAllAndTold) {
  Pages bench;
  bench.settle(kOtherHost);
  EXPECT_EQ(bench.told("a30f00000000000000100000").substr(0, 8), "000a0300");  // of the machine's clock
  EXPECT_SENSE(bench.run(hex("a40f000000000000000b0000"), Bytes(11)), codes::kParameterListLengthError);
  EXPECT_GOOD(bench.run(hex("a40f000000000000000c0000"), hex("000000000123456789ab0000")));
  EXPECT_EQ(bench.told("a30f00000000000000100000"), "000a02000123456789ab0000");
  EXPECT_SENSE(bench.run(hex("000000000000"), {}, kOtherHost), codes::kTimestampChanged);
}

// SSC-4 table 79.
TEST(DrivePages, L3_DensitySupportAsBytes) {
  Pages bench(of_density(0x60));
  const auto all = bench.told("44000000000000040000");
  const std::string lto9 =
      "6060a000000053d0007f23000112a880"
      "4c544f2d43564520"
      "552d393332202020"
      "556c747269756d20392f33325420202020202020";
  EXPECT_EQ(all.size(), 2 * (4 + 2 * 52U));
  EXPECT_EQ(all.substr(0, 8 + 6), "006a00005e5e80");
  EXPECT_EQ(all.substr(8 + 104), lto9);
  // Of the mounted cartridge: its own 64 MiB.
  EXPECT_EQ(bench.told("44010000000000040000").substr(0, 40), "003600006060a000000053d0007f230000000043");
  EXPECT_SENSE(bench.run(hex("44020000000000040000")), codes::kInvalidFieldInCdb);
  EXPECT_GOOD(bench.unload());
  EXPECT_SENSE(bench.run(hex("44010000000000040000")), codes::kInitializingCommandRequired);
  Pages any;
  EXPECT_EQ(any.told("44000000000000040000").size(), 2 * (4 + 5 * 52U));
}

TEST(DrivePages, D1_DensitiesThatADriveReadsAndWrites) {
  const auto access = [](std::uint8_t drive, std::uint8_t medium) {
    const auto found = density_access(drive, medium);
    return found == DensityAccess::kNone ? '-' : found == DensityAccess::kRead ? 'r' : 'w';
  };
  std::string table;
  for (const auto& drive : lto_densities())
    for (const auto& medium : lto_densities()) table += access(drive.code, medium.code);
  EXPECT_EQ(table,
            "w----"
            "ww---"
            "rww--"
            "--ww-"
            "---ww");

  Bench bench(of_density(0x60));
  static_cast<void>(bench.drive->eject().value());
  CartridgeSpec old;
  old.volser = "OLD005";
  old.density = 0x58;
  bench.make_cartridge("tapes/OLD", old);
  EXPECT_EQ(bench.drive->insert("tapes/OLD").error().field, "density");
  Drive reader(bench.sim.env(), Site::get().lto, of_density(0x5c));
  ASSERT_TRUE(reader.insert("tapes/OLD").has_value());
  for (int i = 0; i < 2; ++i) static_cast<void>(reader.execute({.cdb = hex("000000000000"), .nexus = kHost}));
  const Bytes data(10);
  EXPECT_SENSE(reader.execute({.cdb = hex("0a0000000a00"), .nexus = kHost, .data_out = data}),
               codes::kWriteProtected);
  EXPECT_EQ(reader.execute({.cdb = hex("1a0000000c00"), .nexus = kHost}).data_in.at(2), 0x90);
}

// SPC-4 table 437; SSC-4 tables 118, 135, 136, 139.
TEST(DrivePages, L3_ModePagesAsBytes) {
  Pages bench;
  EXPECT_EQ(bench.mode(0x01, 0), "010a00000000000000000000");
  EXPECT_EQ(bench.mode(0x11, 0), "110a01001c03060000430000");
  EXPECT_EQ(bench.mode(0x1c, 0), "1c0a08000000000000000000");
  EXPECT_EQ(bench.mode(0x10, 1), "5001001c" + std::string(56, '0'));
  EXPECT_EQ(bench.mode(0x10, 1, scsi::PageControl::kChangeable), "5001001c00f0ffff" + std::string(48, '0'));
  EXPECT_EQ(bench.mode(0x0a, 0xf0, scsi::PageControl::kChangeable).substr(0, 14), "4af0001cff3fc0");
  EXPECT_EQ(bench.mode(0x0a, 0xff), bench.mode(0x0a, 0) + bench.mode(0x0a, 0xf0));
  EXPECT_EQ(bench.mode(0x1d, 0).substr(0, 6), "1d1e00");
  EXPECT_SENSE(bench.run(hex("1a080a01ff00")), codes::kInvalidFieldInCdb);  // no such subpage
  EXPECT_GOOD(bench.set_block_length(1024));
  EXPECT_EQ(bench.told("1a0000000c00"), "0b9810086000000000000400");
  EXPECT_EQ(bench.told("1a0080000c00"), "0b9810086000000000000000") << "default values";
  const auto everything = bench.run(hex("5a083fff000000100000")).data_in;
  EXPECT_EQ(scsi::ModeParameters::decode(everything, true).value().pages.size(), 11U);
  Pages worm({}, MediumKind::kLto, nullptr, 64U << 20U, 0, true);
  EXPECT_EQ(worm.mode(0x1d, 0).substr(0, 6), "1d1e01");
}

TEST(DrivePages, L3_ModeSelectOfPagesWithSubpages) {
  Pages bench;
  bench.settle(kOtherHost);
  Bytes body(28);
  body[2] = 0x01;
  EXPECT_GOOD(bench.select({.pages = {{0x10, body, 0x01}}}));
  EXPECT_EQ(bench.mode(0x10, 1).substr(0, 16), "5001001c00000100");
  EXPECT_EQ(bench.mode(0x10, 1, scsi::PageControl::kDefault).substr(0, 16), "5001001c00000000");
  EXPECT_SENSE(bench.run(hex("000000000000"), {}, kOtherHost), codes::kModeParametersChanged);
  body[1] = 0x20;  // no such write mode
  const auto refused = bench.select({.pages = {{0x10, body, 0x01}}});
  EXPECT_SENSE(refused, codes::kInvalidFieldInParameters);
  EXPECT_EQ(refused.sense.field->byte, 4 + 4 + 1);
  const auto partition = bench.select({.pages = {{0x11, hex("00011c03060000430000")}}});
  EXPECT_SENSE(partition, codes::kInvalidFieldInParameters);
  EXPECT_EQ(partition.sense.field->byte, 4 + 2 + 0) << "what the drive can do is not settable";
  EXPECT_SENSE(bench.select({.pages = {{0x10, body, 0x02}}}), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.run(hex("151000000600"), hex("000000005000")), codes::kParameterListLengthError);
  EXPECT_SENSE(bench.run(hex("151000000800"), hex("0000000050000000")), codes::kInvalidFieldInParameters);
}

// SPC-4 tables 371 and 388: parameter code, control byte, length, value.
TEST(DrivePages, L3_LogPagesAsBytes) {
  Pages bench;
  EXPECT_EQ(bench.told("4d0040ff000000010000"),
            "40ff0018"
            "000002000300"
            "0c0011001200"
            "140017001b00"
            "2e0030003100");
  EXPECT_EQ(bench.told("4d0042000000000fff00").substr(0, 24), "0200003c0000030400000000");
  EXPECT_EQ(bench.told("4d0051000000000fff00"),
            "1100000800000304"
            "11170000");
  EXPECT_EQ(bench.told("4d0052000000000fff00"),
            "1200000c00000308"
            "0000000000000000");
  EXPECT_SENSE(bench.run(hex("4d007e000000000fff00")), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("4d0042010000000fff00")), codes::kInvalidFieldInCdb);
}

TEST(DrivePages, L3_LogPagesCountTrafficAcrossCartridgesUntilSetBack) {
  Pages bench;
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.write(block(1, 2U << 20U)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.read(2U << 20U));
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  bench.settle(kOtherHost);
  EXPECT_EQ(bench.logged(0x0c, 0), 2U << 20U);
  EXPECT_EQ(bench.logged(0x0c, 3), 2U << 20U);
  EXPECT_EQ(bench.logged(0x1b, 6), 2U) << "MiB from the host";
  EXPECT_EQ(bench.logged(0x14, 0), 2U) << "loads";
  EXPECT_EQ(bench.logged(0x17, 0x0001), 2U);
  EXPECT_EQ(as_text(bench.log(0x17).find(0x0042)->value), "VOL001");
  EXPECT_SENSE(bench.run(hex("4c030000000000000000")), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("4c00c000000000000400"), Bytes(4)), codes::kInvalidFieldInParameters);
  EXPECT_EQ(bench.logged(0x0c, 0), 2U << 20U);
  EXPECT_GOOD(bench.run(hex("4c02c000000000000000")));
  EXPECT_EQ(bench.logged(0x0c, 0), 0U);
  EXPECT_EQ(bench.logged(0x14, 0x0d), 0U);
  EXPECT_EQ(bench.logged(0x14, 0), 2U);
  EXPECT_SENSE(bench.run(hex("000000000000"), {}, kOtherHost), codes::kLogParametersChanged);
}

// SSC-4 section 4.2.20: flags stand for each initiator until it read them, or another cartridge comes.
TEST(DrivePages, L3_TapeAlertFlagsPerInitiator) {
  Pages bench;
  bench.settle(kOtherHost);
  static_cast<void>(bench.drive->eject().value());
  ASSERT_TRUE(bench.drive->insert(kTapePath, true).has_value());
  bench.settle(kHost);
  bench.settle(kOtherHost);
  EXPECT_SENSE(bench.write(block(1)), codes::kWriteProtected);
  EXPECT_EQ(bench.told("4d0052000000000fff00"),
            "1200000c00000308"
            "0080000000000000");  // flag 9
  EXPECT_EQ(bench.logged(0x2e, 9), 1U);
  EXPECT_EQ(bench.logged(0x2e, 9), 0U) << "read once";
  EXPECT_EQ(bench.logged(0x2e, 9, kOtherHost), 1U);
  EXPECT_SENSE(bench.write(block(1)), codes::kWriteProtected);
  EXPECT_EQ(bench.logged(0x2e, 9), 1U) << "raised again";
  EXPECT_SENSE(bench.write(block(1)), codes::kWriteProtected);
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_EQ(bench.logged(0x2e, 9), 0U);
}

// SPC-4 section 7.8, SSC-4 section 8.4.
TEST(DrivePages, L3_VitalProductDataAsBytes) {
  DriveOptions options;
  options.library_serial = "LIB001";
  Pages bench(options);
  EXPECT_EQ(bench.vpd(0x00), "0100000900808386b0b1b2b3b5");
  EXPECT_EQ(bench.vpd(0x86), "0186003c0801" + std::string(116, '0'));
  EXPECT_EQ(bench.vpd(0xb1), "01b1000a" + to_hex(as_bytes("10WT012345")));
  EXPECT_EQ(bench.vpd(0xb2), "01b200082cc0000000000010");
  EXPECT_EQ(bench.vpd(0xb3), "01b30006" + to_hex(as_bytes("LIB001")));
  EXPECT_EQ(bench.vpd(0xb5),
            "01b50010"
            "0700000000000000"
            "070204c000000000");
  const auto before = bench.vpd(0x83);
  bench.drive->nexus_named(kHost, {{}, "iqn.2026-01.test:d,t,0x0001"});
  EXPECT_EQ(bench.vpd(0x83).substr(before.size()), "0318001c" +
                                                       to_hex(as_bytes("iqn.2026-01.test:d,t,0x0001")) +
                                                       "00"
                                                       "0114000400000001");
  EXPECT_EQ(bench.told("120000002400").substr(10, 2), "01") << "PROTECT";
}

TEST(DrivePages, D1_IdentityIsConfiguredAndTheDefaultIsOurOwn) {
  Pages plain;
  EXPECT_EQ(as_text(ByteView(plain.run(hex("120000002400")).data_in).subspan(8)),
            "TAPEWARDVIRTUAL LTO     0001");
  DriveOptions options;
  options.vendor = "ACME";
  options.product = "TAPE 9";
  options.revision = "R2";
  Pages named(options);
  EXPECT_EQ(as_text(ByteView(named.run(hex("120000002400")).data_in).subspan(8)),
            "ACME    TAPE 9          R2  ");
}

TEST(DrivePages, L3_AttributesOfVolumeAndDrive) {
  Pages bench;
  const auto attributes =
      scsi::decode_attributes(bench.run(hex("8c000000000000000000000040000000")).data_in).value();
  std::map<std::uint16_t, scsi::MediumAttribute> by_id;
  for (const auto& attribute : attributes) by_id[attribute.id] = attribute;
  ASSERT_EQ(by_id.size(), attributes.size());
  EXPECT_TRUE(std::ranges::is_sorted(attributes, {}, &scsi::MediumAttribute::id));
  EXPECT_EQ(to_hex(by_id.at(0x0006).value), "60");
  EXPECT_EQ(as_text(by_id.at(0x0005).value), "LTO-CVE ");
  EXPECT_EQ(to_hex(by_id.at(0x0407).value), "0000000000004000");
  EXPECT_EQ(as_text(by_id.at(0x020a).value), "TAPEWARD10WT012345                      ");
  for (const auto& [id, attribute] : by_id) EXPECT_EQ(attribute.read_only, id < 0x0800) << id;
  EXPECT_SENSE(bench.run(hex("8c040000000000000000000000060000")), codes::kInvalidFieldInCdb);
}

TEST(DrivePages, L3_Diagnostics) {
  Pages bench;
  EXPECT_GOOD(bench.run(hex("1d0400000000")));
  EXPECT_SENSE(bench.run(hex("1d1000000400"), Bytes(4)), codes::kInvalidFieldInCdb);
  EXPECT_EQ(bench.told("1c0100000800"), "0000000100");
  EXPECT_SENSE(bench.run(hex("1c0140000800")), codes::kInvalidFieldInCdb);
}

}  // namespace
}  // namespace tapewarden::tape::test
