#include "store/committer.h"

#include <algorithm>

#include "base/assert.h"
#include "store/change_lines.h"

namespace tapewarden::store {

namespace {

constexpr std::string_view kOldCopyRemedy =
    "put the newest keystore and the newest audit files back together, or restore from the newest backup";

std::string commits(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "commit " + std::to_string(first);
  return "commits " + std::to_string(first) + " to " + std::to_string(last);
}

Status execute(sqlite::Connection& connection, const char* sql) {
  sqlite::Statement* statement = TRY(connection.cached(sql, [&] { return std::string(sql); }));
  const sqlite::Use use(*statement);
  return use->run();
}

}  // namespace

void follow(State& state, const std::vector<Change>& changes, const Layouts& layouts) {
  for (const Change& change : changes) {
    TableSum& sum = state.tables[layouts.all()[change.table].name];
    if (change.before.version == 0) {
      ++sum.rows;
    } else {
      sum.macs.subtract(change.before.mac);
      if (!change.before.erased) --sum.live;
    }
    sum.macs.add(change.after.mac);
    if (!change.after.erased) ++sum.live;
  }
}

std::vector<Committer::Outcome> Committer::run(std::span<const Keystore::Work* const> works) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(works.size());
  Status done = failed_ ? Status(std::unexpected(*failed_)) : run_works(works, outcomes);
  outcomes.resize(works.size());
  if (done) return outcomes;
  for (Outcome& outcome : outcomes) {
    if (outcome.result) outcome = {done, false};
  }
  return outcomes;
}

Status Committer::run_works(std::span<const Keystore::Work* const> works, std::vector<Outcome>& outcomes) {
  sqlite::Connection& connection = session_.access().connection();
  // One that is alone is undone with its group.
  const auto undo = works.size() == 1 ? WriteSession::Undo::kGroup : WriteSession::Undo::kWork;
  session_.begin_group(state_.mark.sequence + 1, undo);
  TRY(execute(connection, "BEGIN IMMEDIATE"));
  Status status;
  for (const Keystore::Work* work : works) {
    Status result = session_.run(*work);
    const bool changed = session_.last_run_changed();
    if (!connection.in_transaction()) status = result ? fail(ErrorCode::kIo, "the group was undone") : result;
    outcomes.push_back({std::move(result), changed});
    if (!status) return status;
  }
  if (!session_.changes().empty()) {
    status = commit();
  } else {
    status = execute(connection, "ROLLBACK");
    if (status && !session_.records().empty()) status = write_note();
  }
  if (connection.in_transaction()) (void)execute(connection, "ROLLBACK");
  return status;
}

Status Committer::write_note() {
  const Status noted = log_.note(session_.records());
  if (noted) return {};
  return give_up("the audit record could not be written", noted.error());
}

State Committer::next_state() {
  State next;
  next.mark.sequence = state_.mark.sequence + 1;
  next.previous_head = state_.mark.head;
  next.chain_before = log_.chain_hash();
  next.tables = state_.tables;
  const RowAccess& access = session_.access();
  follow(next, session_.changes(), access.layouts());
  next.records = change_lines(next, session_.changes(), access.layouts());
  next.records.insert(next.records.end(), session_.records().begin(), session_.records().end());
  next.seal(session_.writes_under());
  return next;
}

std::vector<std::size_t> Committer::changed_tables() const {
  std::vector<std::size_t> tables;
  for (const Change& change : session_.changes()) tables.push_back(change.table);
  return tables;
}

Status Committer::commit() {
  sqlite::Connection& connection = session_.access().connection();
  if (const Status ready = log_.ready(); !ready)
    return give_up("the audit file takes nothing more", ready.error());
  State next = next_state();
  TRY(write_state(connection, session_.writes_under(), next));
  RowMemory* memory = session_.access().memory();
  if (memory != nullptr) memory->begin_commit(next.mark.sequence, changed_tables());
  if (const Status committed = execute(connection, "COMMIT"); !committed) {
    // A full disk or a lock is found before the commit record is written; after any other error the commit
    // may or may not be on stable storage.
    const ErrorCode code = committed.error().code;
    if (code == ErrorCode::kExhausted || code == ErrorCode::kConflict) {
      if (memory != nullptr) memory->end_commit(state_.mark.sequence);
      return committed;
    }
    return give_up("the database did not confirm a commit", committed.error());
  }
  if (memory != nullptr) memory->end_commit(next.mark.sequence);
  if (const Status logged = log_.append(next.mark, next.records); !logged) {
    return give_up("the audit file did not take a commit", logged.error());
  }
  state_ = std::move(next);
  changed_at_ = std::chrono::steady_clock::now();
  session_.settle();
  for (const Change& change : session_.changes()) scrub_due_ = scrub_due_ || change.secret_gone;
  return {};
}

// For what a request reads a moment is enough; the longer the log has grown, the more it is worth.
bool Committer::let_go() {
  constexpr std::chrono::milliseconds kMoment{10};
  constexpr std::uint32_t kMostMoments = 25;
  if (!let_go_) return true;
  const std::uint32_t times = session_.access().connection().wal_pages() / kCheckpointPages;
  return let_go_(kMoment * std::clamp(times, 1U, kMostMoments));
}

// The rows themselves were overwritten by secure_delete; what is left is the log. It is emptied only when
// nobody reads in it.
void Committer::scrub() {
  sqlite::Connection& connection = session_.access().connection();
  (void)let_go();
  Status emptied = connection.empty_log();
  // Reads that began meanwhile look into the log, too.
  const bool hindered = !emptied && emptied.error().code == ErrorCode::kConflict;
  if (hindered && let_go()) emptied = connection.empty_log();
  if (emptied) {
    scrub_due_ = false;
    changed_at_.reset();
    return;
  }
  scrub_again_ = std::chrono::steady_clock::now() + kScrubAgain;
  const ErrorCode code = emptied.error().code;
  if (code == ErrorCode::kExhausted || code == ErrorCode::kConflict) return;
  (void)give_up("the write-ahead log could not be emptied", emptied.error());
}

Result<bool> Committer::move_log() {
  sqlite::Connection& connection = session_.access().connection();
  (void)let_go();
  bool all = TRY(connection.checkpoint());
  // Whoever began to read meanwhile looks into the log, too: without them it is moved to its end, and begins
  // anew with the next commit.
  const bool alone = let_go();
  if (!all && alone) all = TRY(connection.checkpoint());
  return all;
}

void Committer::tidy() {
  const auto now = std::chrono::steady_clock::now();
  if (scrub_due_ && !failed_ && now >= scrub_again_) scrub();
  const std::uint32_t pages = session_.access().connection().wal_pages();
  if (pages < kCheckpointPages) tidy_at_ = kCheckpointPages;
  const bool rests = changed_at_ && now - *changed_at_ >= kRestTime;
  if (failed_ || (pages < tidy_at_ && !rests)) return;
  const auto moved = move_log();
  // The log starts anew only after everybody has left it: until then, and on a full disk, try less often.
  tidy_at_ = pages + kCheckpointPages;
  changed_at_ = std::chrono::steady_clock::now();
  if (moved && *moved) changed_at_.reset();
  if (moved) return;
  const ErrorCode code = moved.error().code;
  if (code == ErrorCode::kExhausted || code == ErrorCode::kConflict) return;
  (void)give_up("the database could not be brought up to its write-ahead log", moved.error());
}

// What a sync that failed left behind is not known, and asking again proves nothing: the write-ahead log
// stays, so that the next start takes all of it.
Status Committer::give_up(std::string_view what, const Error& cause) {
  session_.access().connection().keep_log();
  failed_ = Error{ErrorCode::kUnavailable,
                  "the keystore stopped because " + std::string(what) + ": " + cause.message,
                  {},
                  "look after the disk, then start the server again: it finds out what is on stable storage",
                  cause.detail};
  return std::unexpected(*failed_);
}

Status reconcile(const State& state, CommitLog& log) {
  const CommitMark logged = log.last_mark().value_or(CommitMark{});
  const std::uint64_t stored = state.mark.sequence;
  if (logged.sequence > stored) {
    return fail(
        ErrorCode::kCorrupt,
        "the keystore lacks " + commits(stored + 1, logged.sequence) +
            " that the audit file holds: an old copy was put back, or its write-ahead log lost its end",
        "keystore", std::string(kOldCopyRemedy));
  }
  if (logged.sequence == stored) {
    if (logged.head == state.mark.head) return {};
    return fail(ErrorCode::kCorrupt,
                "the keystore and the audit file do not belong together: they differ in commit " +
                    std::to_string(stored),
                "keystore", std::string(kOldCopyRemedy));
  }
  if (logged.sequence + 1 < stored) {
    return fail(ErrorCode::kCorrupt,
                "the audit file lacks " + commits(logged.sequence + 1, stored) +
                    " that the keystore holds: an old copy was put back, or it lost its end",
                "audit file", std::string(kOldCopyRemedy));
  }
  if (logged.head != state.previous_head || log.chain_hash() != state.chain_before) {
    return fail(ErrorCode::kCorrupt,
                "the audit file before commit " + std::to_string(stored) +
                    " is not the one that the keystore was written with",
                "audit file", std::string(kOldCopyRemedy));
  }
  return log.append(state.mark, state.records);
}

}  // namespace tapewarden::store
