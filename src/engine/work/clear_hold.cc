#include "engine/work/clear_hold.h"

#include <algorithm>

#include "engine/catalogue/damage_note.h"
#include "engine/catalogue/limits.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

// Where its construct sends the copy.
Result<std::uint8_t> pool_by_construct(CatalogueView& view, const LogicalVolume& volume, CopyNumber copy) {
  if (copy == CopyNumber::kPrimary) return TRY(view.storage_group(volume.storage_group)).pool;
  return TRY(view.management_class(volume.management_class)).pool;
}

bool asked(const PhysicalVolume& source) {
  return source.move.when != MoveRequest::When::kNone;
}

Result<bool> holds_due(CatalogueView& view, const PhysicalVolume& source) {
  for (std::uint32_t first = 0;;) {
    const auto placed = TRY(view.volumes_on(source.barcode, first, kMaximumPage));
    for (const auto& [volume, copy] : placed) {
      const bool primary = copy == CopyNumber::kPrimary;
      if (!(primary ? volume.primary_due : volume.secondary_due)) continue;
      if (TRY(held_from_clear(view, volume, copy, primary ? volume.primary_pool : volume.secondary_pool)))
        return true;
    }
    if (placed.size() < kMaximumPage) return false;
    first = placed.back().volume.copy(placed.back().copy)->file + 1;
  }
}

Result<bool> still_held(CatalogueView& view, const PhysicalVolume& source) {
  const auto target = target_of(source, TRY(view.pool(source.pool)));
  if (asked(source) && readable(source.state) && TRY(held_from_clear(view, source, target))) return true;
  return holds_due(view, source);
}

Result<bool> still_held(CatalogueView& view, const std::string& subject) {
  for (const auto& pool : TRY(view.pools())) {
    if (subject != pool_name(pool.number)) continue;
    if (pool.number == kCommonPool) return false;
    return needs_clear_leave(pool, TRY(view.pool(pool.reclaim_pool))) &&
           pool.clear_reclaim_pool != pool.reclaim_pool;
  }
  const auto source = TRY(view.find_cartridge(subject));
  return source && TRY(still_held(view, *source));
}

}  // namespace

Result<bool> held_from_clear(CatalogueView& view, const PhysicalVolume& source, std::uint8_t target) {
  const auto home = TRY(view.pool(source.pool));
  return needs_clear_leave(home, TRY(view.pool(target))) && !has_clear_leave(source, home, target);
}

Result<bool> held_from_clear(CatalogueView& view, const LogicalVolume& volume, CopyNumber copy,
                             std::uint8_t target) {
  if (!volume.active(copy) || TRY(pool_by_construct(view, volume, copy)) == target) return false;
  const auto on = TRY(view.find_cartridge(volume.copy(copy)->cartridge));
  return on && TRY(held_from_clear(view, *on, target));
}

void tell_held(WorkState& state, const PhysicalVolume& source, std::uint8_t target) {
  const auto home = pool_name(source.pool);
  const auto to = pool_name(target);
  const auto subject = asked(source) ? source.barcode : home;
  const auto what = asked(source) ? "cartridge " + source.barcode + " of " + home : home;
  const auto otherwise = asked(source) ? "physical-volume move " + source.barcode + " now --to " +
                                             std::to_string(target) + " --allow-clear"
                                       : "pool set " + std::to_string(source.pool) + " --allow-clear";
  state.parts.notices.raise(
      NoticeKind::kHeldFromClear, subject,
      what + " holds what is to be encrypted, and is to be emptied into " + to +
          ", which is written in clear: it is held. Have a security officer set the encryption of " + to +
          (asked(source) ? ", take the move back (never)" : ", or another reclaim pool") +
          ", or say that it is to lie there in clear: " + otherwise);
}

Status hold_copy(WorkState& state, const std::string& volser, CopyNumber copy, std::uint8_t target) {
  std::optional<PhysicalVolume> waits;
  TRY(state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    waits.reset();
    auto volume = TRY(change.volume(volser));
    const bool primary = copy == CopyNumber::kPrimary;
    auto& due = primary ? volume.primary_due : volume.secondary_due;
    const auto pool = primary ? volume.primary_pool : volume.secondary_pool;
    if (!due || pool != target || !TRY(held_from_clear(change, volume, copy, target))) return {};
    auto source = TRY(change.cartridge(volume.copy(copy)->cartridge));
    if (!readable(source.state) || doubtful(source)) {
      waits = std::move(source);
      return {};
    }
    due = false;
    return change.put(volume);
  }));
  if (!waits) {
    room_came(state);
    return {};
  }
  state.parts.notices.raise(
      NoticeKind::kHeldFromClear, waits->barcode,
      "copies of what lies on cartridge " + waits->barcode + " of " + pool_name(waits->pool) +
          ", which is in doubt, are to be written to " + pool_name(target) +
          " in clear: they are held, and stay in the cache. Have a security officer set the encryption of " +
          pool_name(target) + ", or say that they are to lie there in clear: " +
          (readable(waits->state) ? "physical-volume move " + waits->barcode + " now --to " +
                                        std::to_string(target) + " --allow-clear"
                                  : "volume set VOLSER --storage-group NAME --allow-clear"));
  return {};
}

Status clear_held(WorkState& state) {
  for (const auto& notice : state.parts.notices.open()) {
    if (notice.kind != NoticeKind::kHeldFromClear) continue;
    bool held = false;
    TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
      held = TRY(still_held(view, notice.subject));
      return {};
    }));
    if (!held)
      (void)state.parts.notices.clear(notice.kind, notice.subject, "nothing of it would be written in clear");
  }
  return {};
}

}  // namespace tapewarden::engine
