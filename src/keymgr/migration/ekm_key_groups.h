// KeyGroups.xml of an Encryption Key Manager (config.keygroup.xml.file): which aliases belong to which group.
// Its schema was never published, so it is read by what must be in it (docs/formats/ekm-installation.md).
// Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumOldGroups = 1000;
inline constexpr std::size_t kMaximumOldAliases = 100'000;  // of all groups, ranges expanded
inline constexpr std::size_t kMaximumXmlDepth = 32;

struct OldKeyGroup {
  std::string name;                  // as it stands there
  std::vector<std::string> aliases;  // canonical, each once, in the file's order
  std::vector<std::string> faults;   // texts that are no alias, printable
};

// kInvalidArgument when the text is no XML or holds no group; kExhausted beyond a limit.
Result<std::vector<OldKeyGroup>> read_ekm_key_groups(std::string_view text);

// Adds a text that names keys: an alias, or a range such as ABC001-FF. One that is none becomes a fault.
// kExhausted when the group has `limit` aliases already.
Status add_old_aliases(OldKeyGroup& group, std::string_view text, std::size_t limit);

}  // namespace tapewarden::keymgr
