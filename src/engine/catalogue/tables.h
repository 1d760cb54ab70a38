// The catalogue's tables (docs/formats/catalogue.md). None is copied to another server.
#pragma once

#include <vector>

#include "store/schema.h"

namespace tapewarden::engine {

extern const store::TableSpec kVolumeTable;
extern const store::TableSpec kCartridgeTable;
extern const store::TableSpec kPoolTable;
extern const store::TableSpec kStorageGroupTable;
extern const store::TableSpec kManagementClassTable;
extern const store::TableSpec kCartridgeTotalTable;
extern const store::TableSpec kVolumeTotalTable;
extern const store::TableSpec kStatisticsTable;
extern const store::TableSpec kDeletedVolumeTable;
extern const store::TableSpec kWithdrawnVolumeTable;
extern const store::TableSpec kPoolMigrationTable;
extern const store::TableSpec kMigratedSettingTable;
extern const store::TableSpec kEngineTable;

inline constexpr std::size_t kCacheKeyColumn = 12;  // the secret of kVolumeTable

std::vector<const store::TableSpec*> catalogue_tables();

}  // namespace tapewarden::engine
