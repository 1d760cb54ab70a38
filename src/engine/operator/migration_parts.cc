#include "engine/operator/migration_parts.h"

#include "engine/operator/pool_orders.h"

namespace tapewarden::engine {
MigrationParts migration_parts(const OperatorParts& parts, std::function<bool()> reclaim_inhibited) {
  return {.env = parts.env,
          .catalogue = parts.catalogue,
          .notices = parts.notices,
          .hold = [&back_end = parts.back_end](const std::string& barcode) { return back_end.hold(barcode); },
          .check_keys = [&names = parts.names](const Pool& pool) -> Status {
            (void)TRY(check_keys(names, pool));
            return {};
          },
          .reclaim_inhibited = std::move(reclaim_inhibited),
          .wake = parts.wake};
}

}  // namespace tapewarden::engine
