// A backup of the catalogue as it goes on filled cartridges: everything but the keys of the cache
// (docs/formats/catalogue-backup.md). Streamed both ways, so that its size does not matter to memory.
#pragma once

#include <functional>
#include <string>

#include "engine/catalogue/catalogue.h"
#include "engine/rebuild/catalogue_records.h"

namespace tapewarden::engine {

struct BackupHeader {
  Uuid engine;
  WallTime made{};
  friend bool operator==(const BackupHeader&, const BackupHeader&) = default;
};

struct BackupCounts {
  std::uint64_t cartridges = 0;
  std::uint64_t volumes = 0;
  std::uint64_t bytes = 0;  // of the file
};

// The catalogue of one moment into a new file at `path`, whole and synced. Thread-safe. Errors of the
// catalogue and the disk; what was begun of the file is removed then.
Result<BackupCounts> write_catalogue_image(Catalogue& catalogue, const BackupHeader& header, Disk& disk,
                                           const std::string& path);

// Who is told of what a backup holds, in the order of CatalogueRecord; an empty one: nobody.
struct BackupReaders {
  std::function<Status(Pool)> pool = {};
  std::function<Status(StorageGroup)> storage_group = {};
  std::function<Status(ManagementClass)> management_class = {};
  std::function<Status(PhysicalVolume)> cartridge = {};
  std::function<Status(WithdrawnVolume)> withdrawn = {};
  std::function<Status(DeletedVolume)> deleted = {};
  std::function<Status(LogicalVolume)> volume = {};
  std::function<Status(std::uint64_t)> least_generation = {};
};

// kInvalidArgument when it is no backup, kUnsupported, kCorrupt, kIo, and what a reader returns. What was
// told before an error of the file is not to be used, so a file of which nothing is known is read once with
// no readers first.
Result<BackupHeader> read_catalogue_image(Disk& disk, const std::string& path, const BackupReaders& readers);
// Its header alone.
Result<BackupHeader> read_backup_header(Disk& disk, const std::string& path);

// One record to whoever is told of it. Pure but for the readers. Kinds that are not known are skipped, or
// kUnsupported from kRecordMustBeKnown on.
Status tell_record(std::uint16_t kind, ByteView body, const BackupReaders& readers);

}  // namespace tapewarden::engine
