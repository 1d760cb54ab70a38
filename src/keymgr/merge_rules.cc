#include "keymgr/merge_rules.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "keymgr/key_state.h"

namespace tapewarden::keymgr {

using store::MergedRow;
using store::Row;
using store::RowOpinion;
using store::Side;
using store::TableSpec;

namespace {

std::size_t place_of(const TableSpec& table, std::string_view column) {
  const auto found = std::ranges::find(table.columns, column, &store::Column::name);
  TW_ASSERT(found != table.columns.end());
  return static_cast<std::size_t>(found - table.columns.begin());
}

// Columns of both rows by name, and the row that comes of them.
class Merge {
 public:
  Merge(const TableSpec& table, const RowOpinion& high, const RowOpinion& low)
      : table_(table), high_(high), low_(low), out_{high.row, Side::kHigh, false} {}

  std::int64_t high(std::string_view column) const {
    return store::integer(high_.row, place_of(table_, column));
  }
  std::int64_t low(std::string_view column) const {
    return store::integer(low_.row, place_of(table_, column));
  }
  // Whether the row was made by the server that its column names.
  static bool made_by(const TableSpec& table, const RowOpinion& side, std::string_view column) {
    return equal(store::blob(side.row, place_of(table, column)), side.origin.view());
  }
  // Takes everything that no other rule speaks of from the lower row, when it alone was made by the server
  // that `column` names.
  void prefer_maker(std::string_view column) {
    if (made_by(table_, low_, column) && !made_by(table_, high_, column)) base_on_low();
  }
  void base_on_low() {
    out_.row = low_.row;
    out_.secrets = Side::kLow;
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
    out_.secrets = Side::kNone;
    set("quarantined", 0);  // it is hidden for good
  }
  bool holds(const RowOpinion& side, std::string_view secret) const {
    return !store::blob(side.row, place_of(table_, secret)).empty();
  }
  // The secret of the row that has one.
  void keep_secret(std::string_view column) {
    if (out_.secrets == Side::kNone) return;
    if (!holds(high_, column)) out_.secrets = Side::kLow;
    if (!holds(low_, column)) out_.secrets = Side::kHigh;
  }
  // Whether the merged row has the secret.
  bool keeps(std::string_view secret) const {
    return out_.secrets != Side::kNone && (holds(high_, secret) || holds(low_, secret));
  }
  // A conflict when these columns differ between the two.
  void compare(std::initializer_list<std::string_view> columns) {
    for (const auto column : columns) {
      const std::size_t at = place_of(table_, column);
      if (high_.row[at] != low_.row[at]) out_.conflict = true;
    }
  }
  MergedRow take() { return std::move(out_); }

 private:
  const TableSpec& table_;
  const RowOpinion& high_;
  const RowOpinion& low_;
  MergedRow out_;
};

}  // namespace

MergedRow merge_data_keys(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                          bool concurrent) {
  Merge merge(table, high, low);
  if (merge.low("transfers") > merge.high("transfers")) {
    merge.base_on_low();
  } else if (concurrent && merge.low("transfers") == merge.high("transfers")) {
    merge.prefer_maker("owner");
  }
  if (concurrent) merge.take_most("quarantined");  // hidden is the safer opinion
  merge.join_life();
  merge.take_most("uses");
  merge.keep_secret("secret");
  merge.compare({"alias", "dki", "owner", "group_name", "fingerprint"});
  return merge.take();
}

MergedRow merge_keks(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool concurrent) {
  Merge merge(table, high, low);
  if (concurrent) merge.take_most("quarantined");
  merge.join_life();
  merge.keep_secret("private_half");
  merge.set("has_private", merge.keeps("private_half") ? 1 : 0);
  merge.take_most("proven");
  merge.take_earliest("proven_at");
  merge.compare({"certificate"});
  return merge.take();
}

MergedRow merge_groups(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool) {
  Merge merge(table, high, low);
  merge.take_earliest("created");
  merge.compare({"policy", "keys_ahead", "alias_prefix", "default_write"});
  return merge.take();
}

MergedRow merge_cursors(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                        bool concurrent) {
  Merge merge(table, high, low);
  if (concurrent) {
    merge.prefer_maker("server");
    merge.take_most("position");
  }
  merge.take_most("next_position");
  return merge.take();
}

MergedRow merge_ledger_entries(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                               bool concurrent) {
  Merge merge(table, high, low);
  if (concurrent) merge.prefer_maker("server");
  merge.take_most("state");
  merge.take_earliest("confirmed");
  merge.compare({"volser", "volume", "request_id", "alias", "dki"});
  return merge.take();
}

MergedRow merge_servers(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                        bool concurrent) {
  Merge merge(table, high, low);
  if (concurrent) merge.prefer_maker("id");
  merge.take_most("epoch");
  merge.compare({"signing_certificate", "exchange_certificate"});
  return merge.take();
}

MergedRow merge_tombstones(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool) {
  Merge merge(table, high, low);
  if (merge.low("state") > merge.high("state")) merge.base_on_low();
  return merge.take();
}

MergedRow merge_quotas(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                       bool concurrent) {
  Merge merge(table, high, low);
  if (!concurrent) return merge.take();
  for (const auto* column : {"writes_hour", "writes_day", "reads_hour", "reads_day", "added"}) {
    merge.take_smallest(column);
  }
  merge.compare({"writes_hour", "writes_day", "reads_hour", "reads_day"});
  return merge.take();
}

MergedRow merge_conflicts(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool) {
  Merge merge(table, high, low);
  if (merge.low("acknowledged") != 0 &&
      (merge.high("acknowledged") == 0 || merge.low("acknowledged") < merge.high("acknowledged"))) {
    merge.base_on_low();
  }
  merge.take_earliest("found");
  return merge.take();
}

}  // namespace tapewarden::keymgr
