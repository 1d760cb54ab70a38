#include "engine/work/emptied.h"

#include "engine/catalogue/limits.h"
#include "engine/work/limits.h"

namespace tapewarden::engine {
namespace {

class EraseJob final : public Job {
 public:
  EraseJob(WorkState& state, DriveDesk::Claim drive, Claims::Claim claim, PhysicalVolume cartridge)
      : state_(state),
        drive_(std::move(drive)),
        claim_(std::move(claim)),
        mount_(state, drive_.station(), std::move(cartridge)) {}

  Status run() override {
    const auto& barcode = mount_.cartridge().barcode;
    if (const auto erased = mount_.erase(); !erased)
      return fault_of(erased.error()) == MountFault::kNone ? erased : Status();
    state_.parts.meter->cartridge_erased();
    return state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
      auto erased = TRY(change.cartridge(barcode));
      if (erased.state != CartridgeState::kAwaitingErase) return {};
      give_back(erased, TRY(change.pool(erased.pool)));
      erased.encryption = MediumEncryption::kUnknown;
      erased.labels = {};
      erased.alias.clear();
      erased.written_bytes = 0;
      return change.put(erased);
    });
  }

 private:
  WorkState& state_;
  DriveDesk::Claim drive_;
  Claims::Claim claim_;
  JobMount mount_;
};

bool urgent(const PhysicalVolume& cartridge, const Pool& pool, WallTime now) {
  if (!cartridge.last_inactivated) return true;
  return now >=
         *cartridge.last_inactivated + std::chrono::days(pool.secure_erase_days) - std::chrono::days(1);
}

bool takes_no_more(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kFull || cartridge.state == CartridgeState::kClosed;
}

}  // namespace

Result<bool> tidy_emptied(WorkState& state) {
  std::vector<PhysicalVolume> found;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    found = TRY(view.emptied(kCandidates));
    return {};
  }));
  bool any = false;
  for (const auto& cartridge : found) {
    const auto claim = state.cartridges.claim(cartridge.barcode);
    if (!claim) continue;
    any = true;
    bool reclaimed = false;
    TRY(state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
      reclaimed = false;
      auto emptied = TRY(change.cartridge(cartridge.barcode));
      if (emptied.active_volumes > 0 || emptied.unexamined || !takes_no_more(emptied)) return {};
      const auto pool = TRY(change.pool(emptied.pool));
      emptied.move = {};
      reclaimed = !noted_damaged(emptied);
      if (!reclaimed)
        emptied.state = CartridgeState::kDamaged;
      else if (pool.secure_erase_days > 0 || emptied.erase_first)
        emptied.state = CartridgeState::kAwaitingErase;
      else
        give_back(emptied, pool);
      return change.put(emptied);
    }));
    if (reclaimed) state.parts.meter->cartridge_reclaimed();
  }
  if (!any) return false;
  // They may be what a pool waits for.
  for (unsigned pool = 0; pool <= kMaximumPool; ++pool) {
    state.pauses.clear(pool_name(static_cast<std::uint8_t>(pool)));
    state.pauses.clear(left_pause(static_cast<std::uint8_t>(pool)));
  }
  return true;
}

Result<std::unique_ptr<Job>> pick_erase(WorkState& state, EraseUrgency urgency) {
  std::vector<PhysicalVolume> found;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    const CartridgeFilter filter{.state = CartridgeState::kAwaitingErase};
    for (auto& cartridge : TRY(view.cartridges(filter, {.limit = kCandidates})).items) {
      if (urgency == EraseUrgency::kAny || urgent(cartridge, TRY(view.pool(cartridge.pool)), state.now()))
        found.push_back(std::move(cartridge));
    }
    return {};
  }));
  for (const auto& cartridge : found) {
    if (state.pauses.paused(cartridge_pause(cartridge.barcode))) continue;
    auto claimed = TRY(claim_cartridge(state, cartridge.barcode));
    if (!claimed || claimed->cartridge.state != CartridgeState::kAwaitingErase) continue;
    const DriveNeed need{cartridge.kind, TapeEncryption::kClear, cartridge.library};
    auto drive = urgency == EraseUrgency::kUrgent ? state.drives.claim(need) : state.claim_one(need);
    if (!drive) continue;
    return std::make_unique<EraseJob>(state, *std::move(drive), std::move(claimed->claim),
                                      std::move(claimed->cartridge));
  }
  return nullptr;
}

}  // namespace tapewarden::engine
