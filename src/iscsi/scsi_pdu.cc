#include "iscsi/scsi_pdu.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace tapewarden::iscsi {

namespace {

// Byte 1 of several PDUs.
constexpr std::uint8_t kRead = 0x40;
constexpr std::uint8_t kWrite = 0x20;
constexpr std::uint8_t kOverflow = 0x04;
constexpr std::uint8_t kUnderflow = 0x02;
constexpr std::uint8_t kStatus = 0x01;
// Additional header segments (section 11.2.2.1).
constexpr std::uint8_t kExtendedCdb = 1;
constexpr std::uint8_t kReadLength = 2;

void put_residual(Header& header, ResidualCount residual) {
  if (residual.kind == Residual::kNone) return;
  header.set_bits(1, residual.kind == Residual::kOverflow ? kOverflow : kUnderflow);
  header.set_u32(44, residual.bytes);
}

ResidualCount residual_in(const Header& header) {
  if ((header.u8(1) & kOverflow) != 0) return {Residual::kOverflow, header.u32(44)};
  if ((header.u8(1) & kUnderflow) != 0) return {Residual::kUnderflow, header.u32(44)};
  return {};
}

void put_numbers(Header& header, const Numbers& numbers) {
  header.set_u32(24, numbers.stat_sn).set_u32(28, numbers.exp_cmd_sn).set_u32(32, numbers.max_cmd_sn);
}

Numbers numbers_in(const Header& header) {
  return {header.u32(24), header.u32(28), header.u32(32)};
}

}  // namespace

Result<ScsiCommandPdu> ScsiCommandPdu::decode(const Header& header, ByteView ahs) {
  ScsiCommandPdu command{.immediate = header.immediate(),
                         .final = header.final(),
                         .read = (header.u8(1) & kRead) != 0,
                         .write = (header.u8(1) & kWrite) != 0,
                         .attribute = static_cast<std::uint8_t>(header.u8(1) & 7U),
                         .lun = header.lun(),
                         .task_tag = header.task_tag(),
                         .expected_bytes = header.u32(20),
                         .cmd_sn = header.u32(24),
                         .exp_stat_sn = header.u32(28),
                         .cdb = to_bytes(header.bytes(32, kCdbBytes))};
  ByteReader in(ahs);
  while (!in.done()) {
    const auto length = TRY(in.u16("AHSLength"));
    const auto type = TRY(in.u8("AHSType"));
    const auto content = TRY(in.bytes(length, "additional header segment"));
    TRY(in.skip(std::min(padding_of(std::size_t{3} + length), in.remaining()), "padding"));
    if ((type & 0x3fU) == kReadLength && length == 5) {
      command.has_read_length = true;
    } else if ((type & 0x3fU) == kExtendedCdb && length > 1 &&
               command.cdb.size() + length - 1 <= kMaxExtendedCdb) {
      const auto more = content.subspan(1);
      command.cdb.insert(command.cdb.end(), more.begin(), more.end());
    } else {
      return fail(ErrorCode::kInvalidArgument, "an additional header segment is not understood", "AHSType");
    }
  }
  return command;
}

Header ScsiCommandPdu::encode() const {
  Header header(Opcode::kScsiCommand, immediate);
  header.set_bits(1, static_cast<std::uint8_t>((read ? kRead : 0U) | (write ? kWrite : 0U) | attribute));
  if (final) header.set_final();
  header.set_u64(8, lun).set_task_tag(task_tag).set_u32(20, expected_bytes);
  header.set_u32(24, cmd_sn).set_u32(28, exp_stat_sn);
  return header.set_bytes(32, ByteView(cdb).first(std::min(cdb.size(), kCdbBytes)));
}

Bytes ScsiCommandPdu::encode_ahs() const {
  if (cdb.size() <= kCdbBytes) return {};
  const auto more = ByteView(cdb).subspan(kCdbBytes);
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(more.size() + 1)).u8(kExtendedCdb).u8(0).bytes(more);
  return out.zeros(padding_of(out.size())).take();
}

DataOutPdu DataOutPdu::decode(const Header& header) {
  return {.final = header.final(),
          .lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .exp_stat_sn = header.u32(28),
          .data_sn = header.u32(36),
          .offset = header.u32(40)};
}

Header DataOutPdu::encode() const {
  Header header(Opcode::kDataOut);
  if (final) header.set_final();
  return header.set_u64(8, lun)
      .set_task_tag(task_tag)
      .set_u32(20, transfer_tag)
      .set_u32(28, exp_stat_sn)
      .set_u32(36, data_sn)
      .set_u32(40, offset);
}

ResidualCount residual_of(std::uint64_t actual, std::uint32_t expected) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (actual > expected)
    return {Residual::kOverflow, static_cast<std::uint32_t>(std::min(actual - expected, kMax))};
  if (actual < expected) return {Residual::kUnderflow, static_cast<std::uint32_t>(expected - actual)};
  return {};
}

ScsiResponsePdu ScsiResponsePdu::decode(const Header& header) {
  return {.response = header.u8(2),
          .status = header.u8(3),
          .residual = residual_in(header),
          .task_tag = header.task_tag(),
          .numbers = numbers_in(header),
          .exp_data_sn = header.u32(36)};
}

Header ScsiResponsePdu::encode() const {
  Header header(Opcode::kScsiResponse);
  header.set_final().set_u8(2, response).set_u8(3, status).set_task_tag(task_tag);
  put_numbers(header, numbers);
  put_residual(header, residual);
  return header.set_u32(36, exp_data_sn);
}

Bytes encode_sense_segment(ByteView sense) {
  return ByteWriter().bytes16(sense).take();
}

Result<ByteView> decode_sense_segment(ByteView segment) {
  ByteReader in(segment);
  return in.bytes16(segment.size(), "sense");
}

DataInPdu DataInPdu::decode(const Header& header) {
  DataInPdu data{.final = header.final(),
                 .with_status = (header.u8(1) & kStatus) != 0,
                 .status = header.u8(3),
                 .lun = header.lun(),
                 .task_tag = header.task_tag(),
                 .numbers = numbers_in(header),
                 .data_sn = header.u32(36),
                 .offset = header.u32(40)};
  if (data.with_status) data.residual = residual_in(header);
  return data;
}

Header DataInPdu::encode() const {
  Header header(Opcode::kDataIn);
  if (final) header.set_final();
  header.set_u64(8, lun).set_task_tag(task_tag).set_u32(20, kNoTag);
  put_numbers(header, numbers);
  if (with_status) {
    header.set_bits(1, kStatus).set_u8(3, status);
    put_residual(header, residual);
  } else {
    header.set_u32(24, 0);  // StatSN is reserved without status
  }
  return header.set_u32(36, data_sn).set_u32(40, offset);
}

R2tPdu R2tPdu::decode(const Header& header) {
  return {.lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .numbers = numbers_in(header),
          .r2t_sn = header.u32(36),
          .offset = header.u32(40),
          .bytes = header.u32(44)};
}

Header R2tPdu::encode() const {
  Header header(Opcode::kR2t);
  header.set_final().set_u64(8, lun).set_task_tag(task_tag).set_u32(20, transfer_tag);
  put_numbers(header, numbers);
  return header.set_u32(36, r2t_sn).set_u32(40, offset).set_u32(44, bytes);
}

}  // namespace tapewarden::iscsi
