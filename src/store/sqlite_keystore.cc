#include "store/sqlite_keystore.h"

#include <optional>

#include "base/assert.h"
#include "store/database.h"
#include "store/replication.h"
#include "store/session.h"
#include "store/snapshot_reader.h"
#include "store/verifier.h"

namespace tapewarden::store {

namespace {

// While opening, SQLite's "no such table" and the like mean that the file is not what it was.
Status as_damage(Status status) {
  if (status || status.error().code != ErrorCode::kInternal) return status;
  Error error = std::move(status.error());
  error.code = ErrorCode::kCorrupt;
  error.remedy = "restore the keystore from its newest backup";
  return std::unexpected(std::move(error));
}

std::uint64_t rows_in(const State& state) {
  std::uint64_t rows = 0;
  for (const auto& [name, sum] : state.tables) rows += sum.rows;
  return rows;
}

}  // namespace

Result<std::unique_ptr<Keystore>> Keystore::open(Env env, KeystoreOptions options, const MasterKeys& master,
                                                 CommitLog& log) {
  auto keystore = std::make_unique<SqliteKeystore>(env, std::move(options), master, log);
  TRY(keystore->open());
  return keystore;
}

SqliteKeystore::SqliteKeystore(Env env, KeystoreOptions options, const MasterKeys& master, CommitLog& log)
    : env_(env),
      options_(std::move(options)),
      ring_(master),
      layouts_(with_own_tables(options_.tables)),
      log_(log),
      readers_(options_.path) {}

SqliteKeystore::~SqliteKeystore() {
  if (queue_) queue_->stop();
}

Status SqliteKeystore::open() {
  lock_ = TRY(env_.disk->lock(options_.path + ".lock"));
  TRY(explain_read_only(as_damage(open_file())));
  auto loaded = load_state();
  if (!loaded) return as_damage(std::unexpected(std::move(loaded.error())));
  State state = std::move(*loaded);
  TRY(as_damage(bring_up_to_date(state)));
  TRY(as_damage(check_rows(state)));
  memory_ = std::make_unique<RowMemory>(layouts_.all().size(), state.mark.sequence);
  readers_.follow(*memory_);
  // What an earlier run had taken out of its rows may still stand in the log. A reader in the way (another
  // process that looks) is no reason not to serve.
  const Status emptied = writer_->empty_log();
  if (!emptied && emptied.error().code != ErrorCode::kConflict) return emptied;
  auto committer = std::make_unique<Committer>(access(*writer_), *env_.random, options_.server, log_,
                                               std::move(state), version_);
  if (!emptied) committer->scrub_later();
  committer->around_tidying([this](std::chrono::milliseconds limit) { return readers_.let_go(limit); });
  queue_ = std::make_shared<WriteQueue>(
      *env_.executor, WriteQueue::Limits{options_.group_limit, options_.queue_limit}, std::move(committer));
  queue_->start();
  return {};
}

// SQLite takes a file whose header asks for a newer SQLite as read-only. When the system lets us write, it is
// the header that is wrong.
Status SqliteKeystore::explain_read_only(Status status) {
  if (status || status.error().code != ErrorCode::kPermissionDenied) return status;
  if (!env_.disk->open(options_.path, OpenMode::kReadWrite)) return status;
  return damaged("the keystore's first page was changed: " + status.error().message);
}

Status SqliteKeystore::open_file() {
  const std::optional<CommitMark> logged = log_.last_mark();
  const bool missing = !env_.disk->exists(options_.path);
  if (missing && logged) {
    return fail(ErrorCode::kCorrupt,
                "the keystore " + options_.path + " is missing; the audit file's last commit is " +
                    std::to_string(logged->sequence),
                "keystore", "put the keystore back, or restore it from its newest backup");
  }
  if (missing && env_.disk->exists(options_.path + "-wal")) {
    return damaged("the keystore " + options_.path + " is missing, its write-ahead log is there");
  }
  // Made here and not by SQLite, which would let others read it; its companion files follow its permissions.
  if (missing) (void)TRY(env_.disk->open(options_.path, OpenMode::kCreateNew, 0600));
  writer_ = TRY(open_writer(options_.path));
  if (!TRY(is_blank(*writer_))) return {};
  if (logged) return damaged("the keystore " + options_.path + " is empty");
  return make_file();
}

Status SqliteKeystore::make_file() {
  Meta meta;
  meta.server = options_.server;
  meta.created = env_.clock->wall_now();
  TRY(create_database(*writer_, *ring_.now()->begin()->second, layouts_, meta, log_.chain_hash()));
  return env_.disk->sync_directory(parent_directory(options_.path));
}

Result<State> SqliteKeystore::load_state() {
  const KeyView keys(ring_);
  const Meta meta = TRY(read_meta(*writer_, keys));
  version_ = meta.key;
  if (meta.server != options_.server) {
    return fail(ErrorCode::kConflict, "the keystore belongs to server " + meta.server.text(), "server",
                "start the server with that id");
  }
  State state = TRY(read_state(*writer_, keys));
  TRY(reconcile(state, log_));
  return state;
}

Status SqliteKeystore::bring_up_to_date(State& state) {
  const KeyView keys(ring_);
  const Migration migration = TRY(plan_migration(*writer_, keys, layouts_));
  if (migration.statements.empty()) return {};
  TRY(migrate(*writer_, keys, *keys.find(version_), migration, state, log_.chain_hash()));
  return log_.append(state.mark, state.records);
}

Status SqliteKeystore::check_rows(const State& state) {
  RowAccess rows = access(*writer_);
  TRY(writer_->execute("BEGIN"));
  auto faults = rows_in(state) <= options_.verify_at_open_limit ? verify_database(rows, log_)
                                                                : verify_latest(rows, log_);
  TRY(writer_->execute("ROLLBACK"));
  if (!faults && faults.error().code == ErrorCode::kUnsupported) return {};
  if (!faults) return std::unexpected(std::move(faults.error()));
  if (!faults->empty()) return damaged("the keystore is damaged: " + describe(*faults));
  return {};
}

void SqliteKeystore::submit(Work work, Completion completion) {
  queue_->submit(std::move(work), std::move(completion), WriteQueue::Delivery::kPosted);
}

void SqliteKeystore::submit_direct(Work work, Completion completion) {
  queue_->submit(std::move(work), std::move(completion), WriteQueue::Delivery::kDirect);
}

void SqliteKeystore::submit_ungated(Work work, Completion completion) {
  queue_->submit(std::move(work), std::move(completion), WriteQueue::Delivery::kUngated);
}

Keystore::Announcement SqliteKeystore::announce() {
  return WriteQueue::announce(queue_);
}

namespace {
// A result handed from the thread that commits to the one that waits.
struct Waiter {
  Mutex mutex;
  CondVar set;
  std::optional<Result<CommitInfo>> result TW_GUARDED_BY(mutex);
};
}  // namespace

Result<CommitInfo> SqliteKeystore::write(Work work) {
  // Shared: the committing thread may still be inside notify when the waiting one has gone on.
  const auto waiter = std::make_shared<Waiter>();
  const auto done = [waiter](Result<CommitInfo> result) {
    {
      const MutexLock lock(waiter->mutex);
      waiter->result = std::move(result);
    }
    waiter->set.notify_one();
  };
  queue_->submit(std::move(work), done, WriteQueue::Delivery::kDirect);
  const MutexLock lock(waiter->mutex);
  while (!waiter->result) waiter->set.wait(waiter->mutex);
  return std::move(*waiter->result);
}

Status SqliteKeystore::read(const std::function<Status(Reader&)>& work) {
  return read_rows(
      [&](RowAccess& rows, const ReaderPool::Lease& lease) -> Status {
        rows.set_seen(lease.seen);
        ReadSession session(std::move(rows));
        return work(session);
      },
      ReaderPool::Snapshot::kKept);
}

Result<std::optional<CommitMark>> SqliteKeystore::mark_of(std::uint64_t sequence) {
  const CommitMark newest = head();
  if (sequence == newest.sequence) return std::optional(newest);
  std::optional<CommitMark> found;
  if (sequence > newest.sequence) return found;
  // The error ends the replay once the commit has come by.
  const Status replayed = log_.replay(sequence, [&](const LoggedCommit& commit) -> Status {
    if (commit.mark.sequence == sequence) found = commit.mark;
    return fail(ErrorCode::kExhausted, "found");
  });
  if (!replayed && replayed.error().code != ErrorCode::kExhausted) return std::unexpected(replayed.error());
  return found;
}

Result<ExportedChanges> SqliteKeystore::export_changes(const ExportRequest& request, ChangeSealer& sealer) {
  ExportedChanges changes;
  // Only what is acknowledged may go to the peer: a later commit may be durable here, but not yet in the log.
  const std::uint64_t acknowledged = head().sequence;
  TRY(read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    changes = TRY(export_rows(rows, options_.server, request, acknowledged, sealer));
    if (!request.look) return {};
    ReadSession session(rows);
    return request.look(session);
  }));
  return changes;
}

Result<ApplyReport> SqliteKeystore::apply_changes(Transaction& transaction,
                                                  std::span<const RowChange> changes,
                                                  const ChangeSource& source, ChangeSealer& sealer) {
  auto* session = dynamic_cast<WriteSession*>(&transaction);
  TW_ASSERT(session != nullptr);
  return apply_rows(*session, changes, source, sealer);
}

Status SqliteKeystore::snapshot(std::uint64_t after, ChangeSealer& sealer, SnapshotSink& sink) {
  return read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    return read_snapshot(rows, after, sealer, sink);
  });
}

Result<bool> SqliteKeystore::content_changed(std::uint64_t after) {
  bool changed = false;
  TRY(read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    changed = TRY(store::content_changed(rows, after));
    return {};
  }));
  return changed;
}

Result<RowPrints> SqliteKeystore::prints(const PrintRequest& request) {
  RowPrints out;
  TRY(read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    out = TRY(print_rows(rows, request));
    return {};
  }));
  return out;
}

std::vector<std::string> SqliteKeystore::replicated_tables() const {
  std::vector<std::string> out;
  for (const Layout& layout : layouts_.all()) {
    if (layout.spec.replicated) out.push_back(layout.name);
  }
  return out;
}

Result<std::vector<Fault>> SqliteKeystore::verify() {
  std::vector<Fault> faults;
  TRY(read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    faults = TRY(verify_database(rows, log_));
    return {};
  }));
  return faults;
}

Result<std::vector<Fault>> SqliteKeystore::verify_log() {
  const std::uint64_t last = head().sequence;
  std::optional<HeadKeys> heads;
  TRY(read_rows([&](RowAccess& rows, const ReaderPool::Lease&) -> Status {
    heads = TRY(HeadKeys::read(rows));
    return {};
  }));
  return store::verify_log(*heads, log_, last);
}

Status SqliteKeystore::copy_to(const std::string& path) {
  // VACUUM INTO fills an empty file and keeps its permissions.
  const auto copy = TRY(env_.disk->open(path, OpenMode::kCreateNew, 0600));
  // VACUUM cannot run inside a transaction: it takes its own snapshot.
  const auto connection = TRY(open_reader(options_.path));
  TRY(connection->execute("PRAGMA query_only = OFF"));
  sqlite::Statement statement = TRY(connection->prepare("VACUUM INTO ?1"));
  statement.bind_text(1, path);
  TRY(statement.run());
  TRY(copy->sync());
  return env_.disk->sync_directory(parent_directory(path));
}

}  // namespace tapewarden::store
