#include "scsi/cdb.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

// Columns: CDB bytes with the bits that the command defines (the form of REPORT SUPPORTED OPERATION CODES).
// The control byte takes no bit: NACA is not offered.
constexpr auto kFormats = std::to_array<CdbFormat>({
    {Opcode::kTestUnitReady, 6, "TEST UNIT READY", {0x00}},
    {Opcode::kRewind, 6, "REWIND", {0x01, 0x01}},
    {Opcode::kRequestSense, 6, "REQUEST SENSE", {0x03, 0x01, 0, 0, 0xff}},
    {Opcode::kReadBlockLimits, 6, "READ BLOCK LIMITS", {0x05}},
    {Opcode::kRead6, 6, "READ(6)", {0x08, 0x03, 0xff, 0xff, 0xff}},
    {Opcode::kWrite6, 6, "WRITE(6)", {0x0a, 0x01, 0xff, 0xff, 0xff}},
    {Opcode::kWriteFilemarks6, 6, "WRITE FILEMARKS(6)", {0x10, 0x01, 0xff, 0xff, 0xff}},
    {Opcode::kSpace6, 6, "SPACE(6)", {0x11, 0x0f, 0xff, 0xff, 0xff}},
    {Opcode::kInquiry, 6, "INQUIRY", {0x12, 0x01, 0xff, 0xff, 0xff}},
    {Opcode::kModeSelect6, 6, "MODE SELECT(6)", {0x15, 0x11, 0, 0, 0xff}},
    {Opcode::kReserve6, 6, "RESERVE(6)", {0x16}},
    {Opcode::kRelease6, 6, "RELEASE(6)", {0x17}},
    {Opcode::kErase6, 6, "ERASE(6)", {0x19, 0x03}},
    {Opcode::kModeSense6, 6, "MODE SENSE(6)", {0x1a, 0x08, 0xff, 0xff, 0xff}},
    {Opcode::kLoadUnload, 6, "LOAD UNLOAD", {0x1b, 0x01, 0, 0, 0x0f}},
    {Opcode::kPreventAllow, 6, "PREVENT ALLOW MEDIUM REMOVAL", {0x1e, 0, 0, 0, 0x03}},
    {Opcode::kLocate10, 10, "LOCATE(10)", {0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff}},
    {Opcode::kReadPosition, 10, "READ POSITION", {0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff}},
    {Opcode::kLogSense, 10, "LOG SENSE", {0x4d, 0x01, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kModeSelect10, 10, "MODE SELECT(10)", {0x55, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff}},
    {Opcode::kModeSense10, 10, "MODE SENSE(10)", {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff}},
    {Opcode::kReadAttribute,
     16,
     "READ ATTRIBUTE",
     {0x8c, 0x1f, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
    {Opcode::kWriteAttribute,
     16,
     "WRITE ATTRIBUTE",
     {0x8d, 0x01, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kSpace16, 16, "SPACE(16)", {0x91, 0x0f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kLocate16,
     16,
     "LOCATE(16)",
     {0x92, 0x1b, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kReportLuns, 12, "REPORT LUNS", {0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kSecurityProtocolIn,
     12,
     "SECURITY PROTOCOL IN",
     {0xa2, 0xff, 0xff, 0xff, 0x80, 0, 0xff, 0xff, 0xff, 0xff}},
    {Opcode::kSecurityProtocolOut,
     12,
     "SECURITY PROTOCOL OUT",
     {0xb5, 0xff, 0xff, 0xff, 0x80, 0, 0xff, 0xff, 0xff, 0xff}},
});

std::uint8_t code_of(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode);
}

// A CDB under construction: operation code first, zeros to the end.
class CdbWriter {
 public:
  explicit CdbWriter(Opcode opcode) {
    const auto* format = find_cdb_format(code_of(opcode));
    TW_ASSERT(format != nullptr);
    bytes_.resize(format->length);
    bytes_[0] = code_of(opcode);
  }
  CdbWriter& put(std::size_t at, std::uint64_t value, std::size_t width = 1) {
    TW_ASSERT(at + width <= bytes_.size());
    for (std::size_t i = width; i-- > 0; value >>= 8U)
      bytes_[at + i] = static_cast<std::uint8_t>(value & 0xffU);
    TW_ASSERT(value == 0);
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

std::int64_t signed_24(std::uint32_t value) {
  return (value & 0x800000U) != 0 ? std::int64_t{value} - 0x1000000 : std::int64_t{value};
}

Outcome<SpaceCode> space_code(std::uint8_t value) {
  switch (value) {
    case 0:
    case 1:
    case 2:
    case 3:
      return static_cast<SpaceCode>(value);
    default:
      return invalid_in_cdb(1, 3);
  }
}

// The allocation or transfer length in bytes of SECURITY PROTOCOL IN and OUT.
Outcome<std::uint32_t> security_length(ByteView cdb) {
  const std::uint64_t units = u32_at(cdb, 6);
  const auto bytes = bit_at(cdb, 4, 7) ? units * 512 : units;
  if (bytes > 0xffffffffU) return invalid_in_cdb(6);
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace

const CdbFormat* find_cdb_format(std::uint8_t opcode) {
  for (const auto& format : kFormats)
    if (code_of(format.opcode) == opcode) return &format;
  return nullptr;
}

Outcome<ByteView> checked_cdb(ByteView cdb, Opcode opcode) {
  const auto* format = find_cdb_format(code_of(opcode));
  TW_ASSERT(format != nullptr);
  return checked_cdb(cdb, *format);
}

Outcome<ByteView> checked_cdb(ByteView cdb, const CdbFormat& format) {
  if (cdb.empty() || cdb[0] != code_of(format.opcode)) return invalid_in_cdb(0);
  if (cdb.size() < format.length) return invalid_in_cdb(cdb.size());
  for (std::size_t i = 1; i < format.length; ++i) {
    const auto reserved = cdb[i] & ~unsigned{format.usage[i]} & 0xffU;
    if (reserved == 0) continue;
    std::uint8_t bit = 7;
    while ((reserved >> bit) == 0) --bit;
    return invalid_in_cdb(i, bit);
  }
  return cdb.first(format.length);
}

Bytes plain_cdb(Opcode opcode) {
  return CdbWriter(opcode).take();
}

Outcome<Rewind> Rewind::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kRewind));
  return Rewind{.immediate = bit_at(c, 1, 0)};
}
Bytes Rewind::encode() const {
  return CdbWriter(Opcode::kRewind).put(1, flag(immediate, 0)).take();
}

Outcome<RequestSense> RequestSense::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kRequestSense));
  return RequestSense{.descriptor_format = bit_at(c, 1, 0), .allocation_length = c[4]};
}
Bytes RequestSense::encode() const {
  return CdbWriter(Opcode::kRequestSense).put(1, flag(descriptor_format, 0)).put(4, allocation_length).take();
}

Outcome<Read6> Read6::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kRead6));
  const Read6 read{.fixed = bit_at(c, 1, 0),
                   .suppress_incorrect_length = bit_at(c, 1, 1),
                   .transfer_length = u24_at(c, 2)};
  // SSC-4: fixed blocks leave nothing to suppress.
  if (read.fixed && read.suppress_incorrect_length) return invalid_in_cdb(1, 1);
  return read;
}
Bytes Read6::encode() const {
  return CdbWriter(Opcode::kRead6)
      .put(1, joined(flag(fixed, 0), flag(suppress_incorrect_length, 1)))
      .put(2, transfer_length, 3)
      .take();
}

Outcome<Write6> Write6::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kWrite6));
  return Write6{.fixed = bit_at(c, 1, 0), .transfer_length = u24_at(c, 2)};
}
Bytes Write6::encode() const {
  return CdbWriter(Opcode::kWrite6).put(1, flag(fixed, 0)).put(2, transfer_length, 3).take();
}

Outcome<WriteFilemarks> WriteFilemarks::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kWriteFilemarks6));
  return WriteFilemarks{.immediate = bit_at(c, 1, 0), .count = u24_at(c, 2)};
}
Bytes WriteFilemarks::encode() const {
  return CdbWriter(Opcode::kWriteFilemarks6).put(1, flag(immediate, 0)).put(2, count, 3).take();
}

Outcome<Space> Space::decode(ByteView cdb) {
  if (!cdb.empty() && cdb[0] == code_of(Opcode::kSpace16)) {
    const auto c = TRY(checked_cdb(cdb, Opcode::kSpace16));
    return Space{.code = TRY(space_code(bits_at(c, 1, 0, 4))),
                 .count = static_cast<std::int64_t>(u64_at(c, 4))};
  }
  const auto c = TRY(checked_cdb(cdb, Opcode::kSpace6));
  return Space{.code = TRY(space_code(bits_at(c, 1, 0, 4))), .count = signed_24(u24_at(c, 2))};
}
Bytes Space::encode() const {
  if (count >= -0x800000 && count <= 0x7fffff)
    return CdbWriter(Opcode::kSpace6)
        .put(1, static_cast<std::uint8_t>(code))
        .put(2, static_cast<std::uint64_t>(count) & 0xffffffU, 3)
        .take();
  return CdbWriter(Opcode::kSpace16)
      .put(1, static_cast<std::uint8_t>(code))
      .put(4, static_cast<std::uint64_t>(count), 8)
      .take();
}

Outcome<Inquiry> Inquiry::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kInquiry));
  const Inquiry inquiry{
      .vital_product_data = bit_at(c, 1, 0), .page = c[2], .allocation_length = u16_at(c, 3)};
  if (!inquiry.vital_product_data && inquiry.page != 0) return invalid_in_cdb(2);
  return inquiry;
}
Bytes Inquiry::encode() const {
  return CdbWriter(Opcode::kInquiry)
      .put(1, flag(vital_product_data, 0))
      .put(2, page)
      .put(3, allocation_length, 2)
      .take();
}

Outcome<ModeSelect> ModeSelect::decode(ByteView cdb) {
  const bool ten = !cdb.empty() && cdb[0] == code_of(Opcode::kModeSelect10);
  const auto c = TRY(checked_cdb(cdb, ten ? Opcode::kModeSelect10 : Opcode::kModeSelect6));
  return ModeSelect{.ten = ten,
                    .page_format = bit_at(c, 1, 4),
                    .save_pages = bit_at(c, 1, 0),
                    .parameter_length = ten ? u16_at(c, 7) : std::uint16_t{c[4]}};
}
Bytes ModeSelect::encode() const {
  const auto flags = joined(flag(page_format, 4), flag(save_pages, 0));
  if (ten) return CdbWriter(Opcode::kModeSelect10).put(1, flags).put(7, parameter_length, 2).take();
  return CdbWriter(Opcode::kModeSelect6).put(1, flags).put(4, parameter_length).take();
}

Outcome<ModeSense> ModeSense::decode(ByteView cdb) {
  const bool ten = !cdb.empty() && cdb[0] == code_of(Opcode::kModeSense10);
  const auto c = TRY(checked_cdb(cdb, ten ? Opcode::kModeSense10 : Opcode::kModeSense6));
  return ModeSense{.ten = ten,
                   .disable_block_descriptor = bit_at(c, 1, 3),
                   .control = static_cast<PageControl>(bits_at(c, 2, 6, 2)),
                   .page = bits_at(c, 2, 0, 6),
                   .subpage = c[3],
                   .allocation_length = ten ? u16_at(c, 7) : std::uint16_t{c[4]}};
}
Bytes ModeSense::encode() const {
  CdbWriter out(ten ? Opcode::kModeSense10 : Opcode::kModeSense6);
  out.put(1, flag(disable_block_descriptor, 3));
  out.put(2, joined(shifted(static_cast<unsigned>(control), 6), page)).put(3, subpage);
  if (ten) return out.put(7, allocation_length, 2).take();
  return out.put(4, allocation_length).take();
}

Outcome<Erase6> Erase6::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kErase6));
  return Erase6{.whole_medium = bit_at(c, 1, 0), .immediate = bit_at(c, 1, 1)};
}
Bytes Erase6::encode() const {
  return CdbWriter(Opcode::kErase6).put(1, joined(flag(whole_medium, 0), flag(immediate, 1))).take();
}

Outcome<LoadUnload> LoadUnload::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kLoadUnload));
  // RETEN (bit 1) means nothing to a drive of this kind; EOT (bit 2) is not offered.
  if (bit_at(c, 4, 2)) return invalid_in_cdb(4, 2);
  // With LOAD, HOLD asks for a place where the memory alone can be read: there is none.
  if (bit_at(c, 4, 3) && bit_at(c, 4, 0)) return invalid_in_cdb(4, 3);
  return LoadUnload{.immediate = bit_at(c, 1, 0), .load = bit_at(c, 4, 0), .hold = bit_at(c, 4, 3)};
}
Bytes LoadUnload::encode() const {
  return CdbWriter(Opcode::kLoadUnload)
      .put(1, flag(immediate, 0))
      .put(4, joined(flag(load, 0), flag(hold, 3)))
      .take();
}

Outcome<PreventAllow> PreventAllow::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kPreventAllow));
  if (bit_at(c, 4, 1)) return invalid_in_cdb(4, 1);  // persistent prevention is not offered
  return PreventAllow{.prevent = bit_at(c, 4, 0)};
}
Bytes PreventAllow::encode() const {
  return CdbWriter(Opcode::kPreventAllow).put(4, flag(prevent, 0)).take();
}

Outcome<Locate> Locate::decode(ByteView cdb) {
  if (!cdb.empty() && cdb[0] == code_of(Opcode::kLocate16)) {
    const auto c = TRY(checked_cdb(cdb, Opcode::kLocate16));
    const auto target = bits_at(c, 1, 3, 2);
    if (target == 2) return invalid_in_cdb(1, 4);
    return Locate{.immediate = bit_at(c, 1, 0),
                  .change_partition = bit_at(c, 1, 1),
                  .partition = c[3],
                  .target = static_cast<LocateTarget>(target),
                  .identifier = u64_at(c, 4)};
  }
  const auto c = TRY(checked_cdb(cdb, Opcode::kLocate10));
  // BT asks for an address as the device keeps it (SSC-2 section 6.3): here that is the logical object
  // number. Linux' st driver sets it unless its option scsi2logical is on.
  return Locate{.immediate = bit_at(c, 1, 0),
                .change_partition = bit_at(c, 1, 1),
                .partition = c[8],
                .target = LocateTarget::kObject,
                .identifier = u32_at(c, 3)};
}
Bytes Locate::encode() const {
  const auto flags = joined(flag(immediate, 0), flag(change_partition, 1));
  if (target == LocateTarget::kObject && identifier <= 0xffffffffU)
    return CdbWriter(Opcode::kLocate10).put(1, flags).put(3, identifier, 4).put(8, partition).take();
  return CdbWriter(Opcode::kLocate16)
      .put(1, joined(flags, shifted(static_cast<unsigned>(target), 3)))
      .put(3, partition)
      .put(4, identifier, 8)
      .take();
}

Outcome<ReadPosition> ReadPosition::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kReadPosition));
  auto form = bits_at(c, 1, 0, 5);
  // SHORT FORM with addresses as the device keeps them (SSC-3 section 7.6): the same numbers here. Linux' st
  // driver asks so.
  if (form == 0x01) form = 0x00;
  if (form != 0x00 && form != 0x06 && form != 0x08) return invalid_in_cdb(1, 4);
  const ReadPosition position{.form = static_cast<PositionForm>(form), .allocation_length = u16_at(c, 7)};
  // SSC-4: the short and the long form have a fixed length and the field must be zero.
  if (position.form != PositionForm::kExtended && position.allocation_length != 0) return invalid_in_cdb(7);
  return position;
}
Bytes ReadPosition::encode() const {
  return CdbWriter(Opcode::kReadPosition)
      .put(1, static_cast<std::uint8_t>(form))
      .put(7, form == PositionForm::kExtended ? allocation_length : std::uint16_t{0}, 2)
      .take();
}

Outcome<LogSense> LogSense::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kLogSense));
  if (bit_at(c, 1, 0)) return invalid_in_cdb(1, 0);  // SP: nothing is saved
  return LogSense{.control = bits_at(c, 2, 6, 2),
                  .page = bits_at(c, 2, 0, 6),
                  .subpage = c[3],
                  .parameter_pointer = u16_at(c, 5),
                  .allocation_length = u16_at(c, 7)};
}
Bytes LogSense::encode() const {
  return CdbWriter(Opcode::kLogSense)
      .put(2, joined(shifted(control, 6), page))
      .put(3, subpage)
      .put(5, parameter_pointer, 2)
      .put(7, allocation_length, 2)
      .take();
}

Outcome<ReadAttribute> ReadAttribute::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kReadAttribute));
  const auto action = bits_at(c, 1, 0, 5);
  if (action > 5 || action == 4) return invalid_in_cdb(1, 4);
  if (c[5] != 0) return invalid_in_cdb(5);  // one volume a cartridge
  return ReadAttribute{.action = static_cast<AttributeAction>(action),
                       .partition = c[7],
                       .first_attribute = u16_at(c, 8),
                       .allocation_length = u32_at(c, 10)};
}
Bytes ReadAttribute::encode() const {
  return CdbWriter(Opcode::kReadAttribute)
      .put(1, static_cast<std::uint8_t>(action))
      .put(7, partition)
      .put(8, first_attribute, 2)
      .put(10, allocation_length, 4)
      .take();
}

Outcome<WriteAttribute> WriteAttribute::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kWriteAttribute));
  if (c[5] != 0) return invalid_in_cdb(5);
  return WriteAttribute{
      .write_through = bit_at(c, 1, 0), .partition = c[7], .parameter_length = u32_at(c, 10)};
}
Bytes WriteAttribute::encode() const {
  return CdbWriter(Opcode::kWriteAttribute)
      .put(1, flag(write_through, 0))
      .put(7, partition)
      .put(10, parameter_length, 4)
      .take();
}

Outcome<ReportLuns> ReportLuns::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kReportLuns));
  if (c[2] > 2) return invalid_in_cdb(2);
  const auto length = u32_at(c, 6);
  if (length < 16) return invalid_in_cdb(6);  // SPC-4: at least one entry
  return ReportLuns{.select = c[2], .allocation_length = length};
}
Bytes ReportLuns::encode() const {
  return CdbWriter(Opcode::kReportLuns).put(2, select).put(6, allocation_length, 4).take();
}

Outcome<SecurityProtocolIn> SecurityProtocolIn::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kSecurityProtocolIn));
  return SecurityProtocolIn{
      .protocol = c[1], .page = u16_at(c, 2), .allocation_length = TRY(security_length(c))};
}
Bytes SecurityProtocolIn::encode() const {
  return CdbWriter(Opcode::kSecurityProtocolIn)
      .put(1, protocol)
      .put(2, page, 2)
      .put(6, allocation_length, 4)
      .take();
}

Outcome<SecurityProtocolOut> SecurityProtocolOut::decode(ByteView cdb) {
  const auto c = TRY(checked_cdb(cdb, Opcode::kSecurityProtocolOut));
  return SecurityProtocolOut{.protocol = c[1],
                             .page = u16_at(c, 2),
                             .transfer_length = TRY(security_length(c)),
                             .padded = bit_at(c, 4, 7)};
}
Bytes SecurityProtocolOut::encode() const {
  return CdbWriter(Opcode::kSecurityProtocolOut)
      .put(1, protocol)
      .put(2, page, 2)
      .put(6, transfer_length, 4)
      .take();
}

}  // namespace tapewarden::scsi
