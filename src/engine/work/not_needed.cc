#include "engine/work/not_needed.h"

#include <algorithm>
#include <set>

#include "engine/catalogue/limits.h"
#include "engine/work/fault_rules.h"
#include "engine/work/limits.h"
#include "engine/work/pool_writer.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

bool is_held_up(const WorkState& state, const Pool& pool) {
  const auto need = need_of(pool);
  const auto name = pool_name(pool.number);
  const bool no_keys = need.encryption != TapeEncryption::kClear && state.pauses.paused(kKeysPause);
  const auto open = state.parts.notices.open();
  const bool no_cartridge = std::ranges::any_of(open, [&](const Notice& notice) {
    return notice.kind == NoticeKind::kNoScratchCartridge && notice.subject == name;
  });
  return pool.encryption == PoolEncryption::kHeld || no_keys || (no_cartridge && state.pauses.paused(name)) ||
         !state.drives.usable(need);
}

// Its copy of now lies where reclaim takes it from, and can be relied on there: what was saved from a
// cartridge that fails stays in the cache until it is written.
Result<bool> is_staged(CatalogueView& view, const LogicalVolume& volume, CopyNumber copy, std::uint8_t due_to,
                       WallTime now) {
  if (!volume.cached || !volume.mounted.empty() || !volume.active(copy)) return false;
  const auto on = TRY(view.find_cartridge(volume.copy(copy)->cartridge));
  if (!on || !readable(on->state) || on->medium != volume.copy(copy)->medium) return false;
  if (noted_damaged(*on)) return false;
  const auto pool = TRY(view.pool(on->pool));
  if (target_of(*on, pool) != due_to) return false;  // its storage group or an operator asked for it
  if (on->move.when == MoveRequest::When::kNow) return true;
  return reclaim_reason(*on, pool.reclaim, now).has_value();
}

using Sources = std::set<std::string>;

Status take_back_of(WorkState& state, CatalogueChange& change, const Pool& pool, Sources& sources) {
  for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    for (auto& volume : TRY(change.due(copy, pool.number, kMaximumPage, {.cached = true}))) {
      if (!TRY(is_staged(change, volume, copy, pool.number, state.now()))) continue;
      (copy == CopyNumber::kPrimary ? volume.primary_due : volume.secondary_due) = false;
      TRY(change.put(volume));
      sources.insert(volume.copy(copy)->cartridge);
    }
  }
  return {};
}

Result<bool> is_target(CatalogueView& view, std::uint8_t pool, WallTime now) {
  for (const auto& cartridge : TRY(view.move_requests(MoveRequest::When::kNow, kCandidates)))
    if (cartridge.move.target_pool == pool) return true;
  for (const auto& [cartridge, reason] : TRY(view.reclaim_candidates(now, kCandidates)))
    if (cartridge.pool == pool || TRY(view.pool(cartridge.pool)).reclaim_pool == pool) return true;
  return false;
}

}  // namespace

Result<bool> take_back_staged(WorkState& state) {
  if (!state.parts.cached.somebody_waits()) return false;
  std::vector<Pool> held_up;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    held_up.clear();
    for (auto& pool : TRY(view.pools()))
      if (is_held_up(state, pool) && TRY(view.due_sums(pool.number)).copies > 0)
        held_up.push_back(std::move(pool));
    return {};
  }));
  if (held_up.empty()) return false;
  Sources sources;
  TRY(state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    sources.clear();
    for (const auto& pool : held_up) TRY(take_back_of(state, change, pool, sources));
    return {};
  }));
  if (sources.empty()) return false;
  for (const auto& barcode : sources) state.pauses.put_off(stage_pause(barcode), kFirstPause);
  room_came(state);
  return true;
}

Status clear_wants(WorkState& state) {
  for (const auto& notice : state.parts.notices.open()) {
    if (notice.kind != NoticeKind::kNoScratchCartridge && notice.kind != NoticeKind::kDriveOffline) continue;
    for (unsigned number = 0; number <= kMaximumPool; ++number) {
      const auto pool = static_cast<std::uint8_t>(number);
      if (notice.subject != pool_name(pool)) continue;
      bool wanted = false;
      TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
        wanted = TRY(view.due_sums(pool)).copies > 0 || TRY(is_target(view, pool, state.now()));
        return {};
      }));
      if (!wanted)
        (void)state.parts.notices.clear(notice.kind, notice.subject,
                                        "nothing is to be written there any more");
    }
  }
  return {};
}

}  // namespace tapewarden::engine
