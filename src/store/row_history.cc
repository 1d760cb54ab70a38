#include "store/row_history.h"

#include <charconv>
#include <functional>
#include <unordered_set>

#include "store/change_lines.h"

namespace tapewarden::store {

namespace {

std::uint64_t number_of(std::string_view hex) {
  std::uint64_t number = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
  return number;
}

// Calls each(row) for every row of `table` that the log names, in order, up to commit `last`.
template <typename Each>
Status for_each_row(CommitLog& log, const std::string& table, std::uint64_t last, const Each& each) {
  return log.replay(1, [&](const LoggedCommit& commit) -> Status {
    if (commit.mark.sequence > last) return {};
    for (const std::string& record : commit.records) {
      for (const LoggedRow& row : TRY(logged_rows(record))) {
        if (row.table == table) each(row);
      }
    }
    return {};
  });
}

}  // namespace

void report(std::vector<Fault>& faults, Fault fault) {
  if (faults.size() < kFaultLimit) faults.push_back(std::move(fault));
}

RowHistory::Hash RowHistory::hash_of(std::string_view key) {
  return std::hash<std::string_view>()(key);
}

Result<RowHistory> RowHistory::replay(CommitLog& log, std::string table, std::uint64_t last) {
  RowHistory history(std::move(table), last);
  TRY(for_each_row(log, history.table_, last, [&](const LoggedRow& row) {
    history.known_[hash_of(row.key)] = {row.version, number_of(row.mac)};
  }));
  return history;
}

void RowHistory::compare(const std::string& key, const RowHead& head, std::vector<Fault>& faults) {
  const auto found = known_.find(hash_of(key));
  if (found == known_.end()) {
    report(faults, {table_, key, "added"});
    return;
  }
  if (head.version < found->second.version) {
    report(faults, {table_, key, "rolled back"});
  } else if (number_of(mac_prefix(head.mac)) != found->second.mac) {
    report(faults, {table_, key, "changed"});
  }
  known_.erase(found);
}

Status RowHistory::report_missing(CommitLog& log, std::vector<Fault>& faults) const {
  if (known_.empty()) return {};
  std::unordered_set<Hash> named;
  for (const Fault& fault : faults) named.insert(hash_of(fault.key));
  return for_each_row(log, table_, last_, [&](const LoggedRow& row) {
    const Hash hash = hash_of(row.key);
    if (known_.contains(hash) && named.insert(hash).second) report(faults, {table_, row.key, "missing"});
  });
}

}  // namespace tapewarden::store
