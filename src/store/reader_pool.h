// Connections for reading, made when needed and kept. Thread-safe. A lease is one consistent snapshot.
//
// Invariants
//  P1 A lease sees every commit that was acknowledged before it was taken, and no fewer than any lease that
//     ended before.
//  P2 A connection that nobody uses may keep its snapshot for whoever comes next. It is used again only while
//     no commit has begun since that may be visible, and not once let_go() was called after it was taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "store/row_memory.h"
#include "store/sqlite/connection.h"

namespace tapewarden::store {

inline constexpr std::size_t kReaderLimit = 16;  // reads side by side; further ones wait

class ReaderPool {
 public:
  // A connection with what is known of its snapshot.
  struct Lease {
    std::unique_ptr<sqlite::Connection> connection;
    // The snapshot is of this commit or of a later one, as RowMemory::head() means it. Nothing: there is no
    // snapshot, or the pool follows no memory.
    std::optional<std::uint64_t> seen;
    std::uint64_t generation = 0;  // calls of let_go() before the snapshot was taken
  };

  // kKept: as P2 has it. kNew: also what another connection than this keystore's committed is seen.
  enum class Snapshot : std::uint8_t { kKept, kNew };

  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  // Where the newest commit's number is found; before the first run(). It must outlive the pool's use.
  void follow(const RowMemory& memory) { memory_ = &memory; }

  // Runs work(lease) within a read transaction on the calling thread.
  template <typename Work>
  Status run(Snapshot snapshot, const Work& work) {
    Loan loan(*this, TRY(take(snapshot)));
    if (!loan.lease.seen) TRY(begin(loan.lease));
    const Status status = work(std::as_const(loan.lease));
    loan.keep = status.has_value();
    return status;
  }

  // Ends the snapshots that connections keep which nobody uses, and waits until those of the others have
  // ended with their reads; for each read once, and no longer than `limit`: a backup's goes on for minutes.
  // True: no snapshot is older than the call.
  bool let_go(std::chrono::milliseconds limit) TW_EXCLUDES(mutex_);

 private:
  // Gives the connection back on every way out.
  struct Loan {
    Loan(ReaderPool& from, Lease what) : pool(from), lease(std::move(what)) {}
    ~Loan() { pool.give_back(std::move(lease), keep); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    ReaderPool& pool;
    Lease lease;
    bool keep = false;  // with its snapshot
  };

  // A connection for a read that is counted from here on; with a snapshot only where that is to be used.
  Result<Lease> take(Snapshot snapshot) TW_EXCLUDES(mutex_);
  // Makes `lease` one of a read that begins now.
  void count(Snapshot snapshot, Lease& lease) TW_REQUIRES(mutex_);
  void give_back(Lease lease, bool keep) TW_EXCLUDES(mutex_);
  Status begin(Lease& lease) const;
  // Whether a read that begins now may use the lease's snapshot.
  bool is_newest(const Lease& lease) const TW_REQUIRES(mutex_);
  // False: the connection is of no more use.
  static bool end(Lease& lease);

  const std::string path_;
  const RowMemory* memory_ = nullptr;
  Mutex mutex_;
  CondVar returned_;
  std::vector<Lease> idle_ TW_GUARDED_BY(mutex_);
  std::size_t made_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t generation_ TW_GUARDED_BY(mutex_) = 0;
  std::size_t running_ TW_GUARDED_BY(mutex_) = 0;    // reads of this generation
  std::size_t older_ TW_GUARDED_BY(mutex_) = 0;      // of earlier ones, for which let_go() waits
  std::size_t outlasted_ TW_GUARDED_BY(mutex_) = 0;  // of those before `waited_for_`, for which it waited
  std::uint64_t waited_for_ TW_GUARDED_BY(mutex_) = 0;
  CondVar older_ended_;
};

}  // namespace tapewarden::store
