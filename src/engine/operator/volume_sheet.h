// What an operator sees of logical volumes and of what lies where (feature row T10). Functions are
// thread-safe as the catalogue is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// A copy with the cartridge on which it lies.
struct CopySheet {
  CopyNumber number = CopyNumber::kPrimary;
  Copy copy;
  bool active = false;                      // it holds the content of now
  std::optional<PhysicalVolume> cartridge;  // nothing: it is not known any more
  bool there = false;                       // active, and the cartridge is there and fit to be read
};
struct VolumeSheet {
  LogicalVolume volume;
  std::vector<CopySheet> copies;
  std::uint8_t next_primary_pool = 0;  // where its constructs send it when it is next unmounted
  std::uint8_t next_secondary_pool = 0;
};
// kNotFound.
Result<VolumeSheet> volume_sheet(Catalogue& catalogue, const std::string& volser);

// Cartridges by how they were written; what is not set does not count.
struct CopyFilter {
  std::optional<std::uint8_t> pool = {};
  std::optional<MediumEncryption> encryption = {};
  std::string label = {};  // a key label, or a key's alias; without regard to case
};

// An active copy of a volume on such a cartridge.
struct FoundCopy {
  std::string volser;
  CopyNumber number = CopyNumber::kPrimary;
  Copy copy;
  PhysicalVolume cartridge;
};
// In the order of barcodes, and of tape files on each: the order in which a drive would read them.
// kInvalidArgument for an `after` that no page gave.
Result<Page<FoundCopy>> find_copies(Catalogue& catalogue, const CopyFilter& filter, const PageRequest& page);

// Whether a search for a label was for nothing because there is no such key: in words for people when no
// cartridge is written with it and the key servers do not know it; empty otherwise. Asks the key servers only
// when no cartridge is.
Result<std::string> unknown_label(Catalogue& catalogue, KeyNameCheck& names, const std::string& label);

// What the cartridges of one pool that were written in one way hold together.
struct PoolUse {
  std::uint8_t pool = 0;
  MediumEncryption encryption = MediumEncryption::kUnknown;
  std::array<KeyLabel, 2> labels;
  std::uint64_t cartridges = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t active_bytes = 0;
  std::uint64_t active_volumes = 0;
};
// By pool, encryption and labels: what a pool's cartridges were written with while its settings changed.
// Takes as long as there are cartridges that match.
Result<std::vector<PoolUse>> pool_use(Catalogue& catalogue, const CopyFilter& filter);

}  // namespace tapewarden::engine
