#include "store/verifier.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "store/change_lines.h"
#include "store/database.h"

namespace tapewarden::store {

namespace {

struct KnownRow {
  std::int64_t version = 0;
  std::string mac;
};
using KnownRows = std::unordered_map<std::string, KnownRow>;  // by printable key

void report(std::vector<Fault>& faults, Fault fault) {
  if (faults.size() < kFaultLimit) faults.push_back(std::move(fault));
}

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

// What the log says about rows that the commits `first` to `last` changed, by table. When `only` is not
// empty, other tables are left out.
Status collect_rows(CommitLog& log, std::uint64_t first, std::uint64_t last,
                    std::map<std::string, KnownRows>& tables, std::string_view only = {}) {
  return log.replay(first, [&](const LoggedCommit& commit) -> Status {
    if (commit.mark.sequence > last) return {};
    for (const std::string& record : commit.records) {
      for (LoggedRow& row : TRY(logged_rows(record))) {
        if (!only.empty() && row.table != only) continue;
        tables[row.table][row.key] = {row.version, std::move(row.mac)};
      }
    }
    return {};
  });
}

// Names the rows by which the table differs from the log.
Status name_rows(RowAccess& access, const Layout& layout, const KnownRows& known,
                 std::vector<Fault>& faults) {
  KnownRows left = known;
  std::vector<Fault> ignored;
  TRY(scan(access, layout, ignored, [&](const StoredRow& stored) {
    const std::string key = printable_key(key_of(layout.spec, stored.row));
    const auto found = left.find(key);
    if (found == left.end()) {
      report(faults, {layout.name, key, "added"});
      return;
    }
    if (stored.head.version < found->second.version) {
      report(faults, {layout.name, key, "rolled back"});
    } else if (mac_prefix(stored.head.mac) != found->second.mac) {
      report(faults, {layout.name, key, "changed"});
    }
    left.erase(found);
  }));
  for (const auto& [key, row] : left) {
    const bool named = std::ranges::any_of(faults, [&](const Fault& f) { return f.key == key; });
    if (!named) report(faults, {layout.name, key, "missing"});
  }
  return {};
}

Status check_table(RowAccess& access, const Layout& layout, const State& state, CommitLog& log,
                   std::vector<Fault>& faults) {
  const std::size_t before = faults.size();
  if (TRY(table_fits(access, layout, state, faults))) return {};
  std::map<std::string, KnownRows> known;
  if (collect_rows(log, 1, state.mark.sequence, known, layout.name)) {
    TRY(name_rows(access, layout, known[layout.name], faults));
  }
  if (faults.size() == before) {
    report(faults, {layout.name, "", "a row is missing, added or rolled back"});
  }
  return {};
}

// Looks one row of the log up in the database.
Status check_latest(RowAccess& access, const Layout& layout, const std::string& key, const KnownRow& known,
                    std::vector<Fault>& faults) {
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
  const auto meta = read_meta(access.connection(), access.vault());
  if (!meta) report(faults, {"tw_meta", "", meta.error().message});
  const auto plan = plan_migration(access.connection(), access.vault(), access.layouts());
  if (!plan) report(faults, {"tw_schema", "", plan.error().message});
  return {};
}

// An error that says that the database itself is damaged is a finding, not a failure of the check.
Status as_fault(Status status, const std::string& table, std::vector<Fault>& faults) {
  if (status || status.error().code != ErrorCode::kCorrupt) return status;
  report(faults, {table, "", "database page damaged: " + status.error().message});
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
  const auto state = read_state(access.connection(), access.vault());
  if (!state) {
    TRY(as_fault(std::unexpected(state.error()), "tw_state", faults));
    return faults;
  }
  for (const Layout& layout : access.layouts().all()) {
    TRY(as_fault(check_table(access, layout, *state, log, faults), layout.name, faults));
  }
  return faults;
}

Result<std::vector<Fault>> verify_latest(RowAccess& access, CommitLog& log, std::uint64_t commits) {
  std::vector<Fault> faults;
  const State state = TRY(read_state(access.connection(), access.vault()));
  const std::uint64_t last = state.mark.sequence;
  std::map<std::string, KnownRows> tables;
  TRY(collect_rows(log, last > commits ? last - commits + 1 : 1, last, tables));
  for (const auto& [table, known] : tables) {
    const Layout* layout = access.layouts().find(table);
    if (layout == nullptr) continue;
    for (const auto& [key, row] : known) TRY(check_latest(access, *layout, key, row, faults));
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
