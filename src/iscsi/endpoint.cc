#include "iscsi/endpoint.h"

#include <algorithm>

namespace tapewarden::iscsi {

Endpoint::Endpoint(EndpointSurroundings& surroundings, const ServerConfig& config, Random& random,
                   std::string portal_address)
    : surroundings_(surroundings),
      config_(config),
      portal_address_(std::move(portal_address)),
      reader_(*this),
      login_(config, random),
      begun_(surroundings.now()) {}

// The rest of a header may come late, and a PDU's time counts from its beginning.
Status Endpoint::filled() {
  if (reader_.idle()) pdu_begun_ = surroundings_.now();
  return reader_.filled();
}

Result<MutableByteView> Endpoint::on_header(const Header& header, ByteView ahs) {
  if (session_) return session_->on_header(header, ahs);
  if (!header.is(Opcode::kLoginRequest))
    return fail(ErrorCode::kInvalidArgument, "the connection does not begin with a login", "opcode");
  return MutableByteView();
}

Status Endpoint::on_pdu(const Header& header, ByteView, ByteView data, bool digest_right) {
  if (ended_) return {};
  return session_ ? session_->on_pdu(header, data, digest_right) : login(header, data);
}

Status Endpoint::login(const Header& header, ByteView data) {
  const auto request = LoginRequest::decode(header);
  LoginAnswer answer;
  if (request) {
    answer = login_.handle(*request, data);
    answer.response.exp_cmd_sn = request->cmd_sn;
    answer.response.max_cmd_sn = request->cmd_sn + config_.limits.command_window - 1;
  } else {
    answer.response.task_tag = header.task_tag();
    answer.response.status = LoginStatus::kInitiatorError;
    answer.error = request.error();
  }
  answer.response.stat_sn = stat_sn_++;
  if (login_.done() && !answer.error) open_session(answer);
  send(answer);
  if (answer.error) {
    ended_ = true;
    surroundings_.login_refused(*answer.error);
    surroundings_.end(*answer.error, true);
  }
  return {};
}

void Endpoint::open_session(LoginAnswer& answer) {
  auto outcome = login_.outcome();
  auto opening = surroundings_.open_session(outcome);
  if (!opening) {
    answer.response.transit = false;
    answer.response.status = opening.error().code == ErrorCode::kExhausted ? LoginStatus::kOutOfResources
                                                                           : LoginStatus::kServiceUnavailable;
    answer.text.clear();
    answer.error = opening.error();
    return;
  }
  answer.response.tsih = opening->tsih;
  reader_.set_digests(outcome.agreed.digests);
  reader_.set_max_segment(config_.limits.max_receive_segment);
  reader_.allow_ahs();
  opened_ = surroundings_.now();
  discovery_ = outcome.discovery;
  session_.emplace(surroundings_, config_,
                   SessionStart{.login = std::move(outcome),
                                .nexus = std::move(opening->nexus),
                                .stat_sn = stat_sn_,
                                .portal_address = portal_address_,
                                .memory = std::move(opening->memory)});
}

// Login PDUs have no digests (RFC 7143 section 13.1).
void Endpoint::send(const LoginAnswer& answer) {
  surroundings_.send({.head = encode_pdu(answer.response.encode(), answer.text)});
}

std::optional<SteadyTime> Endpoint::expires() const {
  if (!session_) return begun_ + config_.limits.login_timeout;
  if (discovers()) return opened_ + config_.limits.discovery_lifetime;
  return std::nullopt;
}

Status Endpoint::check_expiry() const {
  const auto end = expires();
  if (!end || surroundings_.now() < *end) return {};
  if (!session_)
    return fail(ErrorCode::kTimeout, "the login took too long", "",
                "find out why this client connects and does not log in");
  return fail(ErrorCode::kTimeout, "a discovery session lasted too long", "",
              "let this client log out when it has the list of targets");
}

std::size_t Endpoint::write_queue() const {
  return session_ && !discovers() ? config_.limits.write_queue : config_.limits.discovery_write_queue;
}

SteadyTime Endpoint::deadline() const {
  const auto end = expires();
  if (!session_) return *end;
  const auto next = reader_.idle() ? session_->silent_until() : pdu_begun_ + config_.limits.message_timeout;
  return end ? std::min(*end, next) : next;
}

Status Endpoint::on_deadline() {
  TRY(check_expiry());
  if (surroundings_.now() < deadline()) return {};
  if (!reader_.idle()) return fail(ErrorCode::kTimeout, "a PDU began and did not come to its end");
  (void)TRY(session_->on_silence());
  return {};
}

void Endpoint::request_logout(std::uint16_t seconds) {
  if (session_) session_->request_logout(seconds);
}

}  // namespace tapewarden::iscsi
