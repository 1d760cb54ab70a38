// What the other server of a pair may write into the key server's tables by replication (K19): the checks
// that tables.cc names. Each is a store::RowCheck, so it holds a row against what is known here before
// anything is done with it. What they keep a server that fell into wrong hands from doing stands in
// docs/formats/replication.md ("What a peer may do").
//
// Invariants
//  P1 Values are within what this program itself writes: a row that passed is read by rows.h without harm.
//  P2 Nobody speaks in another server's name: entries, cursors, tombstones, counts and jobs of this server
//     come from elsewhere only when it asked for everything.
//  P3 A secret belongs to its row: to the fingerprint of a data key, to the certificate of a KEK.
//  P4 A key that is alive here is destroyed only by a tombstone that a server known here has signed, and
//     never while a hold on it is in force here.
// Pure but for what they look up; thread-safe.
#pragma once

#include "store/schema.h"

namespace tapewarden::keymgr {

Status check_data_key_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_group_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_cursor_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_kek_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_kek_label_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_drive_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_proxy_drive_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_access_rule_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_ledger_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_setting_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_server_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_conflict_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_hold_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_tombstone_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_quota_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_quota_writes_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_quota_reads_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_rewrap_row(const store::TableSpec& table, const store::IncomingRow& row);

}  // namespace tapewarden::keymgr
