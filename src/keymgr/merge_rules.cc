#include "keymgr/merge_rules.h"

#include "keymgr/row_merge.h"

namespace tapewarden::keymgr {

using store::MergedRow;
using store::RowOpinion;
using store::TableSpec;

MergedRow merge_data_keys(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                          bool concurrent) {
  RowMerge merge(table, high, low);
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
  RowMerge merge(table, high, low);
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
  RowMerge merge(table, high, low);
  merge.take_earliest("created");
  merge.compare({"policy", "keys_ahead", "alias_prefix", "default_write"});
  return merge.take();
}

MergedRow merge_cursors(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                        bool concurrent) {
  RowMerge merge(table, high, low);
  if (concurrent) {
    merge.prefer_maker("server");
    merge.take_most("position");
  }
  merge.take_most("next_position");
  return merge.take();
}

MergedRow merge_ledger_entries(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                               bool concurrent) {
  RowMerge merge(table, high, low);
  if (concurrent) merge.prefer_maker("server");
  merge.take_most("state");
  merge.take_earliest("confirmed");
  merge.compare({"volser", "volume", "request_id", "alias", "dki"});
  return merge.take();
}

MergedRow merge_servers(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                        bool concurrent) {
  RowMerge merge(table, high, low);
  if (concurrent) merge.prefer_maker("id");
  merge.take_most("epoch");
  merge.compare({"signing_certificate", "exchange_certificate"});
  return merge.take();
}

MergedRow merge_tombstones(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool) {
  RowMerge merge(table, high, low);
  if (merge.low("state") > merge.high("state")) merge.base_on_low();
  return merge.take();
}

MergedRow merge_quotas(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                       bool concurrent) {
  RowMerge merge(table, high, low);
  if (!concurrent) return merge.take();
  for (const auto* column : {"writes_hour", "writes_day", "reads_hour", "reads_day", "added"}) {
    merge.take_smallest(column);
  }
  merge.compare({"writes_hour", "writes_day", "reads_hour", "reads_day"});
  return merge.take();
}

MergedRow merge_conflicts(const TableSpec& table, const RowOpinion& high, const RowOpinion& low, bool) {
  RowMerge merge(table, high, low);
  if (merge.low("acknowledged") != 0 &&
      (merge.high("acknowledged") == 0 || merge.low("acknowledged") < merge.high("acknowledged"))) {
    merge.base_on_low();
  }
  merge.take_earliest("found");
  return merge.take();
}

}  // namespace tapewarden::keymgr
