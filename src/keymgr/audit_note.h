// The audit records of the key server (K13). They become durable with the transaction that they describe. No
// value may hold a secret. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "keymgr/actor.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

using AuditType = audit::EventType;

struct AuditNote {
  AuditType type = AuditType::kRuntime;
  std::string_view action;  // NOUN.VERB, for example "drive.accept"
  Actor actor;
  bool success = true;
  std::vector<std::pair<std::string_view, std::string>> fields;  // order is kept
};

// Into the transaction.
void note(store::Transaction& transaction, const ServerContext& context, const AuditNote& note);

}  // namespace tapewarden::keymgr
