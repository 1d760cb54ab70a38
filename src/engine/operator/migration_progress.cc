// How far migrations are, and what keeps them. The orders are in pool_migrations.cc.
#include <algorithm>
#include <array>

#include "base/counted.h"
#include "engine/operator/migration_limits.h"
#include "engine/operator/migration_settings.h"
#include "engine/operator/pool_migrations.h"

namespace tapewarden::engine {
namespace {

using Kind = MigrationHindrance::Kind;

std::string named(std::uint8_t pool) {
  return "pool " + std::to_string(pool);
}

std::uint64_t less(std::uint64_t whole, std::uint64_t part) {
  return whole > part ? whole - part : 0;
}

// Data may have become more since, by copies that were due: then there is more to do than at the start.
CartridgeSums done_of(const PoolMigrationCounts& start, const CartridgeSums& left) {
  return {less(start.cartridges, left.cartridges), less(start.volumes, left.volumes),
          less(start.bytes, left.bytes)};
}

void reckon(MigrationProgress& progress, WallTime now) {
  const CartridgeSums left = progress.tally.left();
  progress.done = done_of(progress.migration.counts, left);
  if (progress.migration.state == PoolMigrationState::kFinished) {
    progress.percent = 100;
    return;
  }
  const double whole = static_cast<double>(progress.done.bytes) + static_cast<double>(left.bytes);
  if (whole > 0)
    progress.percent =
        std::min(99U, static_cast<unsigned>(static_cast<double>(progress.done.bytes) * 100.0 / whole));
  const auto seconds = (now - progress.migration.requested) / std::chrono::seconds(1);
  if (seconds <= 0 || progress.done.bytes == 0) return;
  progress.bytes_per_second = progress.done.bytes / static_cast<std::uint64_t>(seconds);
  const bool moving =
      progress.migration.when == MoveRequest::When::kNow && progress.tally.stuck.cartridges == 0;
  if (moving && progress.bytes_per_second > 0)
    progress.estimated_end = now + std::chrono::seconds(left.bytes / progress.bytes_per_second);
}

// Notices whose subject is not one of the migration's are other people's.
bool is_ours(CatalogueView& view, const PoolMigration& migration, const std::string& barcode,
             Status& failed) {
  const auto found = view.find_cartridge(barcode);
  if (!found) {
    failed = std::unexpected(found.error());
    return false;
  }
  return *found && concerns(migration, **found);
}

void find_settings(CatalogueView& view, const PoolMigration& migration,
                   std::vector<MigrationHindrance>& hindrances, Status& failed) {
  const auto look = [&]() -> Status {
    const Pool source = TRY(view.pool(migration.source));
    const Pool target = TRY(view.pool(migration.target));
    if (target.encryption == PoolEncryption::kOff)
      hindrances.push_back({Kind::kSettings, named(target.number),
                            named(target.number) + " is written in clear now: moves there are held, and "
                                                   "what hosts write goes there in clear"});
    if (migration.within_pool() || migration.state != PoolMigrationState::kMoving) return {};
    for (const MigratedSetting& setting : TRY(settings_to_change(view, source, target))) {
      if (setting.kind == MigratedSetting::Kind::kBorrow) continue;
      hindrances.push_back({Kind::kSettings, setting.name,
                            std::string(to_string(setting.kind)) + " " + setting.name + " names " +
                                named(setting.before) + " again"});
    }
    return {};
  };
  failed = look();
}

void find_stuck(const MigrationTally& tally, std::vector<MigrationHindrance>& hindrances) {
  for (const PhysicalVolume& cartridge : tally.in_the_way)
    hindrances.push_back({Kind::kStuck, cartridge.barcode,
                          "cartridge " + cartridge.barcode + " is " +
                              std::string(to_string(cartridge.state)) + " with " +
                              counted(cartridge.active_volumes, "active volume") +
                              (cartridge.note.empty() ? "" : ": " + cartridge.note)});
}

void find_due(const PoolMigration& migration, const DueSums& due,
              std::vector<MigrationHindrance>& hindrances) {
  if (due.copies == 0) return;
  std::string text =
      due.copies == 1 ? "1 copy in the cache is" : std::to_string(due.copies) + " copies in the cache are";
  text += " due for " + named(migration.source) + " and written there first";
  if (due.mounted > 0) text += "; of " + std::to_string(due.mounted) + " a host has the volume";
  hindrances.push_back({Kind::kCopiesDue, named(migration.source), std::move(text)});
}

Status find_scratch(CatalogueView& view, const PoolMigration& migration, const MigrationTally& tally,
                    std::vector<MigrationHindrance>& hindrances) {
  const bool said = std::ranges::any_of(
      hindrances, [](const MigrationHindrance& hindrance) { return hindrance.kind == Kind::kNoScratch; });
  if (said || tally.to_move().cartridges == 0) return {};
  const Pool target = TRY(view.pool(migration.target));
  if (!TRY(view.scratch_cartridges(target.number, target.media, 1)).empty()) return {};
  for (const PhysicalVolume& cartridge : TRY(view.filling(target.number, target.media, 1)))
    if (!concerns(migration, cartridge)) return {};
  hindrances.push_back({Kind::kNoScratch, named(target.number),
                        named(target.number) + " has neither a scratch cartridge nor one that takes more: "
                                               "insert some, or let it borrow"});
  return {};
}

}  // namespace

std::string_view to_string(MigrationHindrance::Kind kind) {
  static constexpr std::array<std::string_view, 7> kNames{"copies-due", "stuck",        "overdue", "no-keys",
                                                          "no-scratch", "not-eligible", "settings"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::vector<MigrationHindrance> PoolMigrations::hindrances_from_notices(const PoolMigration& migration,
                                                                        CatalogueView& view, Status& failed) {
  std::vector<MigrationHindrance> found;
  for (const Notice& notice : parts_.notices.open()) {
    if (notice.kind == NoticeKind::kNoKeyServer)
      found.push_back({Kind::kNoKeys, notice.subject, notice.text});
    if (notice.kind == NoticeKind::kNoScratchCartridge && notice.subject == named(migration.target))
      found.push_back({Kind::kNoScratch, notice.subject, notice.text});
    if (notice.kind == NoticeKind::kCartridgeOverdue && is_ours(view, migration, notice.subject, failed))
      found.push_back({Kind::kOverdue, notice.subject, notice.text});
    if (found.size() >= kMaximumInTheWay) break;
  }
  return found;
}

Result<MigrationProgress> PoolMigrations::progress_in(CatalogueView& view, const PoolMigration& migration) {
  MigrationProgress progress;
  progress.migration = migration;
  if (!ended(migration.state)) {
    progress.tally = TRY(tally_of(view, migration));
    if (!migration.within_pool()) progress.due = TRY(view.due_sums(migration.source));
  }
  if (migration.state != PoolMigrationState::kCancelled) reckon(progress, now());
  if (ended(migration.state) || migration.state == PoolMigrationState::kTakingBack) return progress;
  Status failed;
  progress.hindrances = hindrances_from_notices(migration, view, failed);
  TRY(failed);
  find_stuck(progress.tally, progress.hindrances);
  find_due(migration, progress.due, progress.hindrances);
  TRY(find_scratch(view, migration, progress.tally, progress.hindrances));
  find_settings(view, migration, progress.hindrances, failed);
  TRY(failed);
  if (migration.when == MoveRequest::When::kWhenEligible && progress.tally.full.cartridges > 0)
    progress.hindrances.push_back(
        {Kind::kNotEligible, named(migration.source),
         counted(progress.tally.full.cartridges, "filled cartridge") +
             (inhibited() ? " wait: reclaim is inhibited now"
                          : " wait until the reclaim policies of the pool make them eligible")});
  return progress;
}

Result<MigrationProgress> PoolMigrations::progress(std::uint64_t number) {
  MigrationProgress progress;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    progress = TRY(progress_in(view, TRY(view.pool_migration(number))));
    return {};
  }));
  return progress;
}

Result<std::vector<MigrationProgress>> PoolMigrations::all() {
  std::vector<MigrationProgress> all;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    all.clear();
    for (const PoolMigration& migration : TRY(view.pool_migrations()))
      all.push_back(TRY(progress_in(view, migration)));
    return {};
  }));
  return all;
}

}  // namespace tapewarden::engine
