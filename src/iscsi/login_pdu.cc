#include "iscsi/login_pdu.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::uint8_t kMoreText = 0x40;

std::uint8_t stages(bool transit, Stage current, Stage next) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(current) << 2U |
                                   (transit ? static_cast<unsigned>(next) : 0U));
}
Stage current_of(const Header& header) {
  return static_cast<Stage>((header.u8(1) >> 2U) & 3U);
}
Stage next_of(const Header& header) {
  return static_cast<Stage>(header.u8(1) & 3U);
}
Isid isid_of(const Header& header) {
  Isid isid;
  copy_bytes(isid, header.bytes(8, isid.size()));
  return isid;
}

}  // namespace

Result<LoginRequest> LoginRequest::decode(const Header& header) {
  LoginRequest request;
  request.transit = header.final();
  request.more_text = (header.u8(1) & kMoreText) != 0;
  request.current = current_of(header);
  request.next = next_of(header);
  if (request.current != Stage::kSecurity && request.current != Stage::kOperational)
    return fail(ErrorCode::kInvalidArgument, "the login is in a stage that does not exist", "CSG");
  if (request.transit && request.more_text)
    return fail(ErrorCode::kInvalidArgument, "a stage ends before its text does", "T and C");
  if (request.transit && (request.next <= request.current || header.u8(1) % 4 == 2))
    return fail(ErrorCode::kInvalidArgument, "the next stage does not follow the current one", "NSG");
  request.version_max = header.u8(2);
  request.version_min = header.u8(3);
  request.isid = isid_of(header);
  request.tsih = header.u16(14);
  request.task_tag = header.task_tag();
  request.connection = header.u16(20);
  request.cmd_sn = header.u32(24);
  request.exp_stat_sn = header.u32(28);
  return request;
}

Header LoginRequest::encode() const {
  Header header(Opcode::kLoginRequest, true);
  header.set_bits(1, stages(transit, current, next));
  if (transit) header.set_final();
  if (more_text) header.set_bits(1, kMoreText);
  return header.set_u8(2, version_max)
      .set_u8(3, version_min)
      .set_bytes(8, isid)
      .set_u16(14, tsih)
      .set_task_tag(task_tag)
      .set_u16(20, connection)
      .set_u32(24, cmd_sn)
      .set_u32(28, exp_stat_sn);
}

LoginResponse LoginResponse::decode(const Header& header) {
  return {.transit = header.final(),
          .more_text = (header.u8(1) & kMoreText) != 0,
          .current = current_of(header),
          .next = next_of(header),
          .isid = isid_of(header),
          .tsih = header.u16(14),
          .task_tag = header.task_tag(),
          .stat_sn = header.u32(24),
          .exp_cmd_sn = header.u32(28),
          .max_cmd_sn = header.u32(32),
          .status = static_cast<LoginStatus>(header.u16(36))};
}

Header LoginResponse::encode() const {
  Header header(Opcode::kLoginResponse);
  header.set_bits(1, stages(transit, current, next));
  if (transit) header.set_final();
  if (more_text) header.set_bits(1, kMoreText);
  return header.set_bytes(8, isid)
      .set_u16(14, tsih)
      .set_task_tag(task_tag)
      .set_u32(24, stat_sn)
      .set_u32(28, exp_cmd_sn)
      .set_u32(32, max_cmd_sn)
      .set_u16(36, static_cast<std::uint16_t>(status));
}

}  // namespace tapewarden::iscsi
