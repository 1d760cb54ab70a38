#include "engine/work/left_behind.h"

#include "engine/catalogue/damage_note.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {
namespace {

// Why it takes no more; "": it does.
Result<std::string> why_left(CatalogueView& view, const PhysicalVolume& cartridge) {
  if (doubtful(cartridge)) return std::string("not everything on it can be relied on");
  const auto pool = TRY(view.pool(cartridge.pool));
  if (pool.number == kCommonPool) return std::string("in the common pool, which takes no data");
  if (pool.encryption == PoolEncryption::kHeld) return std::string();  // what it is to be is not known
  if (cartridge.kind != pool.media) return std::string("its pool takes other cartridges now");
  const bool clear = tape_encryption(cartridge.encryption) == TapeEncryption::kClear;
  if (clear && pool.encryption != PoolEncryption::kOff)
    return std::string("written in clear, and its pool encrypts now: it takes no more");
  if (cartridge.active_volumes > 0) return std::string();
  // A backup of the catalogue alone, as on a new site: it is kept.
  if (cartridge.next_file > 1 && !cartridge.last_inactivated) return std::string();
  for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary})
    if (!TRY(view.due(copy, pool.number, 1)).empty()) return std::string();
  return std::string("nothing lies on it, and nothing is to be written to its pool");
}

Status close(WorkState& state, const std::string& barcode) {
  std::string damage;
  TRY(state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    damage.clear();
    auto now = TRY(change.cartridge(barcode));
    if (now.state != CartridgeState::kFilling) return {};
    const auto why = TRY(why_left(change, now));
    if (why.empty()) return {};
    now.state = CartridgeState::kClosed;
    if (now.active_volumes > 0 && now.note.empty()) now.note = why;
    if (doubtful(now)) damage = now.note;
    return change.put(now);
  }));
  if (!damage.empty())
    state.parts.notices.raise(NoticeKind::kCartridgeDamaged, barcode,
                              "cartridge " + barcode + " takes no more: " + damage);
  return {};
}

}  // namespace

Result<bool> close_left_behind(WorkState& state) {
  std::vector<std::string> found;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    const CartridgeFilter filter{.state = CartridgeState::kFilling};
    for (const auto& cartridge : TRY(view.cartridges(filter, {.limit = kMaximumPage})).items)
      if (!TRY(why_left(view, cartridge)).empty()) found.push_back(cartridge.barcode);
    return {};
  }));
  bool any = false;
  for (const auto& barcode : found) {
    const auto claim = state.cartridges.claim(barcode);
    if (!claim) continue;
    any = true;
    TRY(close(state, barcode));
  }
  return any;
}

}  // namespace tapewarden::engine
