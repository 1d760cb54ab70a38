// What a virtual library is made of, as its configuration says: [library] of taped.toml. Values.
#pragma once

#include <string>
#include <vector>

#include "config/toml_file.h"
#include "scsi/changer_mode.h"
#include "tape/device/changer.h"
#include "tape/library/encryption_rules.h"
#include "tape/library/inventory.h"
#include "tape/library/partitions.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

struct LibraryDrive {
  std::string serial;
  MediumKind kind = MediumKind::kLto;
  KeyManagement management = KeyManagement::kApplication;
  bool operator==(const LibraryDrive&) const = default;
};

struct LibrarySpec {
  std::string folder;      // cartridges and inventory
  std::string identities;  // one folder for each drive: who it is
  // The cartridges' files come from a keeper (volume_keeper.h); the folder has the inventory alone.
  bool kept = false;
  ChangerOptions changer{};
  std::vector<LibraryDrive> drives{};  // in the order of their element addresses
  scsi::ElementAddressAssignment layout{};
  std::string key_servers{};  // path of engine.toml; set when a drive is library- or system-managed
  std::vector<EncryptionRule> encryption{};    // for library-managed drives
  std::vector<LibraryPartition> partitions{};  // none: hosts see the library as one

  // How many slots and import/export slots there are follows from the layout.
  std::uint32_t slots() const { return layout.storage.count; }
  std::uint32_t ports() const { return layout.import_export.count; }
  // nullptr: in no partition.
  const LibraryPartition* partition_of_slot(std::uint32_t index) const;
  const LibraryPartition* partition_of_port(std::uint32_t index) const;
  const LibraryPartition* partition_of_drive(const std::string& serial) const;
  const LibraryPartition* partition_of_barcode(const std::string& barcode) const;
  // nullptr also for what is outside.
  const LibraryPartition* partition_at(const Place& place) const;
};

// The serial of the changer that hosts of the partition see: the library's with the partition's name behind
// it; nullptr: the whole library's.
std::string changer_serial(const LibrarySpec& spec, const LibraryPartition* partition);

// kInvalidArgument naming the key.
Result<LibrarySpec> read_library_spec(config::Section section);

}  // namespace tapewarden::tape
