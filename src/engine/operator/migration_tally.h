// Which cartridges a migration concerns, and what lies on them. Read within one view of the catalogue, a page
// of cartridges at a time; one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/catalogue/view.h"

namespace tapewarden::engine {

// What lies on some cartridges.
struct CartridgeSums {
  std::uint64_t cartridges = 0;
  std::uint64_t volumes = 0;  // active ones
  std::uint64_t bytes = 0;    // of theirs
  void add(const PhysicalVolume& cartridge) {
    ++cartridges;
    volumes += cartridge.active_volumes;
    bytes += cartridge.active_bytes;
  }
  friend bool operator==(const CartridgeSums&, const CartridgeSums&) = default;
};

// Whether the cartridge was written with these keys as far as the catalogue can tell. Of keys known by alias
// it knows no group: what was begun from `since` on counts.
bool written_with(const PhysicalVolume& cartridge, const PoolKeys& keys, WallTime since);

// Whether a migration moves what lies on a cartridge of its source: to another pool everything that was ever
// written, within a pool what was written otherwise than with its keys.
bool concerns(const PoolMigration& migration, const PhysicalVolume& cartridge);

// Every cartridge of the pool, in the order of barcodes.
Status each_cartridge(CatalogueView& view, std::uint8_t pool,
                      const std::function<void(const PhysicalVolume&)>& each);

// The cartridges of the source that a migration concerns.
struct MigrationTally {
  CartridgeSums full;                      // with active data
  CartridgeSums closed;                    // the same
  CartridgeSums filling;                   // the same
  CartridgeSums stuck;                     // with active data, and not to be read: damaged, ejected, exported
  std::uint64_t open = 0;                  // that would take more, whether something lies on them or not
  std::uint64_t emptied = 0;               // that hold nothing active, and are about to be scratch
  std::uint64_t requested = 0;             // with a move request to the target
  std::vector<PhysicalVolume> in_the_way;  // the first of those that are stuck, at most kMaximumInTheWay

  CartridgeSums to_move() const;
  CartridgeSums left() const;  // with active data: those to move, and those that are stuck
  void add(const PoolMigration& migration, const PhysicalVolume& cartridge);
};
Result<MigrationTally> tally_of(CatalogueView& view, const PoolMigration& migration);

}  // namespace tapewarden::engine
