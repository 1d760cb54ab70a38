// What was found on one cartridge when it was examined: its label, and of each tape file header and trailer.
// Kept in a file as soon as it is whole, so that a rebuild that was broken off goes on behind it.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "engine/catalogue/cartridge.h"
#include "engine/stack/stack_format.h"

namespace tapewarden::engine {

// An image of a logical volume whose filemark is there.
struct FoundImage {
  std::string volser;
  Uuid volume;
  std::uint64_t generation = 0;
  std::uint8_t copy = 1;
  std::uint32_t file = 0;
  std::uint64_t block = 0;  // of its header; 0: not known, something before it is damaged
  std::uint64_t bytes = 0;  // on tape
  bool is_void = false;
  std::string storage_group;
  std::string management_class;
  ImageCategory category = ImageCategory::kPrivate;
  std::uint8_t preference = 1;
  WallTime inserted{};
  WallTime written{};
  friend bool operator==(const FoundImage&, const FoundImage&) = default;
};

struct FoundBackup {
  std::uint32_t file = 0;
  WallTime written{};
  bool early = false;  // the cartridge took more then
  friend bool operator==(const FoundBackup&, const FoundBackup&) = default;
};

struct DamagedFile {
  std::uint32_t file = 0;
  std::string why;
  friend bool operator==(const DamagedFile&, const DamagedFile&) = default;
};

struct Examination {
  std::string library;
  MediumKind kind = MediumKind::kLto;
  MediumEncryption encryption = MediumEncryption::kUnknown;
  std::string alias;  // of its key, when the drive tells it
  CartridgeLabel label;
  std::vector<FoundImage> images;  // in the order of tape files
  std::vector<FoundBackup> backups;
  std::vector<Tombstone> tombstones;
  std::vector<DamagedFile> damaged;  // with whole tape files behind them
  std::uint64_t written_bytes = 0;
  std::uint32_t next_file = 1;  // where the next image goes
  bool torn = false;            // what stands there was not written to its end
  friend bool operator==(const Examination&, const Examination&) = default;
};

// The whole file, old or new. Errors of the disk.
Status write_examination(Disk& disk, const std::string& path, const Examination& examination);
// kInvalidArgument when it is something else, kCorrupt, kUnsupported, kIo.
Result<Examination> read_examination(Disk& disk, const std::string& path);

}  // namespace tapewarden::engine
