#include "iscsi/lun.h"

#include <algorithm>

#include "iscsi/server.h"
#include "scsi/cdb.h"
#include "scsi/inquiry.h"
#include "scsi/sense_codes.h"

namespace tapewarden::iscsi {

namespace {

namespace sense_codes = scsi::sense_codes;

constexpr std::uint16_t kMaxPeripheral = 0xff;
constexpr std::uint64_t kFlat = 0x4000;
constexpr std::uint8_t kNoUnitHere = 0x7f;  // qualifier 011b, no device type
constexpr std::uint8_t kWellKnownType = 0x1e;
constexpr std::uint8_t kSelectOrdinary = 0;  // SELECT REPORT
constexpr std::uint8_t kSelectWellKnown = 1;

bool is_opcode(ByteView cdb, scsi::Opcode opcode) {
  return !cdb.empty() && cdb[0] == static_cast<std::uint8_t>(opcode);
}

scsi::Response cut(Bytes data, std::size_t allocation) {
  data.resize(std::min(data.size(), allocation));
  return scsi::good(std::move(data));
}

scsi::Response report_luns(ByteView cdb, const std::vector<std::uint16_t>& luns) {
  const auto command = scsi::ReportLuns::decode(cdb);
  if (!command) return scsi::check_condition(command.error());
  ByteWriter list;
  if (command->select != kSelectWellKnown)
    for (const auto lun : luns) list.u64(encode_lun(lun));
  if (command->select != kSelectOrdinary) list.u64(kReportLunsWellKnown);
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(list.size())).u32(0).bytes(list.view());
  return cut(out.take(), command->allocation_length);
}

scsi::Response inquiry(ByteView cdb, bool well_known) {
  const auto command = scsi::Inquiry::decode(cdb);
  if (!command) return scsi::check_condition(command.error());
  if (command->vital_product_data || command->page != 0) {
    const auto wrong = scsi::invalid_in_cdb(2);
    return scsi::check_condition(wrong.error());
  }
  const scsi::StandardInquiry answer{.device_type = well_known ? kWellKnownType : kNoUnitHere,
                                     .removable = false,
                                     .vendor = "TWARDEN",
                                     .product = well_known ? "REPORT LUNS" : "",
                                     .revision = "0001"};
  return cut(answer.encode(), command->allocation_length);
}

// SPC-4 section 6.39: the sense is the parameter data.
scsi::Response request_sense(ByteView cdb, bool well_known) {
  const auto command = scsi::RequestSense::decode(cdb);
  if (!command) return scsi::check_condition(command.error());
  const scsi::Sense sense{.code = well_known ? sense_codes::kNone : sense_codes::kLogicalUnitNotSupported};
  return cut(command->descriptor_format ? sense.encode_descriptor() : sense.encode_fixed(),
             command->allocation_length);
}

}  // namespace

std::optional<std::uint16_t> decode_lun(std::uint64_t lun) {
  if ((lun & 0x0000'ffff'ffff'ffffU) != 0) return std::nullopt;
  const auto first = static_cast<std::uint16_t>(lun >> 48U);
  if (first <= kMaxPeripheral) return first;
  if ((first & 0xc000U) == kFlat) return static_cast<std::uint16_t>(first & kMaxLun);
  return std::nullopt;
}

std::uint64_t encode_lun(std::uint16_t lun) {
  return (lun <= kMaxPeripheral ? std::uint64_t{lun} : kFlat | lun) << 48U;
}

bool is_for_target(ByteView cdb, bool has_unit) {
  return !has_unit || is_opcode(cdb, scsi::Opcode::kReportLuns);
}

scsi::Response answer_for_target(ByteView cdb, std::uint64_t lun, const std::vector<std::uint16_t>& luns) {
  const bool well_known = lun == kReportLunsWellKnown;
  if (is_opcode(cdb, scsi::Opcode::kReportLuns)) return report_luns(cdb, luns);
  if (is_opcode(cdb, scsi::Opcode::kInquiry)) return inquiry(cdb, well_known);
  if (is_opcode(cdb, scsi::Opcode::kRequestSense)) return request_sense(cdb, well_known);
  if (well_known && is_opcode(cdb, scsi::Opcode::kTestUnitReady)) return scsi::good();
  const scsi::Sense sense{.code = well_known ? sense_codes::kInvalidOpcode
                                             : sense_codes::kLogicalUnitNotSupported};
  return scsi::check_condition(sense);
}

}  // namespace tapewarden::iscsi
