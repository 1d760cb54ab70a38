#include "store/reader_pool.h"

#include <utility>

#include "store/database.h"

namespace tapewarden::store {

namespace {
Status run_kept(sqlite::Connection& connection, const char* sql) {
  sqlite::Statement* statement = TRY(connection.cached(sql, [&] { return std::string(sql); }));
  const sqlite::Use use(*statement);
  return use->run();
}
}  // namespace

Result<ReaderPool::Lease> ReaderPool::take(Snapshot snapshot) {
  {
    const MutexLock lock(mutex_);
    while (idle_.empty() && made_ >= kReaderLimit) returned_.wait(mutex_);
    if (!idle_.empty()) {
      Lease lease = std::move(idle_.back());
      idle_.pop_back();
      count(snapshot, lease);
      return lease;
    }
    ++made_;
  }
  auto connection = open_reader(path_);
  const MutexLock lock(mutex_);
  if (connection) {
    Lease lease{*std::move(connection), {}, 0};
    count(snapshot, lease);
    return lease;
  }
  --made_;
  returned_.notify_one();
  return std::unexpected(std::move(connection).error());
}

bool ReaderPool::is_newest(const Lease& lease) const {
  return lease.seen && lease.generation == generation_ && memory_->is_newest(*lease.seen) &&
         lease.connection->in_transaction();
}

void ReaderPool::count(Snapshot snapshot, Lease& lease) {
  ++running_;
  if (snapshot == Snapshot::kNew || !is_newest(lease)) lease.seen.reset();
  lease.generation = generation_;
}

Status ReaderPool::begin(Lease& lease) const {
  if (!end(lease)) return fail(ErrorCode::kIo, "an earlier read of the keystore could not be ended");
  TRY(run_kept(*lease.connection, "BEGIN"));
  if (memory_ == nullptr) return {};
  const std::uint64_t head = memory_->head();
  // Any question to the database takes the snapshot; this one reads no table.
  TRY(run_kept(*lease.connection, "PRAGMA data_version"));
  lease.seen = head;
  return {};
}

bool ReaderPool::end(Lease& lease) {
  lease.seen.reset();
  return !lease.connection->in_transaction() || run_kept(*lease.connection, "ROLLBACK").has_value();
}

void ReaderPool::give_back(Lease lease, bool keep) {
  {
    const MutexLock lock(mutex_);
    keep = keep && is_newest(lease);
    if (keep) {
      --running_;
      idle_.push_back(std::move(lease));
    }
  }
  if (!keep) {
    const bool sound = end(lease);
    const MutexLock lock(mutex_);
    if (lease.generation == generation_) {
      --running_;
    } else if (lease.generation < waited_for_) {
      --outlasted_;
    } else if (--older_ == 0) {
      older_ended_.notify_all();
    }
    if (sound) {
      idle_.push_back(std::move(lease));
    } else {
      --made_;
    }
  }
  returned_.notify_one();
}

bool ReaderPool::let_go(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(mutex_);
  ++generation_;
  older_ += std::exchange(running_, 0);
  std::vector<Lease> sound;
  for (Lease& lease : idle_) {
    if (end(lease)) {
      sound.push_back(std::move(lease));
    } else {
      --made_;
    }
  }
  idle_ = std::move(sound);
  while (older_ > 0) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) break;
    older_ended_.wait_for(mutex_, until - now);
  }
  outlasted_ += std::exchange(older_, 0);
  waited_for_ = generation_;
  return outlasted_ == 0;
}

}  // namespace tapewarden::store
