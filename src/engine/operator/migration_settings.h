// The settings that a migration to another pool changes, and changes back (feature row T7): they lead data
// away from the old pool. Each is a change of one pool or construct. One thread.
#pragma once

#include <vector>

#include "engine/catalogue/change.h"

namespace tapewarden::engine {

// In the order of the overview: constructs that name the source come to name the target; whatever is
// reclaimed into the source, and the source itself, is reclaimed into the target; the source gives borrowed
// cartridges back.
Result<std::vector<MigratedSetting>> settings_to_change(CatalogueView& view, const Pool& source,
                                                        const Pool& target);

inline bool is_construct(const MigratedSetting& setting) {
  return setting.kind == MigratedSetting::Kind::kStorageGroup ||
         setting.kind == MigratedSetting::Kind::kManagementClass;
}

// Sets it to `to` when it is `from`; whether it was. kNotFound when there is no such construct any more.
Result<bool> replace_setting(CatalogueChange& change, const MigratedSetting& setting, std::uint8_t from,
                             std::uint8_t to);

}  // namespace tapewarden::engine
