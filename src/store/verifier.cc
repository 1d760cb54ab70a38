#include "store/verifier.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "store/change_lines.h"
#include "store/database.h"
#include "store/row_history.h"

namespace tapewarden::store {

namespace {

// Reads every row of a table; calls each(row) for those that verify.
template <typename Each>
Status scan(RowAccess& access, const Layout& layout, std::vector<Fault>& faults, const Each& each) {
  sqlite::Statement statement = TRY(access.connection().prepare(layout.scan_sql));
  while (TRY(statement.step())) {
    auto stored = take_row(layout, statement);
    Status verified = stored ? access.verify(layout, *stored) : Status(std::unexpected(stored.error()));
    if (verified) {
      each(*stored);
      continue;
    }
    const std::string key = stored ? printable_key(key_of(layout.spec, stored->row)) : std::string();
    report(faults, {layout.name, key, "changed"});
  }
  return {};
}

// True when sums and counts are those of the state.
Result<bool> table_fits(RowAccess& access, const Layout& layout, const State& state,
                        std::vector<Fault>& faults) {
  TableSum sum;
  TRY(scan(access, layout, faults, [&](const StoredRow& stored) {
    sum.macs.add(stored.head.mac);
    ++sum.rows;
    if (!stored.head.erased) ++sum.live;
  }));
  const auto expected = state.tables.find(layout.name);
  return expected != state.tables.end() && expected->second == sum;
}

// Names the rows by which the table differs from the log.
Status name_rows(RowAccess& access, const Layout& layout, CommitLog& log, RowHistory& history,
                 std::vector<Fault>& faults) {
  std::vector<Fault> named_before;
  TRY(scan(access, layout, named_before, [&](const StoredRow& stored) {
    history.compare(printable_key(key_of(layout.spec, stored.row)), stored.head, faults);
  }));
  return history.report_missing(log, faults);
}

Status check_table(RowAccess& access, const Layout& layout, const State& state, CommitLog& log,
                   std::vector<Fault>& faults) {
  const std::size_t before = faults.size();
  if (TRY(table_fits(access, layout, state, faults))) return {};
  if (auto history = RowHistory::replay(log, layout.name, state.mark.sequence)) {
    TRY(name_rows(access, layout, log, *history, faults));
  }
  if (faults.size() == before) {
    report(faults, {layout.name, "", "a row is missing, added or rolled back"});
  }
  return {};
}

// Looks one row of the log up in the database.
Status check_latest(RowAccess& access, const Layout& layout, const LoggedRow& known,
                    std::vector<Fault>& faults) {
  const std::string& key = known.key;
  const Row values = TRY(parse_printable_key(layout.spec, key));
  const auto stored = access.find(layout, values);
  if (!stored && stored.error().code != ErrorCode::kCorrupt) return std::unexpected(stored.error());
  if (!stored) {
    report(faults, {layout.name, key, "changed"});
  } else if (!*stored) {
    report(faults, {layout.name, key, "missing"});
  } else if ((*stored)->head.version < known.version) {
    report(faults, {layout.name, key, "rolled back"});
  } else if (mac_prefix((*stored)->head.mac) != known.mac) {
    report(faults, {layout.name, key, "changed"});
  }
  return {};
}

Status check_notes(RowAccess& access, std::vector<Fault>& faults) {
  const auto meta = read_meta(access.connection(), access.keys());
  if (!meta) report(faults, {"tw_meta", "", meta.error().message});
  const auto plan = plan_migration(access.connection(), access.keys(), access.layouts());
  if (!plan) report(faults, {"tw_schema", "", plan.error().message});
  return {};
}

// An error that says that the database itself is damaged is a finding, not a failure of the check.
Status as_fault(Status status, const std::string& table, std::vector<Fault>& faults) {
  if (status || status.error().code != ErrorCode::kCorrupt) return status;
  report(faults, {table, "", "damaged: " + status.error().message});
  return {};
}

Status check_pages(RowAccess& access, std::vector<Fault>& faults) {
  for (const std::string& line : TRY(check_integrity(access.connection()))) {
    report(faults, {"", "", "database page damaged: " + line});
  }
  return {};
}

}  // namespace

Result<std::vector<Fault>> verify_database(RowAccess& access, CommitLog& log) {
  std::vector<Fault> faults;
  TRY(as_fault(check_pages(access, faults), "", faults));
  TRY(as_fault(check_notes(access, faults), "tw_meta", faults));
  const auto state = read_state(access.connection(), access.keys());
  if (!state) {
    TRY(as_fault(std::unexpected(state.error()), "tw_state", faults));
    return faults;
  }
  for (const Layout& layout : access.layouts().all()) {
    TRY(as_fault(check_table(access, layout, *state, log, faults), layout.name, faults));
  }
  return faults;
}

namespace {

// The rows that the log names last, each once; older ones are forgotten beyond the limit.
class LatestRows {
 public:
  explicit LatestRows(std::size_t limit) : limit_(limit) {}

  Status take(const LoggedCommit& commit) {
    for (const std::string& record : commit.records) {
      for (LoggedRow& row : TRY(logged_rows(record))) rows_.push_back(std::move(row));
    }
    while (rows_.size() > limit_) rows_.pop_front();
    return {};
  }
  // Of several lines about one row the last.
  std::vector<LoggedRow> rows() const {
    std::map<std::string, LoggedRow> latest;
    for (const LoggedRow& row : rows_) latest[row.table + "/" + row.key] = row;
    std::vector<LoggedRow> out;
    for (auto& [name, row] : latest) out.push_back(std::move(row));
    return out;
  }

 private:
  std::size_t limit_;
  std::deque<LoggedRow> rows_;
};

}  // namespace

Result<std::vector<Fault>> verify_latest(RowAccess& access, CommitLog& log) {
  std::vector<Fault> faults;
  const State state = TRY(read_state(access.connection(), access.keys()));
  const std::uint64_t last = state.mark.sequence;
  LatestRows latest(kLatestRows);
  TRY(log.replay(last > kLatestCommits ? last - kLatestCommits + 1 : 1,
                 [&](const LoggedCommit& commit) { return latest.take(commit); }));
  for (const LoggedRow& row : latest.rows()) {
    const Layout* layout = access.layouts().find(row.table);
    if (layout != nullptr) TRY(check_latest(access, *layout, row, faults));
  }
  return faults;
}

Result<std::vector<Fault>> verify_log(const HeadKeys& heads, CommitLog& log, std::uint64_t last) {
  std::vector<Fault> faults;
  std::optional<Hash256> previous;
  std::uint64_t seen = 0;
  const Status replayed = log.replay(1, [&](const LoggedCommit& commit) -> Status {
    if (commit.mark.sequence > last) return {};
    seen = commit.mark.sequence;
    if (commit.mark.sequence == 1) previous = Hash256{};
    // Where the oldest files were taken away, the first head that is left is taken as it stands.
    const auto digest = State::digest_of(commit.records);
    const bool fits = !previous || heads.head(*previous, commit.mark.sequence, digest, commit.chain_before) ==
                                       commit.mark.head;
    if (!fits) report(faults, {"audit record", "commit " + std::to_string(commit.mark.sequence), "changed"});
    previous = commit.mark.head;
    return {};
  });
  TRY(as_fault(replayed, "audit record", faults));
  if (faults.empty() && seen != last) {
    report(faults, {"audit record", "commit " + std::to_string(seen + 1), "missing: the record was cut off"});
  }
  return faults;
}

std::string describe(const std::vector<Fault>& faults) {
  constexpr std::size_t kNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < faults.size() && i < kNamed; ++i) {
    if (i > 0) text += "; ";
    if (!faults[i].table.empty()) text += "table " + faults[i].table + " ";
    if (!faults[i].key.empty()) text += "row " + faults[i].key + ": ";
    text += faults[i].what;
  }
  if (faults.size() > kNamed) text += "; and " + std::to_string(faults.size() - kNamed) + " more";
  return text;
}

}  // namespace tapewarden::store
