// Whether what a person names in an order is there: a name that is nothing would be found out by the first
// write that fails. Asked before the order, of what this server knows now; what comes from the peer or out of
// an import may name what comes later, and is not asked. Stateless; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keymgr/drive_table.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

// Each: kNotFound naming `field` and what to do; an empty name names nothing and is right.
Status check_group_there(KeyManager& manager, std::string_view name, std::string_view field);
Status check_label_there(KeyManager& manager, std::string_view label, std::string_view field);
Status check_alias_there(KeyManager& manager, std::string_view alias, std::string_view field);
// The defaults that a drive is to have.
Status check_names_there(KeyManager& manager, const DriveChange& change);
// What a rule or a quota is about; of any other kind than group and label: nothing to be there.
Status check_object_there(KeyManager& manager, ObjectKind kind, std::string_view name);

// Keys of the group that may still begin cartridges, at whichever server: in a use-once group those that
// began none, in another all. kNotFound.
Result<std::int64_t> unused_keys_of(KeyManager& manager, std::string_view group);

}  // namespace tapewarden::keymgr
