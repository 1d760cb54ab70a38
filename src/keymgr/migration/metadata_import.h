// Takes an old key manager's metadata into the ledger (K12). The rows are marked "imported": told by another
// key manager, witnessed by nobody here. A record that was taken before, from whatever file, on whichever of
// the servers, is taken no second time. Stateless; thread-safe; waits for the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kImportedRowsPerTransaction = 500;  // writers wait for no more
inline constexpr std::size_t kMaximumImportLines = 10'000;       // told one by one in a report

enum class RecordOutcome : std::uint8_t { kAdded = 1, kKnown = 2, kLeftOut = 3 };
std::string_view to_string(RecordOutcome outcome);  // "added", "known", "left-out"

struct RecordReport {
  std::size_t line = 0;
  std::string volser;
  RecordOutcome outcome = RecordOutcome::kAdded;
  std::string remark;  // why it was left out, or what was assumed
};

struct MetadataReport {
  bool dry_run = false;
  std::size_t added = 0;  // or would be
  std::size_t known = 0;
  std::size_t left_out = 0;
  std::vector<RecordReport> lines;  // in the file's order; at most kMaximumImportLines
};

// kInvalidArgument when the text is no metadata file: nothing is changed. With `dry_run` nothing is changed
// either, and the report is what it would be.
Result<MetadataReport> import_ekm_metadata(KeyManager& manager, const Actor& actor, std::string_view text,
                                           bool dry_run);

}  // namespace tapewarden::keymgr
