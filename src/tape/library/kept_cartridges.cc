#include "tape/library/kept_cartridges.h"

#include "base/assert.h"
#include "tape/library/barcode.h"
#include "tape/library/library_actions.h"

namespace tapewarden::tape {
namespace {

Status check_new(const LibraryFolder& folder, const NewKeptCartridge& cartridge) {
  const auto& spec = folder.spec();
  if (TRY(checked_barcode(cartridge.barcode)) != cartridge.barcode)
    return fail(ErrorCode::kInvalidArgument, cartridge.barcode + " is no barcode", "barcode",
                "write it in capitals");
  if (folder.inventory().find(cartridge.barcode) != nullptr)
    return fail(ErrorCode::kAlreadyExists, "the library has a cartridge " + cartridge.barcode, "barcode");
  if (!cartridge.slot || *cartridge.slot < spec.slots()) return {};
  return fail(ErrorCode::kInvalidArgument, "the library has no " + slot_place(*cartridge.slot).text(), "slot",
              "it has " + std::to_string(spec.slots()) + " of them");
}

Holding holding_of(const NewKeptCartridge& cartridge, std::uint32_t slot) {
  return {.barcode = cartridge.barcode,
          .volume = cartridge.volume,
          .kind = cartridge.kind,
          .place = slot_place(slot)};
}

Status put_into(Inventory& inventory, const LibrarySpec& spec,
                const std::vector<NewKeptCartridge>& cartridges) {
  std::vector<std::string> without_slot;
  for (const auto& cartridge : cartridges) {
    if (cartridge.slot) {
      TRY(inventory.add(holding_of(cartridge, *cartridge.slot)));
    } else {
      without_slot.push_back(cartridge.barcode);
    }
  }
  const auto slots = TRY(free_slots(spec, inventory, without_slot));
  auto next = slots.begin();
  for (const auto& cartridge : cartridges)
    if (!cartridge.slot) TRY(inventory.add(holding_of(cartridge, *next++)));
  return {};
}

}  // namespace

Status put_kept_cartridges(LibraryFolder& folder, const std::vector<NewKeptCartridge>& cartridges) {
  TW_ASSERT(folder.spec().kept);
  for (const auto& cartridge : cartridges) TRY(check_new(folder, cartridge));
  return folder.commit([&](Inventory& inventory) { return put_into(inventory, folder.spec(), cartridges); });
}

Status take_off_kept_cartridges(LibraryFolder& folder, const std::vector<std::string>& barcodes) {
  TW_ASSERT(folder.spec().kept);
  return folder.commit([&barcodes](Inventory& inventory) -> Status {
    for (const auto& barcode : barcodes) {
      const auto* holding = inventory.find(barcode);
      if (holding != nullptr && holding->place.kind == PlaceKind::kDrive)
        return fail(ErrorCode::kConflict, "cartridge " + barcode + " is in " + holding->place.text(),
                    "barcode", "move it into a slot first");
      TRY(inventory.remove(barcode));
    }
    return {};
  });
}

}  // namespace tapewarden::tape
