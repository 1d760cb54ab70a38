#include "engine/catalogue/checker.h"

#include <map>

#include "engine/catalogue/limits.h"
#include "engine/catalogue/rows.h"
#include "engine/catalogue/rows_migration.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

using store::Row;

namespace {

class Checker {
 public:
  explicit Checker(store::Reader& reader) : reader_(reader) {}

  Result<std::vector<std::string>> run() {
    TRY(each_row(kCartridgeTable, "barcode", [&](const Row& row) { return take_cartridge(row); }));
    TRY(each_row(kVolumeTable, "volser", [&](const Row& row) { return take_volume(row); }));
    compare_cartridges();
    TRY(compare_cartridge_totals());
    TRY(compare_volume_totals());
    TRY(check_migrations());
    return std::move(faults_);
  }

 private:
  struct OnCartridge {
    PhysicalVolume known;
    std::uint64_t bytes = 0;
    std::uint32_t volumes = 0;
  };

  void report(std::string fault) {
    if (faults_.size() < kMaximumFaults) faults_.push_back(std::move(fault));
  }

  // Damaged rows are named and left out; the search goes on behind them.
  template <typename Each>
  Status each_row(const store::TableSpec& table, const std::string& key, const Each& each) {
    std::string after;
    while (true) {
      std::vector<store::DamagedRow> damaged;
      const auto rows =
          TRY(reader_.query_sound(table, key + " > ? ORDER BY " + key + " LIMIT 1000", {after}, damaged));
      for (const auto& row : damaged) {
        report("the row " + std::string(table.name) + " " + row.print +
               " was changed outside of this program");
        if (const auto* text = std::get_if<std::string>(&row.key.front())) after = std::max(after, *text);
      }
      for (const Row& row : rows) {
        TRY(each(row));
        after = std::max(after, store::text(row, 0));
      }
      if (rows.empty() && damaged.empty()) return {};
    }
  }

  Status take_cartridge(const Row& row) {
    PhysicalVolume cartridge = TRY(cartridge_from(row));
    add(CartridgeTotal::of(cartridge), cartridge_totals_);
    std::string barcode = cartridge.barcode;
    cartridges_[std::move(barcode)] = {std::move(cartridge), 0, 0};
    return {};
  }

  Status take_volume(const Row& row) {
    const LogicalVolume volume = TRY(volume_from(row));
    add(VolumeTotal::of(volume), volume_totals_);
    const CopyPools pools{take_copy(volume, CopyNumber::kPrimary), take_copy(volume, CopyNumber::kSecondary)};
    if (to_row(volume, pools, store::blob(row, kCacheKeyColumn)) != row)
      report("logical volume " + volume.volser + ": what its row tells the indexes does not fit");
    if (volume.cached && !volume.has_cache_key)
      report("logical volume " + volume.volser + ": cached without a cache key");
    return {};
  }

  std::int64_t take_copy(const LogicalVolume& volume, CopyNumber number) {
    if (!volume.active(number)) return -1;
    const Copy& copy = *volume.copy(number);
    const auto found = cartridges_.find(copy.cartridge);
    if (found == cartridges_.end() || found->second.known.medium != copy.medium) {
      report("logical volume " + volume.volser + ": its " + std::string(to_string(number)) +
             " copy is not on " + copy.cartridge);
      return -1;
    }
    found->second.bytes += copy.bytes;
    found->second.volumes += 1;
    return found->second.known.pool;
  }

  template <typename Total, typename Totals>
  static void add(const Total& total, Totals& totals) {
    auto& sum = totals.try_emplace(total.key, Total{total.key, {}}).first->second;
    sum.add(total.sums, 1);
  }

  void compare_cartridges() {
    for (const auto& [barcode, on] : cartridges_) {
      if (on.known.active_bytes == on.bytes && on.known.active_volumes == on.volumes) continue;
      report("physical volume " + barcode + ": its row says " + std::to_string(on.known.active_volumes) +
             " active volumes with " + std::to_string(on.known.active_bytes) + " bytes, there are " +
             std::to_string(on.volumes) + " with " + std::to_string(on.bytes));
    }
  }

  Status compare_cartridge_totals() {
    for (const Row& row : TRY(reader_.query(kCartridgeTotalTable, "", {}))) {
      const CartridgeTotal total = TRY(cartridge_total_from(row));
      compare(total, cartridge_totals_, "pool " + std::to_string(total.key.pool));
    }
    if (!cartridge_totals_.empty()) report("a total of cartridges is missing");
    return {};
  }

  Status compare_volume_totals() {
    for (const Row& row : TRY(reader_.query(kVolumeTotalTable, "", {}))) {
      const VolumeTotal total = TRY(volume_total_from(row));
      compare(total, volume_totals_, "storage group " + total.key.storage_group);
    }
    if (!volume_totals_.empty()) report("a total of volumes is missing");
    return {};
  }

  Status check_migrations() {
    std::map<std::uint8_t, PoolMigration> by_source;
    for (const Row& row : TRY(reader_.query(kPoolMigrationTable, "", {}))) {
      const PoolMigration migration = TRY(pool_migration_from(row));
      const std::string name = "migration " + std::to_string(migration.number);
      if (to_row(migration) != row) report(name + ": its row stands in the wrong place");
      if (ended(migration.state) != migration.ended_at.has_value())
        report(name + ": its state and the time of its end do not fit");
      if (!ended(migration.state) && !by_source.try_emplace(migration.source, migration).second)
        report(name + ": another one empties its pool, too");
    }
    for (const auto& [source, migration] : by_source) {
      const auto other = by_source.find(migration.target);
      if (other != by_source.end() && other->second.number != migration.number)
        report("migration " + std::to_string(migration.number) + ": another one empties its target");
    }
    return {};
  }

  // Takes out what was compared.
  template <typename Total, typename Totals>
  void compare(const Total& total, Totals& totals, const std::string& name) {
    const auto found = totals.find(total.key);
    const bool fits =
        found == totals.end() ? total.sums == typename Total::Sums{} : total.sums == found->second.sums;
    if (!fits) report("a total of " + name + " does not fit its rows");
    if (found != totals.end()) totals.erase(found);
  }

  store::Reader& reader_;
  std::vector<std::string> faults_;
  std::map<std::string, OnCartridge, std::less<>> cartridges_;
  std::map<CartridgeTotal::Key, CartridgeTotal> cartridge_totals_;
  std::map<VolumeTotal::Key, VolumeTotal> volume_totals_;
};

}  // namespace

Result<std::vector<std::string>> check_catalogue(store::Reader& reader) {
  return Checker(reader).run();
}

}  // namespace tapewarden::engine
