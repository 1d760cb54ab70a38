#include "store/replication.h"

#include <algorithm>
#include <limits>

namespace tapewarden::store {

namespace {

struct Candidate {
  const Layout* layout;
  StoredRow stored;
};

// Opens a sealed box of a stored row and seals it for the peer, or the other way round with `from_peer`.
Result<Value> reseal_for_peer(RowAccess& access, const Layout& layout, const Row& row, std::size_t column,
                              ChangeSealer& sealer) {
  const Bytes* box = std::get_if<Bytes>(&row[column]);
  if (box == nullptr || box->empty()) return row[column];
  const crypto::SecretBytes secret = TRY(access.unseal(layout.spec, row, column));
  const Bytes place = secret_place(layout.spec, key_of(layout.spec, row), layout.spec.columns[column].name);
  return Value(sealer.seal(place, secret));
}

Result<RowChange> change_of(RowAccess& access, const Layout& layout, const StoredRow& stored,
                            ChangeSealer& sealer) {
  RowChange change;
  change.table = layout.name;
  change.row = stored.row;
  change.version = stored.head.version;
  change.origin = stored.head.origin;
  change.erased = stored.head.erased;
  for (std::size_t i = 0; i < change.row.size(); ++i) {
    const ColumnRole role = layout.spec.columns[i].role;
    if (role == ColumnRole::kLocal) change.row[i] = Value();
    if (role == ColumnRole::kSecret) {
      change.row[i] = TRY(reseal_for_peer(access, layout, stored.row, i, sealer));
    }
  }
  return change;
}

// Up to `limit` rows of one table within (after, last].
Status collect(RowAccess& access, const Layout& layout, const Uuid& server, std::uint64_t after,
               std::uint64_t last, std::int64_t limit, std::vector<Candidate>& out) {
  sqlite::Statement* statement =
      TRY(access.connection().cached("commit " + layout.name, [&] { return layout.commit_sql; }));
  const sqlite::Use use(*statement);
  use->bind_blob(1, server.view());
  use->bind_integer(2, static_cast<std::int64_t>(after));
  use->bind_integer(3, static_cast<std::int64_t>(last));
  use->bind_integer(4, limit);
  while (TRY(use->step())) {
    StoredRow stored = TRY(take_row(layout, *use));
    TRY(access.verify(layout, stored));
    out.push_back({&layout, std::move(stored)});
  }
  return {};
}

std::uint64_t commit_of(const Candidate& candidate) {
  return static_cast<std::uint64_t>(candidate.stored.head.commit);
}

// Candidates of whole commits only; moves `through` down to the last commit that is complete.
Result<std::vector<Candidate>> collect_all(RowAccess& access, const Uuid& server, std::uint64_t after,
                                           std::size_t limit, std::uint64_t& through) {
  std::vector<Candidate> all;
  for (const Layout& layout : access.layouts().all()) {
    if (!layout.spec.replicated) continue;
    const std::size_t start = all.size();
    TRY(collect(access, layout, server, after, through, static_cast<std::int64_t>(limit) + 1, all));
    // The table holds more: its last commit here may be cut in the middle.
    if (all.size() - start > limit) through = std::min(through, commit_of(all.back()) - 1);
  }
  std::erase_if(all, [&](const Candidate& c) { return commit_of(c) > through; });
  std::ranges::sort(all, {}, commit_of);  // within a commit rows come in no order
  if (all.size() > limit) {
    through = commit_of(all[limit]) - 1;
    std::erase_if(all, [&](const Candidate& c) { return commit_of(c) > through; });
  }
  return all;
}

// The whole of the one commit after `after`, for a commit with more rows than the limit.
Result<std::vector<Candidate>> collect_commit(RowAccess& access, const Uuid& server, std::uint64_t commit) {
  std::vector<Candidate> all;
  for (const Layout& layout : access.layouts().all()) {
    if (!layout.spec.replicated) continue;
    TRY(collect(access, layout, server, commit - 1, commit, std::numeric_limits<std::int64_t>::max(), all));
  }
  return all;
}

}  // namespace

Result<std::vector<RowChange>> export_rows(RowAccess& access, const Uuid& server, std::uint64_t after,
                                           std::uint64_t last, std::size_t limit, ChangeSealer& sealer,
                                           std::uint64_t& through) {
  through = last;
  limit = std::max<std::size_t>(limit, 1);
  std::vector<RowChange> changes;
  if (after >= last) return changes;
  std::vector<Candidate> candidates = TRY(collect_all(access, server, after, limit, through));
  if (candidates.empty() && through < last) {
    // The first commit with changes is just after `through`.
    ++through;
    candidates = TRY(collect_commit(access, server, through));
  }
  for (const Candidate& candidate : candidates) {
    changes.push_back(TRY(change_of(access, *candidate.layout, candidate.stored, sealer)));
  }
  return changes;
}

namespace {

Status check_change(const Layout& layout, const RowChange& change) {
  const auto& columns = layout.spec.columns;
  if (!layout.spec.replicated) {
    return fail(ErrorCode::kInvalidArgument, "the peer sent a row of a table that stays on its server",
                layout.name);
  }
  if (change.row.size() != columns.size() || change.version < 1) {
    return fail(ErrorCode::kInvalidArgument, "the peer's row does not fit the table", layout.name,
                "run the same version of the program on both servers");
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool null = std::holds_alternative<std::monostate>(change.row[i]);
    const bool may_be_null = columns[i].role != ColumnRole::kKey;
    if (null ? may_be_null : has_type(change.row[i], columns[i].type)) continue;
    return fail(ErrorCode::kInvalidArgument, "the peer's row holds a value of another type",
                layout.name + "." + std::string(columns[i].name));
  }
  return {};
}

class Applier {
 public:
  Applier(WriteSession& session, ChangeSealer& sealer) : session_(session), sealer_(sealer) {}

  // False: a unique index refused the row for now.
  Result<bool> apply(const RowChange& change) {
    const Layout* layout = session_.access().layouts().find(change.table);
    if (layout == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "the peer sent a row of an unknown table", change.table,
                  "run the same version of the program on both servers");
    }
    TRY(check_change(*layout, change));
    const Row key = key_of(layout->spec, change.row);
    const auto before = TRY(session_.access().find(*layout, key));
    if (before && !wins(change, before->head)) {
      TRY(keep_here(*layout, *before, change));
      return true;
    }
    std::vector<RowChange> loser;
    if (before && before->head.version == change.version && !TRY(same(*layout, *before, change))) {
      loser.push_back(TRY(change_of(session_.access(), *layout, *before, sealer_)));
    }
    Row row = TRY(row_from(*layout, before, change));
    const RowHead head{change.version, change.origin, 0, change.erased, 0, {}};
    const Status stored = session_.store(*layout, before, head, std::move(row));
    if (!stored && stored.error().code == ErrorCode::kAlreadyExists) return false;
    TRY(Status(stored));
    std::ranges::move(loser, std::back_inserter(conflicts));
    return true;
  }

  std::vector<RowChange> conflicts;

 private:
  static bool wins(const RowChange& change, const RowHead& here) {
    return std::pair(change.version, change.origin) > std::pair(here.version, here.origin);
  }

  // A change of the same lineage that is merely older is no conflict.
  Status keep_here(const Layout& layout, const StoredRow& before, const RowChange& change) {
    if (before.head.origin == change.origin) return {};
    if (!TRY(same(layout, before, change))) conflicts.push_back(change);
    return {};
  }

  Result<crypto::SecretBytes> open(const Layout& layout, const RowChange& change, std::size_t column) {
    const Bytes place =
        secret_place(layout.spec, key_of(layout.spec, change.row), layout.spec.columns[column].name);
    return sealer_.open(place, std::get<Bytes>(change.row[column]));
  }

  static bool has_secret(const Value& value) {
    const Bytes* box = std::get_if<Bytes>(&value);
    return box != nullptr && !box->empty();
  }

  Result<bool> same(const Layout& layout, const StoredRow& here, const RowChange& change) {
    if (here.head.erased != change.erased) return false;
    for (std::size_t i = 0; i < here.row.size(); ++i) {
      const ColumnRole role = layout.spec.columns[i].role;
      if (role == ColumnRole::kLocal) continue;
      if (role != ColumnRole::kSecret || !has_secret(here.row[i]) || !has_secret(change.row[i])) {
        if (here.row[i] != change.row[i]) return false;
        continue;
      }
      const crypto::SecretBytes mine = TRY(session_.access().unseal(layout.spec, here.row, i));
      const crypto::SecretBytes theirs = TRY(open(layout, change, i));
      if (!(mine == theirs)) return false;
    }
    return true;
  }

  // The row to be stored: secrets sealed for this keystore, local columns kept.
  Result<Row> row_from(const Layout& layout, const std::optional<StoredRow>& before,
                       const RowChange& change) {
    Row row = change.row;
    const Row key = key_of(layout.spec, change.row);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Column& column = layout.spec.columns[i];
      const bool keeps_nothing = change.erased && column.role != ColumnRole::kKey;
      if (keeps_nothing) {
        row[i] = Value();
      } else if (column.role == ColumnRole::kLocal) {
        row[i] = before && !before->head.erased ? before->row[i] : default_value(column.type);
      } else if (column.role == ColumnRole::kSecret && has_secret(row[i])) {
        const crypto::SecretBytes secret = TRY(open(layout, change, i));
        row[i] = session_.seal(layout.spec, key, column.name, secret);
      }
    }
    return row;
  }

  WriteSession& session_;
  ChangeSealer& sealer_;
};

}  // namespace

Result<std::vector<RowChange>> apply_rows(WriteSession& session, std::span<const RowChange> changes,
                                          ChangeSealer& sealer) {
  Applier applier(session, sealer);
  // Within a commit rows come in no order: one that a unique index refuses may only wait for another to go.
  std::vector<const RowChange*> waiting;
  for (const RowChange& change : changes) {
    if (!TRY(applier.apply(change))) waiting.push_back(&change);
  }
  for (bool progress = true; progress && !waiting.empty();) {
    progress = false;
    std::vector<const RowChange*> still;
    for (const RowChange* change : waiting) {
      if (TRY(applier.apply(*change))) {
        progress = true;
      } else {
        still.push_back(change);
      }
    }
    waiting = std::move(still);
  }
  for (const RowChange* change : waiting) applier.conflicts.push_back(*change);
  return std::move(applier.conflicts);
}

}  // namespace tapewarden::store
