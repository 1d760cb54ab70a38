// What two rows of the key server's tables become when two servers meet (K10, K19): the merge rules that
// tables.cc names. The contract is store::MergeRule: pure, symmetric, and at rest after one step.
//
//  data keys    state by join(), times the earliest, uses the most; a destroyed key has no secret; all else
//  is
//               of the row with more transfers of ownership, then of the owner's own row, then of the later
//  KEKs         state and times likewise; a private half that one of them holds is kept
//  groups       the later row; created first
//  cursors      the row of the server that the cursor belongs to; positions only grow
//  ledger       confirmed beats issued, with the earlier time
//  servers      the highest epoch; all else of the server's own row
//  tombstones   the stronger state: destroyed-compromised > destroyed > compromised
//  conflicts    found first; acknowledged first
//  quotas       the later row; of concurrent ones each limit that is stricter
#pragma once

#include "store/schema.h"

namespace tapewarden::keymgr {

store::MergedRow merge_data_keys(const store::TableSpec& table, const store::RowOpinion& high,
                                 const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_keks(const store::TableSpec& table, const store::RowOpinion& high,
                            const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_groups(const store::TableSpec& table, const store::RowOpinion& high,
                              const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_cursors(const store::TableSpec& table, const store::RowOpinion& high,
                               const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_ledger_entries(const store::TableSpec& table, const store::RowOpinion& high,
                                      const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_servers(const store::TableSpec& table, const store::RowOpinion& high,
                               const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_conflicts(const store::TableSpec& table, const store::RowOpinion& high,
                                 const store::RowOpinion& low, bool concurrent);

store::MergedRow merge_quotas(const store::TableSpec& table, const store::RowOpinion& high,
                              const store::RowOpinion& low, bool concurrent);
store::MergedRow merge_tombstones(const store::TableSpec& table, const store::RowOpinion& high,
                                  const store::RowOpinion& low, bool concurrent);

}  // namespace tapewarden::keymgr
