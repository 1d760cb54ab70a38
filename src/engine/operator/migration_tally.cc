#include "engine/operator/migration_tally.h"

#include <algorithm>

#include "base/text.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/migration_limits.h"

namespace tapewarden::engine {
namespace {

bool same_label(const KeyLabel& a, const KeyLabel& b) {
  if (a.text.empty() && b.text.empty()) return true;
  return equal_ignoring_case(a.text, b.text) && a.mode == b.mode;
}

// Either order: which of two EEDKs is the first makes no difference to who can read it.
bool same_labels(const std::array<KeyLabel, 2>& a, const std::array<KeyLabel, 2>& b) {
  return (same_label(a[0], b[0]) && same_label(a[1], b[1])) ||
         (same_label(a[0], b[1]) && same_label(a[1], b[0]));
}

CartridgeSums& operator+=(CartridgeSums& sums, const CartridgeSums& more) {
  sums.cartridges += more.cartridges;
  sums.volumes += more.volumes;
  sums.bytes += more.bytes;
  return sums;
}

bool was_written(const PhysicalVolume& cartridge) {
  return cartridge.state != CartridgeState::kScratch && cartridge.state != CartridgeState::kAwaitingErase;
}

}  // namespace

bool written_with(const PhysicalVolume& cartridge, const PoolKeys& keys, WallTime since) {
  switch (keys.encryption) {
    case PoolEncryption::kHeld:
      return false;
    case PoolEncryption::kOff:
      return cartridge.encryption == MediumEncryption::kClear;
    case PoolEncryption::kWrapped:
      return cartridge.encryption == MediumEncryption::kWrapped && same_labels(cartridge.labels, keys.labels);
    case PoolEncryption::kIdentified:
      return cartridge.encryption == MediumEncryption::kIdentified &&
             (!cartridge.first_written || *cartridge.first_written >= since);
  }
  return false;
}

bool concerns(const PoolMigration& migration, const PhysicalVolume& cartridge) {
  if (cartridge.pool != migration.source || !was_written(cartridge)) return false;
  return !migration.within_pool() || !written_with(cartridge, migration.keys, migration.requested);
}

Status each_cartridge(CatalogueView& view, std::uint8_t pool,
                      const std::function<void(const PhysicalVolume&)>& each) {
  PageRequest request{.limit = kMaximumPage};
  do {
    const auto page = TRY(view.cartridges({.pool = pool}, request));
    for (const PhysicalVolume& cartridge : page.items) each(cartridge);
    request.after = page.next;
  } while (!request.after.empty());
  return {};
}

CartridgeSums MigrationTally::to_move() const {
  CartridgeSums sums = full;
  sums += closed;
  sums += filling;
  return sums;
}

CartridgeSums MigrationTally::left() const {
  CartridgeSums sums = to_move();
  sums += stuck;
  return sums;
}

void MigrationTally::add(const PoolMigration& migration, const PhysicalVolume& cartridge) {
  if (!concerns(migration, cartridge)) return;
  const MoveRequest& move = cartridge.move;
  if (move.when != MoveRequest::When::kNone && move.target_pool == migration.target) ++requested;
  if (cartridge.state == CartridgeState::kFilling) ++open;
  if (!readable(cartridge.state)) {
    if (cartridge.active_volumes == 0) return;
    stuck.add(cartridge);
    if (in_the_way.size() < kMaximumInTheWay) in_the_way.push_back(cartridge);
    return;
  }
  if (cartridge.active_volumes == 0) {
    ++emptied;
    return;
  }
  if (cartridge.state == CartridgeState::kFull) full.add(cartridge);
  if (cartridge.state == CartridgeState::kClosed) closed.add(cartridge);
  if (cartridge.state == CartridgeState::kFilling) filling.add(cartridge);
}

Result<MigrationTally> tally_of(CatalogueView& view, const PoolMigration& migration) {
  MigrationTally tally;
  TRY(each_cartridge(view, migration.source,
                     [&](const PhysicalVolume& cartridge) { tally.add(migration, cartridge); }));
  return tally;
}

}  // namespace tapewarden::engine
