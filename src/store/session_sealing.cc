// How a writing session seals: what it writes is under one version of the master key (W4 of session.h).
#include <algorithm>

#include "base/assert.h"
#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

bool holds_secret(const Value& value) {
  const Bytes* box = std::get_if<Bytes>(&value);
  return box != nullptr && !box->empty();
}

Bytes WriteSession::seal(const TableSpec& table, std::span<const Value> key, std::string_view column,
                         const crypto::SecretBytes& secret) {
  const auto layout = access_.layouts().find(table);
  TW_ASSERT(layout.has_value());
  const auto& columns = (*layout)->spec.columns;
  TW_ASSERT(std::ranges::any_of(
      columns, [&](const Column& c) { return c.name == column && c.role == ColumnRole::kSecret; }));
  return writes_under().seal(secret_place((*layout)->spec, key, column), secret, random_);
}

const Vault& WriteSession::writes_under() const {
  const Vault* vault = access_.keys().find(version_);
  TW_ASSERT(vault != nullptr);
  return *vault;
}

Status WriteSession::renew_boxes(const Layout& layout, Row& row) {
  const auto& columns = layout.spec.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role != ColumnRole::kSecret || !holds_secret(row[i])) continue;
    const Bytes& box = std::get<Bytes>(row[i]);
    if (version_of_box(box) == version_) continue;
    const Bytes place = secret_place(layout.spec, key_of(layout.spec, row), columns[i].name);
    const auto secret = access_.open_box(place, box);
    if (!secret) return damaged_row(layout, row, "changed");
    row[i] = writes_under().seal(place, *secret, random_);
  }
  return {};
}

Result<bool> WriteSession::reseal(const Layout& layout, std::span<const Value> key) {
  const std::optional<StoredRow> before = TRY(find(layout, key));
  if (!before || before->head.key == version_) return false;
  StoredRow after = *before;
  TRY(renew_boxes(layout, after.row));
  // Columns that are younger than the row stay out of it.
  for (auto i = static_cast<std::size_t>(after.head.columns); i < after.row.size(); ++i)
    after.row[i] = Value();
  after.head.key = version_;
  after.head.mac = writes_under().row_mac(canonical_row(layout.spec, after.head, after.row));
  keep_former(layout, before, after.row);
  if (layout.spec.remembered) access_.set_seen({});
  sqlite::Statement* statement =
      TRY(access_.connection().cached("reseal " + layout.name, [&] { return layout.reseal_sql; }));
  const Bytes mac = stored_mac(after.head.key, after.head.mac);
  const sqlite::Use use(*statement);
  use->bind_blob(6, mac);
  for (std::size_t i = 0; i < after.row.size(); ++i) {
    const ColumnRole role = layout.spec.columns[i].role;
    if (role != ColumnRole::kKey && role != ColumnRole::kSecret) continue;
    bind_value(*use, static_cast<int>(i) + kHiddenColumns + 1, after.row[i]);
  }
  TRY(use->run());
  changes_.push_back({layout.position, printable_key(key), before->head, after.head, false, true});
  rows_.forget(GroupRows::place(layout, key));
  return true;
}

Status WriteSession::begin_version(KeyVersion version) {
  TW_ASSERT(access_.keys().find(version) != nullptr);
  version_ = version;
  notes_changed_ = true;
  return rewrite_notes(access_.connection(), access_.keys(), writes_under());
}

}  // namespace tapewarden::store
