// The catalogue's values as bodies of records (docs/formats/catalogue-backup.md). Pure.
//
// Decoders: kCorrupt for a damaged record or values that no catalogue has, kUnsupported for a field that only
// a newer program knows. No key of the cache is ever in one: a volume comes out as not cached, with nothing
// due and in no drive.
#pragma once

#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/constructs.h"
#include "engine/catalogue/rows.h"
#include "engine/catalogue/volume.h"

namespace tapewarden::engine {

// In the order in which a backup has them, but for the last one.
enum class CatalogueRecord : std::uint16_t {
  kPool = 1,
  kStorageGroup = 2,
  kManagementClass = 3,
  kCartridge = 4,
  kWithdrawn = 5,
  kDeleted = 6,
  kVolume = 7,
  kLeastGeneration = 8,  // behind the settings
};

Bytes encode_record(const Pool& pool);
Bytes encode_record(const StorageGroup& group);
Bytes encode_record(const ManagementClass& management);
Bytes encode_record(const PhysicalVolume& cartridge);
Bytes encode_record(const WithdrawnVolume& withdrawn);
Bytes encode_record(const DeletedVolume& deleted);  // its number is not kept
Bytes encode_record(const LogicalVolume& volume);
Bytes encode_least_generation(std::uint64_t generation);  // EngineState::least_generation

Result<Pool> decode_pool(ByteView body);
Result<StorageGroup> decode_storage_group(ByteView body);
Result<ManagementClass> decode_management_class(ByteView body);
Result<PhysicalVolume> decode_cartridge(ByteView body);
Result<WithdrawnVolume> decode_withdrawn(ByteView body);
Result<DeletedVolume> decode_deleted(ByteView body);
Result<LogicalVolume> decode_volume(ByteView body);
Result<std::uint64_t> decode_least_generation(ByteView body);

}  // namespace tapewarden::engine
