#include "iscsi/full_feature.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::iscsi {

namespace {

std::unexpected<Error> protocol_error(std::string message, std::string field = {}) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(field));
}

}  // namespace

FullFeature::FullFeature(Surroundings& surroundings, const ServerConfig& config, SessionStart start)
    : surroundings_(surroundings),
      config_(config),
      start_(std::move(start)),
      link_(surroundings, start_.login.agreed, start_.stat_sn, start_.login.cmd_sn,
            config.limits.command_window),
      flow_(std::make_shared<CommandFlow>(link_, start_.nexus, start_.memory, config.limits.max_transfer)),
      negotiation_(Offer{}),
      heard_(surroundings.now()) {}

struct FullFeature::Entry {
  Opcode opcode;
  Handler handler;
  bool in_discovery;  // all that a discovery session may ask (RFC 7143 section 4.3)
};

Result<MutableByteView> FullFeature::on_header(const Header& header, ByteView ahs) {
  heard_ = surroundings_.now();
  waiting_for_ping_ = false;
  if (ending_ || start_.login.discovery) return MutableByteView();
  if (header.is(Opcode::kDataOut)) return flow_->data_header(DataOutPdu::decode(header), header.data_bytes());
  if (!header.is(Opcode::kScsiCommand)) return MutableByteView();
  auto command = TRY(ScsiCommandPdu::decode(header, ahs));
  accepted_ = TRY(accept(command.immediate, command.cmd_sn));
  if (!accepted_) return MutableByteView();
  return flow_->command_header(std::move(command), header.data_bytes());
}

Status FullFeature::on_pdu(const Header& header, ByteView data, bool digest_right) {
  static constexpr Entry kHandlers[] = {
      {Opcode::kScsiCommand, &FullFeature::scsi_command, false},
      {Opcode::kNopOut, &FullFeature::nop_out, true},
      {Opcode::kTaskRequest, &FullFeature::task_request, false},
      {Opcode::kTextRequest, &FullFeature::text_request, true},
      {Opcode::kLogoutRequest, &FullFeature::logout_request, true},
      {Opcode::kSnack, &FullFeature::snack, false},
  };
  if (ending_) return {};
  if (!digest_right) reject(header, RejectReason::kDataDigest);
  if (header.is(Opcode::kDataOut) && !start_.login.discovery) {
    flow_->data_taken(DataOutPdu::decode(header), data.size(), digest_right);
    return {};
  }
  if (!digest_right) {
    flow_->command_refused();  // its number stays unused: the initiator sends it again
    return {};
  }
  const auto entry =
      std::ranges::find_if(kHandlers, [&header](const Entry& e) { return header.is(e.opcode); });
  if (entry == std::end(kHandlers)) {
    reject(header,
           header.is(Opcode::kLoginRequest) ? RejectReason::kProtocolError : RejectReason::kNotSupported);
    return {};
  }
  if (start_.login.discovery && !entry->in_discovery)
    return protocol_error("a discovery session asks for more than targets", "opcode");
  return (this->*entry->handler)(header, data);
}

Result<bool> FullFeature::accept(bool immediate, std::uint32_t cmd_sn) {
  if (immediate) return true;
  switch (link_.arrival(cmd_sn)) {
    case SessionLink::Arrival::kInOrder:
      return true;
    case SessionLink::Arrival::kOutside:
      return false;
    case SessionLink::Arrival::kGap:
      break;
  }
  // With one connection over TCP and no recovery nothing can fill it.
  return protocol_error("a command before this one never came", "CmdSN");
}

void FullFeature::reject(const Header& header, RejectReason reason) {
  const RejectPdu pdu{.reason = reason, .numbers = link_.status_numbers()};
  link_.send(pdu.encode(), to_bytes(header.view()));
}

Status FullFeature::scsi_command(const Header& header, ByteView data) {
  if (!accepted_) return {};
  const bool immediate = header.immediate();
  if (immediate && flow_->immediate_under_way() + tasks_managed_ >= config_.limits.max_immediate) {
    flow_->command_refused();
    reject(header, RejectReason::kTooManyImmediate);
    return {};
  }
  if (!immediate) link_.accept_command();
  if (!flow_->command_taken(data.size())) reject(header, RejectReason::kTaskInProgress);
  return {};
}

// --- is anybody there ---

Status FullFeature::nop_out(const Header& header, ByteView data) {
  const auto nop = NopOutPdu::decode(header);
  if (nop.task_tag == kNoTag) return {};  // the answer to our own; heard_ has it
  if (!TRY(accept(nop.immediate, nop.cmd_sn))) return {};
  if (!nop.immediate) link_.accept_command();
  const NopInPdu answer{.lun = nop.lun, .task_tag = nop.task_tag, .numbers = link_.status_numbers()};
  link_.send(answer.encode(),
             to_bytes(data.first(std::min<std::size_t>(data.size(), link_.agreed().their_max_segment))));
  return {};
}

SteadyTime FullFeature::silent_until() const {
  const auto& limits = config_.limits;
  return waiting_for_ping_ ? pinged_ + limits.keepalive_answer : heard_ + limits.keepalive;
}

Result<SteadyTime> FullFeature::on_silence() {
  const auto now = surroundings_.now();
  if (now < silent_until()) return silent_until();
  if (waiting_for_ping_)
    return fail(ErrorCode::kTimeout, "the initiator does not answer any more", "",
                "see whether the host and the network are up");
  waiting_for_ping_ = true;
  pinged_ = now;
  if (++last_ping_tag_ == kNoTag) ++last_ping_tag_;
  const NopInPdu ping{.task_tag = kNoTag, .transfer_tag = last_ping_tag_, .numbers = link_.numbers()};
  link_.send(ping.encode());
  return silent_until();
}

// --- text ---

Status FullFeature::text_request(const Header& header, ByteView data) {
  const auto request = TextRequestPdu::decode(header);
  if (!TRY(accept(request.immediate, request.cmd_sn))) return {};
  if (!request.immediate) link_.accept_command();
  if (request.transfer_tag == kNoTag) {  // a new exchange ends an old one (RFC 7143 section 11.10.4)
    text_in_.clear();
    text_out_.clear();
  } else if (request.transfer_tag != text_tag_) {
    reject(header, RejectReason::kInvalidField);
    return {};
  }
  if (!text_out_.empty()) {
    send_text(request.task_tag);
    return {};
  }
  if (text_in_.size() + data.size() > config_.limits.max_login_text)
    return protocol_error("a text request is too long", "text");
  text_in_.insert(text_in_.end(), data.begin(), data.end());
  if (!request.more_text) {
    const auto in = TRY(Text::parse(std::exchange(text_in_, {})));
    text_out_ = TRY(answer_text(in)).encode();
  }
  text_tag_ = request.more_text ? ++last_text_tag_ & 0x7fffffffU : kNoTag;
  if (!request.more_text) {
    send_text(request.task_tag);
    return {};
  }
  const TextResponsePdu more{.final = false,
                             .task_tag = request.task_tag,
                             .transfer_tag = text_tag_,
                             .numbers = link_.status_numbers()};
  link_.send(more.encode());
  return {};
}

void FullFeature::send_text(std::uint32_t task_tag) {
  const auto bytes = std::min<std::size_t>(text_out_.size(), link_.agreed().their_max_segment);
  Bytes part(text_out_.begin(), text_out_.begin() + static_cast<std::ptrdiff_t>(bytes));
  text_out_.erase(text_out_.begin(), text_out_.begin() + static_cast<std::ptrdiff_t>(bytes));
  const bool more = !text_out_.empty();
  text_tag_ = more ? ++last_text_tag_ & 0x7fffffffU : kNoTag;
  const TextResponsePdu answer{.final = !more,
                               .more_text = more,
                               .task_tag = task_tag,
                               .transfer_tag = text_tag_,
                               .numbers = link_.status_numbers()};
  link_.send(answer.encode(), std::move(part));
}

Result<Text> FullFeature::answer_text(const Text& in) {
  Text out;
  for (const auto& pair : in.pairs()) {
    if (pair.key == "SendTargets") {
      send_targets(pair.value, out);
      continue;
    }
    TRY(negotiation_.answer(pair, true, out));
    if (pair.key == "MaxRecvDataSegmentLength" && out.find(pair.key) == nullptr)
      link_.set_their_max_segment(negotiation_.agreed().their_max_segment);
  }
  return out;
}

// RFC 7143 appendix C: all targets in a discovery session; a named one, or one's own, in any.
void FullFeature::send_targets(const std::string& value, Text& out) const {
  const auto* own = start_.login.target;
  if (value == "All" && !start_.login.discovery) {
    out.add("SendTargets", "Reject");
    return;
  }
  for (const auto& target : config_.targets) {
    const bool wanted = value == "All" || value == target.name || (value.empty() && &target == own);
    const bool visible = start_.login.discovery ? allows(target, start_.login.initiator) : &target == own;
    if (!wanted || !visible) continue;
    out.add("TargetName", target.name);
    out.add("TargetAddress", start_.portal_address + "," + std::to_string(kPortalGroup));
  }
}

// --- the end ---

Status FullFeature::logout_request(const Header& header, ByteView) {
  const auto request = LogoutRequestPdu::decode(header);
  if (!TRY(accept(request.immediate, request.cmd_sn))) return {};
  if (!request.immediate) link_.accept_command();
  const auto reason = static_cast<LogoutReason>(request.reason);
  auto answer = LogoutAnswer::kSuccess;
  if (reason == LogoutReason::kConnection && request.connection != start_.login.connection)
    answer = LogoutAnswer::kNoSuchConnection;
  else if (reason != LogoutReason::kSession && reason != LogoutReason::kConnection)
    answer = LogoutAnswer::kRecoveryNotSupported;
  if (answer == LogoutAnswer::kSuccess) flow_->drop_if([](const Task&) { return true; });
  const LogoutResponsePdu pdu{
      .answer = answer, .task_tag = request.task_tag, .numbers = link_.status_numbers()};
  link_.send(pdu.encode());
  if (answer != LogoutAnswer::kSuccess) return {};
  ending_ = true;
  surroundings_.end({ErrorCode::kUnavailable, "the initiator logged out", "", ""}, true);
  return {};
}

void FullFeature::request_logout(std::uint16_t seconds) {
  if (ending_) return;
  flow_->take_no_more();
  const AsyncPdu pdu{
      .event = AsyncEvent::kLogoutRequested, .numbers = link_.status_numbers(), .parameter3 = seconds};
  link_.send(pdu.encode());
}

Status FullFeature::snack(const Header& header, ByteView) {
  reject(header, RejectReason::kSnack);  // nothing is kept for recovery at level 0
  return {};
}

}  // namespace tapewarden::iscsi
