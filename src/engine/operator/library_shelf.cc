#include "engine/operator/library_shelf.h"

#include "tape/library/kept_cartridges.h"

namespace tapewarden::engine {

Status LibraryShelf::put(const std::vector<ShelvedVolume>& volumes) {
  std::vector<tape::NewKeptCartridge> cartridges;
  for (const auto& volume : volumes) cartridges.push_back({volume.volser, volume.volume, volume.kind, {}});
  const auto put = library_.act(
      [&](tape::LibraryFolder& folder) { return tape::put_kept_cartridges(folder, cartridges); });
  if (put || !put.error().field.starts_with("barcode")) return put;
  Error error = put.error();
  error.field = "volsers";
  return std::unexpected(std::move(error));
}

Result<std::optional<ShelvedVolume>> LibraryShelf::take(const std::string& volser) {
  std::optional<ShelvedVolume> taken;
  TRY(library_.act([&](tape::LibraryFolder& folder) -> Status {
    const auto* holding = folder.inventory().find(volser);
    if (holding == nullptr) return {};
    const ShelvedVolume volume{volser, holding->volume, holding->kind};
    TRY(tape::take_off_kept_cartridges(folder, {volser}));
    taken = volume;
    return {};
  }));
  return taken;
}

std::string LibraryShelf::place_of(const std::string& volser) {
  std::string place;
  library_.look([&](const tape::LibraryFolder& folder) {
    if (const auto* holding = folder.inventory().find(volser)) place = holding->place.text();
  });
  return place;
}

}  // namespace tapewarden::engine
