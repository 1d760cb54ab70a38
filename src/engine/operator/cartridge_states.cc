// Cartridges out of the library, closed, damaged, to be erased, and forgotten.
#include <algorithm>

#include "base/counted.h"
#include "engine/catalogue/damage_note.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/cartridge_orders.h"
#include "engine/operator/cartridge_support.h"
#include "engine/operator/limits.h"
#include "engine/operator/names.h"

namespace tapewarden::engine {
namespace {

std::unexpected<Error> wrong_state(const PhysicalVolume& cartridge, const std::string& remedy) {
  return fail(ErrorCode::kConflict,
              "the physical volume " + cartridge.barcode + " is " + std::string(to_string(cartridge.state)) +
                  " with " + counted(cartridge.active_volumes, "active volume"),
              "barcode", remedy);
}

enum class Trust : std::uint8_t { kSure, kAny };

Result<bool> on_another(CatalogueView& view, const PlacedVolume& placed, Trust trust = Trust::kSure) {
  const auto other = placed.copy == CopyNumber::kPrimary ? CopyNumber::kSecondary : CopyNumber::kPrimary;
  if (!placed.volume.active(other)) return false;
  const auto& copy = *placed.volume.copy(other);
  const auto on = TRY(view.find_cartridge(copy.cartridge));
  const auto here = placed.volume.copy(placed.copy)->cartridge;
  return on && on->barcode != here && readable(on->state) && on->medium == copy.medium &&
         (trust == Trust::kAny || !doubtful(*on));
}

// What a host has in a drive is settled when the drive gives it back: until then its file may also be found
// to be gone, and what lies on tape is the last that there is. Nor is a file that the catalogue has, and the
// disk has not, a copy. `fault` is of the first such one.
bool safe_in_cache(CacheFiles& cache, const LogicalVolume& volume, std::optional<Error>* fault = nullptr) {
  if (!volume.cached || !volume.mounted.empty()) return false;
  auto there = cache.look_at(volume);
  if (!there && fault != nullptr && !*fault) *fault = std::move(there.error());
  return there.has_value();
}

// Calls `work` for each volume on the cartridge in tape order, until it gives false.
Status for_each_on(CatalogueView& view, const std::string& barcode,
                   const std::function<Result<bool>(const PlacedVolume&)>& work) {
  std::uint32_t first = 0;
  while (true) {
    const auto some = TRY(view.volumes_on(barcode, first, kMaximumPage));
    for (const auto& placed : some) {
      if (!TRY(work(placed))) return {};
      first = placed.volume.copy(placed.copy)->file + 1;
    }
    if (some.size() < kMaximumPage) return {};
  }
}

struct OnlyThere {
  std::vector<std::string> volsers;
  std::optional<Error> fault;  // why the cache has one of them no more
};

Result<OnlyThere> only_on(CatalogueView& view, CacheFiles& cache, const std::string& barcode) {
  OnlyThere only;
  TRY(for_each_on(view, barcode, [&](const PlacedVolume& placed) -> Result<bool> {
    const auto& volser = placed.volume.volser;
    if (TRY(on_another(view, placed)) || safe_in_cache(cache, placed.volume, &only.fault)) return true;
    // Both of its copies may lie there.
    if (std::ranges::find(only.volsers, volser) == only.volsers.end()) only.volsers.push_back(volser);
    return only.volsers.size() < kMaximumOrdered;
  }));
  return only;
}

// The plain rule: what would be out of reach is told, and needs a word.
Status check_only(CatalogueView& view, CacheFiles& cache, const PhysicalVolume& cartridge,
                  bool although_only) {
  if (although_only || !readable(cartridge.state)) return {};
  const auto only = TRY(only_on(view, cache, cartridge.barcode));
  if (only.volsers.empty()) return {};
  return fail(ErrorCode::kConflict,
              "the only copy of " + counted(only.volsers.size(), "volume") + " lies on the physical volume " +
                  cartridge.barcode + ": " + some_of(only.volsers) +
                  (only.fault ? ". The cache cannot be relied on: " + only.fault->text() : ""),
              "force",
              "move them to another cartridge or recall them first, and have hosts unmount them; or say that "
              "they may go with it");
}

// Written anew, it stands until the new one counts: what it is written from may turn out to be bad, and
// the cartridge to be good. A second copy that no construct wants any more goes where the cartridge's others
// went.
Status write_anew(CatalogueChange& change, const PlacedVolume& placed, std::uint8_t pool_of_cartridge) {
  auto volume = TRY(change.volume(placed.volume.volser));
  if (placed.copy == CopyNumber::kPrimary) {
    volume.primary_due = true;
    volume.primary_pool = TRY(change.storage_group(volume.storage_group)).pool;
  } else {
    const auto pool = TRY(change.management_class(volume.management_class)).pool;
    volume.secondary_due = true;
    volume.secondary_pool = pool != 0 ? pool : pool_of_cartridge;
  }
  return change.put(volume);
}

Result<DamageSettled> settle_damage(CatalogueChange& change, CacheFiles& cache,
                                    const PhysicalVolume& cartridge) {
  DamageSettled out;
  TRY(for_each_on(change, cartridge.barcode, [&](const PlacedVolume& placed) -> Result<bool> {
    const bool cached = safe_in_cache(cache, placed.volume);
    if (!cached && !TRY(on_another(change, placed, Trust::kAny))) {
      ++out.only;
      return true;
    }
    TRY(write_anew(change, placed, cartridge.pool));
    ++(cached ? out.from_cache : out.from_other);
    return true;
  }));
  return out;
}

std::string damage_text(const std::string& barcode, const DamageSettled& settled) {
  std::string text = "Physical volume " + barcode + " was marked as damaged by an operator";
  const auto add = [&](std::size_t volumes, const std::string& what) {
    if (volumes > 0) text += "; " + counted(volumes, "volume") + " " + what;
  };
  add(settled.from_cache, "to be written anew from the cache");
  add(settled.from_other, "to be written anew from another cartridge");
  add(settled.only, "with no other copy");
  return text;
}

// Nothing can be written anew from a file that is not there: the copy would be due for ever, and the volume
// never out of the cache.
Status check_file(CacheFiles& cache, const LogicalVolume& volume) {
  if (!volume.mounted.empty()) return {};
  const auto there = cache.look_at(volume);
  if (there) return {};
  return fail(
      ErrorCode::kConflict,
      "the volume " + volume.volser + " cannot be written anew from the cache: " + there.error().text(),
      "barcode",
      "give up what the cache has of it (volume evict " + volume.volser +
          "), so that its copy on the cartridge is the one that counts; then order it again");
}

// The cartridge leaves, and with it the only copy on tape of volumes that the cache has: they get another one
// there, and cannot leave the cache before. The one that leaves counts until then.
Result<std::vector<PlacedVolume>> copy_from_cache(CatalogueChange& change, CacheFiles& cache,
                                                  const std::string& barcode) {
  std::vector<PlacedVolume> made_due;
  TRY(for_each_on(change, barcode, [&](const PlacedVolume& placed) -> Result<bool> {
    auto volume = TRY(change.volume(placed.volume.volser));
    if (!volume.cached || volume.primary_due || volume.secondary_due || TRY(on_another(change, placed)))
      return true;
    TRY(check_file(cache, volume));
    volume.primary_due = true;
    volume.primary_pool = TRY(change.storage_group(volume.storage_group)).pool;
    TRY(change.put(volume));
    made_due.push_back(placed);
    return true;
  }));
  return made_due;
}

// It stays after all.
Status take_back(CatalogueChange& change, const std::vector<PlacedVolume>& made_due) {
  for (const auto& [known, copy] : made_due) {
    auto volume = TRY(change.find_volume(known.volser));
    if (!volume || volume->generation != known.generation || volume->primary != known.primary) continue;
    volume->primary_due = false;
    volume->primary_pool = known.primary_pool;
    TRY(change.put(*volume));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> only_there(const OperatorParts& parts, const std::string& barcode) {
  std::vector<std::string> only;
  TRY(parts.catalogue.read([&](CatalogueView& view) -> Status {
    only.clear();
    if (readable(TRY(view.cartridge(barcode)).state)) only = TRY(only_on(view, parts.cache, barcode)).volsers;
    return {};
  }));
  return only;
}

Result<std::string> eject_cartridge(const OperatorParts& parts, const std::string& barcode, bool exported,
                                    bool although_only) {
  const auto hold = TRY(parts.back_end.hold(barcode));
  (void)TRY(parts.back_end.find(barcode));
  PhysicalVolume before;
  std::vector<PlacedVolume> made_due;
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    before = TRY(change.cartridge(barcode));
    if (exported && before.state == CartridgeState::kScratch)
      return wrong_state(before, "nothing lies on it for another site: eject it (physical-volume eject)");
    TRY(check_only(change, parts.cache, before, although_only));
    made_due.clear();
    if (readable(before.state)) made_due = TRY(copy_from_cache(change, parts.cache, barcode));
    PhysicalVolume after = before;
    after.state = exported ? CartridgeState::kExported : CartridgeState::kEjected;
    after.move = {};
    return change.put(after);
  }));
  auto place = parts.back_end.hand_out(barcode);
  if (!place) {
    const auto back = parts.catalogue.change([&](CatalogueChange& change) -> Status {
      TRY(change.put(before));
      return take_back(change, made_due);
    });
    if (!back)
      return in_context(
          "it stays in the library, and the catalogue has it as ejected: " + back.error().text(),
          place.error());
    return std::unexpected(place.error());
  }
  parts.notices.clear(NoticeKind::kCartridgeDamaged, barcode, barcode + " left the library");
  parts.wake_up();
  return place;
}

namespace {

bool in_port(const OperatorParts& parts, const std::string& barcode) {
  const auto placed = parts.back_end.find(barcode);
  return placed && placed->place.starts_with("import/export");
}

// What stands against withdrawing it, as what to do.
std::string before_withdrawal(const PhysicalVolume& cartridge) {
  if (cartridge.state == CartridgeState::kAwaitingErase) return "wait until it is erased";
  if (cartridge.active_volumes > 0)
    return "move what lies on it first (physical-volume move), then withdraw it; or take it out with what "
           "lies "
           "on it (physical-volume eject)";
  return "it is scratch when the engine next looks at it, and is withdrawn then; or mark it as damaged "
         "(physical-volume mark-damaged)";
}

}  // namespace

Result<std::string> take_away_cartridge(const OperatorParts& parts, const std::string& barcode) {
  TRY(check_barcode(barcode));
  const auto hold = TRY(parts.back_end.hold(barcode));
  TRY(parts.catalogue.read([&](CatalogueView& view) -> Status {
    const auto known = TRY(view.find_cartridge(barcode));
    const bool out =
        !known || known->state == CartridgeState::kEjected || known->state == CartridgeState::kExported;
    // One that was ejected and found damaged then stands where an ejected one does.
    const bool stands_out = known && known->state == CartridgeState::kDamaged && in_port(parts, barcode);
    return out || stands_out ? Status() : wrong_state(*known, "eject it first (physical-volume eject)");
  }));
  return parts.back_end.take_away(barcode);
}

Result<std::string> bring_back_cartridge(const OperatorParts& parts, const std::string& barcode) {
  TRY(check_barcode(barcode));
  return parts.back_end.bring_back(barcode);
}

Status close_cartridge(const OperatorParts& parts, const std::string& barcode) {
  return change_held(parts, barcode, [](CatalogueChange& change, PhysicalVolume& cartridge) -> Status {
    if (cartridge.state != CartridgeState::kFilling && cartridge.state != CartridgeState::kFull)
      return wrong_state(cartridge, "only one that is filling or full is closed");
    cartridge.state = CartridgeState::kClosed;
    return change.put(cartridge);
  });
}

Result<DamageSettled> mark_damaged(const OperatorParts& parts, const std::string& barcode,
                                   const std::string& note, bool although_only) {
  DamageSettled settled;
  TRY(change_held(parts, barcode, [&](CatalogueChange& change, PhysicalVolume& cartridge) -> Status {
    settled = {};
    TRY(check_only(change, parts.cache, cartridge, although_only));
    const bool held_data = readable(cartridge.state);
    cartridge.state = CartridgeState::kDamaged;
    cartridge.note = note;
    cartridge.move = {};
    TRY(change.put(cartridge));
    if (held_data) settled = TRY(settle_damage(change, parts.cache, cartridge));
    return {};
  }));
  parts.notices.raise(NoticeKind::kCartridgeDamaged, barcode, damage_text(barcode, settled));
  parts.wake_up();
  return settled;
}

Status clear_damage(const OperatorParts& parts, const std::string& barcode) {
  TRY(change_held(parts, barcode, [](CatalogueChange& change, PhysicalVolume& cartridge) -> Status {
    const bool noted = cartridge.note.starts_with(kDamageNote);
    if (cartridge.state == CartridgeState::kDamaged)
      cartridge.state = cartridge.medium > 0 ? CartridgeState::kClosed : CartridgeState::kScratch;
    else if (!noted)  // what only met an error stays as it is: closed, full, or even being filled
      return wrong_state(cartridge, "it is not damaged");
    if (noted || !cartridge.unexamined) cartridge.note.clear();
    return change.put(cartridge);
  }));
  parts.notices.clear(NoticeKind::kCartridgeDamaged, barcode, "an operator found " + barcode + " good");
  return {};
}

Status request_erase(const OperatorParts& parts, const std::string& barcode) {
  return change_held(parts, barcode, [](CatalogueChange& change, PhysicalVolume& cartridge) -> Status {
    const bool fit =
        readable(cartridge.state) || (cartridge.state == CartridgeState::kScratch && cartridge.medium > 0);
    if (!fit || cartridge.active_volumes > 0)
      return wrong_state(cartridge, "only one that was written and holds nothing active is erased");
    cartridge.state = CartridgeState::kAwaitingErase;
    cartridge.move = {};
    return change.put(cartridge);
  });
}

Status withdraw_cartridge(const OperatorParts& parts, const std::string& barcode) {
  TRY(change_held(parts, barcode, [](CatalogueChange& change, PhysicalVolume& cartridge) -> Status {
    if (readable(cartridge.state) || cartridge.state == CartridgeState::kAwaitingErase)
      return wrong_state(cartridge, before_withdrawal(cartridge));
    return change.withdraw_cartridge(cartridge.barcode);
  }));
  parts.notices.clear(NoticeKind::kCartridgeDamaged, barcode, barcode + " is not the engine's any more");
  return {};
}

}  // namespace tapewarden::engine
