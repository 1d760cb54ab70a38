#include "keymgr/conflicts.h"

#include <algorithm>

#include "crypto/hash.h"
#include "keymgr/audit_note.h"
#include "keymgr/limits.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

// The same for both servers, whichever of them finds the conflict.
Uuid id_of(const store::RowConflict& conflict) {
  ByteWriter out;
  out.bytes16(as_bytes(conflict.table)).bytes16(as_bytes(conflict.key));
  for (const auto* side : {&conflict.high, &conflict.low}) {
    out.u64(static_cast<std::uint64_t>(side->version)).bytes(side->origin.view());
  }
  const Hash256 hash = crypto::sha256(out.view());
  return Uuid::from(ByteView(hash).first(16));
}

ConflictVersion version_of(const store::RowConflict::Version& version) {
  return {version.version, version.origin, version.content};
}

}  // namespace

Status Conflicts::record(store::Transaction& transaction,
                         std::span<const store::RowConflict> conflicts) const {
  if (conflicts.empty()) return {};
  std::int64_t open = TRY(open_count(transaction));
  for (const auto& conflict : conflicts) {
    if (conflict.table == kConflictTable.name) continue;
    const Uuid id = id_of(conflict);
    note(transaction, context_,
         {.type = AuditType::kDataSynchronization,
          .action = "conflict.found",
          .actor = Actor::system(),
          .success = false,
          .fields = {{"conflict", id.text()},
                     {"table", conflict.table},
                     {"key", conflict.key},
                     {"kept", conflict.kept_high ? "the later one" : "both, merged"}}});
    if (open >= static_cast<std::int64_t>(kMaximumConflicts)) continue;
    if (TRY(transaction.get(kConflictTable, {to_bytes(id.view())}))) continue;
    ConflictRow row;
    row.id = id;
    row.table = conflict.table;
    row.key = conflict.key;
    row.high = version_of(conflict.high);
    row.low = version_of(conflict.low);
    row.outcome = conflict.kept_high ? ConflictOutcome::kOneKept : ConflictOutcome::kMerged;
    row.found = context_.now();
    row.found_by = context_.server;
    TRY(transaction.put(kConflictTable, row.to_row()));
    ++open;
  }
  return {};
}

Result<Page<ConflictRow>> Conflicts::list(store::Reader& reader, bool acknowledged,
                                          const PageRequest& page) const {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  // The page's mark is the id of the last row shown.
  std::int64_t found = 0;
  Bytes id;
  if (!page.after.empty()) {
    const Uuid last = TRY(Uuid::parse(page.after));
    id = to_bytes(last.view());
    const auto row = TRY(reader.get(kConflictTable, {id}));
    if (!row) return fail(ErrorCode::kInvalidArgument, "this is no place in an answer", "after");
    found = to_millis(ConflictRow::from_row(*row).found);
  }
  const auto rows = TRY(reader.query(
      kConflictTable,
      "(? <> 0 OR acknowledged = 0) AND (found > ? OR (found = ? AND id > ?)) ORDER BY found, id LIMIT ?",
      {std::int64_t{acknowledged ? 1 : 0}, found, found, id, limit}));
  Page<ConflictRow> out;
  for (const auto& row : rows) out.items.push_back(ConflictRow::from_row(row));
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit)) out.next = out.items.back().id.text();
  return out;
}

Result<ConflictRow> Conflicts::acknowledge(store::Transaction& transaction, const Actor& actor,
                                           const Uuid& id) const {
  const auto row = TRY(transaction.get(kConflictTable, {to_bytes(id.view())}));
  if (!row) return fail(ErrorCode::kNotFound, "there is no such conflict", "id", "list the conflicts");
  ConflictRow conflict = ConflictRow::from_row(*row);
  if (conflict.acknowledged != kNever) return conflict;
  conflict.acknowledged = context_.now();
  conflict.acknowledged_by = actor.name;
  TRY(transaction.put(kConflictTable, conflict.to_row()));
  note(transaction, context_,
       {.type = AuditType::kDataSynchronization,
        .action = "conflict.acknowledge",
        .actor = actor,
        .fields = {{"conflict", id.text()}, {"table", conflict.table}, {"key", conflict.key}}});
  return conflict;
}

Result<std::int64_t> Conflicts::open_count(store::Reader& reader) const {
  return reader.aggregate(kConflictTable, "COUNT(*)", "acknowledged = 0", {});
}

}  // namespace tapewarden::keymgr
