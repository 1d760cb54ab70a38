#include "scsi/changer_cdb.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

using namespace changer_opcode;

// As the table of cdb.cc: CDB bytes with the bits that the command defines.
constexpr auto kFormats = std::to_array<CdbFormat>({
    {kInitializeElementStatus, 6, "INITIALIZE ELEMENT STATUS", {0x07}},
    {kPositionToElement, 10, "POSITION TO ELEMENT", {0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01}},
    {kInitializeElementStatusWithRange,
     10,
     "INITIALIZE ELEMENT STATUS WITH RANGE",
     {0x37, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff}},
    {kMoveMedium, 12, "MOVE MEDIUM", {0xa5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01}},
    {kExchangeMedium, 12, "EXCHANGE MEDIUM", {0xa6, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03}},
    {kReadElementStatus,
     12,
     "READ ELEMENT STATUS",
     {0xb8, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x03, 0xff, 0xff, 0xff}},
    // Byte 9 bit 7 asks old changers not to read barcodes.
    {kInitializeElementStatusWithRangeOld,
     10,
     "INITIALIZE ELEMENT STATUS WITH RANGE",
     {0xe7, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0x80}},
});

Outcome<ByteView> checked(ByteView cdb, Opcode opcode) {
  const auto* format = find_changer_cdb_format(static_cast<std::uint8_t>(opcode));
  TW_ASSERT(format != nullptr);
  return checked_cdb(cdb, *format);
}

std::uint8_t code(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode);
}

Outcome<ElementType> element_type(std::uint8_t value) {
  if (value > static_cast<std::uint8_t>(ElementType::kDataTransfer)) return invalid_in_cdb(1, 3);
  return static_cast<ElementType>(value);
}

}  // namespace

const CdbFormat* find_changer_cdb_format(std::uint8_t opcode) {
  for (const auto& format : kFormats)
    if (code(format.opcode) == opcode) return &format;
  return nullptr;
}

Outcome<InitializeElementStatus> InitializeElementStatus::decode(ByteView cdb) {
  if (!cdb.empty() && cdb[0] == code(kInitializeElementStatus)) {
    TRY(checked(cdb, kInitializeElementStatus));
    return InitializeElementStatus{};
  }
  const bool old = !cdb.empty() && cdb[0] == code(kInitializeElementStatusWithRangeOld);
  const auto c =
      TRY(checked(cdb, old ? kInitializeElementStatusWithRangeOld : kInitializeElementStatusWithRange));
  return InitializeElementStatus{.range = bit_at(c, 1, 0), .first = u16_at(c, 2), .count = u16_at(c, 6)};
}
Bytes InitializeElementStatus::encode() const {
  if (!range) return ByteWriter().u8(code(kInitializeElementStatus)).zeros(5).take();
  return ByteWriter()
      .u8(code(kInitializeElementStatusWithRange))
      .u8(0x01)
      .u16(first)
      .zeros(2)
      .u16(count)
      .zeros(2)
      .take();
}

Outcome<MoveMedium> MoveMedium::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, kMoveMedium));
  return MoveMedium{.transport = u16_at(c, 2),
                    .source = u16_at(c, 4),
                    .destination = u16_at(c, 6),
                    .invert = bit_at(c, 10, 0)};
}
Bytes MoveMedium::encode() const {
  ByteWriter out;
  out.u8(code(kMoveMedium)).u8(0).u16(transport).u16(source).u16(destination).zeros(2);
  return out.u8(flag(invert, 0)).u8(0).take();
}

Outcome<ExchangeMedium> ExchangeMedium::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, kExchangeMedium));
  return ExchangeMedium{.transport = u16_at(c, 2),
                        .source = u16_at(c, 4),
                        .first_destination = u16_at(c, 6),
                        .second_destination = u16_at(c, 8),
                        .invert = bits_at(c, 10, 0, 2) != 0};
}
Bytes ExchangeMedium::encode() const {
  ByteWriter out;
  out.u8(code(kExchangeMedium)).u8(0).u16(transport).u16(source);
  out.u16(first_destination).u16(second_destination);
  return out.u8(invert ? 0x03 : 0x00).u8(0).take();
}

Outcome<PositionToElement> PositionToElement::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, kPositionToElement));
  return PositionToElement{.transport = u16_at(c, 2), .destination = u16_at(c, 4), .invert = bit_at(c, 8, 0)};
}
Bytes PositionToElement::encode() const {
  ByteWriter out;
  out.u8(code(kPositionToElement)).u8(0).u16(transport).u16(destination).zeros(2);
  return out.u8(flag(invert, 0)).u8(0).take();
}

Outcome<ReadElementStatus> ReadElementStatus::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, kReadElementStatus));
  return ReadElementStatus{.volume_tags = bit_at(c, 1, 4),
                           .type = TRY(element_type(bits_at(c, 1, 0, 4))),
                           .first = u16_at(c, 2),
                           .count = u16_at(c, 4),
                           .current_data = bit_at(c, 6, 1),
                           .device_ids = bit_at(c, 6, 0),
                           .allocation_length = u24_at(c, 7)};
}
Bytes ReadElementStatus::encode() const {
  ByteWriter out;
  out.u8(code(kReadElementStatus)).u8(joined(flag(volume_tags, 4), static_cast<unsigned>(type)));
  out.u16(first).u16(count).u8(joined(flag(current_data, 1), flag(device_ids, 0)));
  return out.u24(allocation_length).zeros(2).take();
}

}  // namespace tapewarden::scsi
