#include <gtest/gtest.h>

#include "scsi/changer_cdb.h"
#include "scsi/changer_mode.h"
#include "scsi/element_status.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

Bytes hex(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ' ') digits += c;
  auto bytes = from_hex(digits);
  EXPECT_TRUE(bytes) << text;
  return bytes.value_or(Bytes{});
}

std::string shown(ByteView bytes) {
  return to_hex(bytes);
}

TEST(ChangerCdb, L2_MoveMediumAsMtxSendsIt) {
  const auto move = MoveMedium::decode(hex("a5 00 0000 03e8 01f4 0000 00 00"));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->transport, 0);
  EXPECT_EQ(move->source, 1000);
  EXPECT_EQ(move->destination, 500);
  EXPECT_FALSE(move->invert);
  EXPECT_EQ(shown(move->encode()), shown(hex("a5 00 0000 03e8 01f4 0000 00 00")));
  const auto reserved = MoveMedium::decode(hex("a5 00 0000 03e8 01f4 0100 00 00"));
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().code, sense_codes::kInvalidFieldInCdb);
  EXPECT_EQ(reserved.error().field->byte, 8);
  EXPECT_FALSE(MoveMedium::decode(hex("a5 00 0000 03e8")));
}

TEST(ChangerCdb, L2_ExchangeMediumNamesTwoDestinations) {
  const auto exchange = ExchangeMedium::decode(hex("a6 00 0001 03e8 01f4 03e9 02 00"));
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->transport, 1);
  EXPECT_EQ(exchange->source, 1000);
  EXPECT_EQ(exchange->first_destination, 500);
  EXPECT_EQ(exchange->second_destination, 1001);
  EXPECT_TRUE(exchange->invert);
  EXPECT_EQ(shown(ExchangeMedium{1, 1000, 500, 1001, false}.encode()),
            shown(hex("a6 00 0001 03e8 01f4 03e9 00 00")));
}

TEST(ChangerCdb, L2_ReadElementStatusHasEveryField) {
  const auto read = ReadElementStatus::decode(hex("b8 14 01f4 ffff 03 012345 00 00"));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->volume_tags);
  EXPECT_EQ(read->type, ElementType::kDataTransfer);
  EXPECT_EQ(read->first, 500);
  EXPECT_EQ(read->count, 0xffff);
  EXPECT_TRUE(read->current_data);
  EXPECT_TRUE(read->device_ids);
  EXPECT_EQ(read->allocation_length, 0x012345U);
  EXPECT_EQ(shown(read->encode()), shown(hex("b8 14 01f4 ffff 03 012345 00 00")));
  const auto unknown = ReadElementStatus::decode(hex("b8 05 0000 0001 00 000010 00 00"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().field, (FieldPointer{true, 1, 3}));
}

TEST(ChangerCdb, L2_InitializeElementStatusInThreeForms) {
  const auto all = InitializeElementStatus::decode(hex("07 00 00 00 00 00"));
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->range);
  for (const auto* text : {"37 01 03e8 0000 0005 00 00", "e7 01 03e8 0000 0005 00 80"}) {
    const auto range = InitializeElementStatus::decode(hex(text));
    ASSERT_TRUE(range) << text;
    EXPECT_TRUE(range->range);
    EXPECT_EQ(range->first, 1000);
    EXPECT_EQ(range->count, 5);
  }
  EXPECT_FALSE(InitializeElementStatus::decode(hex("07 01 00 00 00 00")));
  EXPECT_FALSE(InitializeElementStatus::decode({}));
  EXPECT_EQ(shown(InitializeElementStatus{true, 1000, 5}.encode()), shown(hex("37 01 03e8 0000 0005 00 00")));
  EXPECT_EQ(shown(InitializeElementStatus{}.encode()), shown(hex("07 00 00 00 00 00")));
}

TEST(ChangerCdb, L2_PositionToElement) {
  const auto position = PositionToElement::decode(hex("2b 00 0000 01f5 0000 01 00"));
  ASSERT_TRUE(position);
  EXPECT_EQ(position->destination, 501);
  EXPECT_TRUE(position->invert);
  EXPECT_EQ(shown(position->encode()), shown(hex("2b 00 0000 01f5 0000 01 00")));
}

// A drive with a cartridge from slot 1000 and an import/export element that the operator filled, each byte as
// the standard's tables put it.
TEST(ElementStatus, L2_EveryByteOfAReport) {
  ElementStatusData data{.first_address = 10, .available = 2};
  data.pages.push_back({.type = ElementType::kImportExport, .volume_tags = true, .available = 1});
  data.pages.back().descriptors.push_back(
      {.address = 10, .full = true, .placed_by_operator = true, .volume_tag = "VOL001L9"});
  data.pages.push_back(
      {.type = ElementType::kDataTransfer, .volume_tags = true, .identifier_room = 8, .available = 1});
  data.pages.back().descriptors.push_back({.address = 500,
                                           .full = true,
                                           .accessible = false,
                                           .exception = SenseCode{SenseKey::kNoSense, 0x53, 0x09},
                                           .source = std::uint16_t{1000},
                                           .volume_tag = "VOL002L9",
                                           .identifier = "DRIVE1"});
  const auto blanks = std::string(24, ' ');
  const auto expected = ByteWriter()
                            .bytes(hex("000a 0002 00 000080"))      // 60 + 68 bytes of pages
                            .bytes(hex("03 80 0034 00 000034"))     // import/export, one of 52 bytes
                            .bytes(hex("000a 3b 00 00 00 000000"))  // InEnab ExEnab Access ImpExp Full
                            .bytes(hex("00 0000"))                  // no source
                            .text("VOL001L9" + blanks)              // 32 characters
                            .bytes(hex("0000 0000"))                // reserved, sequence number
                            .bytes(hex("00 00 00 00"))              // no identifier
                            .bytes(hex("04 80 003c 00 00003c"))     // data transfer, one of 60 bytes
                            .bytes(hex("01f4 05 00 53 09 000000"))  // Except Full, no Access
                            .bytes(hex("80 03e8"))                  // SValid, slot 1000
                            .text("VOL002L9" + blanks)
                            .bytes(hex("0000 0000"))
                            .bytes(hex("02 01 00 06"))  // ASCII, T10 vendor identification, 6 bytes
                            .text("DRIVE1")
                            .bytes(hex("0000"))
                            .take();
  EXPECT_EQ(shown(data.encode()), shown(expected));
  const auto back = ElementStatusData::decode(expected);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, data);
}

TEST(ElementStatus, L2_WithoutVolumeTagsADescriptorHas16Bytes) {
  ElementStatusData data{.first_address = 0, .available = 2};
  data.pages.push_back({.type = ElementType::kTransport, .available = 1, .descriptors = {{.address = 0}}});
  data.pages.push_back({.type = ElementType::kStorage, .available = 1, .descriptors = {{.address = 1000}}});
  EXPECT_EQ(shown(data.encode()),
            shown(hex("0000 0002 00 000030"
                      "01 00 0010 00 000010 0000 00 00 00 00 000000 00 0000 00000000"
                      "02 00 0010 00 000010 03e8 08 00 00 00 000000 00 0000 00000000")));
}

TEST(ElementStatus, L2_CutOrStrangeReportsAreRefused) {
  ElementStatusData data{.first_address = 1000, .available = 1};
  data.pages.push_back({.type = ElementType::kStorage,
                        .volume_tags = true,
                        .available = 1,
                        .descriptors = {{.address = 1000, .full = true, .volume_tag = "A"}}});
  const auto whole = data.encode();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    if (size == kElementHeaderBytes || size == 2 * kElementHeaderBytes) continue;  // whole by themselves
    EXPECT_FALSE(ElementStatusData::decode(ByteView(whole).first(size))) << size;
  }
  auto type = whole;
  type[8] = 5;
  EXPECT_FALSE(ElementStatusData::decode(type));
  auto identifier = whole;
  identifier.back() = 1;
  EXPECT_FALSE(ElementStatusData::decode(identifier));
  auto alternate = whole;
  alternate[9] = 0xc0;
  EXPECT_FALSE(ElementStatusData::decode(alternate));
}

TEST(ChangerMode, L2_EveryByteOfThePages) {
  const ElementAddressAssignment layout{
      .transport = {0, 1}, .storage = {1000, 40}, .import_export = {10, 4}, .data_transfer = {500, 2}};
  const auto page = layout.encode();
  EXPECT_EQ(page.code, 0x1d);
  EXPECT_EQ(shown(page.body), shown(hex("0000 0001 03e8 0028 000a 0004 01f4 0002 0000")));
  const auto back = ElementAddressAssignment::decode(page);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, layout);
  EXPECT_FALSE(ElementAddressAssignment::decode({0x1e, page.body}));
  EXPECT_EQ(encode_transport_geometry(), (ModePage{0x1e, hex("00 00")}));
  EXPECT_EQ(encode_device_capabilities(),
            (ModePage{0x1f, hex("0e 00 00 0e 0e 0e 00000000 00 0e 0e 0e 00000000")}));
}

TEST(ChangerMode, L2_AddressesDoNotOverlap) {
  ElementAddressAssignment layout{
      .transport = {0, 1}, .storage = {1000, 60000}, .import_export = {10, 4}, .data_transfer = {500, 2}};
  EXPECT_TRUE(layout.check());
  layout.storage = {1000, 64536};
  EXPECT_TRUE(layout.check());
  layout.storage = {1000, 64537};
  EXPECT_EQ(layout.check().error().field, "storage");
  layout.storage = {501, 40};
  EXPECT_EQ(layout.check().error().field, "storage");
  layout.storage = {502, 40};
  EXPECT_TRUE(layout.check());
  layout.import_export = {0, 0};  // none of them: no overlap with the transport
  EXPECT_TRUE(layout.check());
  EXPECT_EQ(layout.type_of(0), ElementType::kTransport);
  EXPECT_EQ(layout.type_of(501), ElementType::kDataTransfer);
  EXPECT_EQ(layout.type_of(541), ElementType::kStorage);
  EXPECT_EQ(layout.type_of(542), std::nullopt);
}

}  // namespace
}  // namespace tapewarden::scsi
