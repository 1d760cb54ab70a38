#include "apps/anchor_keeper.h"

namespace tapewarden::apps {

namespace {

// A peer that has accepted this restored server takes the next checkpoint; until then each is refused, and
// is a line in the audit of both.
constexpr std::chrono::minutes kRefusedAgain{10};

constexpr std::string_view kType = "\"type\":\"";
constexpr std::string_view kOutcome = "\",\"outcome\":\"";

struct Kind {
  std::optional<audit::EventType> type;
  std::optional<audit::Outcome> outcome;
};

// Every event begins with its type and outcome (audit::Record).
Kind kind_of(std::string_view body) {
  if (!body.starts_with(kType)) return {};
  body.remove_prefix(kType.size());
  const auto type_end = body.find('"');
  if (type_end == std::string_view::npos) return {};
  Kind kind{audit::parse_event_type(body.substr(0, type_end)), {}};
  body.remove_prefix(type_end);
  if (!body.starts_with(kOutcome)) return kind;
  body.remove_prefix(kOutcome.size());
  kind.outcome = audit::parse_outcome(body.substr(0, body.find('"')));
  return kind;
}

}  // namespace

AnchorKeeper::AnchorKeeper(Env env, store::Keystore& keystore, audit::AuditFile& audit,
                           keymgr::CheckpointExchange* exchange, net::SyslogSender* syslog,
                           AnchorOptions options)
    : env_(env),
      keystore_(keystore),
      audit_(audit),
      exchange_(exchange),
      syslog_(syslog),
      options_(std::move(options)) {
  audit_.set_observer(this);
  ticker_.emplace(options_.look, [this] { look(); });
  ticker_->poke();  // the first one at once
}

AnchorKeeper::~AnchorKeeper() {
  audit_.set_observer(nullptr);
  ticker_.reset();
}

Result<audit::CheckpointNote> AnchorKeeper::make_one() {
  std::optional<audit::CheckpointNote> made;
  const auto written = keystore_.write([&](store::Transaction&) -> Status {
    made = TRY(audit_.checkpoint());
    return {};
  });
  {
    const MutexLock lock(mutex_);
    failed_ = written ? std::string() : written.error().text();
    made_ = env_.clock->steady_now();
  }
  if (!written) return std::unexpected(written.error());
  return *made;
}

Result<audit::CheckpointNote> AnchorKeeper::make() {
  auto made = make_one();
  if (made) ticker_->poke();  // it goes to the peer now
  return made;
}

void AnchorKeeper::look() {
  bool due = false;
  {
    const MutexLock lock(mutex_);
    const auto every = refused_.empty() ? options_.every
                                        : std::min<std::chrono::milliseconds>(options_.every, kRefusedAgain);
    due = !made_ || env_.clock->steady_now() - *made_ >= every;
  }
  if (due) (void)make_one();  // what went wrong is told by warnings()
  send_to_peer();
}

void AnchorKeeper::send_to_peer() {
  if (exchange_ == nullptr) return;
  std::optional<audit::CheckpointNote> note;
  {
    const MutexLock lock(mutex_);
    note = waiting_;
  }
  if (!note) return;
  const Status sent = exchange_->send(*note);
  const bool refused = !sent && sent.error().code == ErrorCode::kConflict;
  const MutexLock lock(mutex_);
  // One that the peer will never take is not sent again.
  if ((sent || refused) && waiting_ == note) waiting_.reset();
  if (sent) refused_.clear();
  if (refused) refused_ = sent.error().message;
}

std::vector<std::string> AnchorKeeper::warnings() const {
  std::vector<std::string> out;
  const MutexLock lock(mutex_);
  if (!failed_.empty()) out.push_back("no audit checkpoint could be made: " + failed_);
  if (!refused_.empty())
    out.push_back("the peer refused a checkpoint of the audit record: " + refused_ +
                  " (after a restore that was accepted there, the next one is taken: "
                  "`tapewarden audit checkpoint`, or within ten minutes)");
  if (exchange_ != nullptr && !exchange_->alarm().empty()) out.push_back(exchange_->alarm());
  if (syslog_ == nullptr) return out;
  const auto health = syslog_->health();
  if (!health.last_error.empty()) out.push_back("the syslog cannot be reached: " + health.last_error);
  if (health.dropped > 0) {
    out.push_back(std::to_string(health.dropped) +
                  " lines did not go to the syslog; they stand in the audit");
  }
  return out;
}

void AnchorKeeper::recorded(const audit::Line& line, std::string_view text) {
  if (syslog_ == nullptr || options_.filter.types.empty()) return;
  const Kind kind = kind_of(line.body);
  if (!kind.type || !options_.filter.types.contains(*kind.type)) return;
  if (!kind.outcome || !options_.filter.outcomes.contains(*kind.outcome)) return;
  syslog_->send(*kind.outcome == audit::Outcome::kFailure ? net::SyslogSeverity::kWarning
                                                          : net::SyslogSeverity::kNotice,
                text);
}

void AnchorKeeper::checkpointed(const audit::CheckpointNote& note) {
  if (syslog_ != nullptr) syslog_->send(net::SyslogSeverity::kNotice, audit::note_text(note));
  const MutexLock lock(mutex_);
  waiting_ = note;
}

}  // namespace tapewarden::apps
