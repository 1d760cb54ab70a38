#include "tape/library/library_actions.h"

#include <algorithm>
#include <map>

#include "tape/device/density.h"

namespace tapewarden::tape {
namespace {

// Cartridges that one commit of the inventory takes: an interruption loses no more than their rows.
constexpr std::size_t kBatch = 256;

// "partition ARCHIVE", or the library where it is not divided.
std::string name_of(const LibrarySpec& spec, const LibraryPartition* partition) {
  if (partition != nullptr) return "partition " + partition->name;
  return spec.partitions.empty() ? "the library" : "the part of the library that is in no partition";
}

Result<Holding> holding_of(const Cartridge& cartridge, const std::string& barcode) {
  const auto identity = cartridge.identity();
  if (identity.volser != barcode)
    return fail(ErrorCode::kConflict, "the file of " + barcode + " holds cartridge " + identity.volser,
                "barcode", "take the file out of the folder");
  return Holding{.barcode = barcode, .volume = identity.volume, .kind = identity.kind};
}

// The last two characters of an LTO barcode name the medium: "L" and the generation, or for WORM media LV
// (LTO-5) to LZ (LTO-9); LTO Ultrium cartridge label specification, "media type". Nothing where they name
// none of ours.
const Density* density_of_barcode(const std::string& barcode) {
  constexpr std::size_t kVolserSize = 6;
  constexpr unsigned kFirstWorm = 5;
  if (barcode.size() != kVolserSize + 2 || barcode[kVolserSize] != 'L') return nullptr;
  const char type = barcode.back();
  const auto names = [type](const Density& density) {
    return type == static_cast<char>('0' + density.generation) ||
           type == static_cast<char>('V' + density.generation - kFirstWorm);
  };
  const auto found = std::ranges::find_if(lto_densities(), names);
  return found == lto_densities().end() ? nullptr : &*found;
}

Result<Holding> make_one(LibraryFolder& folder, const std::string& barcode, CartridgeSpec spec,
                         AddedCartridges& added) {
  const auto path = folder.path_of(barcode);
  if (folder.env().disk->exists(path)) {
    const auto cartridge = Cartridge::open(folder.env(), path, CartridgeMode::kRead);
    if (!cartridge) return in_context(path, cartridge.error());
    ++added.found;
    return holding_of(**cartridge, barcode);
  }
  spec.volume = Uuid();
  spec.volser = barcode;
  const auto* density = spec.kind == MediumKind::kLto ? density_of_barcode(barcode) : nullptr;
  if (density != nullptr) spec.density = density->code;
  const auto cartridge = TRY(Cartridge::create(folder.env(), path, spec));
  ++added.made;
  return holding_of(*cartridge, barcode);
}

Status commit_new(LibraryFolder& folder, std::vector<Holding>& batch) {
  if (batch.empty()) return {};
  TRY(folder.commit([&batch](Inventory& inventory) -> Status {
    for (const auto& holding : batch) TRY(inventory.add(holding));
    return {};
  }));
  batch.clear();
  return {};
}

}  // namespace

Result<std::vector<std::uint32_t>> free_slots(const LibrarySpec& spec, const Inventory& inventory,
                                              const std::vector<std::string>& barcodes) {
  std::map<const LibraryPartition*, std::uint32_t> next;
  std::vector<std::uint32_t> slots;
  for (const auto& barcode : barcodes) {
    const auto* partition = spec.partition_of_barcode(barcode);
    auto& slot = next[partition];
    while (slot < spec.slots() &&
           (spec.partition_of_slot(slot) != partition || inventory.at(slot_place(slot)) != nullptr))
      ++slot;
    if (slot == spec.slots())
      return fail(ErrorCode::kExhausted,
                  name_of(spec, partition) + " has no free slot for " + barcode + ": " +
                      std::to_string(slots.size()) + " free slots for " + std::to_string(barcodes.size()) +
                      " cartridges",
                  "barcodes", "make fewer, or configure more slots");
    slots.push_back(slot++);
  }
  return slots;
}

Result<AddedCartridges> add_cartridges(LibraryFolder& folder, const NewCartridges& wanted) {
  if (folder.spec().kept)
    return fail(ErrorCode::kInvalidArgument, "the cartridges of this library are not files of its folder",
                "library", "make logical volumes");
  for (const auto& barcode : wanted.barcodes)
    if (folder.inventory().find(barcode) != nullptr)
      return fail(ErrorCode::kAlreadyExists, "the library has a cartridge " + barcode, "barcodes");
  const auto slots = TRY(free_slots(folder.spec(), folder.inventory(), wanted.barcodes));
  AddedCartridges added;
  std::vector<Holding> batch;
  Status failed;
  for (std::size_t i = 0; i < wanted.barcodes.size(); ++i) {
    auto holding = make_one(folder, wanted.barcodes[i], wanted.spec, added);
    if (!holding) {
      failed = std::unexpected(std::move(holding).error());
      break;
    }
    holding->place = slot_place(slots[i]);
    batch.push_back(*std::move(holding));
    if (batch.size() == kBatch) TRY(commit_new(folder, batch));
    if (wanted.progress && !wanted.progress(i + 1, wanted.barcodes.size())) break;
  }
  TRY(commit_new(folder, batch));
  if (!failed) return std::unexpected(std::move(failed).error());
  TRY(folder.rescan());
  return added;
}

Result<Place> import_cartridge(LibraryFolder& folder, const std::string& barcode) {
  const auto* known = folder.inventory().find(barcode);
  if (known == nullptr)
    return fail(ErrorCode::kNotFound, "the library knows no cartridge " + barcode, "barcode");
  if (known->place.inside())
    return fail(ErrorCode::kConflict, "cartridge " + barcode + " is in " + known->place.text(), "barcode");
  const auto* partition = folder.spec().partition_of_barcode(barcode);
  for (std::uint32_t i = 0; i < folder.spec().ports(); ++i) {
    if (folder.inventory().at(port_place(i)) != nullptr) continue;
    if (folder.spec().partition_of_port(i) != partition) continue;
    auto moved = *known;
    moved.place = port_place(i);
    moved.home.reset();
    moved.placed_by_operator = true;
    TRY(folder.commit([&moved](Inventory& inventory) { return inventory.update({moved}); }));
    return moved.place;
  }
  return fail(ErrorCode::kExhausted,
              "no import/export slot of " + name_of(folder.spec(), partition) + " is free", "barcode",
              "let a host move cartridges from there into slots, or export some");
}

Status export_cartridge(LibraryFolder& folder, const std::string& barcode) {
  const auto* known = folder.inventory().find(barcode);
  if (known == nullptr)
    return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
  if (known->place.kind != PlaceKind::kPort)
    return fail(ErrorCode::kConflict, "cartridge " + barcode + " is in " + known->place.text(), "barcode",
                "move it to an import/export slot first: `tapewarden library move " + barcode +
                    " --to port:1` while the library is served, or a host does (mtx transfer)");
  auto moved = *known;
  moved.place = outside();
  moved.placed_by_operator = false;
  return folder.commit([&moved](Inventory& inventory) { return inventory.update({moved}); });
}

}  // namespace tapewarden::tape
