#include "keymgr/audit_note.h"

namespace tapewarden::keymgr {
std::string_view to_string(ActorKind kind) {
  switch (kind) {
    case ActorKind::kSystem:
      return "system";
    case ActorKind::kSecurityOfficer:
      return "security-officer";
    case ActorKind::kOperator:
      return "operator";
    case ActorKind::kAuditor:
      return "auditor";
    case ActorKind::kDevice:
      return "device";
    case ActorKind::kPeer:
      return "peer";
  }
  return "unknown";
}

void note(store::Transaction& transaction, const ServerContext& context, const AuditNote& note) {
  const auto outcome = note.success ? audit::Outcome::kSuccess : audit::Outcome::kFailure;
  audit::Record record(note.type, outcome, note.action);
  record.actor(note.actor.name).set("role", to_string(note.actor.kind)).set("server", context.server.text());
  for (const auto& [name, value] : note.fields) record.set(name, value);
  transaction.record(record.json());
}

}  // namespace tapewarden::keymgr
