// The tape engine's own locked database: its people and the record of what they did. It holds no key of any
// tape. Made by `site init`, opened by tapewarden-taped.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audit/audit_file.h"
#include "crypto/secret_bytes.h"
#include "people/role.h"
#include "store/keystore.h"

namespace tapewarden::apps {

// Paths.
struct EngineStorePlace {
  std::string data;  // folder: engine.db, server-id, audit/
  std::string master_key;
  std::string passphrase_file;
};

struct EngineStore {
  std::unique_ptr<audit::AuditFile> audit;  // outlives the keystore
  std::unique_ptr<store::Keystore> keystore;
};

// The master key's versions, which seal the engine's databases. kNotFound when there is none; kCorrupt,
// kWrongKey.
Result<store::MasterKeys> unlock_engine_store(Env env, const EngineStorePlace& place);

// Also kConflict when another process has it.
Result<EngineStore> open_engine_store(Env env, const EngineStorePlace& place);
// With what unlock_engine_store() gave.
Result<EngineStore> open_engine_store(Env env, const EngineStorePlace& place,
                                      const store::MasterKeys& master);

struct EngineMember {
  std::string name;
  people::Role role = people::Role::kAuditor;
  crypto::SecretBytes password;
  Hash256 certificate_fingerprint{};
};

// Makes the master key, which `passphrase` opens, and the database with these people. The passphrase's file
// is the caller's to write. kAlreadyExists when there is a master key.
Status make_engine_store(Env env, const EngineStorePlace& place, const crypto::SecretBytes& passphrase,
                         const std::vector<EngineMember>& members);

}  // namespace tapewarden::apps
