// The audit records of the key server (K13), as one JSON object a line. They become durable with the
// transaction that they describe. Types and outcomes are those of the EKM's Audit.event.types, so that an
// operator's filters keep their meaning. No value may hold a secret. Pure but for note().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

enum class AuditType : std::uint8_t {
  kAuthentication,
  kAuthorization,
  kDataSynchronization,
  kRuntime,                  // keys served and refused
  kResourceManagement,       // keys, groups, KEKs, drives
  kConfigurationManagement,  // settings, access
};
std::string_view to_string(AuditType type);

struct AuditNote {
  AuditType type = AuditType::kRuntime;
  std::string_view action;  // NOUN.VERB, for example "drive.accept"
  Actor actor;
  bool success = true;
  std::vector<std::pair<std::string_view, std::string>> fields;  // order is kept
};

// One JSON object in one line of printable ASCII, for store::Transaction::record().
std::string to_record(const AuditNote& note, WallTime now);
// Into the transaction; the time is the server's calendar.
void note(store::Transaction& transaction, const ServerContext& context, const AuditNote& note);

}  // namespace tapewarden::keymgr
