#include "keymgr/tables.h"

#include "keymgr/merge_rules.h"
#include "keymgr/peer_rules.h"

namespace tapewarden::keymgr {

using store::TableSpec;
using enum store::ColumnType;
using enum store::ColumnRole;

const TableSpec kDataKeyTable{
    .name = "data_key",
    .columns = {{"id", kBlob, kKey},
                {"alias", kText, kPlain},
                {"dki", kBlob, kPlain},
                {"state", kInteger, kPlain},
                {"owner", kBlob, kPlain},
                {"group_name", kText, kPlain},
                {"position", kInteger, kPlain},
                {"secret", kBlob, kSecret},
                {"fingerprint", kBlob, kPlain},
                {"created", kInteger, kPlain},
                {"activated", kInteger, kPlain},
                {"deactivated", kInteger, kPlain},
                {"compromised", kInteger, kPlain},
                {"destroyed", kInteger, kPlain},
                {"origin_kind", kInteger, kPlain},
                {"uses", kInteger, kPlain},
                {"created_commit", kInteger, kLocal},
                {"owner_epoch", kInteger, kPlain},
                {"transfers", kInteger, kPlain},
                {"quarantined", kInteger, kPlain}},
    .indexes = {"group_name, owner, position", "fingerprint", "alias", "dki"},
    .unique_indexes = {},
    .merge = merge_data_keys,
    .peer = {.fixed = {"alias", "dki", "secret", "fingerprint", "origin_kind"}, .check = check_data_key_row},
};

const TableSpec kKeyGroupTable{
    .name = "key_group",
    .columns = {{"name", kText, kKey},
                {"policy", kInteger, kPlain},
                {"keys_ahead", kInteger, kPlain},
                {"alias_prefix", kText, kPlain},
                {"default_write", kInteger, kPlain},
                {"created", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .remembered = true,
    .merge = merge_groups,
    .peer = {.may_erase = true, .check = check_group_row},
};

const TableSpec kGroupCursorTable{
    .name = "group_cursor",
    .columns = {{"group_name", kText, kKey},
                {"server", kBlob, kKey},
                {"position", kInteger, kPlain},
                {"next_position", kInteger, kPlain},
                {"total", kInteger, kPlain},
                {"used", kInteger, kPlain},
                {"warned_percent", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .merge = merge_cursors,
    .peer = {.may_erase = true, .check = check_cursor_row},
};

const TableSpec kKekTable{
    .name = "kek",
    .columns = {{"id", kBlob, kKey},
                {"certificate", kBlob, kPlain},
                {"common_name", kText, kPlain},
                {"not_after", kInteger, kPlain},
                {"has_private", kInteger, kPlain},
                {"private_half", kBlob, kSecret},
                {"state", kInteger, kPlain},
                {"created", kInteger, kPlain},
                {"activated", kInteger, kPlain},
                {"deactivated", kInteger, kPlain},
                {"compromised", kInteger, kPlain},
                {"destroyed", kInteger, kPlain},
                {"origin_kind", kInteger, kPlain},
                {"proven", kInteger, kPlain},
                {"proven_at", kInteger, kPlain},
                {"private_commit", kInteger, kLocal},
                {"quarantined", kInteger, kPlain}},
    .indexes = {"not_after"},
    .unique_indexes = {},
    .remembered = true,
    .merge = merge_keks,
    .peer = {.check = check_kek_row},
};

const TableSpec kKekLabelTable{
    .name = "kek_label",
    .columns = {{"label", kText, kKey},
                {"kek", kBlob, kKey},
                {"display", kText, kPlain},
                {"added", kInteger, kPlain}},
    .indexes = {"kek"},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_kek_label_row},
};

const TableSpec kDriveTable{
    .name = "drive",
    .columns = {{"serial", kText, kKey},
                {"wwnn", kText, kPlain},
                {"kind", kInteger, kPlain},
                {"state", kInteger, kPlain},
                {"default_alias", kText, kPlain},
                {"default_group", kText, kPlain},
                {"label_1", kText, kPlain},
                {"mode_1", kInteger, kPlain},
                {"label_2", kText, kPlain},
                {"mode_2", kInteger, kPlain},
                {"certificate", kBlob, kPlain},
                {"identity_hash", kBlob, kPlain},
                {"wrapping_spki", kBlob, kPlain},
                {"offered_certificate", kBlob, kPlain},
                {"offered_wrapping_spki", kBlob, kPlain},
                {"offered_proxy", kBlob, kPlain},
                {"offered_proxy_name", kText, kPlain},
                {"first_seen", kInteger, kPlain},
                {"decided_at", kInteger, kPlain},
                {"decided_by", kText, kPlain}},
    .indexes = {"state", "default_group", "default_alias"},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_drive_row},
};

const TableSpec kProxyDriveTable{
    .name = "proxy_drive",
    .columns = {{"proxy", kBlob, kKey},
                {"serial", kText, kKey},
                {"proxy_name", kText, kPlain},
                {"added", kInteger, kPlain}},
    .indexes = {"serial"},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_proxy_drive_row},
};

const TableSpec kAccessRuleTable{
    .name = "access_rule",
    .columns = {{"id", kBlob, kKey},
                {"subject_kind", kInteger, kPlain},
                {"subject", kText, kPlain},
                {"object_kind", kInteger, kPlain},
                {"object", kText, kPlain},
                {"may_write", kInteger, kPlain},
                {"may_read", kInteger, kPlain},
                {"added", kInteger, kPlain}},
    .indexes = {"object_kind, object"},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_access_rule_row},
};

const TableSpec kLedgerTable{
    .name = "ledger",
    .columns = {{"server", kBlob, kKey},      {"sequence", kInteger, kKey},  {"volser", kText, kPlain},
                {"volume", kBlob, kPlain},    {"method", kInteger, kPlain},  {"purpose", kInteger, kPlain},
                {"state", kInteger, kPlain},  {"request_id", kBlob, kPlain}, {"alias", kText, kPlain},
                {"dki", kBlob, kPlain},       {"group_name", kText, kPlain}, {"label_1", kText, kPlain},
                {"mode_1", kInteger, kPlain}, {"label_2", kText, kPlain},    {"mode_2", kInteger, kPlain},
                {"kek_1", kBlob, kPlain},     {"kek_2", kBlob, kPlain},      {"eedk_set", kBlob, kPlain},
                {"kcv", kBlob, kPlain},       {"drive", kText, kPlain},      {"wwnn", kText, kPlain},
                {"proxy", kText, kPlain},     {"issued", kInteger, kPlain},  {"confirmed", kInteger, kPlain}},
    // Each makes every exchange dearer, so what a row leaves empty is in no index. An exchange is found by
    // its volume too; an imported record (state 3) by its id alone.
    .indexes = {"volser", "volume, purpose, request_id", "request_id WHERE state = 3",
                "alias, issued WHERE alias <> ''", "label_1, issued WHERE label_1 <> ''",
                "label_2, issued WHERE label_2 <> ''", "kek_1, issued WHERE kek_1 <> x''",
                "kek_2, issued WHERE kek_2 <> x''", "drive, issued", "issued",
                "group_name, purpose, issued WHERE group_name <> ''"},
    .unique_indexes = {},
    .merge = merge_ledger_entries,
    .peer = {.fixed = {"volser",     "volume",  "method", "purpose", "request_id", "alias", "dki",
                       "group_name", "label_1", "mode_1", "label_2", "mode_2",     "kek_1", "kek_2",
                       "eedk_set",   "kcv",     "drive",  "wwnn",    "proxy",      "issued"},
             .check = check_ledger_row},
};

const TableSpec kSettingTable{
    .name = "setting",
    .columns = {{"name", kText, kKey}, {"value", kText, kPlain}, {"changed", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_setting_row},
};

const TableSpec kServerTable{
    .name = "server",
    .columns = {{"id", kBlob, kKey},
                {"name", kText, kPlain},
                {"signing_certificate", kBlob, kPlain},
                {"exchange_certificate", kBlob, kPlain},
                {"installation", kInteger, kPlain},
                {"epoch", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .remembered = true,
    .merge = merge_servers,
    .peer = {.check = check_server_row},
};

const TableSpec kConflictTable{
    .name = "conflict",
    .columns = {{"id", kBlob, kKey},
                {"table_name", kText, kPlain},
                {"record_key", kText, kPlain},
                {"high_version", kInteger, kPlain},
                {"high_origin", kBlob, kPlain},
                {"high_content", kText, kPlain},
                {"low_version", kInteger, kPlain},
                {"low_origin", kBlob, kPlain},
                {"low_content", kText, kPlain},
                {"outcome", kInteger, kPlain},
                {"found", kInteger, kPlain},
                {"found_by", kBlob, kPlain},
                {"acknowledged", kInteger, kPlain},
                {"acknowledged_by", kText, kPlain}},
    .indexes = {"acknowledged, found"},
    .unique_indexes = {},
    .merge = merge_conflicts,
    .peer = {.fixed = {"table_name", "record_key"}, .check = check_conflict_row},
};

const TableSpec kIdentityTable{
    .name = "identity",
    .columns = {{"server", kBlob, kKey}, {"signing_key", kBlob, kSecret}, {"exchange_key", kBlob, kSecret}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kLocalCounterTable{
    .name = "local_counter",
    .columns = {{"name", kText, kKey}, {"value", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kKeyHoldTable{
    .name = "key_hold",
    .columns = {{"id", kBlob, kKey},
                {"kind", kInteger, kPlain},
                {"key_id", kBlob, kPlain},
                {"name", kText, kPlain},
                {"reason", kText, kPlain},
                {"until", kInteger, kPlain},
                {"placed_by", kText, kPlain},
                {"placed", kInteger, kPlain}},
    .indexes = {"key_id"},
    .unique_indexes = {},
    .peer = {.may_erase = true,
             .fixed = {"kind", "key_id", "name", "reason", "until", "placed_by", "placed"},
             .check = check_hold_row},
};

const TableSpec kTombstoneTable{
    .name = "key_tombstone",
    .columns = {{"kind", kInteger, kKey},
                {"fingerprint", kBlob, kKey},
                {"server", kBlob, kKey},
                {"key_id", kBlob, kPlain},
                {"name", kText, kPlain},
                {"state", kInteger, kPlain},
                {"at", kInteger, kPlain},
                {"done_by", kText, kPlain},
                {"approved_by", kText, kPlain},
                {"cartridges", kInteger, kPlain},
                {"signature", kBlob, kPlain}},
    .indexes = {"key_id"},
    .unique_indexes = {},
    .merge = merge_tombstones,
    .peer = {.check = check_tombstone_row},
};

const TableSpec kQuotaTable{
    .name = "quota",
    .columns = {{"id", kBlob, kKey},
                {"subject_kind", kInteger, kPlain},
                {"subject", kText, kPlain},
                {"object_kind", kInteger, kPlain},
                {"object", kText, kPlain},
                {"writes_hour", kInteger, kPlain},
                {"writes_day", kInteger, kPlain},
                {"reads_hour", kInteger, kPlain},
                {"reads_day", kInteger, kPlain},
                {"added", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .remembered = true,
    .merge = merge_quotas,
    .peer = {.may_erase = true, .check = check_quota_row},
};

const TableSpec kQuotaWritesTable{
    .name = "quota_writes",
    .columns = {{"quota", kBlob, kKey},
                {"server", kBlob, kKey},
                {"slot", kInteger, kKey},
                {"began", kInteger, kPlain},
                {"count", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .peer = {.check = check_quota_writes_row},
};

const TableSpec kQuotaReadsTable{
    .name = "quota_reads",
    .columns = {{"quota", kBlob, kKey}, {"volume", kBlob, kKey}, {"last", kInteger, kPlain}},
    .indexes = {"quota, last"},
    .unique_indexes = {},
    .peer = {.check = check_quota_reads_row},
};

const TableSpec kRewrapTable{
    .name = "rewrap",
    .columns = {{"id", kBlob, kKey},
                {"server", kBlob, kPlain},
                {"from_kek", kBlob, kPlain},
                {"volsers", kText, kPlain},
                {"label_1", kText, kPlain},
                {"mode_1", kInteger, kPlain},
                {"label_2", kText, kPlain},
                {"mode_2", kInteger, kPlain},
                {"state", kInteger, kPlain},
                {"total", kInteger, kPlain},
                {"wrapped", kInteger, kPlain},
                {"skipped", kInteger, kPlain},
                {"failed", kInteger, kPlain},
                {"place", kText, kPlain},
                {"last_error", kText, kPlain},
                {"started_by", kText, kPlain},
                {"started", kInteger, kPlain},
                {"ended", kInteger, kPlain}},
    .indexes = {"started"},
    .unique_indexes = {},
    .peer = {.fixed = {"server", "from_kek", "volsers", "label_1", "mode_1", "label_2", "mode_2",
                       "started_by", "started"},
             .check = check_rewrap_row},
};

std::vector<const TableSpec*> tables() {
  return {&kDataKeyTable,   &kKeyGroupTable,   &kGroupCursorTable, &kKekTable,          &kKekLabelTable,
          &kDriveTable,     &kProxyDriveTable, &kAccessRuleTable,  &kLedgerTable,       &kSettingTable,
          &kServerTable,    &kConflictTable,   &kIdentityTable,    &kLocalCounterTable, &kKeyHoldTable,
          &kTombstoneTable, &kQuotaTable,      &kQuotaWritesTable, &kQuotaReadsTable,   &kRewrapTable};
}

}  // namespace tapewarden::keymgr
