// Rows of the catalogue's tables to values and back; each pair stands together in rows_*.cc. Pure,
// thread-safe. Decoding fails with kUnsupported for what a newer program wrote.
#pragma once

#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/constructs.h"
#include "engine/catalogue/totals.h"
#include "engine/catalogue/volume.h"
#include "store/schema.h"

namespace tapewarden::engine {

// The pools in which a volume's active copies lie; -1: there is none.
struct CopyPools {
  std::int64_t primary = -1;
  std::int64_t secondary = -1;
  friend bool operator==(const CopyPools&, const CopyPools&) = default;
};

// A deletion that no trailer on tape tells yet.
struct DeletedVolume {
  std::uint64_t number = 0;  // ascending
  std::string volser;
  std::uint64_t generation = 0;  // deleted up to this one
  friend bool operator==(const DeletedVolume&, const DeletedVolume&) = default;
};

// A volser that is on the catalogue no more.
struct WithdrawnVolume {
  std::string volser;
  std::uint64_t generation = 0;  // that it had
  friend bool operator==(const WithdrawnVolume&, const WithdrawnVolume&) = default;
};

// What is true of the engine as a whole.
struct EngineState {
  std::optional<Uuid> cache;  // which folder is its cache (engine/cache/cache_identity.h); nothing: not known
  // Content that is new has at least this generation: cartridges that nobody could ask may hold lower ones.
  std::uint64_t least_generation = 0;
  // Number of the order by which a backup of the catalogue is to be written (backup_job.h); 0: none is.
  std::uint64_t backup_ordered = 0;
  std::optional<WallTime> rebuilt;  // from cartridges, and nobody was told yet
  friend bool operator==(const EngineState&, const EngineState&) = default;
};

// `cache_key`: the sealed box, or empty. REQUIRES: check(volume).
store::Row to_row(const LogicalVolume& volume, const CopyPools& pools, Bytes cache_key);
Result<LogicalVolume> volume_from(const store::Row& row);
CopyPools copy_pools_of(const store::Row& row);

store::Row to_row(const PhysicalVolume& cartridge);
Result<PhysicalVolume> cartridge_from(const store::Row& row);

store::Row to_row(const Pool& pool);
Result<Pool> pool_from(const store::Row& row);
store::Row to_row(const StorageGroup& group);
StorageGroup storage_group_from(const store::Row& row);
store::Row to_row(const ManagementClass& management);
ManagementClass management_class_from(const store::Row& row);

store::Row to_row(const CartridgeTotal& total);
Result<CartridgeTotal> cartridge_total_from(const store::Row& row);
store::Row to_row(const VolumeTotal& total);
Result<VolumeTotal> volume_total_from(const store::Row& row);

// Its place is the interval's number modulo kStatisticsPlaces.
store::Row to_row(const StatisticsRecord& record);
StatisticsRecord statistics_from(const store::Row& row);

store::Row to_row(const EngineState& state);
EngineState engine_state_from(const store::Row& row);

store::Row to_row(std::int64_t place, const DeletedVolume& deleted);
DeletedVolume deleted_volume_from(const store::Row& row);

}  // namespace tapewarden::engine
