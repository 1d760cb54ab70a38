#include "engine/catalogue/tables.h"

#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/volume.h"

namespace tapewarden::engine {

using store::ColumnRole;
using store::TableSpec;

namespace {

// Everything that the choice of the next cartridge to reclaim looks at.
constexpr std::string_view kReclaimIndex =
    "pool, active_bytes, barcode, written_bytes, last_written, last_accessed, last_inactivated, state, "
    "unexamined, row_erased WHERE state IN (2, 3)";

constexpr auto kInteger = store::ColumnType::kInteger;
constexpr auto kText = store::ColumnType::kText;
constexpr auto kBlob = store::ColumnType::kBlob;

// SQLite takes the rows of a search that an index alone can answer (reclaim, labels) from the index when it
// holds every column that is asked for, row_erased too. The indexes below, and the queries that want them,
// name these numbers.
static_assert(static_cast<int>(CartridgeState::kScratch) == 0);
static_assert(static_cast<int>(CartridgeState::kFilling) == 1);
static_assert(static_cast<int>(CartridgeState::kFull) == 2);
static_assert(static_cast<int>(CartridgeState::kClosed) == 3);
static_assert(static_cast<int>(MoveRequest::When::kNone) == 0);

}  // namespace

// primary_at, secondary_at: the pool in which an active copy lies, or -1. eviction: 0 for a volume that may
// not leave the cache, else 1 more than its preference. next_scratch: 1 for a scratch volume in no drive. The
// four follow from the others and from the cartridges, and serve the indexes.
const TableSpec kVolumeTable{
    .name = "logical_volume",
    .columns = {{"volser", kText, ColumnRole::kKey},
                {"volume", kBlob},
                {"category", kInteger},
                {"storage_group", kText},
                {"management_class", kText},
                {"generation", kInteger},
                {"deleted_generation", kInteger},
                {"stamp", kBlob},
                {"mounted", kText},
                {"cached", kInteger},
                {"cache_file", kInteger},
                {"cached_bytes", kInteger},
                {"cache_key", kBlob, ColumnRole::kSecret},
                {"capacity_bytes", kInteger},
                {"preference", kInteger},
                {"primary_cartridge", kText},
                {"primary_medium", kInteger},
                {"primary_file", kInteger},
                {"primary_block", kInteger},
                {"primary_bytes", kInteger},
                {"primary_generation", kInteger},
                {"secondary_cartridge", kText},
                {"secondary_medium", kInteger},
                {"secondary_file", kInteger},
                {"secondary_block", kInteger},
                {"secondary_bytes", kInteger},
                {"secondary_generation", kInteger},
                {"primary_due", kInteger},
                {"secondary_due", kInteger},
                {"primary_pool", kInteger},
                {"secondary_pool", kInteger},
                {"inserted", kInteger},
                {"written", kInteger},
                {"accessed", kInteger},
                {"scratched", kInteger},
                {"delete_after", kInteger},
                {"primary_at", kInteger},
                {"secondary_at", kInteger},
                {"eviction", kInteger},
                {"next_scratch", kInteger}},
    .indexes = {"category, volser", "storage_group, volser", "category, storage_group, volser",
                "management_class, volser", "primary_at, volser WHERE primary_at >= 0",
                "secondary_at, volser WHERE secondary_at >= 0",
                "primary_cartridge, primary_file WHERE primary_at >= 0",
                "secondary_cartridge, secondary_file WHERE secondary_at >= 0",
                "written, volser WHERE primary_due = 1 AND mounted = ''",
                "written, volser WHERE secondary_due = 1 AND mounted = ''",
                "primary_pool, written, volser WHERE primary_due = 1 AND mounted = ''",
                "secondary_pool, written, volser WHERE secondary_due = 1 AND mounted = ''",
                "primary_pool, cached, written, volser WHERE primary_due = 1 AND mounted = ''",
                "secondary_pool, cached, written, volser WHERE secondary_due = 1 AND mounted = ''",
                "cached_bytes DESC, volser WHERE eviction = 1", "accessed, volser WHERE eviction = 2",
                "scratched, volser WHERE next_scratch = 1", "delete_after, volser WHERE delete_after > 0",
                "mounted WHERE mounted <> ''"},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kCartridgeTable{
    .name = "physical_volume",
    .columns = {{"barcode", kText, ColumnRole::kKey},
                {"volume", kBlob},
                {"kind", kInteger},
                {"pool", kInteger},
                {"home_pool", kInteger},
                {"borrowed", kInteger},
                {"state", kInteger},
                {"medium", kInteger},
                {"encryption", kInteger},
                {"label1", kText},
                {"mode1", kInteger},
                {"label2", kText},
                {"mode2", kInteger},
                {"alias", kText},
                {"written_bytes", kInteger},
                {"active_bytes", kInteger},
                {"active_volumes", kInteger},
                {"next_file", kInteger},
                {"library", kText},
                {"first_written", kInteger},
                {"last_written", kInteger},
                {"last_accessed", kInteger},
                {"last_inactivated", kInteger},
                {"full_since", kInteger},
                {"move_when", kInteger},
                {"move_pool", kInteger},
                {"note", kText},
                {"rekey_label1", kText},
                {"rekey_mode1", kInteger},
                {"rekey_label2", kText},
                {"rekey_mode2", kInteger},
                {"unexamined", kInteger},
                {"erase_first", kInteger},
                {"move_clear", kInteger}},
    .indexes = {"pool, barcode", "state, barcode", "encryption, barcode",
                "barcode, label1, label2, alias, row_erased", "state, active_volumes, barcode",
                "pool, kind, medium, barcode WHERE state = 0",
                "pool, kind, written_bytes DESC, barcode WHERE state = 1", kReclaimIndex,
                "move_when, barcode WHERE move_when > 0", "barcode WHERE rekey_label1 <> ''"},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kPoolTable{
    .name = "pool",
    .columns = {{"number", kInteger, ColumnRole::kKey},
                {"name", kText},
                {"media", kInteger},
                {"borrow", kInteger},
                {"reclaim_pool", kInteger},
                {"encryption", kInteger},
                {"label1", kText},
                {"mode1", kInteger},
                {"label2", kText},
                {"mode2", kInteger},
                {"key_group", kText},
                {"secure_erase_days", kInteger},
                {"threshold_percent", kInteger},
                {"days_without_access", kInteger},
                {"days_since_written", kInteger},
                {"days_without_inactivation", kInteger},
                {"max_active_percent", kInteger},
                {"max_drives", kInteger},
                {"clear_reclaim_pool", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

const TableSpec kStorageGroupTable{
    .name = "storage_group",
    .columns = {{"name", kText, ColumnRole::kKey}, {"pool", kInteger}, {"description", kText}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

const TableSpec kManagementClassTable{
    .name = "management_class",
    .columns = {{"name", kText, ColumnRole::kKey}, {"pool", kInteger}, {"description", kText}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

const TableSpec kCartridgeTotalTable{
    .name = "cartridge_total",
    .columns = {{"pool", kInteger, ColumnRole::kKey},
                {"encryption", kInteger, ColumnRole::kKey},
                {"state", kInteger, ColumnRole::kKey},
                {"cartridges", kInteger},
                {"written_bytes", kInteger},
                {"active_bytes", kInteger},
                {"active_volumes", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kVolumeTotalTable{
    .name = "volume_total",
    .columns = {{"category", kInteger, ColumnRole::kKey},
                {"residence", kInteger, ColumnRole::kKey},
                {"storage_group", kText, ColumnRole::kKey},
                {"volumes", kInteger},
                {"cached_bytes", kInteger},
                {"primary_bytes", kInteger},
                {"secondary_bytes", kInteger},
                {"primary_due", kInteger},
                {"secondary_due", kInteger},
                {"primary_due_bytes", kInteger},
                {"secondary_due_bytes", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

// A row is a place that is used again after ninety days.
const TableSpec kStatisticsTable{
    .name = "statistics",
    .columns = {{"place", kInteger, ColumnRole::kKey}, {"began", kInteger}, {"content", kText}},
    .indexes = {"began"},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNote,
};

// Deletions that no trailer on tape tells yet. A row is a place that is used again: number 0 is a free one.
const TableSpec kDeletedVolumeTable{
    .name = "deleted_volume",
    .columns = {{"place", kInteger, ColumnRole::kKey},
                {"number", kInteger},
                {"volser", kText},
                {"generation", kInteger}},
    .indexes = {"number WHERE number > 0", "place WHERE number = 0"},
    .unique_indexes = {},
    .replicated = false,
};

// The generation that a volume had when it was withdrawn, and the number of its last file in the cache: both
// go on from there if it comes back. A generation of 0: it had none, but a file.
const TableSpec kWithdrawnVolumeTable{
    .name = "withdrawn_volume",
    .columns = {{"volser", kText, ColumnRole::kKey}, {"generation", kInteger}, {"cache_file", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

// A row is a place that is used again by a later migration, once the one there has ended.
const TableSpec kPoolMigrationTable{
    .name = "pool_migration",
    .columns = {{"place", kInteger, ColumnRole::kKey},
                {"number", kInteger},
                {"source", kInteger},
                {"target", kInteger},
                {"state", kInteger},
                {"move_when", kInteger},
                {"encryption", kInteger},
                {"label1", kText},
                {"mode1", kInteger},
                {"label2", kText},
                {"mode2", kInteger},
                {"key_group", kText},
                {"before_encryption", kInteger},
                {"before_label1", kText},
                {"before_mode1", kInteger},
                {"before_label2", kText},
                {"before_mode2", kInteger},
                {"before_key_group", kText},
                {"requested", kInteger},
                {"requested_by", kText},
                {"ended", kInteger},
                {"keep_settings", kInteger},
                {"cartridges", kInteger},
                {"volumes", kInteger},
                {"bytes", kInteger},
                {"due", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

// What the migration at that place changed.
const TableSpec kMigratedSettingTable{
    .name = "migrated_setting",
    .columns = {{"place", kInteger, ColumnRole::kKey},
                {"kind", kInteger, ColumnRole::kKey},
                {"name", kText, ColumnRole::kKey},
                {"value_before", kInteger},
                {"value_after", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

// What is true of the engine as a whole: one row, at place 0.
const TableSpec kEngineTable{
    .name = "engine",
    .columns = {{"place", kInteger, ColumnRole::kKey},
                {"cache", kBlob},
                {"least_generation", kInteger},
                {"backup_ordered", kInteger},
                {"rebuilt", kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

std::vector<const TableSpec*> catalogue_tables() {
  return {&kVolumeTable,          &kCartridgeTable,       &kPoolTable,          &kStorageGroupTable,
          &kManagementClassTable, &kCartridgeTotalTable,  &kVolumeTotalTable,   &kStatisticsTable,
          &kDeletedVolumeTable,   &kWithdrawnVolumeTable, &kPoolMigrationTable, &kMigratedSettingTable,
          &kEngineTable};
}

}  // namespace tapewarden::engine
