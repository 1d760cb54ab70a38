// Barcodes as libraries read them from labels: 1 to 8 of A-Z and 0-9, for LTO six characters of volser and
// two of medium type (VOL001L9). Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::tape {

// In capitals. kInvalidArgument naming "barcode".
Result<std::string> checked_barcode(std::string_view text);
// One barcode, or FIRST-LAST, which differ in one run of digits: VOL098L9-VOL102L9 has five. At most
// kMaxBarcodeRange of them, in order. kInvalidArgument naming "barcodes".
Result<std::vector<std::string>> barcode_range(std::string_view text);
// Whether the barcode comes as barcodes count up from `first` to `last`: before and behind what differs they
// are alike, and digits stay digits.
bool counts_between(const std::string& first, const std::string& last, const std::string& barcode);

// What counts up from `first` to `last`.
struct BarcodeRange {
  std::string first{};
  std::string last{};  // as long as `first`
  bool holds(const std::string& barcode) const { return counts_between(first, last, barcode); }
  bool operator==(const BarcodeRange&) const = default;
};
// Whether a barcode can be in both.
bool overlap(const BarcodeRange& a, const BarcodeRange& b);
// One barcode, or FIRST-LAST. kInvalidArgument naming "barcodes".
Result<BarcodeRange> parse_barcode_bounds(std::string_view text);

}  // namespace tapewarden::tape
