// What migrations work on, taken from what orders of operators work on.
#pragma once

#include "engine/operator/parts.h"
#include "engine/operator/pool_migrations.h"

namespace tapewarden::engine {

// Borrows the parts. `reclaim_inhibited` may be empty: it is not asked.
MigrationParts migration_parts(const OperatorParts& parts, std::function<bool()> reclaim_inhibited);

}  // namespace tapewarden::engine
