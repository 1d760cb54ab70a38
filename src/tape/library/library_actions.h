// What an operator does to a library: new cartridges, in and out through the import/export slots, away for
// good. Each takes a LibraryFolder that holds the lock, and is durable when it returns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tape/library/library_folder.h"

namespace tapewarden::tape {

struct NewCartridges {
  std::vector<std::string> barcodes;
  CartridgeSpec spec{};  // volume and volser are filled in
  // Called after each; false stops before the next one. Empty: nobody watches.
  std::function<bool(std::size_t done, std::size_t total)> progress{};
};

struct AddedCartridges {
  std::size_t made = 0;
  // Whole cartridge files of these barcodes that lay in the folder and were not in the inventory: what an
  // interrupted run leaves. They were taken as they are.
  std::size_t found = 0;
};

// A free slot for each barcode, in the partition that the barcode belongs to, in their order. kExhausted.
Result<std::vector<std::uint32_t>> free_slots(const LibrarySpec& spec, const Inventory& inventory,
                                              const std::vector<std::string>& barcodes);

// Makes the files and puts the cartridges into the first free slots of the partition that their barcodes
// belong to; those of none, into slots of none. kAlreadyExists when the inventory has one of the barcodes,
// kExhausted when there are fewer free slots (nothing is made then); kInvalidArgument when the library's
// cartridges are kept elsewhere (kept_cartridges.h); kIo and errors of Cartridge::create():
// what was made until then is in the inventory.
Result<AddedCartridges> add_cartridges(LibraryFolder& folder, const NewCartridges& wanted);

// A cartridge from outside into the first free import/export slot, of its partition likewise. kNotFound,
// kConflict unless it is outside, kExhausted when no such slot is free.
Result<Place> import_cartridge(LibraryFolder& folder, const std::string& barcode);
// A cartridge out of its import/export slot. kNotFound; kConflict when it is elsewhere.
Status export_cartridge(LibraryFolder& folder, const std::string& barcode);

}  // namespace tapewarden::tape
