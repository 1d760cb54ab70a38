// The metadata file of an IBM or Dell Encryption Key Manager (Audit.metadata.file.name): which key sealed
// which cartridge (docs/formats/ekm-metadata.md). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/env.h"

namespace tapewarden::keymgr {

// One KeyUsageEvent.
struct EkmUsage {
  std::size_t line = 0;
  std::string volser;   // upper case
  std::string drive;    // 12 characters
  std::string wwnn;     // 16 hex digits, upper case, or empty
  std::string alias_1;  // as it stands there
  std::string alias_2;
  Bytes dki;  // 12 bytes, or empty
  WallTime created{};
  std::string remark;  // what had to be assumed; empty: nothing
};

// A record that cannot be taken, and why.
struct EkmFault {
  std::size_t line = 0;
  std::string volser;
  std::string reason;
};

struct EkmMetadata {
  std::vector<EkmUsage> usages;
  std::vector<EkmFault> faults;
};

// kInvalidArgument when the file holds no KeyUsageEvent at all; kExhausted when it holds too many.
Result<EkmMetadata> read_ekm_metadata(std::string_view text);

// "Tue Feb 20 09:18:07 CST 2007", what Java's Date.toString() writes. An abbreviation of a time zone that is
// not known counts as UTC, and `assumed` becomes true. kInvalidArgument.
Result<WallTime> parse_java_date(std::string_view text, bool& assumed);

}  // namespace tapewarden::keymgr
