#include "tape/library/library_actions.h"

namespace tapewarden::tape {
namespace {

// Cartridges that one commit of the inventory takes: an interruption loses no more than their rows.
constexpr std::size_t kBatch = 256;

Result<std::vector<std::uint32_t>> free_slots(const LibraryFolder& folder, std::size_t wanted) {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < folder.spec().slots() && slots.size() < wanted; ++i)
    if (folder.inventory().at(slot_place(i)) == nullptr) slots.push_back(i);
  if (slots.size() == wanted) return slots;
  return fail(ErrorCode::kExhausted,
              "the library has " + std::to_string(slots.size()) + " free slots for " +
                  std::to_string(wanted) + " cartridges",
              "barcodes", "make fewer, or configure more slots");
}

Result<Holding> holding_of(const Cartridge& cartridge, const std::string& barcode) {
  const auto identity = cartridge.identity();
  if (identity.volser != barcode)
    return fail(ErrorCode::kConflict, "the file of " + barcode + " holds cartridge " + identity.volser,
                "barcode", "take the file out of the folder");
  return Holding{.barcode = barcode, .volume = identity.volume, .kind = identity.kind};
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

Result<AddedCartridges> add_cartridges(LibraryFolder& folder, const NewCartridges& wanted) {
  for (const auto& barcode : wanted.barcodes)
    if (folder.inventory().find(barcode) != nullptr)
      return fail(ErrorCode::kAlreadyExists, "the library has a cartridge " + barcode, "barcodes");
  const auto slots = TRY(free_slots(folder, wanted.barcodes.size()));
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
  for (std::uint32_t i = 0; i < folder.spec().ports(); ++i) {
    if (folder.inventory().at(port_place(i)) != nullptr) continue;
    auto moved = *known;
    moved.place = port_place(i);
    moved.home.reset();
    moved.placed_by_operator = true;
    TRY(folder.commit([&moved](Inventory& inventory) { return inventory.update({moved}); }));
    return moved.place;
  }
  return fail(ErrorCode::kExhausted, "no import/export slot is free", "barcode",
              "let a host move cartridges from there into slots, or export some");
}

Status export_cartridge(LibraryFolder& folder, const std::string& barcode) {
  const auto* known = folder.inventory().find(barcode);
  if (known == nullptr)
    return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
  if (known->place.kind != PlaceKind::kPort)
    return fail(ErrorCode::kConflict, "cartridge " + barcode + " is in " + known->place.text(), "barcode",
                "let a host move it to an import/export slot first (mtx transfer)");
  auto moved = *known;
  moved.place = outside();
  moved.placed_by_operator = false;
  return folder.commit([&moved](Inventory& inventory) { return inventory.update({moved}); });
}

}  // namespace tapewarden::tape
