#include "engine/operator/migration_plan.h"

#include <algorithm>
#include <array>

#include "base/counted.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/migration_limits.h"
#include "engine/operator/migration_settings.h"
#include "engine/operator/pool_orders.h"

namespace tapewarden::engine {
namespace {

using Kind = MigrationConflict::Kind;

std::string named(std::uint8_t pool) {
  return "pool " + std::to_string(pool);
}

std::uint64_t parts_of(std::uint64_t whole, std::uint64_t part) {
  return whole / part + (whole % part != 0 ? 1 : 0);
}

// What one reads off the cartridges of a pool for the estimates.
struct Filled {
  std::uint64_t cartridges = 0;
  std::uint64_t bytes = 0;
  void add(const PhysicalVolume& cartridge, MediumKind kind) {
    if (cartridge.state != CartridgeState::kFull || cartridge.kind != kind || cartridge.written_bytes == 0)
      return;
    ++cartridges;
    bytes += cartridge.written_bytes;
  }
};

class Planner {
 public:
  Planner(CatalogueView& view, const MigrationRequest& request, const TransferRates& rates, bool inhibited,
          WallTime now)
      : view_(view), request_(request), inhibited_(inhibited), now_(now) {
    plan_.rates = rates;
  }

  Result<MigrationPlan> run() {
    TRY(check(plan_.rates));
    TRY(read_pools());
    TRY(check(plan_.migration));
    if (!plan_.migration.within_pool()) plan_.settings = TRY(settings_to_change(view_, source_, target_));
    TRY(look_at_cartridges());
    if (!plan_.migration.within_pool()) plan_.due = TRY(view_.due_sums(request_.source));
    TRY(count_scratch());
    reckon_time();
    note_counts();
    TRY(find_conflicts());
    return std::move(plan_);
  }

 private:
  Status read_pools() {
    source_ = TRY(view_.pool(request_.source));
    target_ = TRY(view_.pool(request_.target));
    PoolMigration& migration = plan_.migration;
    migration.source = request_.source;
    migration.target = request_.target;
    migration.when = request_.when;
    migration.requested = now_;
    if (!migration.within_pool() && request_.keys)
      return fail(ErrorCode::kInvalidArgument, "another pool is written with the keys that its settings name",
                  "label 1", "set the encryption of " + named(target_.number) + " first");
    migration.keys_before = PoolKeys::of(target_);
    migration.keys = request_.keys.value_or(migration.keys_before);
    plan_.changes_keys = migration.keys != migration.keys_before;
    migration.keys.apply_to(target_);
    migration.state = migration.within_pool() ? PoolMigrationState::kPools : PoolMigrationState::kConstructs;
    TRY(check(target_));
    return plan_.changes_keys ? check_method(target_) : Status{};
  }

  Status look_at_cartridges() {
    const PoolMigration& migration = plan_.migration;
    TRY(each_cartridge(view_, source_.number, [&](const PhysicalVolume& cartridge) {
      plan_.tally.add(migration, cartridge);
      filled_.add(cartridge, target_.media);
      if (!concerns(migration, cartridge)) look_at_target(cartridge);
      if (concerns(migration, cartridge) && readable(cartridge.state) && comes_back(cartridge))
        ++plan_.scratch_returning;
    }));
    if (!migration.within_pool())
      TRY(each_cartridge(view_, target_.number, [&](const PhysicalVolume& cartridge) {
        filled_.add(cartridge, target_.media);
        look_at_target(cartridge);
      }));
    TransferRates& rates = plan_.rates;
    plan_.capacity_measured = rates.cartridge_bytes == 0 && filled_.cartridges > 0;
    if (plan_.capacity_measured) rates.cartridge_bytes = filled_.bytes / filled_.cartridges;
    if (rates.cartridge_bytes == 0) rates.cartridge_bytes = kAssumedCartridgeBytes;
    for (const std::uint64_t written : filling_)
      plan_.room_bytes += rates.cartridge_bytes > written ? rates.cartridge_bytes - written : 0;
    return {};
  }

  // Takes more of what is moved.
  void look_at_target(const PhysicalVolume& cartridge) {
    if (cartridge.pool != target_.number || cartridge.state != CartridgeState::kFilling) return;
    if (cartridge.kind != target_.media) return;
    if (target_.encryption != PoolEncryption::kOff && cartridge.encryption == MediumEncryption::kClear)
      return;
    filling_.push_back(cartridge.written_bytes);
  }

  // Empty, it is scratch where the target can begin it.
  bool comes_back(const PhysicalVolume& cartridge) const {
    if (cartridge.kind != target_.media || source_.secure_erase_days > 0) return false;
    const bool goes_home =
        cartridge.borrowed && (!plan_.migration.within_pool() || source_.borrow != Borrow::kBorrowAndKeep);
    const std::uint8_t back_in = goes_home ? cartridge.home_pool : cartridge.pool;
    return back_in == target_.number || (back_in == kCommonPool && target_.borrow != Borrow::kNo);
  }

  Status count_scratch() {
    plan_.scratch_there = TRY(view_.count_scratch(target_.number, target_.media));
    if (target_.borrow != Borrow::kNo)
      plan_.scratch_there += TRY(view_.count_scratch(kCommonPool, target_.media));
    const std::uint64_t bytes = bytes_to_move();
    if (bytes > plan_.room_bytes)
      plan_.scratch_needed = parts_of(bytes - plan_.room_bytes, plan_.rates.cartridge_bytes);
    return {};
  }

  std::uint64_t bytes_to_move() const { return plan_.tally.to_move().bytes + plan_.due.bytes; }

  // From tape to tape two drives work together: a source is read while a target is written, and the target
  // is mounted anew for each of them and whenever one is full. With one drive everything goes through the
  // cache, one after the other.
  void reckon_time() {
    TransferRates& rates = plan_.rates;
    if (rates.drive_bytes_per_second == 0) rates.drive_bytes_per_second = kAssumedDriveRate;
    if (rates.mount_seconds == 0) rates.mount_seconds = kAssumedMountSeconds;
    if (rates.drives == 0) rates.drives = 2;
    plan_.source_mounts = plan_.tally.to_move().cartridges;
    plan_.target_mounts = plan_.source_mounts + plan_.scratch_needed;
    std::uint64_t pairs = std::max<std::uint64_t>(1, rates.drives / 2);
    if (target_.max_drives > 0) pairs = std::min<std::uint64_t>(pairs, target_.max_drives);
    const std::uint64_t passes = rates.drives == 1 ? 2 : 1;
    const std::uint64_t moving = parts_of(bytes_to_move(), rates.drive_bytes_per_second) * passes;
    const std::uint64_t mounting = (plan_.source_mounts + plan_.target_mounts) * rates.mount_seconds;
    plan_.duration = std::chrono::seconds(parts_of(moving + mounting, pairs));
  }

  void note_counts() {
    const CartridgeSums left = plan_.tally.left();
    plan_.migration.counts = {left.cartridges, left.volumes, left.bytes, plan_.due.copies};
  }

  void add(Kind kind, bool refuses, std::string text, std::string remedy) {
    plan_.conflicts.push_back({kind, refuses, std::move(text), std::move(remedy)});
  }

  Status find_conflicts() {
    TRY(find_others());
    find_key_conflicts();
    find_scratch_conflicts();
    find_reclaim_conflicts();
    TRY(find_second_copies());
    const CartridgeSums& stuck = plan_.tally.stuck;
    if (stuck.cartridges > 0)
      add(Kind::kStuck, false,
          counted(stuck.cartridges, "cartridge") + " with " + counted(stuck.volumes, "active volume") +
              " cannot be read now: damaged, or out of the library",
          "bring them back, or have their volumes written anew; the migration does not end before");
    if (source_.media != target_.media && plan_.tally.to_move().cartridges > 0)
      add(Kind::kMediaDiffer, false,
          named(source_.number) + " is " + std::string(to_string(source_.media)) + " and " +
              named(target_.number) + " is " + std::string(to_string(target_.media)) +
              ": drives of both kinds are needed",
          "see that there is a drive of each kind, or name a pool of the same medium");
    return {};
  }

  Status find_others() {
    for (const PoolMigration& other : TRY(view_.running_pool_migrations())) {
      const bool same =
          other.source == source_.number || other.source == target_.number || other.target == source_.number;
      if (same)
        add(Kind::kRunning, true,
            "migration " + std::to_string(other.number) + " from " + named(other.source) + " to " +
                named(other.target) + " is under way",
            "wait until it has finished, or cancel it");
    }
    return {};
  }

  void find_key_conflicts() {
    if (target_.encryption == PoolEncryption::kHeld)
      add(Kind::kEncryptionOff, true, named(target_.number) + " is held: how it is written is not known",
          "set the encryption of " + named(target_.number) + " first");
    else if (target_.encryption == PoolEncryption::kOff)
      add(Kind::kEncryptionOff, true, named(target_.number) + " is written in clear",
          plan_.migration.within_pool() ? "name the labels, or the key group, that it is to be written with"
                                        : "set the encryption of " + named(target_.number) + " first");
    else if (plan_.migration.within_pool() && !plan_.changes_keys && plan_.tally.left().cartridges == 0)
      add(Kind::kNothingToChange, true,
          "everything in " + named(source_.number) + " is written with the keys of its settings",
          "name another pool, or other labels");
  }

  void find_scratch_conflicts() {
    if (plan_.scratch_needed <= plan_.scratch_there) return;
    const std::string text = counted(plan_.scratch_needed, "scratch cartridge") + " needed for " +
                             named(target_.number) + ", and there are " + std::to_string(plan_.scratch_there);
    const std::string remedy =
        "insert " + std::string(to_string(target_.media)) + " cartridges, or let the pool borrow";
    if (plan_.scratch_there == 0 && plan_.room_bytes == 0) {
      add(Kind::kNoScratch, true, text, remedy);
    } else if (plan_.scratch_needed > plan_.scratch_there + plan_.scratch_returning) {
      add(Kind::kLittleScratch, false, text + "; it waits when they are used up", remedy);
    }
  }

  void find_reclaim_conflicts() {
    if (request_.when != MoveRequest::When::kWhenEligible) return;
    if (inhibited_)
      add(Kind::kReclaimInhibited, false, "reclaim is inhibited now: nothing is moved before it is allowed",
          "look at the schedule of reclaim, or move now");
    if (!source_.reclaim.any() && plan_.tally.full.cartridges > 0)
      add(Kind::kNoReclaimPolicy, false,
          "all reclaim policies of " + named(source_.number) +
              " are off: no filled cartridge is ever eligible",
          "set a policy of the pool, or move now");
  }

  // A cartridge that is lost would take both copies along.
  Status find_second_copies() {
    if (plan_.migration.within_pool()) return {};
    const auto names = [&](auto kind) {
      return std::ranges::any_of(plan_.settings,
                                 [&](const MigratedSetting& setting) { return setting.kind == kind; });
    };
    bool first = names(MigratedSetting::Kind::kStorageGroup);
    bool second = names(MigratedSetting::Kind::kManagementClass);
    for (const StorageGroup& group : TRY(view_.storage_groups())) first |= group.pool == target_.number;
    for (const ManagementClass& management : TRY(view_.management_classes()))
      second |= management.pool == target_.number;
    if (first && second)
      add(Kind::kSecondCopies, false,
          "storage groups and management classes would both name " + named(target_.number) +
              ": both copies of a volume would lie in one pool, under the same keys",
          "migrate second copies to a pool of their own");
    return {};
  }

  CatalogueView& view_;
  const MigrationRequest& request_;
  const bool inhibited_;
  const WallTime now_;
  Pool source_;
  Pool target_;  // as it will be written
  Filled filled_;
  std::vector<std::uint64_t> filling_;  // what was written on those of the target that take more
  MigrationPlan plan_;
};

}  // namespace

Status check(const TransferRates& rates) {
  const auto out_of_range = [](std::string_view field) {
    return fail(ErrorCode::kInvalidArgument, "the number is out of range", std::string(field));
  };
  if (rates.drive_bytes_per_second > kMaximumDriveRate) return out_of_range("drive bytes per second");
  if (rates.mount_seconds > kMaximumMountSeconds) return out_of_range("mount seconds");
  if (rates.drives > kMaximumDriveCount) return out_of_range("drives");
  if (rates.cartridge_bytes > kMaximumBytes) return out_of_range("cartridge bytes");
  return {};
}

std::string_view to_string(MigrationConflict::Kind kind) {
  static constexpr std::array<std::string_view, 11> kNames{
      "running",        "encryption-off", "nothing-to-change", "no-scratch",
      "little-scratch", "media-differ",   "reclaim-inhibited", "no-reclaim-policy",
      "second-copies",  "stuck",          "keys-not-known"};
  return kNames.at(static_cast<std::size_t>(kind));
}

const MigrationConflict* MigrationPlan::refusal() const {
  const auto found = std::ranges::find(conflicts, true, &MigrationConflict::refuses);
  return found == conflicts.end() ? nullptr : &*found;
}

Result<MigrationPlan> plan_migration(CatalogueView& view, const MigrationRequest& request,
                                     const TransferRates& rates, bool reclaim_inhibited, WallTime now) {
  return Planner(view, request, rates, reclaim_inhibited, now).run();
}

}  // namespace tapewarden::engine
