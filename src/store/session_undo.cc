// How a work that fails is undone within its group (W2 and W5 of session.h).
#include <ranges>

#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {
namespace {

// The row as it stood in the database: verify() gave columns that are younger than it their default values,
// and boxes of the form without versions a version.
StoredRow as_written(const Layout& layout, StoredRow stored) {
  const auto written = static_cast<std::size_t>(stored.head.columns);
  for (std::size_t i = 0; i < stored.row.size(); ++i) {
    if (i >= written) {
      stored.row[i] = Value();
    } else if (stored.head.key == kFormWithoutVersion && layout.spec.columns[i].role == ColumnRole::kSecret &&
               holds_secret(stored.row[i])) {
      stored.row[i] = without_version(std::get<Bytes>(stored.row[i]));
    }
  }
  return stored;
}

}  // namespace

void WriteSession::keep_former(const Layout& layout, const std::optional<StoredRow>& before, const Row& row) {
  if (undo_ == Undo::kGroup) return;
  formers_.push_back({&layout, before ? Row() : key_of(layout.spec, row), before});
}

Status WriteSession::put_back(const Former& former) {
  const Layout& layout = *former.layout;
  if (former.row) {
    const StoredRow stored = as_written(layout, *former.row);
    return write_whole(layout, true, stored.head, stored.row);
  }
  sqlite::Statement* statement =
      TRY(access_.connection().cached("delete " + layout.name, [&] { return layout.delete_sql; }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < former.key.size(); ++i)
    bind_value(*use, static_cast<int>(layout.key_columns[i]) + kHiddenColumns + 1, former.key[i]);
  return use->run();
}

Status WriteSession::undo_changes() {
  sqlite::Connection& connection = access_.connection();
  if (undo_ == Undo::kGroup || !connection.in_transaction()) return {};
  Status status;
  for (const Former& former : formers_ | std::views::reverse) {
    if (status) status = put_back(former);
  }
  if (status && notes_changed_) status = rewrite_notes(connection, access_.keys(), writes_under());
  formers_.clear();
  if (!status && connection.in_transaction()) (void)connection.execute("ROLLBACK");
  return status;
}

}  // namespace tapewarden::store
