#include "apps/library_shelf.h"

#include "tape/library/kept_cartridges.h"

namespace tapewarden::apps {

Status LibraryShelf::put(const std::vector<engine::ShelvedVolume>& volumes) {
  std::vector<tape::NewKeptCartridge> cartridges;
  for (const auto& volume : volumes)
    cartridges.push_back(
        {.barcode = volume.volser, .volume = volume.volume, .kind = volume.kind, .slot = std::nullopt});
  return library_.act(
      [&](tape::LibraryFolder& folder) { return tape::put_kept_cartridges(folder, cartridges); });
}

Result<std::optional<engine::ShelvedVolume>> LibraryShelf::take(const std::string& volser) {
  std::optional<engine::ShelvedVolume> taken;
  TRY(library_.act([&](tape::LibraryFolder& folder) -> Status {
    const auto* holding = folder.inventory().find(volser);
    if (holding == nullptr) return {};
    const engine::ShelvedVolume found{.volser = volser, .volume = holding->volume, .kind = holding->kind};
    TRY(tape::take_off_kept_cartridges(folder, {volser}));
    taken = found;
    return {};
  }));
  return taken;
}

std::string LibraryShelf::place_of(const std::string& volser) {
  std::string place;
  library_.look([&](const tape::LibraryFolder& folder) {
    const auto* holding = folder.inventory().find(volser);
    if (holding != nullptr && holding->place.inside()) place = holding->place.text();
  });
  return place;
}

}  // namespace tapewarden::apps
