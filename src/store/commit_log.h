// The record beside the database that holds each commit's head and its audit records, synced apart from the
// database (K13, K16). audit/AuditFile implements it; tests may use a fake. One writer thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"

namespace tapewarden::store {

// The chained head after a commit: head(n) = HMAC(head key, head(n-1) || n || digest of the commit's changes
// || chain hash of the log before this commit's records).
struct CommitMark {
  std::uint64_t sequence = 0;
  Hash256 head{};
  bool operator==(const CommitMark&) const = default;
};

class CommitLog {
 public:
  virtual ~CommitLog() = default;
  // Appends the records (one JSON object each, without line end), then the mark, and syncs. After an error
  // nothing more may be appended: the caller must stop serving.
  virtual Status append(const CommitMark& mark, std::span<const std::string> records) = 0;
  // The last complete mark; empty when the log is new.
  virtual std::optional<CommitMark> last_mark() const = 0;
  // The chain hash over everything appended so far.
  virtual Hash256 chain_hash() const = 0;
};

}  // namespace tapewarden::store
