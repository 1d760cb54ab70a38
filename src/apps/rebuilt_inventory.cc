#include "apps/rebuilt_inventory.h"

#include <set>

#include "tape/library/kept_cartridges.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kRowsAtOnce = 1000;

Status each_volume(engine::Catalogue& catalogue,
                   const std::function<void(const engine::LogicalVolume&)>& tell) {
  engine::PageRequest page{.limit = kRowsAtOnce};
  do {
    TRY(catalogue.read([&](engine::CatalogueView& view) -> Status {
      auto volumes = TRY(view.volumes({}, page));
      for (const auto& volume : volumes.items) tell(volume);
      page.after = std::move(volumes.next);
      return {};
    }));
  } while (!page.after.empty());
  return {};
}

}  // namespace

Result<SettledInventory> settle_inventory(tape::LibraryFolder& library, engine::Catalogue& catalogue,
                                          tape::MediumKind kind) {
  const auto& inventory = library.inventory();
  SettledInventory settled;
  std::set<std::string> known;
  std::vector<tape::NewKeptCartridge> missing;
  std::vector<tape::Holding> other;  // of another cartridge file than the catalogue says
  TRY(each_volume(catalogue, [&](const engine::LogicalVolume& volume) {
    known.insert(volume.volser);
    const auto* holding = inventory.find(volume.volser);
    if (holding == nullptr) {
      missing.push_back({.barcode = volume.volser, .volume = volume.volume, .kind = kind, .slot = {}});
      settled.put.push_back(volume.volser);
    } else if (holding->volume != volume.volume) {
      other.push_back(*holding);
      other.back().volume = volume.volume;
    }
  }));
  for (const auto& [barcode, holding] : inventory.cartridges())
    if (!known.contains(barcode)) settled.unknown.push_back(barcode);
  if (!missing.empty()) TRY(tape::put_kept_cartridges(library, missing));
  if (other.empty() && settled.unknown.empty()) return settled;
  TRY(library.commit([&](tape::Inventory& changed) -> Status {
    TRY(changed.update(other));
    for (const auto& barcode : settled.unknown) TRY(changed.remove(barcode));
    return {};
  }));
  return settled;
}

}  // namespace tapewarden::apps
