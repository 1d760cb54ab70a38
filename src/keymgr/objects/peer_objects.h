// What becomes of rows about KMIP's objects and clients that another server sends (K19, K21): the rules that
// tables.cc names. Their contracts are store::MergeRule and store::RowCheck; the invariants of merge_rules.h
// and peer_rules.h hold.
//
//  objects      state by join(), times the earliest; the secret of the row that has one; quarantined where
//  one
//               of two concurrent opinions says so; Fresh only until either was served; all else of the later
//               row, and a person is told where concurrent ones differ
//               server and fingerprint the greater: an object that was imported at both has two of each
//  clients      the later row
#pragma once

#include "store/schema.h"

namespace tapewarden::keymgr {

store::MergedRow merge_managed_objects(const store::TableSpec& table, const store::RowOpinion& high,
                                       const store::RowOpinion& low, bool concurrent);

// An object that has a secret here is never ended by another server's word: its officers do that.
Status check_managed_object_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_kmip_client_row(const store::TableSpec& table, const store::IncomingRow& row);

}  // namespace tapewarden::keymgr
