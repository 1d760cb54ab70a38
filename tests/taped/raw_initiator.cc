#include "taped/raw_initiator.h"

#include <algorithm>
#include <array>

#include "iscsi/lun.h"
#include "iscsi/text.h"
#include "scsi/sense.h"

namespace tapewarden::testing {
namespace {

using namespace iscsi;

constexpr std::size_t kSegment = 64U << 10;  // of one Data-Out
constexpr std::uint8_t kUnitAttention = 6;
constexpr int kMaxAttentions = 8;

void take_sense(ByteView segment, RawAnswer& answer) {
  const auto bytes = decode_sense_segment(segment);
  if (!bytes) return;
  const auto sense = scsi::Sense::decode(*bytes);
  if (!sense) return;
  answer.sense_key = static_cast<std::uint8_t>(sense->code.key);
  answer.asc = sense->code.asc;
  answer.ascq = sense->code.ascq;
}

}  // namespace

Bytes RawInitiator::login_bytes(const RawLogin& login, std::uint32_t cmd_sn) {
  LoginRequest request{.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature};
  request.isid = {0x80,
                  0,
                  0,
                  0,
                  static_cast<std::uint8_t>(login.number >> 8U),
                  static_cast<std::uint8_t>(login.number & 0xffU)};
  request.cmd_sn = cmd_sn;
  Text text;
  text.add("InitiatorName", "iqn.2026-01.example.initiator:raw");
  if (login.target.empty())
    text.add("SessionType", "Discovery");
  else
    text.add("TargetName", login.target);
  text.add("MaxRecvDataSegmentLength", "262144");
  text.add("HeaderDigest", login.digests.header ? "CRC32C" : "None");
  text.add("DataDigest", login.digests.data ? "CRC32C" : "None");
  return encode_pdu(request.encode(), text.encode());
}

LoginStatus RawInitiator::login(const RawLogin& login) {
  if (!client_.write(login_bytes(login, cmd_sn_))) return LoginStatus::kInvalidDuringLogin;
  const auto header = receive();
  if (!header || !header->is(Opcode::kLoginResponse)) return LoginStatus::kInvalidDuringLogin;
  const auto status = LoginResponse::decode(*header).status;
  if (status == LoginStatus::kSuccess) digests_ = login.digests;
  return status;
}

ScsiCommandPdu RawInitiator::command(unsigned lun, ByteView cdb, std::uint32_t data_in,
                                     std::uint32_t data_out) {
  ScsiCommandPdu command{.read = data_in > 0,
                         .write = data_out > 0,
                         .lun = encode_lun(static_cast<std::uint16_t>(lun)),
                         .task_tag = ++tag_,
                         .expected_bytes = data_in > 0 ? data_in : data_out,
                         .cmd_sn = cmd_sn_++,
                         .cdb = Bytes(kCdbBytes)};
  std::ranges::copy(cdb, command.cdb.begin());
  return command;
}

std::optional<Header> RawInitiator::receive() {
  std::array<std::uint8_t, kHeaderBytes> head{};
  std::array<std::uint8_t, kDigestBytes> digest{};
  if (!client_.read(head)) return std::nullopt;
  const Header header(head);
  if (digests_.header && !client_.read(digest)) return std::nullopt;
  const auto bytes = header.data_bytes();
  data_.resize(bytes + padding_of(bytes));
  if (!client_.read(data_)) return std::nullopt;
  if (digests_.data && bytes > 0 && !client_.read(digest)) return std::nullopt;
  data_.resize(bytes);
  return header;
}

bool RawInitiator::send_asked(const ScsiCommandPdu& command, const R2tPdu& r2t, ByteView data_out) {
  if (r2t.offset > data_out.size() || r2t.bytes > data_out.size() - r2t.offset) return false;
  std::uint32_t number = 0;
  for (std::uint32_t sent = 0; sent < r2t.bytes;) {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(kSegment, r2t.bytes - sent));
    const DataOutPdu pdu{.final = sent + bytes == r2t.bytes,
                         .lun = command.lun,
                         .task_tag = command.task_tag,
                         .transfer_tag = r2t.transfer_tag,
                         .data_sn = number++,
                         .offset = r2t.offset + sent};
    if (!send(pdu.encode(), data_out.subspan(r2t.offset + sent, bytes))) return false;
    sent += bytes;
  }
  return true;
}

std::optional<RawAnswer> RawInitiator::answer(const ScsiCommandPdu& command, ByteView data_out) {
  RawAnswer answer;
  while (auto header = receive()) {
    if (header->is(Opcode::kNopIn)) continue;
    if (header->task_tag() != command.task_tag) return std::nullopt;
    if (header->is(Opcode::kR2t)) {
      if (!send_asked(command, R2tPdu::decode(*header), data_out)) return std::nullopt;
    } else if (header->is(Opcode::kDataIn)) {
      const auto pdu = DataInPdu::decode(*header);
      if (pdu.offset != answer.data.size()) return std::nullopt;
      answer.data.insert(answer.data.end(), data_.begin(), data_.end());
      answer.status = pdu.status;
      if (pdu.with_status) return answer;
    } else if (header->is(Opcode::kScsiResponse)) {
      answer.status = ScsiResponsePdu::decode(*header).status;
      take_sense(data_, answer);
      return answer;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<RawAnswer> RawInitiator::run(unsigned lun, ByteView cdb, std::uint32_t data_in,
                                           ByteView data_out, std::size_t immediate) {
  const auto pdu = command(lun, cdb, data_in, static_cast<std::uint32_t>(data_out.size()));
  if (!send(pdu.encode(), data_out.first(std::min(immediate, data_out.size())))) return std::nullopt;
  return answer(pdu, data_out);
}

std::optional<RawAnswer> RawInitiator::run_past_attentions(unsigned lun, ByteView cdb, std::uint32_t data_in,
                                                           ByteView data_out) {
  for (int i = 0;; ++i) {
    auto answer = run(lun, cdb, data_in, data_out);
    if (!answer || answer->sense_key != kUnitAttention || i == kMaxAttentions) return answer;
  }
}

bool RawInitiator::logout() {
  const LogoutRequestPdu request{.immediate = true, .task_tag = ++tag_, .cmd_sn = cmd_sn_};
  if (!send(request.encode())) return false;
  const auto header = receive();
  return header && header->is(Opcode::kLogoutResponse) && client_.ended();
}

}  // namespace tapewarden::testing
