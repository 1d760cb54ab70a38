#include "apps/keyd_parts.h"

#include "keymgr/custody/backup/target.h"
#include "keymgr/custody/checkpoint_exchange.h"
#include "keymgr/custody/comparer.h"
#include "keymgr/custody/replicator.h"
#include "keymgr/objects/tables.h"
#include "keymgr/recoverability/tables.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/tables.h"
#include "people/tables.h"

namespace tapewarden::apps {

std::vector<const store::TableSpec*> keyd_tables() {
  std::vector<const store::TableSpec*> tables = keymgr::tables();
  for (const auto* table : keymgr::object_tables()) tables.push_back(table);
  for (const auto* table : people::tables()) tables.push_back(table);
  for (const auto* table : keymgr::Replicator::tables()) tables.push_back(table);
  for (const auto* table : keymgr::CheckpointExchange::tables()) tables.push_back(table);
  for (const auto* table : keymgr::Comparer::tables()) tables.push_back(table);
  for (const auto* table : keymgr::backup::tables()) tables.push_back(table);
  for (const auto* table : keymgr::sharing::tables()) tables.push_back(table);
  for (const auto* table : keymgr::recoverability::tables()) tables.push_back(table);
  return tables;
}

Result<KeystoreParts> open_keystore(Env env, const KeydConfig& config, const store::MasterKeys& master) {
  KeystoreParts parts;
  TRY(env.disk->make_directories(config.data_directory, 0700));
  parts.audit =
      TRY(audit::AuditFile::open(env, {.directory = config.audit_directory(), .server = config.server_name}));
  store::KeystoreOptions options;
  options.path = config.keystore_path();
  options.server = config.server_id;
  options.tables = keyd_tables();
  parts.keystore = TRY(store::Keystore::open(env, std::move(options), master, *parts.audit));
  return parts;
}

}  // namespace tapewarden::apps
