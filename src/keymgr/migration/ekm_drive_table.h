// The drives of an Encryption Key Manager, from what its command listdrives prints: the file behind
// config.drivetable.file.url has no published form (docs/formats/ekm-installation.md). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumOldDrives = 10'000;

struct OldDrive {
  std::size_t line = 0;
  std::string serial;   // canonical, or as it stands there when it has a fault
  std::string wwnn;     // 16 hex digits or empty
  std::string label_1;  // AliasOne, -rec1
  std::string label_2;  // AliasTwo, -rec2
  std::string key;      // -symrec: an alias or a group
  std::string fault;    // why it cannot be taken; empty: it can
};

// kInvalidArgument when the text names no drive; kUnsupported for a binary file; kExhausted.
Result<std::vector<OldDrive>> read_ekm_drives(std::string_view text);

}  // namespace tapewarden::keymgr
