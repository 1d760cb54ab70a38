// Which keys an export means. Volumes, aliases, ranges and groups add up; dates and "no unused ones" narrow
// what they found. What is named one by one must be there: else nothing is exported. What a group or a date
// brings along and cannot go is left out and told. Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::sharing {

struct KeySelection {
  std::vector<std::string> volumes = {};  // volsers in the ledger
  std::vector<std::string> aliases = {};  // ALIAS or ALIAS#FINGERPRINT
  std::vector<std::string> ranges = {};   // ABC000000000000000001-0F
  std::vector<std::string> groups = {};
  std::optional<WallTime> since = {};  // keys that began a cartridge at or after; alone: of all groups
  std::optional<WallTime> until = {};  // and before
  // Of groups and dates: keys that began no cartridge yet, too. A partner needs them for nothing.
  bool unused = false;
};

struct SelectedKeys {
  std::vector<DataKey> keys;  // in order of alias
  std::vector<std::string> warnings;
};
// kInvalidArgument: nothing or too much is asked for; kNotFound, kConflict, kUnsupported naming what cannot
// go and why.
Result<SelectedKeys> select_keys(store::Reader& reader, const KeyManager& manager,
                                 const KeySelection& selection);

}  // namespace tapewarden::keymgr::sharing
