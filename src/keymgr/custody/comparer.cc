#include "keymgr/custody/comparer.h"

#include <algorithm>

#include "audit/record.h"
#include "base/text.h"
#include "keymgr/row_codec.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::chrono::minutes kTurn{10};          // by which one of the two servers goes first
constexpr std::chrono::minutes kAfterFailure{30};  // until it is tried again
constexpr int kOwnPeriods = 2;                     // after which it compares itself, whatever the peer told
constexpr std::string_view kTimer = "timer";

const store::TableSpec kLastComparison{
    .name = "comparison",
    .columns = {{"peer", store::ColumnType::kBlob, store::ColumnRole::kKey},
                {"report", store::ColumnType::kBlob}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNote,
};

void record(store::Transaction& transaction, const ComparisonReport& report, const std::string& actor) {
  audit::Record record(audit::EventType::kDataSynchronization,
                       report.agrees() ? audit::Outcome::kSuccess : audit::Outcome::kFailure,
                       "server.compare");
  record.actor(actor).set("rows", static_cast<std::int64_t>(report.rows));
  record.set("differences", static_cast<std::int64_t>(report.differences));
  record.set("moving", static_cast<std::int64_t>(report.moving));
  if (report.by_peer) record.set("from", "the peer");
  if (!report.error.empty()) record.set("reason", report.error);
  if (!report.first.empty()) {
    const auto& one = report.first.front();
    record.set("first", one.table + " " + one.key + " " + std::string(to_string(one.kind)));
  }
  transaction.record(record.json());
}

}  // namespace

Comparer::Comparer(Env env, KeyManager& manager, Replicator& replicator, PeerLink& link,
                   ComparerOptions options)
    : env_(env),
      manager_(manager),
      keystore_(manager.keystore()),
      replicator_(replicator),
      link_(link),
      options_(std::move(options)) {}

Comparer::~Comparer() {
  stop();
}

std::vector<const store::TableSpec*> Comparer::tables() {
  return {&kLastComparison};
}

Status Comparer::start() {
  std::optional<ComparisonReport> own;
  std::optional<ComparisonReport> theirs;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    for (const Uuid& by : {options_.peer, options_.self}) {
      const auto row = TRY(reader.get(kLastComparison, {to_bytes(by.view())}));
      // One that another release wrote tells nothing.
      auto report = row ? ComparisonReport::decode(store::blob(*row, 1)) : fail(ErrorCode::kNotFound, "none");
      if (report) (report->by_peer ? theirs : own) = std::move(*report);
    }
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    own_ = std::move(own);
    theirs_ = std::move(theirs);
  }
  started_ = env_.clock->steady_now();
  thread_ = std::thread([this] { run(); });
  return {};
}

void Comparer::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Comparer::run() {
  while (true) {
    std::string actor;
    {
      const MutexLock lock(mutex_);
      if (!stopping_ && asked_by_.empty()) wake_.wait_for(mutex_, options_.look);
      if (stopping_) return;
      actor = asked_by_;
    }
    if (replicator_.rewrite_waits()) end_rewrite();
    if (actor.empty() && due()) actor = kTimer;
    if (!actor.empty()) compare_now(actor);
  }
}

// The peer says that all is equal where this server found that it is not.
bool Comparer::contradicted() const {
  return own_ && theirs_ && !own_->agrees() && theirs_->agrees() && theirs_->ended > own_->ended;
}

std::optional<ComparisonReport> Comparer::last() const {
  if (!own_ || !theirs_) return own_ ? own_ : theirs_;
  return contradicted() || own_->ended >= theirs_->ended ? own_ : theirs_;
}

namespace {

// A clock that was put back must not end the comparisons.
bool is_past(WallTime now, WallTime ended, std::chrono::minutes pause) {
  return now >= ended + pause || now < ended - std::chrono::hours(24);
}

}  // namespace

// Whoever has the smaller id goes first: the other one is told the result before its own turn.
bool Comparer::due() {
  const auto marks = replicator_.marks();
  if (!marks.in_step || marks.acknowledged == 0) return false;
  std::chrono::hours every{};
  const Status read = keystore_.read([&](store::Reader& reader) -> Status {
    every = std::chrono::hours(
        TRY(parse_number(TRY(manager_.settings().get(reader, kCompareHours)), 0, 8784, kCompareHours)));
    return {};
  });
  if (!read || every.count() == 0) return false;
  const auto turn = options_.peer < options_.self ? kTurn : std::chrono::minutes{0};
  const MutexLock lock(mutex_);
  if (!own_) return env_.clock->steady_now() - started_ >= options_.first + turn;
  if (contradicted()) return true;
  const auto usual = std::chrono::minutes(every);
  const WallTime now = env_.clock->wall_now();
  const auto newest = last();
  const auto pause = newest->finished() ? usual : std::min<std::chrono::minutes>(usual, kAfterFailure);
  return is_past(now, newest->ended, pause + turn) || is_past(now, own_->ended, usual * kOwnPeriods + turn);
}

void Comparer::compare_now(const std::string& actor) {
  {
    const MutexLock lock(mutex_);
    running_ = true;
    asked_by_.clear();
  }
  Hash256 salt{};
  env_.random->fill(salt);
  stretch_began_ = env_.clock->steady_now();
  const WallTime started = env_.clock->wall_now();
  ComparisonReport report = compare_tables(keystore_, parties(), salt);
  report.started = started;
  report.ended = env_.clock->wall_now();
  const Status kept = keep(report, actor);
  if (!kept && report.error.empty()) report.error = kept.error().text();
  // The peer may be gone by now: it compares by itself when its turn comes.
  (void)link_.post("compared", report.encode());
  {
    const MutexLock lock(mutex_);
    running_ = false;
    ++finished_;
    own_ = std::move(report);
  }
  ended_.notify_all();
}

Status Comparer::keep(const ComparisonReport& report, const std::string& actor) {
  TRY(keystore_.write([&](store::Transaction& transaction) -> Status {
    record(transaction, report, actor);
    return transaction.put(kLastComparison,
                           RowWriter(kLastComparison).uuid(options_.self).blob(report.encode()).take());
  }));
  return {};
}

void Comparer::end_rewrite() {
  stretch_began_ = env_.clock->steady_now();
  const auto ended = finish_rewrite(manager_, replicator_, parties(), options_.besides);
  {
    const MutexLock lock(mutex_);
    rewrite_error_ = ended ? std::string() : ended.error().text();
  }
  if (ended && options_.on_rewritten) options_.on_rewritten();
}

ComparisonParties Comparer::parties() {
  return {options_.self, options_.peer, [this](const CompareQuestion& question) { return ask(question); },
          [this] { return replicator_.marks().acknowledged; }, [this](bool again) { return go_on(again); }};
}

Result<CompareAnswer> Comparer::ask(const CompareQuestion& question) {
  const auto before = TRY(replicator_.meeting());
  CompareQuestion asked = question;
  asked.incarnation = before.incarnation;
  asked.seen_installation = before.seen.peer.installation;
  asked.seen = before.seen.peer_head;
  auto answer = TRY(CompareAnswer::decode(TRY(link_.post("compare", asked.encode()))));
  TRY(replicator_.check_answering(before, answer.incarnation, answer.head));
  return answer;
}

// Rests as long as the last stretch took, so that at most half a processor goes into it.
bool Comparer::go_on(bool again) {
  const SteadyTime now = env_.clock->steady_now();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - stretch_began_);
  pause(again ? options_.again : std::min(took, options_.stretch_pause));
  stretch_began_ = env_.clock->steady_now();
  const MutexLock lock(mutex_);
  return !stopping_;
}

void Comparer::pause(std::chrono::milliseconds time) {
  if (time.count() <= 0) return;
  const MutexLock lock(mutex_);
  if (!stopping_) wake_.wait_for(mutex_, time);
}

Result<std::optional<ComparisonReport>> Comparer::compare(const Actor& actor,
                                                          std::chrono::milliseconds limit) {
  (void)TRY(replicator_.meeting());
  if (const auto marks = replicator_.marks(); !marks.in_step || marks.acknowledged == 0) {
    return fail(ErrorCode::kUnavailable,
                "the two servers are not in step, or one has not had everything of the other yet: there is "
                "nothing to compare",
                "peer", "look at the status; compare when the peer is in step and no copy is under way");
  }
  const auto deadline = env_.clock->steady_now() + limit;
  const MutexLock lock(mutex_);
  if (running_ || !asked_by_.empty()) {
    return fail(ErrorCode::kConflict, "a comparison runs already", "peer", "`tapewarden server comparison`");
  }
  const std::uint64_t before = finished_;
  asked_by_ = actor.name;
  wake_.notify_all();
  while (finished_ == before && !stopping_ && env_.clock->steady_now() < deadline) {
    ended_.wait_for(mutex_, std::chrono::milliseconds(100));
  }
  if (finished_ == before) return std::optional<ComparisonReport>();
  return own_;
}

ComparerState Comparer::state() const {
  const MutexLock lock(mutex_);
  return {running_ || !asked_by_.empty(), last(), rewrite_error_};
}

Result<Bytes> Comparer::handle_question(ByteView body) {
  const auto question = TRY(CompareQuestion::decode(body));
  if (question.sender != options_.peer || question.receiver != options_.self) {
    return fail(ErrorCode::kPermissionDenied, "the question is not from the configured peer to this server",
                "sender", "compare server.id and peer.id in both configurations");
  }
  TRY(replicator_.check_asking(question));
  const std::uint64_t acknowledged = replicator_.marks().acknowledged;
  auto answer = TRY(answer_question(keystore_, question, acknowledged));
  answer.incarnation = TRY(replicator_.meeting()).incarnation;
  return answer.encode();
}

void Comparer::handle_report(ByteView body, std::function<void(Result<Bytes>)> completion) {
  auto decoded = ComparisonReport::decode(body);
  if (!decoded) return completion(std::unexpected(decoded.error()));
  if (const auto meeting = replicator_.meeting(); !meeting) {
    return completion(std::unexpected(meeting.error()));
  }
  ComparisonReport report = decoded->turned();
  report.by_peer = true;
  // The time is this server's: it decides when the next one is due here.
  report.ended = env_.clock->wall_now();
  const auto shared = std::make_shared<ComparisonReport>(std::move(report));
  keystore_.submit_ungated(
      [this, shared](store::Transaction& transaction) -> Status {
        record(transaction, *shared, "peer " + options_.peer_name);
        return transaction.put(kLastComparison,
                               RowWriter(kLastComparison).uuid(options_.peer).blob(shared->encode()).take());
      },
      [this, shared, completion = std::move(completion)](const Result<store::CommitInfo>& done) {
        if (!done) return completion(std::unexpected(done.error()));
        {
          const MutexLock lock(mutex_);
          theirs_ = *shared;
        }
        completion(Bytes{});
      });
}

}  // namespace tapewarden::keymgr
