// This server's place in a group and its counts, for the files that KeyGroups is made of. Stateless;
// thread-safe.
#pragma once

#include <string>

#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// Whether a use-once group gives the key out no more, in this epoch of its owner.
bool is_spent(const DataKey& key, std::int64_t epoch);
// As a new one when this server has none in the group yet.
Result<GroupCursor> load_cursor(store::Reader& reader, const ServerContext& context,
                                const std::string& group);
Status save_cursor(store::Transaction& transaction, const GroupCursor& cursor);

int percent(std::int64_t used, std::int64_t total);
// 0, 80, 90 or 100.
int warning_level(int used_percent);

}  // namespace tapewarden::keymgr
