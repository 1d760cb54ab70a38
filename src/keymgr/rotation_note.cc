#include "keymgr/rotation_note.h"

#include "keymgr/audit_note.h"

namespace tapewarden::keymgr {

store::KeyRotation::Note rotation_note(const ServerContext& context) {
  return [&context](store::Transaction& transaction, store::KeyRotation::Step step, store::KeyVersion version,
                    const std::string& by) -> Status {
    const bool begins = step == store::KeyRotation::Step::kBegin;
    AuditNote record;
    record.type = AuditType::kRuntime;
    record.action = begins ? "master-key.rotate" : "master-key.rotated";
    // Begun by a person, ended by the server; one that a start took up again is the server's too.
    record.actor = begins && !by.empty() ? Actor{by, ActorKind::kSecurityOfficer} : Actor::system();
    record.fields = {{"version", std::to_string(version)}};
    if (!begins) {
      record.fields.emplace_back("destroyed", std::to_string(version - 1));
      if (!by.empty()) record.fields.emplace_back("started_by", by);
    }
    note(transaction, context, record);
    return {};
  };
}

}  // namespace tapewarden::keymgr
