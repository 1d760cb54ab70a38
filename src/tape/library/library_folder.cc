#include "tape/library/library_folder.h"

#include <algorithm>

#include "base/assert.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kFilesNamed = 5;  // in an error

}  // namespace

Result<bool> LibraryFolder::create(Env env, const LibrarySpec& spec) {
  const auto inventory = spec.folder + "/inventory";
  if (env.disk->exists(inventory)) return false;
  TRY(env.disk->make_directories(spec.folder));
  if (!spec.kept) {
    TRY(env.disk->make_directories(spec.folder + "/cartridges"));
    TRY(env.disk->make_directories(spec.folder + "/removed"));
  }
  TRY(write_file_atomically(*env.disk, inventory, Inventory().encode()));
  TRY(env.disk->sync_directory(parent_directory(spec.folder)));
  return true;
}

Result<std::unique_ptr<LibraryFolder>> LibraryFolder::open(Env env, const LibrarySpec& spec) {
  if (!env.disk->exists(spec.folder + "/inventory"))
    return fail(ErrorCode::kNotFound, "there is no library in " + spec.folder, "library.folder",
                "make one: tapewarden library init");
  auto lock = env.disk->lock(spec.folder + "/lock");
  if (!lock && lock.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict, "the library is in use by another program", "library.folder",
                "stop tapewarden-taped first");
  if (!lock) return std::unexpected(std::move(lock).error());
  return read(env, spec, *std::move(lock));
}

Result<std::unique_ptr<LibraryFolder>> LibraryFolder::look(Env env, const LibrarySpec& spec) {
  return read(env, spec, nullptr);
}

Result<std::unique_ptr<LibraryFolder>> LibraryFolder::read(Env env, const LibrarySpec& spec,
                                                           std::unique_ptr<File> lock) {
  std::unique_ptr<LibraryFolder> folder(new LibraryFolder(env, spec));
  folder->lock_ = std::move(lock);
  const auto content = TRY(read_file(*env.disk, folder->inventory_path(), kMaxInventoryBytes));
  auto inventory = Inventory::decode(content);
  if (!inventory) return in_context(folder->inventory_path(), inventory.error());
  folder->inventory_ = *std::move(inventory);
  TRY(folder->check_places());
  TRY(folder->check_kept());
  TRY(folder->rescan());
  return folder;
}

Status LibraryFolder::check_places() const {
  for (const auto& [barcode, holding] : inventory_.cartridges()) {
    const auto& place = holding.place;
    const bool known =
        place.kind == PlaceKind::kOutside ||
        (place.kind == PlaceKind::kSlot && place.index < spec_.slots()) ||
        (place.kind == PlaceKind::kPort && place.index < spec_.ports()) ||
        (place.kind == PlaceKind::kDrive &&
         std::ranges::find(spec_.drives, place.drive, &LibraryDrive::serial) != spec_.drives.end());
    if (!known)
      return fail(
          ErrorCode::kConflict,
          "cartridge " + barcode + " is in " + place.text() + ", which the configuration does not have",
          "library", "configure it again, or move the cartridge elsewhere before taking it away");
  }
  return {};
}

// Whoever made another kind of library of it would lose sight of what is written on its cartridges.
Status LibraryFolder::check_kept() const {
  if (!spec_.kept) return {};
  const auto files = env_.disk->list(spec_.folder + "/cartridges");  // fails where there is no such folder
  if (!files || files->empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < std::min(files->size(), kFilesNamed); ++i)
    names += (i == 0 ? "" : ", ") + (*files)[i];
  if (files->size() > kFilesNamed) names += " and " + std::to_string(files->size() - kFilesNamed) + " more";
  return fail(
      ErrorCode::kConflict,
      spec_.folder + "/cartridges has cartridge files of its own (" + names +
          "), and the volumes of an [engine] are kept elsewhere",
      "library.folder",
      "name another folder there and make it by `tapewarden engine init`; these cartridges stay where "
      "they are");
}

std::string LibraryFolder::path_of(const std::string& barcode) const {
  TW_ASSERT(!spec_.kept);
  return spec_.folder + "/cartridges/" + barcode + std::string(kCartridgeEnding);
}

std::string LibraryFolder::partition_fault(const Holding& holding) const {
  if (spec_.partitions.empty() || holding.place.kind == PlaceKind::kOutside) return {};
  const auto* here = spec_.partition_at(holding.place);
  if (here == nullptr) return "in no partition: no host reaches it";
  const auto* owner = spec_.partition_of_barcode(holding.barcode);
  if (owner == nullptr || owner == here) return {};
  return "in partition " + here->name + ", but its barcode is one of " + owner->name;
}

// A file of another partition of a cartridge that the inventory knows.
bool LibraryFolder::of_known_cartridge(const std::string& name) const {
  const auto at = name.find(kCartridgeEnding);
  if (at == std::string::npos || inventory_.find(name.substr(0, at)) == nullptr) return false;
  const auto path = path_of(name.substr(0, at));
  const auto files = partition_files(*env_.disk, path);
  return std::ranges::find(files, parent_directory(path) + "/" + name) != files.end();
}

Status LibraryFolder::rescan() {
  if (spec_.kept) return {};
  const auto names = TRY(env_.disk->list(spec_.folder + "/cartridges"));
  std::set<std::string> unseen;
  for (const auto& [barcode, holding] : inventory_.cartridges()) unseen.insert(barcode);
  std::vector<std::string> strays;
  for (const auto& name : names) {
    if (of_known_cartridge(name)) continue;
    const bool cartridge = name.ends_with(kCartridgeEnding);
    if (!cartridge || unseen.erase(name.substr(0, name.size() - kCartridgeEnding.size())) == 0)
      strays.push_back(name);
  }
  missing_ = std::move(unseen);
  strays_ = std::move(strays);
  return {};
}

Status LibraryFolder::commit(const std::function<Status(Inventory&)>& change) {
  TW_ASSERT(lock_ != nullptr);
  auto changed = inventory_;
  TRY(change(changed));
  const auto content = changed.encode();
  if (content.size() > kMaxInventoryBytes)
    return fail(ErrorCode::kExhausted, "the inventory would be too long", "library",
                "remove cartridges that are outside");
  TRY(write_file_atomically(*env_.disk, inventory_path(), content));
  inventory_ = std::move(changed);
  return {};
}

Status LibraryFolder::remove(const std::string& barcode) {
  const auto* holding = inventory_.find(barcode);
  if (holding == nullptr)
    return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
  if (holding->place.inside())
    return fail(ErrorCode::kConflict, "cartridge " + barcode + " is in " + holding->place.text(), "barcode",
                "move it to an import/export slot and export it first");
  if (!spec_.kept && env_.disk->exists(path_of(barcode))) {
    const auto away =
        spec_.folder + "/removed/" + barcode + "-" + holding->volume.text() + std::string(kCartridgeEnding);
    // Partition 0 last: as long as it is here, a removal that was cut off can be done again.
    for (const auto& part : partition_files(*env_.disk, path_of(barcode)))
      TRY(env_.disk->rename(part, away + part.substr(path_of(barcode).size())));
    TRY(env_.disk->rename(path_of(barcode), away));
    TRY(env_.disk->sync_directory(spec_.folder + "/removed"));
    TRY(env_.disk->sync_directory(spec_.folder + "/cartridges"));
  }
  TRY(commit([&barcode](Inventory& inventory) { return inventory.remove(barcode); }));
  missing_.erase(barcode);
  return {};
}

}  // namespace tapewarden::tape
