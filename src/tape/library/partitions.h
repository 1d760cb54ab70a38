// Partitions of a library (row L4): each is a library of its own to its hosts, with drives, slots and
// import/export slots that no other has, and with barcodes that belong there. Values; pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tape/library/barcode.h"

namespace tapewarden::tape {

// Of slots or import/export slots, counted from 0.
struct SlotRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool holds(std::uint32_t index) const { return index >= first && index - first < count; }
  bool operator==(const SlotRange&) const = default;
};

struct LibraryPartition {
  std::string name{};                 // 1 to 12 of A-Z, 0-9 and -
  std::vector<std::string> drives{};  // serials, in the order of their LUNs
  SlotRange slots{};
  SlotRange ports{};                     // import/export slots; may be none
  std::vector<BarcodeRange> barcodes{};  // new and imported cartridges that go there

  bool has_drive(const std::string& serial) const;
  bool operator==(const LibraryPartition&) const = default;
};

// "NAME, drives SERIAL…, slots 1-20, import_export_slots 1-2, barcodes RANGE…": slots count from 1, as mtx
// counts them. kInvalidArgument with the remedy.
Result<LibraryPartition> parse_partition(std::string_view text);

// That no two share a name, a drive, a slot, an import/export slot or a barcode. kInvalidArgument naming
// both.
Status check_apart(const std::vector<LibraryPartition>& partitions);

}  // namespace tapewarden::tape
