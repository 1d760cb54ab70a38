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
  change.commit = static_cast<std::uint64_t>(stored.head.commit);
  for (std::size_t i = 0; i < change.row.size(); ++i) {
    const ColumnRole role = layout.spec.columns[i].role;
    if (role == ColumnRole::kLocal) change.row[i] = Value();
    if (role == ColumnRole::kSecret) {
      change.row[i] = TRY(reseal_for_peer(access, layout, stored.row, i, sealer));
    }
  }
  return change;
}

// Whose rows are wanted.
struct Wanted {
  const Uuid& server;
  bool every_origin;
};

// Up to `limit` rows of one table within (after, last].
Status collect(RowAccess& access, const Layout& layout, const Wanted& wanted, std::uint64_t after,
               std::uint64_t last, std::int64_t limit, std::vector<Candidate>& out) {
  sqlite::Statement* statement =
      TRY(access.connection().cached((wanted.every_origin ? "commit any " : "commit ") + layout.name, [&] {
        return wanted.every_origin ? layout.commit_any_sql : layout.commit_sql;
      }));
  const sqlite::Use use(*statement);
  use->bind_blob(1, wanted.server.view());
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

// By commit; within one, tables that stand later in the keystore go first, so that of a commit cut into
// several messages a key's tombstone comes before the key that it destroys.
void put_in_order(std::vector<Candidate>& candidates) {
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    if (commit_of(a) != commit_of(b)) return commit_of(a) < commit_of(b);
    return a.layout->position > b.layout->position;
  });
}

// Candidates of whole commits only; moves `through` down to the last commit that is complete.
Result<std::vector<Candidate>> collect_all(RowAccess& access, const Wanted& wanted, std::uint64_t after,
                                           std::size_t limit, std::uint64_t& through) {
  std::vector<Candidate> all;
  for (const Layout& layout : access.layouts().all()) {
    if (!layout.spec.replicated) continue;
    const std::size_t start = all.size();
    TRY(collect(access, layout, wanted, after, through, static_cast<std::int64_t>(limit) + 1, all));
    // The table holds more: its last commit here may be cut in the middle.
    if (all.size() - start > limit) through = std::min(through, commit_of(all.back()) - 1);
  }
  std::erase_if(all, [&](const Candidate& c) { return commit_of(c) > through; });
  put_in_order(all);
  if (all.size() > limit) {
    through = commit_of(all[limit]) - 1;
    std::erase_if(all, [&](const Candidate& c) { return commit_of(c) > through; });
  }
  return all;
}

// The whole of the one commit after `after`, for a commit with more rows than the limit.
Result<std::vector<Candidate>> collect_commit(RowAccess& access, const Wanted& wanted, std::uint64_t commit) {
  std::vector<Candidate> all;
  for (const Layout& layout : access.layouts().all()) {
    if (!layout.spec.replicated) continue;
    TRY(collect(access, layout, wanted, commit - 1, commit, std::numeric_limits<std::int64_t>::max(), all));
  }
  put_in_order(all);
  return all;
}

}  // namespace

Result<ExportedChanges> export_rows(RowAccess& access, const Uuid& server, const ExportRequest& request,
                                    std::uint64_t last, ChangeSealer& sealer) {
  ExportedChanges changes;
  changes.through = last;
  if (request.after >= last) return changes;
  const Wanted wanted{server, request.every_origin};
  const std::size_t limit = std::max<std::size_t>(request.limit, 1);
  auto candidates = TRY(collect_all(access, wanted, request.after, limit, changes.through));
  if (candidates.empty() && changes.through < last) {
    // The first commit with changes is just after `through`.
    ++changes.through;
    candidates = TRY(collect_commit(access, wanted, changes.through));
  }
  for (const Candidate& candidate : candidates) {
    changes.rows.push_back(TRY(change_of(access, *candidate.layout, candidate.stored, sealer)));
  }
  return changes;
}

}  // namespace tapewarden::store
