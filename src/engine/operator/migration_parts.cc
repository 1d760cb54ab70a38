#include "engine/operator/migration_parts.h"

#include "engine/operator/pool_orders.h"

namespace tapewarden::engine {
namespace {

Status ask_key_servers(KeyNameCheck& names, const Pool& pool) {
  if (pool.encryption == PoolEncryption::kIdentified) return names.check_group(pool.key_group);
  if (pool.encryption == PoolEncryption::kOff) return {};
  std::vector<std::string> labels;
  for (const KeyLabel& label : pool.labels)
    if (!label.text.empty()) labels.push_back(label.text);
  return names.check_labels(labels);
}

}  // namespace

MigrationParts migration_parts(const OperatorParts& parts, std::function<bool()> reclaim_inhibited) {
  return {.env = parts.env,
          .catalogue = parts.catalogue,
          .notices = parts.notices,
          .hold = [&back_end = parts.back_end](const std::string& barcode) { return back_end.hold(barcode); },
          .check_keys = [&names = parts.names](const Pool& pool) { return ask_key_servers(names, pool); },
          .reclaim_inhibited = std::move(reclaim_inhibited),
          .wake = parts.wake};
}

}  // namespace tapewarden::engine
