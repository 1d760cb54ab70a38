// Two rows that meet, column by column, for the merge rules of merge_rules.h and of the folders above. What a
// rule makes with it is the same whichever row is here. One thread.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "keymgr/key_state.h"
#include "store/schema.h"

namespace tapewarden::keymgr {

// Columns of both rows by name, and the row that comes of them.
class RowMerge {
 public:
  RowMerge(const store::TableSpec& table, const store::RowOpinion& high, const store::RowOpinion& low)
      : table_(table), high_(high), low_(low), out_{high.row, store::Side::kHigh, false} {}

  std::int64_t high(std::string_view column) const {
    return store::integer(high_.row, place_of(table_, column));
  }
  std::int64_t low(std::string_view column) const {
    return store::integer(low_.row, place_of(table_, column));
  }
  // Whether the row was made by the server that its column names.
  static bool made_by(const store::TableSpec& table, const store::RowOpinion& side, std::string_view column) {
    return equal(store::blob(side.row, place_of(table, column)), side.origin.view());
  }
  // Takes everything that no other rule speaks of from the lower row, when it alone was made by the server
  // that `column` names.
  void prefer_maker(std::string_view column) {
    if (made_by(table_, low_, column) && !made_by(table_, high_, column)) base_on_low();
  }
  void base_on_low() {
    out_.row = low_.row;
    out_.secrets = store::Side::kLow;
  }
  const Bytes& high_blob(std::string_view column) const {
    return store::blob(high_.row, place_of(table_, column));
  }
  const Bytes& low_blob(std::string_view column) const {
    return store::blob(low_.row, place_of(table_, column));
  }
  void set_blob(std::string_view column, Bytes value) {
    out_.row[place_of(table_, column)] = std::move(value);
  }
  void set(std::string_view column, std::int64_t value) { out_.row[place_of(table_, column)] = value; }
  void take_most(std::string_view column) { set(column, std::max(high(column), low(column))); }
  // 0: none.
  void take_smallest(std::string_view column) {
    const std::int64_t a = high(column);
    const std::int64_t b = low(column);
    set(column, a == 0 ? b : b == 0 ? a : std::min(a, b));
  }
  // Milliseconds since 1970; 0: never.
  void take_earliest(std::string_view column) { take_smallest(column); }
  void join_life() {
    const auto state = join(static_cast<KeyState>(high("state")), static_cast<KeyState>(low("state")));
    set("state", static_cast<std::int64_t>(state));
    for (const auto* column : {"created", "activated", "deactivated", "compromised", "destroyed"}) {
      take_earliest(column);
    }
    if (!is_tombstone(state)) return;
    out_.secrets = store::Side::kNone;
    set("quarantined", 0);  // it is hidden for good
  }
  bool holds(const store::RowOpinion& side, std::string_view secret) const {
    return !store::blob(side.row, place_of(table_, secret)).empty();
  }
  // The secret of the row that has one.
  void keep_secret(std::string_view column) {
    if (out_.secrets == store::Side::kNone) return;
    if (!holds(high_, column)) out_.secrets = store::Side::kLow;
    if (!holds(low_, column)) out_.secrets = store::Side::kHigh;
  }
  // Whether the merged row has the secret.
  bool keeps(std::string_view secret) const {
    return out_.secrets != store::Side::kNone && (holds(high_, secret) || holds(low_, secret));
  }
  // A conflict when these columns differ between the two.
  void compare(std::initializer_list<std::string_view> columns) {
    for (const auto column : columns) {
      const std::size_t at = place_of(table_, column);
      if (high_.row[at] != low_.row[at]) out_.conflict = true;
    }
  }
  void is_conflict() { out_.conflict = true; }
  store::MergedRow take() { return std::move(out_); }

 private:
  static std::size_t place_of(const store::TableSpec& table, std::string_view column) {
    const auto found = std::ranges::find(table.columns, column, &store::Column::name);
    TW_ASSERT(found != table.columns.end());
    return static_cast<std::size_t>(found - table.columns.begin());
  }

  const store::TableSpec& table_;
  const store::RowOpinion& high_;
  const store::RowOpinion& low_;
  store::MergedRow out_;
};

}  // namespace tapewarden::keymgr
