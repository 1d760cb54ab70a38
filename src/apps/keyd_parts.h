// What `run`, `check` and `site init` share: the audit record and the keystore behind it, opened together.
#pragma once

#include <memory>

#include "apps/keyd_config.h"
#include "audit/audit_file.h"
#include "store/keystore.h"

namespace tapewarden::apps {

struct KeystoreParts {
  std::unique_ptr<audit::AuditFile> audit;  // outlives the keystore
  std::unique_ptr<store::Keystore> keystore;
};

// Every table of every component of the key server.
std::vector<const store::TableSpec*> keyd_tables();

// kCorrupt with the fault's name; kWrongKey; kConflict when another process serves it.
Result<KeystoreParts> open_keystore(Env env, const KeydConfig& config, const store::MasterKeys& master);

}  // namespace tapewarden::apps
