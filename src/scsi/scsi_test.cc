#include <gtest/gtest.h>

#include "scsi/cdb.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "scsi/inquiry.h"
#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/mode.h"
#include "scsi/position.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Mode, L3_ASubpageMayBeLongerThanAPage) {
  ModeParameters parameters;
  parameters.pages.push_back({.code = 0x0a, .body = Bytes(300, 7), .subpage = 0xf0});
  const auto back = ModeParameters::decode(parameters.encode(true), true);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->pages, parameters.pages);
}

TEST(Cdb, L3_LinuxAsksForPositionsInTheDevicesOwnAddresses) {
  const auto seek = Locate::decode(hex("2b040000000007000000"));
  ASSERT_TRUE(seek.has_value());
  EXPECT_EQ(seek->target, LocateTarget::kObject);
  EXPECT_EQ(seek->identifier, 7U);
  const auto tell = ReadPosition::decode(hex("34010000000000000000"));
  ASSERT_TRUE(tell.has_value());
  EXPECT_EQ(tell->form, PositionForm::kShort);
}

TEST(Sense, D1_FixedFormatAsTheTable) {
  const Sense sense{.code = sense_codes::kFilemarkDetected, .filemark = true, .information = 5};
  EXPECT_EQ(to_hex(sense.encode_fixed()),
            "f00080000000050a000000000001"
            "00000000");
  const Sense negative{.code = sense_codes::kNone, .incorrect_length = true, .information = -6};
  EXPECT_EQ(to_hex(negative.encode_fixed()),
            "f00020fffffffa0a0000000000000000"
            "0000");
}

TEST(Sense, D1_FieldPointerOfCdbAndParameters) {
  EXPECT_EQ(to_hex(invalid_in_cdb(1, 1).error().encode_fixed()), "700005000000000a00000000240000c90001");
  EXPECT_EQ(to_hex(invalid_in_parameters(18).error().encode_fixed()), "700005000000000a00000000260000800012");
}

TEST(Sense, D1_BothFormatsRoundTrip) {
  for (const auto& sense :
       {Sense{.code = sense_codes::kEndOfDataDetected, .information = 3},
        Sense{.code = sense_codes::kVolumeFull, .end_of_medium = true, .information = 0x7fff'ffff},
        Sense{.code = sense_codes::kNone, .incorrect_length = true, .information = -100},
        Sense{.code = sense_codes::kInvalidFieldInCdb, .field = FieldPointer{true, 300, std::uint8_t{3}}},
        Sense{.code = sense_codes::kPowerOn, .deferred = true}}) {
    EXPECT_EQ(Sense::decode(sense.encode_fixed()).value(), sense);
    EXPECT_EQ(Sense::decode(sense.encode_descriptor()).value(), sense);
  }
}

TEST(Sense, D1_InformationBeyond32BitsNeedsDescriptors) {
  const Sense sense{.code = sense_codes::kEndOfDataDetected, .information = 0x1'0000'0000};
  EXPECT_FALSE(Sense::decode(sense.encode_fixed()).value().information.has_value());
  EXPECT_EQ(Sense::decode(sense.encode_descriptor()).value().information, 0x1'0000'0000);
}

TEST(Sense, D1_BadSenseIsRefusedAndShortSenseTakenAsFar) {
  EXPECT_FALSE(Sense::decode({}).has_value());
  EXPECT_FALSE(Sense::decode(hex("7000")).has_value());
  EXPECT_FALSE(Sense::decode(hex("6f0005000000000a")).has_value());
  EXPECT_EQ(Sense::decode(hex("700007")).value().code.key, SenseKey::kDataProtect);
  for (std::size_t size = 3; size < 18; ++size)
    EXPECT_TRUE(Sense::decode(ByteView(hex("f00080000000050a00000000000100000000")).first(size)).has_value());
  const auto whole =
      Sense{.code = sense_codes::kNone, .filemark = true, .information = 9}.encode_descriptor();
  for (std::size_t size = 3; size < whole.size(); ++size)
    EXPECT_TRUE(Sense::decode(ByteView(whole).first(size)).has_value());
}

TEST(Sense, D1_PackedKeepsTheCode) {
  EXPECT_EQ(sense_codes::kIncorrectKey.packed(), 0x077403U);
  EXPECT_EQ(SenseCode::unpacked(0x077403U), sense_codes::kIncorrectKey);
  EXPECT_EQ((Sense{.code = sense_codes::kIncorrectKey}.text()),
            "DATA PROTECT 74/03 incorrect data encryption key");
}

TEST(Cdb, D1_EncodesAsTheTables) {
  EXPECT_EQ(to_hex(Read6{true, false, 0x010203}.encode()), "080101020300");
  EXPECT_EQ(to_hex(Read6{false, true, 65536}.encode()), "080201000000");
  EXPECT_EQ(to_hex(Write6{false, 262144}.encode()), "0a0004000000");
  EXPECT_EQ(to_hex(WriteFilemarks{true, 2}.encode()), "100100000200");
  EXPECT_EQ(to_hex(Space{SpaceCode::kFilemarks, -1}.encode()), "1101ffffff00");
  EXPECT_EQ(to_hex(Space{SpaceCode::kBlocks, 0x1000000}.encode()), "91000000000000000100000000000000");
  EXPECT_EQ(to_hex(Locate{.identifier = 7}.encode()), "2b000000000007000000");
  EXPECT_EQ(to_hex(Locate{.target = LocateTarget::kFile, .identifier = 7}.encode()),
            "92080000000000000000000700000000");
  EXPECT_EQ(to_hex(ModeSense{.page = 0x3f, .allocation_length = 12}.encode()), "1a003f000c00");
  EXPECT_EQ(
      to_hex(ModeSense{.ten = true, .disable_block_descriptor = true, .page = 0x25, .allocation_length = 48}
                 .encode()),
      "5a082500000000003000");
  EXPECT_EQ(to_hex(SecurityProtocolIn{0x20, 0x0021, 4}.encode()), "a22000210000000000040000");
  EXPECT_EQ(to_hex(SecurityProtocolOut{0x20, 0x0010, 52}.encode()), "b52000100000000000340000");
  EXPECT_EQ(to_hex(ReadPosition{PositionForm::kLong, 0}.encode()), "34060000000000000000");
  EXPECT_EQ(to_hex(LoadUnload{.load = true}.encode()), "1b0000000100");
}

TEST(Cdb, D1_DecodesWhatItEncodes) {
  const auto read = Read6::decode(Read6{true, false, 77}.encode()).value();
  EXPECT_TRUE(read.fixed);
  EXPECT_EQ(read.transfer_length, 77U);
  for (const std::int64_t count :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{0x7fffff}, std::int64_t{-0x800000},
        std::int64_t{0x800000}, std::int64_t{-0x800001}}) {
    const auto space = Space::decode(Space{SpaceCode::kFilemarks, count}.encode()).value();
    EXPECT_EQ(space.count, count);
    EXPECT_EQ(space.code, SpaceCode::kFilemarks);
  }
  const auto locate =
      Locate::decode(Locate{.target = LocateTarget::kObject, .identifier = 1ULL << 40U}.encode()).value();
  EXPECT_EQ(locate.identifier, 1ULL << 40U);
  const auto attribute =
      ReadAttribute::decode(ReadAttribute{AttributeAction::kValues, 0, 0x0806, 1024}.encode()).value();
  EXPECT_EQ(attribute.first_attribute, 0x0806);
  EXPECT_EQ(attribute.allocation_length, 1024U);
  EXPECT_EQ(SecurityProtocolIn::decode(hex("a22000208000000000020000")).value().allocation_length, 1024U);
}

TEST(Cdb, D1_TruncatedAndReservedBitsPointAtTheByte) {
  const auto whole = Read6{false, false, 10}.encode();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto refused = Read6::decode(ByteView(whole).first(size));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, sense_codes::kInvalidFieldInCdb);
    EXPECT_EQ(refused.error().field->byte, size);
  }
  EXPECT_EQ(Read6::decode(hex("080400000a00")).error().field, (FieldPointer{true, 1, std::uint8_t{2}}));
  EXPECT_EQ(Read6::decode(hex("080000000a04")).error().field,
            (FieldPointer{true, 5, std::uint8_t{2}}));  // NACA
  EXPECT_EQ(Read6::decode(hex("080300000100")).error().field,
            (FieldPointer{true, 1, std::uint8_t{1}}));  // SILI
  EXPECT_EQ(Space::decode(hex("110200000100")).error().field->byte, 1);
  EXPECT_EQ(ReadPosition::decode(hex("34000000000000002000")).error().field->byte, 7);
  EXPECT_EQ(ReadPosition::decode(hex("34030000000000000000")).error().field->byte, 1);
  EXPECT_EQ(Inquiry::decode(hex("120080000000")).error().field->byte, 2);
  EXPECT_EQ(ReportLuns::decode(hex("a00000000000000000080000")).error().field->byte, 6);
  EXPECT_EQ(Locate::decode(hex("2b080000000000000000")).error().field->byte, 1);
  EXPECT_EQ(SecurityProtocolIn::decode(hex("a2200020800000ffffffffff00")).error().code,
            sense_codes::kInvalidFieldInCdb);
  EXPECT_FALSE(Read6::decode({}).has_value());
  EXPECT_FALSE(Read6::decode(hex("0a0000000000")).has_value());
}

TEST(Inquiry, D1_StandardAndDesignators) {
  const StandardInquiry inquiry{.vendor = "IBM", .product = "ULT3580-TD9", .revision = "R3G0"};
  const auto data = inquiry.encode();
  EXPECT_EQ(data.size(), 36U);
  const auto back = StandardInquiry::decode(data).value();
  EXPECT_EQ(back.vendor, "IBM");
  EXPECT_EQ(back.product, "ULT3580-TD9");
  EXPECT_TRUE(back.removable);
  EXPECT_FALSE(StandardInquiry::decode(ByteView(data).first(35)).has_value());

  const std::vector<Designator> ids{
      {DesignatorCode::kAscii, DesignatorKind::kVendorId, false, to_bytes("IBM x")},
      {DesignatorCode::kBinary, DesignatorKind::kNaa, true, hex("5005076300000001")}};
  const auto page = encode_vpd_page(kTapeDeviceType, vpd::kDeviceIdentification, encode_designators(ids));
  EXPECT_EQ(decode_designators(vpd_page_content(page, 0x83).value()).value(), ids);
  EXPECT_FALSE(vpd_page_content(page, 0x80).has_value());
  EXPECT_FALSE(vpd_page_content(ByteView(page).first(10), 0x83).has_value());
}

TEST(Mode, D1_BothHeadersRoundTrip) {
  ModeParameters parameters{
      .medium_type = 0x98, .write_protected = true, .descriptor = BlockDescriptor{0x60, 0, 512}};
  parameters.pages = {DataCompressionPage{}.encode(), DeviceConfigurationPage{}.encode(),
                      ReadWriteControlPage{EncryptionMethod::kSystem}.encode()};
  for (const bool ten : {false, true}) {
    const auto data = parameters.encode(ten);
    const auto back = ModeParameters::decode(data, ten).value();
    EXPECT_EQ(back.descriptor, parameters.descriptor);
    EXPECT_EQ(back.pages, parameters.pages);
    EXPECT_TRUE(back.write_protected);
    for (std::size_t size = 0; size < data.size(); ++size) {
      const auto cut = ModeParameters::decode(ByteView(data).first(size), ten);
      if (cut.has_value()) {
        EXPECT_LT(cut->pages.size(), 3U);
      } else {
        EXPECT_LE(cut.error().detail, size);
      }
    }
  }
  EXPECT_EQ(parameters.encode(true).at(8 + 8 + 16 + 16 + 27),
            0x10);  // where LTFS looks, given the pages before
}

TEST(Mode, D1_PagesAreFourteenBytesAndRefuseOthers) {
  EXPECT_EQ(DataCompressionPage::decode(DataCompressionPage{.enabled = false}.encode()).value().enabled,
            false);
  EXPECT_EQ(
      DeviceConfigurationPage::decode(DeviceConfigurationPage{.compression = 0}.encode()).value().compression,
      0);
  EXPECT_FALSE(DataCompressionPage::decode({0x0f, Bytes(13)}).has_value());
  EXPECT_FALSE(DeviceConfigurationPage::decode({0x0f, Bytes(14)}).has_value());
  EXPECT_FALSE(ReadWriteControlPage::decode({0x25, Bytes(10)}).has_value());
  EXPECT_FALSE(ModeParameters::decode(hex("00001010"
                                          "0000000000000000"
                                          "0000000000000000"),
                                      false)
                   .has_value());
  EXPECT_FALSE(ModeParameters::decode(hex("00001000"
                                          "4f00"),
                                      false)
                   .has_value());  // subpage
}

TEST(Position, D1_AllForms) {
  const PositionData position{
      .beginning_of_partition = false, .end_of_partition = true, .logical_object = 300, .file_number = 4};
  EXPECT_EQ(to_hex(position.encode(PositionForm::kShort)), "400000000000012c0000012c0000000000000000");
  EXPECT_EQ(PositionData::decode(position.encode(PositionForm::kLong), PositionForm::kLong).value(),
            position);
  EXPECT_EQ(position.encode(PositionForm::kExtended).at(3), 0x1c);
  EXPECT_EQ(PositionData::decode(position.encode(PositionForm::kExtended), PositionForm::kExtended)
                .value()
                .logical_object,
            300U);
  const PositionData far{.logical_object = 1ULL << 33U};
  EXPECT_EQ(PositionData::decode(far.encode(PositionForm::kShort), PositionForm::kShort).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(PositionData::decode(far.encode(PositionForm::kLong), PositionForm::kLong).value().logical_object,
            1ULL << 33U);
  EXPECT_FALSE(PositionData::decode(Bytes(19), PositionForm::kShort).has_value());
  EXPECT_EQ(to_hex(BlockLimits{0, 0x100000, 1}.encode()), "001000000001");
  EXPECT_FALSE(BlockLimits::decode(Bytes(5)).has_value());
}

TEST(LogPage, D1_RoundTripAndCuts) {
  const LogPage page{log_page::kTapeCapacity, {number_parameter(1, 17000000, 4), number_parameter(3, 5, 4)}};
  const auto data = page.encode();
  const auto back = LogPage::decode(data).value();
  EXPECT_EQ(back.parameters, page.parameters);
  EXPECT_EQ(number_of(*back.find(1)), 17000000U);
  EXPECT_EQ(back.find(2), nullptr);
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(LogPage::decode(ByteView(data).first(size)).has_value());
}

TEST(MediumAttribute, D1_RoundTripAndCuts) {
  const std::vector<MediumAttribute> attributes{{0x0401, true, 1, to_bytes("SERIAL")},
                                                {0x0806, false, 1, to_bytes("ABC123")}};
  const auto data = encode_attributes(attributes);
  EXPECT_EQ(decode_attributes(data).value(), attributes);
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(decode_attributes(ByteView(data).first(size)).has_value());
  EXPECT_EQ(decode_attribute_list(encode_attribute_list({1, 2, 0x806})).value(),
            (std::vector<std::uint16_t>{1, 2, 0x806}));
}

}  // namespace
}  // namespace tapewarden::scsi
