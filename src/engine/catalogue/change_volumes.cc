#include <algorithm>
#include <limits>

#include "engine/catalogue/change.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

using store::Row;

namespace {

std::unexpected<Error> conflict(const LogicalVolume& volume, const std::string& why, std::string field,
                                std::string remedy = {}) {
  return fail(ErrorCode::kConflict, "the logical volume " + volume.volser + " " + why, std::move(field),
              std::move(remedy));
}

// What may follow what.
Status check_step(const std::optional<LogicalVolume>& before, const LogicalVolume& after, bool has_key) {
  if (after.cached && !has_key)
    return conflict(after, "cannot be cached: its file has no key", "cached", "set its cache key first");
  if (!before) return {};
  if (after.generation < before->generation || after.deleted_generation < before->deleted_generation)
    return conflict(after, "would get content of an older generation", "generation");
  const bool deletes = before->has_content() && !after.has_content();
  if (deletes && before->category != Category::kScratch)
    return conflict(after, "is private: its content is not deleted", "deleted generation",
                    "return it to scratch first");
  return {};
}

}  // namespace

Result<CatalogueChange::Before> CatalogueChange::before(const std::string& volser) {
  const auto row = TRY(transaction_.get(kVolumeTable, {volser}));
  if (!row) return Before{};
  return Before{TRY(volume_from(*row)), copy_pools_of(*row), store::blob(*row, kCacheKeyColumn)};
}

Status CatalogueChange::put(const LogicalVolume& volume) {
  TRY(check(volume));
  Before known = TRY(before(volume.volser));
  LogicalVolume after = volume;
  if (!known.volume) TRY(go_on_from_withdrawn(after));
  if (known.volume && after.generation > known.volume->generation)
    after.generation = std::max(after.generation, TRY(engine_state()).least_generation);
  after.has_cache_key = !known.box.empty();
  TRY(check_step(known.volume, after, after.has_cache_key));
  TRY(check_constructs(known, after));
  TRY(check_kept(known, after));
  CopyPools pools;
  pools.primary = TRY(move_copy(CopyNumber::kPrimary, known, after));
  pools.secondary = TRY(move_copy(CopyNumber::kSecondary, known, after));
  TRY(transaction_.put(kVolumeTable, to_row(after, pools, std::move(known.box))));
  TRY(count_volume(known.volume, after));
  if (known.volume && after.deleted_generation > known.volume->deleted_generation)
    return note_deletion(after.volser, TRY(beyond_what_may_be_unseen(after.deleted_generation)));
  return {};
}

// What is deleted goes with all that a cartridge may hold of it which nobody could ask when the catalogue was
// put together again: new content has a higher generation than that.
Result<std::uint64_t> CatalogueChange::beyond_what_may_be_unseen(std::uint64_t deleted) {
  const auto least = TRY(engine_state()).least_generation;
  return least == 0 ? deleted : std::max(deleted, least - 1);
}

Status CatalogueChange::go_on_from_withdrawn(LogicalVolume& volume) {
  const auto row = TRY(transaction_.get(kWithdrawnVolumeTable, {volume.volser}));
  if (!row) return {};
  // Whoever still has to remove the file of before takes none of the volume's.
  volume.cache_file = std::max(volume.cache_file, static_cast<std::uint64_t>(store::integer(*row, 2)));
  if (volume.generation != 0) return {};
  volume.generation = static_cast<std::uint64_t>(store::integer(*row, 1));
  volume.deleted_generation = volume.generation;
  return {};
}

Status CatalogueChange::check_constructs(const Before& known, const LogicalVolume& after) {
  if (!known.volume || known.volume->storage_group != after.storage_group)
    (void)TRY(storage_group(after.storage_group));
  if (!known.volume || known.volume->management_class != after.management_class)
    (void)TRY(management_class(after.management_class));
  return {};
}

Result<bool> CatalogueChange::safe(const LogicalVolume& volume) {
  if (!volume.has_content() || volume.cached) return true;
  for (const CopyNumber number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    if (!volume.active(number)) continue;
    const auto on = TRY(find_cartridge(volume.copy(number)->cartridge));
    if (on && readable(on->state) && on->medium == volume.copy(number)->medium) return true;
  }
  return false;
}

// What the world lost already stays as it is; no change loses anything.
Status CatalogueChange::check_kept(const Before& known, const LogicalVolume& after) {
  if (TRY(safe(after))) return {};
  if (known.volume && !TRY(safe(*known.volume))) return {};
  return conflict(after, "would have its content nowhere", "cached",
                  "keep it in the cache until it is on a readable cartridge");
}

// The pool in which the copy lies afterwards, or -1.
Result<std::int64_t> CatalogueChange::move_copy(CopyNumber number, const Before& known,
                                                const LogicalVolume& after) {
  const bool was = known.volume && known.volume->active(number);
  const bool is = after.active(number);
  if (was && is && known.volume->copy(number) == after.copy(number))
    return number == CopyNumber::kPrimary ? known.pools.primary : known.pools.secondary;
  if (was) TRY(end_copy(*known.volume->copy(number)));
  if (!is) return -1;
  return begin_copy(*after.copy(number));
}

Status CatalogueChange::end_copy(const Copy& copy) {
  const auto on = TRY(find_cartridge(copy.cartridge));
  if (!on || on->medium != copy.medium || on->active_volumes == 0 || on->active_bytes < copy.bytes) {
    return fail(ErrorCode::kCorrupt,
                "the sums of the physical volume " + copy.cartridge + " lack a copy that lies on it",
                "physical_volume", "have the catalogue checked, and restore it from its newest backup");
  }
  PhysicalVolume without = *on;
  without.active_bytes -= copy.bytes;
  without.active_volumes -= 1;
  without.last_inactivated = now_;
  return write(on, without);
}

Result<std::int64_t> CatalogueChange::begin_copy(const Copy& copy) {
  const auto on = TRY(find_cartridge(copy.cartridge));
  if (!on || !readable(on->state) || on->medium != copy.medium) {
    return fail(ErrorCode::kConflict,
                "a copy is said to lie on the physical volume " + copy.cartridge +
                    ", which is not there, not readable or was begun anew",
                "copy", "put the cartridge's own state first");
  }
  PhysicalVolume with = *on;
  with.active_bytes += copy.bytes;
  with.active_volumes += 1;
  TRY(write(on, with));
  return std::int64_t{on->pool};
}

Status CatalogueChange::withdraw_volume(std::string_view volser) {
  const LogicalVolume known = TRY(volume(volser));
  if (known.category != Category::kScratch)
    return conflict(known, "is private", "category", "return it to scratch first");
  if (!known.mounted.empty())
    return conflict(known, "is in the drive " + known.mounted, "mounted", "have it unmounted first");
  for (const CopyNumber number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    if (known.active(number)) TRY(end_copy(*known.copy(number)));
  }
  const auto last = known.generation == 0 ? 0 : TRY(beyond_what_may_be_unseen(known.generation));
  if (last > 0) TRY(note_deletion(known.volser, last));
  if (last > 0 || known.cache_file > 0)
    TRY(transaction_.put(kWithdrawnVolumeTable, {known.volser, static_cast<std::int64_t>(last),
                                                 static_cast<std::int64_t>(known.cache_file)}));
  TRY(transaction_.erase(kVolumeTable, {known.volser}));
  return count_volume(known, std::nullopt);
}

Status CatalogueChange::set_cache_key(std::string_view volser, const crypto::SecretBytes& key) {
  if (key.size() != kCacheKeySize)
    return fail(ErrorCode::kInvalidArgument, "a cache key has 32 bytes", "cache key");
  (void)TRY(volume(volser));
  auto row = TRY(transaction_.get(kVolumeTable, {std::string(volser)}));
  const store::Value place = std::string(volser);
  (*row)[kCacheKeyColumn] = transaction_.seal(kVolumeTable, {&place, 1}, "cache_key", key);
  return transaction_.put(kVolumeTable, *row);
}

Status CatalogueChange::forget_cache_key(std::string_view volser) {
  const LogicalVolume known = TRY(volume(volser));
  if (known.cached)
    return conflict(known, "is cached", "cached", "take it out of the cache in the same change");
  if (!known.has_cache_key) return {};
  auto row = TRY(transaction_.get(kVolumeTable, {known.volser}));
  (*row)[kCacheKeyColumn] = Bytes();
  return transaction_.put(kVolumeTable, *row);
}

Status CatalogueChange::set_cache_identity(const Uuid& cache) {
  auto state = TRY(engine_state());
  state.cache = cache;
  return transaction_.put(kEngineTable, to_row(state));
}

Status CatalogueChange::begin_generations_at(std::uint64_t generation) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  auto state = TRY(engine_state());
  if (generation > kLargest || generation < state.least_generation)
    return fail(ErrorCode::kInvalidArgument, "generations do not begin there", "generation");
  state.least_generation = generation;
  return transaction_.put(kEngineTable, to_row(state));
}

// The time is as good as a number, and no order has that of another one.
Status CatalogueChange::order_backup() {
  auto state = TRY(engine_state());
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(to_millis(now_), 1));
  state.backup_ordered = std::max(state.backup_ordered + 1, time);
  return transaction_.put(kEngineTable, to_row(state));
}

Status CatalogueChange::end_backup_order(std::uint64_t order) {
  auto state = TRY(engine_state());
  if (state.backup_ordered != order || order == 0) return {};
  state.backup_ordered = 0;
  return transaction_.put(kEngineTable, to_row(state));
}

Status CatalogueChange::note_rebuilt() {
  auto state = TRY(engine_state());
  state.rebuilt = now_;
  return transaction_.put(kEngineTable, to_row(state));
}

Status CatalogueChange::rebuilt_was_told() {
  auto state = TRY(engine_state());
  if (!state.rebuilt) return {};
  state.rebuilt.reset();
  return transaction_.put(kEngineTable, to_row(state));
}

// Numbers go up across everything that was ever deleted, so that what a trailer told is dropped and nothing
// else.
Status CatalogueChange::note_deletion(const std::string& volser, std::uint64_t generation) {
  constexpr unsigned kDeletionsInCommit = 20;  // as a power of two
  const auto last = TRY(transaction_.aggregate(kDeletedVolumeTable, "max(number)", "number > 0", {}));
  const auto least = static_cast<std::int64_t>(transaction_.sequence() << kDeletionsInCommit);
  const auto number = static_cast<std::uint64_t>(std::max(last + 1, least));
  const auto free = TRY(transaction_.query(kDeletedVolumeTable, "number = 0 ORDER BY place LIMIT 1", {}));
  const std::int64_t place = free.empty()
                                 ? TRY(transaction_.aggregate(kDeletedVolumeTable, "max(place)", "", {})) + 1
                                 : store::integer(free.front(), 0);
  return transaction_.put(kDeletedVolumeTable, to_row(place, {number, volser, generation}));
}

Status CatalogueChange::drop_deleted(std::uint64_t through) {
  const auto told = TRY(transaction_.query(kDeletedVolumeTable, "number > 0 AND number <= ?",
                                           {static_cast<std::int64_t>(through)}));
  for (const Row& row : told) TRY(transaction_.put(kDeletedVolumeTable, to_row(store::integer(row, 0), {})));
  return {};
}

}  // namespace tapewarden::engine
