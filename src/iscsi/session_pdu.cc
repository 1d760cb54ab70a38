#include "iscsi/session_pdu.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::uint8_t kMoreText = 0x40;

Header request(Opcode opcode, bool immediate, std::uint32_t task_tag, std::uint32_t cmd_sn,
               std::uint32_t exp_stat_sn) {
  return Header(opcode, immediate).set_task_tag(task_tag).set_u32(24, cmd_sn).set_u32(28, exp_stat_sn);
}

Header response(Opcode opcode, std::uint32_t task_tag, const Numbers& numbers) {
  return Header(opcode)
      .set_task_tag(task_tag)
      .set_u32(24, numbers.stat_sn)
      .set_u32(28, numbers.exp_cmd_sn)
      .set_u32(32, numbers.max_cmd_sn);
}

Numbers numbers_in(const Header& header) {
  return {header.u32(24), header.u32(28), header.u32(32)};
}

}  // namespace

NopOutPdu NopOutPdu::decode(const Header& header) {
  return {.immediate = header.immediate(),
          .lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .cmd_sn = header.u32(24),
          .exp_stat_sn = header.u32(28)};
}
Header NopOutPdu::encode() const {
  return request(Opcode::kNopOut, immediate, task_tag, cmd_sn, exp_stat_sn)
      .set_final()
      .set_u64(8, lun)
      .set_u32(20, transfer_tag);
}

NopInPdu NopInPdu::decode(const Header& header) {
  return {.lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .numbers = numbers_in(header)};
}
Header NopInPdu::encode() const {
  return response(Opcode::kNopIn, task_tag, numbers).set_final().set_u64(8, lun).set_u32(20, transfer_tag);
}

TaskRequestPdu TaskRequestPdu::decode(const Header& header) {
  return {.immediate = header.immediate(),
          .function = static_cast<std::uint8_t>(header.u8(1) & 0x7fU),
          .lun = header.lun(),
          .task_tag = header.task_tag(),
          .referenced_tag = header.u32(20),
          .cmd_sn = header.u32(24),
          .exp_stat_sn = header.u32(28),
          .referenced_cmd_sn = header.u32(32)};
}
Header TaskRequestPdu::encode() const {
  return request(Opcode::kTaskRequest, immediate, task_tag, cmd_sn, exp_stat_sn)
      .set_u8(1, static_cast<std::uint8_t>(0x80U | function))
      .set_u64(8, lun)
      .set_u32(20, referenced_tag)
      .set_u32(32, referenced_cmd_sn);
}

TaskResponsePdu TaskResponsePdu::decode(const Header& header) {
  return {.answer = static_cast<TaskAnswer>(header.u8(2)),
          .task_tag = header.task_tag(),
          .numbers = numbers_in(header)};
}
Header TaskResponsePdu::encode() const {
  return response(Opcode::kTaskResponse, task_tag, numbers)
      .set_final()
      .set_u8(2, static_cast<std::uint8_t>(answer));
}

TextRequestPdu TextRequestPdu::decode(const Header& header) {
  return {.immediate = header.immediate(),
          .final = header.final(),
          .more_text = (header.u8(1) & kMoreText) != 0,
          .lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .cmd_sn = header.u32(24),
          .exp_stat_sn = header.u32(28)};
}
Header TextRequestPdu::encode() const {
  auto header = request(Opcode::kTextRequest, immediate, task_tag, cmd_sn, exp_stat_sn);
  if (final) header.set_final();
  if (more_text) header.set_bits(1, kMoreText);
  return header.set_u64(8, lun).set_u32(20, transfer_tag);
}

TextResponsePdu TextResponsePdu::decode(const Header& header) {
  return {.final = header.final(),
          .more_text = (header.u8(1) & kMoreText) != 0,
          .lun = header.lun(),
          .task_tag = header.task_tag(),
          .transfer_tag = header.u32(20),
          .numbers = numbers_in(header)};
}
Header TextResponsePdu::encode() const {
  auto header = response(Opcode::kTextResponse, task_tag, numbers);
  if (final) header.set_final();
  if (more_text) header.set_bits(1, kMoreText);
  return header.set_u64(8, lun).set_u32(20, transfer_tag);
}

LogoutRequestPdu LogoutRequestPdu::decode(const Header& header) {
  return {.immediate = header.immediate(),
          .reason = static_cast<std::uint8_t>(header.u8(1) & 0x7fU),
          .task_tag = header.task_tag(),
          .connection = header.u16(20),
          .cmd_sn = header.u32(24),
          .exp_stat_sn = header.u32(28)};
}
Header LogoutRequestPdu::encode() const {
  return request(Opcode::kLogoutRequest, immediate, task_tag, cmd_sn, exp_stat_sn)
      .set_u8(1, static_cast<std::uint8_t>(0x80U | reason))
      .set_u16(20, connection);
}

LogoutResponsePdu LogoutResponsePdu::decode(const Header& header) {
  return {.answer = static_cast<LogoutAnswer>(header.u8(2)),
          .task_tag = header.task_tag(),
          .numbers = numbers_in(header)};
}
Header LogoutResponsePdu::encode() const {
  // Time2Wait and Time2Retain (bytes 40 to 43) are zero: come back at once, nothing is kept.
  return response(Opcode::kLogoutResponse, task_tag, numbers)
      .set_final()
      .set_u8(2, static_cast<std::uint8_t>(answer));
}

AsyncPdu AsyncPdu::decode(const Header& header) {
  return {.event = static_cast<AsyncEvent>(header.u8(36)),
          .lun = header.lun(),
          .numbers = numbers_in(header),
          .parameter1 = header.u16(38),
          .parameter2 = header.u16(40),
          .parameter3 = header.u16(42)};
}
Header AsyncPdu::encode() const {
  return response(Opcode::kAsync, kNoTag, numbers)
      .set_final()
      .set_u64(8, lun)
      .set_u8(36, static_cast<std::uint8_t>(event))
      .set_u16(38, parameter1)
      .set_u16(40, parameter2)
      .set_u16(42, parameter3);
}

RejectPdu RejectPdu::decode(const Header& header) {
  return {.reason = static_cast<RejectReason>(header.u8(2)), .numbers = numbers_in(header)};
}
Header RejectPdu::encode() const {
  return response(Opcode::kReject, kNoTag, numbers).set_final().set_u8(2, static_cast<std::uint8_t>(reason));
}

}  // namespace tapewarden::iscsi
