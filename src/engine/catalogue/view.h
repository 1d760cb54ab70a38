// Reads of the catalogue within one consistent snapshot. Every list comes by an index and in pages, so that a
// million volumes cost no more than a few. Lives only inside the function that it is given to; one thread.
//
// Errors of every function: kCorrupt naming a damaged row, kUnsupported for one of a newer program, kIo.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret_bytes.h"
#include "engine/catalogue/pool_migration.h"
#include "engine/catalogue/reclaim.h"
#include "engine/catalogue/rows.h"
#include "store/keystore.h"

namespace tapewarden::engine {

// `after` is the `next` of the page before; empty for the first. At most kMaximumPage rows come at once.
struct PageRequest {
  std::size_t limit = 100;
  std::string after = {};
};
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: no more
};

// What is not set does not count. A pool goes with neither category nor storage group.
struct VolumeFilter {
  std::optional<Category> category = {};
  std::string storage_group = {};
  std::optional<std::uint8_t> pool = {};  // in which an active copy lies, the primary or the secondary one
  std::string prefix = {};                // how the volser begins
};
struct CartridgeFilter {
  std::optional<std::uint8_t> pool = {};
  std::optional<CartridgeState> state = {};
  std::optional<MediumEncryption> encryption = {};
  std::string label = {};   // either of its key labels, or its key's alias; without regard to case
  std::string prefix = {};  // how the barcode begins
  bool rekey = false;       // that are to get other key labels
};

// Which of the volumes whose copy is due.
struct DueWhich {
  std::optional<bool> cached = {};       // only those whose file is in the cache, or only those without one
  const LogicalVolume* after = nullptr;  // those behind this one
};

// A volume among those of one cartridge.
struct PlacedVolume {
  LogicalVolume volume;
  CopyNumber copy = CopyNumber::kPrimary;  // which of its copies lies there
};

class CatalogueView {
 public:
  explicit CatalogueView(store::Reader& reader) : reader_(reader) {}

  Result<std::optional<LogicalVolume>> find_volume(std::string_view volser);
  Result<LogicalVolume> volume(std::string_view volser);  // kNotFound
  // In the order of volsers. kInvalidArgument for filters that do not go together.
  Result<Page<LogicalVolume>> volumes(const VolumeFilter& filter, const PageRequest& page);
  // Whose active copies lie on the cartridge, in the order of tape files, from file `first` on.
  Result<std::vector<PlacedVolume>> volumes_on(std::string_view barcode, std::uint32_t first,
                                               std::size_t limit);
  // Whose copy is due and that no drive holds, the one that was written longest ago first. With `pool`: those
  // whose copy goes there.
  Result<std::vector<LogicalVolume>> due(CopyNumber copy, std::optional<std::uint8_t> pool, std::size_t limit,
                                         const DueWhich& which = {});
  // Those of preference group 0 first, the largest before the others; then those of group 1, the one that was
  // not used for longest first. Each may leave the cache (LogicalVolume::may_leave_cache()).
  Result<std::vector<LogicalVolume>> eviction_candidates(std::size_t limit);
  // Scratch volumes in no drive, the one that has been scratch for longest first.
  Result<std::vector<LogicalVolume>> scratch_volumes(std::size_t limit);
  // Whose content may be deleted by now, those due longest first.
  Result<std::vector<LogicalVolume>> expired(WallTime now, std::size_t limit);
  Result<std::vector<LogicalVolume>> mounted(std::size_t limit);
  // kNotFound: no such volume, or none that has a key.
  Result<crypto::SecretBytes> cache_key(std::string_view volser);

  Result<std::optional<PhysicalVolume>> find_cartridge(std::string_view barcode);
  Result<PhysicalVolume> cartridge(std::string_view barcode);  // kNotFound
  // In the order of barcodes.
  Result<Page<PhysicalVolume>> cartridges(const CartridgeFilter& filter, const PageRequest& page);
  // Those that take more, the fullest first.
  Result<std::vector<PhysicalVolume>> filling(std::uint8_t pool, MediumKind kind, std::size_t limit);
  // The pool's own, the one begun least often first, then those that it may borrow of the common pool:
  // lend() makes one the pool's.
  Result<std::vector<PhysicalVolume>> scratch_cartridges(std::uint8_t pool, MediumKind kind,
                                                         std::size_t limit);
  // Filled cartridges that a policy of their pool makes eligible, over all pools the one with the least
  // active data first.
  Result<std::vector<ReclaimCandidate>> reclaim_candidates(WallTime now, std::size_t limit);
  // Filled and closed ones without active data.
  Result<std::vector<PhysicalVolume>> emptied(std::size_t limit);
  // In the order of barcodes, behind `after`.
  Result<std::vector<PhysicalVolume>> move_requests(MoveRequest::When when, std::size_t limit,
                                                    std::string_view after = {});
  // Those that are to get other key labels and can be read now, in the order of barcodes, behind `after`.
  Result<std::vector<PhysicalVolume>> rekey_requests(std::size_t limit, std::string_view after = {});

  // kNotFound naming what there is none of.
  Result<Pool> pool(std::uint8_t number);
  Result<std::vector<Pool>> pools();
  Result<StorageGroup> storage_group(std::string_view name);
  Result<std::vector<StorageGroup>> storage_groups();
  Result<ManagementClass> management_class(std::string_view name);
  Result<std::vector<ManagementClass>> management_classes();

  Result<PoolMigration> pool_migration(std::uint64_t number);    // kNotFound
  Result<std::vector<PoolMigration>> pool_migrations();          // newest first
  Result<std::vector<PoolMigration>> running_pool_migrations();  // those that have not ended
  Result<std::vector<MigratedSetting>> migrated_settings(std::uint64_t migration);  // kNotFound
  Result<DueSums> due_sums(std::uint8_t pool);
  Result<std::uint64_t> count_scratch(std::uint8_t pool, MediumKind kind);

  Result<EngineState> engine_state();

  // Those with something in them.
  Result<std::vector<CartridgeTotal>> cartridge_totals();
  Result<std::vector<VolumeTotal>> volume_totals();
  // Of intervals that began from `from` on and before `before`, oldest first.
  Result<std::vector<StatisticsRecord>> statistics(WallTime from, WallTime before, std::size_t limit);
  // Deletions that no trailer tells yet, oldest first.
  Result<std::vector<DeletedVolume>> deleted_volumes(std::size_t limit);
  // Those numbered above `after`.
  Result<std::vector<DeletedVolume>> deleted_volumes_after(std::uint64_t after, std::size_t limit);
  // Volsers that were withdrawn and had been written, with the generation that they had, in the order of
  // volsers; also those that have come back since.
  Result<Page<WithdrawnVolume>> withdrawn_volumes(const PageRequest& page);

 protected:
  store::Reader& reader() { return reader_; }
  Result<std::vector<LogicalVolume>> query_volumes(const std::string& where,
                                                   std::vector<store::Value> parameters);
  Result<std::vector<PhysicalVolume>> query_cartridges(const std::string& where,
                                                       std::vector<store::Value> parameters);
  Result<std::vector<PoolMigration>> query_migrations(std::string_view where,
                                                      std::vector<store::Value> parameters);

 private:
  Result<std::vector<LogicalVolume>> volumes_of_pool(std::uint8_t pool, const VolumeFilter& filter,
                                                     const PageRequest& page);
  Result<std::vector<ReclaimCandidate>> reclaim_candidates_of(const Pool& pool, WallTime now,
                                                              std::size_t limit);

  store::Reader& reader_;
};

}  // namespace tapewarden::engine
