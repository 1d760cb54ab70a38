// Cartridges whose files a keeper has (volume_keeper.h), put into the library's inventory and taken off it.
// Each takes a LibraryFolder of a `kept` library that holds the lock, and is durable when it returns.
#pragma once

#include "tape/library/library_folder.h"

namespace tapewarden::tape {

struct NewKeptCartridge {
  std::string barcode;
  Uuid volume{};  // of every file that the keeper will give for it
  MediumKind kind = MediumKind::kLto;
  std::optional<std::uint32_t> slot{};  // from 0; nothing: a free one of the barcode's partition
};

// All of them or none, those with a slot first. kInvalidArgument for a text that is no barcode, or a slot
// that the library does not have; kAlreadyExists when the inventory has one of the barcodes; kConflict when a
// slot is taken; kExhausted when too few are free.
Status put_kept_cartridges(LibraryFolder& folder, const std::vector<NewKeptCartridge>& cartridges);
// All of them or none, from wherever they are in the library or outside. kNotFound; kConflict when one is in
// a drive.
Status take_off_kept_cartridges(LibraryFolder& folder, const std::vector<std::string>& barcodes);

}  // namespace tapewarden::tape
