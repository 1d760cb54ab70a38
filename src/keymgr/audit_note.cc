#include "keymgr/audit_note.h"

#include "base/text.h"

namespace tapewarden::keymgr {
namespace {

// A JSON string of printable ASCII: what is not printable stands as \xHH inside the text.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : escape_unprintable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() == 1 ? "" : ",";
  append_string(out, name);
  out += ':';
  append_string(out, value);
}

}  // namespace

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

std::string_view to_string(AuditType type) {
  switch (type) {
    case AuditType::kAuthentication:
      return "authentication";
    case AuditType::kAuthorization:
      return "authorization";
    case AuditType::kDataSynchronization:
      return "data_synchronization";
    case AuditType::kRuntime:
      return "runtime";
    case AuditType::kResourceManagement:
      return "resource_management";
    case AuditType::kConfigurationManagement:
      return "configuration_management";
  }
  return "runtime";
}

std::string to_record(const AuditNote& note, WallTime now) {
  std::string out = "{";
  append_member(out, "time", format_utc(now));
  append_member(out, "type", to_string(note.type));
  append_member(out, "action", note.action);
  append_member(out, "outcome", note.success ? "success" : "failure");
  append_member(out, "actor", note.actor.name);
  append_member(out, "role", to_string(note.actor.kind));
  for (const auto& [name, value] : note.fields) append_member(out, name, value);
  out += '}';
  return out;
}

void note(store::Transaction& transaction, const ServerContext& context, const AuditNote& note) {
  transaction.record(to_record(note, context.now()));
}

}  // namespace tapewarden::keymgr
