// Which cartridges a library-managed drive writes encrypted, and with what (row L4): one rule for a range of
// barcodes, in every partition of the library or in one. Values; pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "scsi/key_path_pages.h"

namespace tapewarden::tape {

struct EncryptionRule {
  std::string partition{};  // empty: wherever the drive stands
  std::string first{};      // both empty: every barcode
  std::string last{};       // as long as `first`
  scsi::WritePolicyPage policy{};

  // `in_partition`: that of the drive; empty: it stands in none.
  bool fits(const std::string& barcode, const std::string& in_partition = {}) const;
  bool operator==(const EncryptionRule&) const = default;
};

// "[partition NAME, ]RANGE, WHAT…": RANGE is a barcode, FIRST-LAST or *; WHAT is "clear", "group NAME" (a key
// group or alias, for LTO), one or two "label NAME", "label NAME:hash" (for 3592), or nothing: encrypted with
// what the key server gives by default. kInvalidArgument with the remedy.
Result<EncryptionRule> parse_encryption_rule(std::string_view text);

// Of the first rule that fits. Without one: encrypted with the key server's default, so that what nobody
// thought of is not written in clear.
scsi::WritePolicyPage policy_for(const std::vector<EncryptionRule>& rules, const std::string& barcode,
                                 const std::string& partition = {});

}  // namespace tapewarden::tape
