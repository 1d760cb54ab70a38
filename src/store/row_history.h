// What the commit log says about the rows of one table: the version and the MAC that each should have. Keys
// are kept as hashes, so that a table of ten million rows fits in memory. Not thread-safe.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "store/keystore.h"
#include "store/row_codec.h"

namespace tapewarden::store {

inline constexpr std::size_t kFaultLimit = 100;  // more are not listed

// Adds a fault unless there are enough.
void report(std::vector<Fault>& faults, Fault fault);

class RowHistory {
 public:
  // Replays the log up to commit `last`.
  static Result<RowHistory> replay(CommitLog& log, std::string table, std::uint64_t last);

  // Compares a stored row with the log and reports it when they differ. Each row once.
  void compare(const std::string& key, const RowHead& head, std::vector<Fault>& faults);
  // Reports the rows that were not compared, replaying the log once more for their names.
  Status report_missing(CommitLog& log, std::vector<Fault>& faults) const;

 private:
  struct Known {
    std::int64_t version = 0;
    std::uint64_t mac = 0;  // its first eight bytes
  };
  using Hash = std::uint64_t;

  RowHistory(std::string table, std::uint64_t last) : table_(std::move(table)), last_(last) {}
  static Hash hash_of(std::string_view key);

  std::string table_;
  std::uint64_t last_;
  std::unordered_map<Hash, Known> known_;
};

}  // namespace tapewarden::store
