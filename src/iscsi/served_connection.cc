#include "iscsi/served_connection.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::size_t kPoolBytes = 64U << 20;

}  // namespace

Shared::Shared(ServerConfig with, Env in)
    : config(std::move(with)),
      env(in),
      sessions(config.limits.max_sessions, config.events),
      memory(std::make_shared<MemoryBudget>(config.limits.total_memory)),
      pool(std::make_shared<BufferPool>(kPoolBytes)) {}

ServedConnection::ServedConnection(Shared& shared, std::shared_ptr<net::Stream> stream,
                                   const std::string& advertised)
    : shared_(shared),
      stream_(std::move(stream)),
      endpoint_(*this, shared.config, *shared.env.random,
                advertised.empty() ? stream_->local_address() : advertised) {
  ++shared_.logging_in;
}

ServedConnection::~ServedConnection() {
  no_longer_logging_in();
}

void ServedConnection::no_longer_logging_in() {
  if (std::exchange(logging_in_, false)) --shared_.logging_in;
}

void ServedConnection::on_open() {
  read_on();
}

void ServedConnection::read_on() {
  if (stream_->closing()) return;
  held_up_ = false;
  stream_->set_deadline(endpoint_.deadline());
  stream_->read(endpoint_.want());
}

void ServedConnection::on_read() {
  if (auto status = endpoint_.filled(); !status) return end(status.error(), false);
  const auto limit = endpoint_.write_queue();
  held_up_ = stream_->queued_bytes() > limit;
  if (held_up_)
    stream_->notify_below(limit / 2);
  else
    read_on();
}

void ServedConnection::on_written() {
  read_on();
}

void ServedConnection::on_deadline() {
  // Held up, nothing can be heard; the stream watches whether the initiator takes anything.
  const auto status = held_up_ ? endpoint_.check_expiry() : endpoint_.on_deadline();
  if (!status) return end(status.error(), false);
  if (const auto next = held_up_ ? endpoint_.expires() : endpoint_.deadline()) stream_->set_deadline(*next);
}

void ServedConnection::end(Error reason, bool after_sending) {
  if (after_sending)
    stream_->close(std::move(reason));
  else
    stream_->abort(std::move(reason));
}

void ServedConnection::on_closed(const Error& reason) {
  no_longer_logging_in();
  if (grant_)
    shared_.sessions.close(grant_->tsih, grant_->nexus->id(), reason.message);
  else if (!reported_ && shared_.config.events.refused)
    shared_.config.events.refused(stream_->remote_address(), reason);
}

void ServedConnection::login_refused(const Error& reason) {
  reported_ = true;
  if (shared_.config.events.refused) shared_.config.events.refused(stream_->remote_address(), reason);
}

std::function<void(Surroundings::Task)> ServedConnection::poster() {
  return [stream = stream_](Task task) { stream->post(std::move(task)); };
}

void ServedConnection::end_target_sessions() {
  const Error reason{ErrorCode::kUnavailable, "an initiator reset the target", "", ""};
  end(reason, true);
  shared_.sessions.end_all(grant_->nexus->info().target, reason);
}

Result<Opening> ServedConnection::open_session(const LoginOutcome& login) {
  SessionInfo info{.nexus = {},
                   .initiator = login.initiator,
                   .isid = login.isid,
                   .target = login.discovery ? std::string() : login.target->name,
                   .remote_address = stream_->remote_address(),
                   .chap_name = login.chap_name,
                   .since = shared_.env.clock->wall_now()};
  const auto units = login.discovery ? std::make_shared<const UnitMap>() : shared_.units.at(login.target);
  // Orderly where something is still being sent; the stream's own thread decides.
  auto end = [stream = stream_](const Error& reason) {
    stream->post([stream, reason] { stream->close(reason); });
  };
  grant_ = TRY(shared_.sessions.open(std::move(info), units, std::move(end)));
  no_longer_logging_in();
  return Opening{.tsih = grant_->tsih,
                 .nexus = grant_->nexus,
                 .memory = {.session = std::make_shared<MemoryBudget>(shared_.config.limits.session_memory),
                            .all = shared_.memory,
                            .pool = shared_.pool}};
}

void ServedConnection::wind_up(std::shared_ptr<ServedConnection> connection,
                               std::chrono::milliseconds drain) {
  const auto stream = connection->stream_;
  stream->post([self = std::move(connection), drain] {
    if (self->stream_->closing()) return;
    const Error reason{ErrorCode::kUnavailable, "the server stops", "", ""};
    if (!self->endpoint_.in_session() || drain.count() == 0) return self->end(reason, true);
    const auto seconds =
        std::min<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(drain).count(), 65535);
    self->endpoint_.request_logout(static_cast<std::uint16_t>(seconds));
  });
}

}  // namespace tapewarden::iscsi
