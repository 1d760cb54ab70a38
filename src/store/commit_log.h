// The record beside the database that holds each commit's head and its audit records, synced apart from the
// database (K13, K16). audit/AuditFile implements it; tests may use a fake. One writer thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::store {

// The chained head after a commit: head(n) = HMAC(head key, head(n-1) || n || digest of the commit's changes
// || chain hash of the log before this commit's records).
struct CommitMark {
  std::uint64_t sequence = 0;
  Hash256 head{};
  bool operator==(const CommitMark&) const = default;
};

// One commit as the log holds it.
struct LoggedCommit {
  CommitMark mark;
  Hash256 chain_before{};  // chain_hash() before its records
  std::vector<std::string> records;
};

class CommitLog {
 public:
  virtual ~CommitLog() = default;
  // An error when nothing more may be appended: asked before the database commits, which must not get ahead
  // of a log that has stopped.
  virtual Status ready() const { return {}; }
  // Appends the records (one JSON object each, without line end), then the mark, and syncs. After an error
  // nothing more may be appended: the caller must stop serving.
  virtual Status append(const CommitMark& mark, std::span<const std::string> records) = 0;
  // Appends records that belong to no commit, because nothing but the record changed (a refusal, a key read),
  // and syncs. As append() otherwise. A log that knows no such records repeats its last mark.
  virtual Status note(std::span<const std::string> records) {
    return append(last_mark().value_or(CommitMark{}), records);
  }
  // Gives each commit from `from` on, in order, to `visit`, up to the last one that was durable when replay()
  // began; ends early with the error that `visit` returns. Any thread. kCorrupt naming the damaged place;
  // kUnsupported when the log cannot be read back.
  virtual Status replay(std::uint64_t /*from*/, const std::function<Status(const LoggedCommit&)>& /*visit*/) {
    return fail(ErrorCode::kUnsupported, "this commit log cannot be read back");
  }
  // The last complete mark; empty when the log is new.
  virtual std::optional<CommitMark> last_mark() const = 0;
  // The chain hash over everything appended so far.
  virtual Hash256 chain_hash() const = 0;
};

}  // namespace tapewarden::store
