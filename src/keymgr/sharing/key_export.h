// Exporting chosen keys to a confirmed partner (K18). Two people: the consent covers the partner's
// fingerprint and exactly the keys that the selection means when it is asked for and when it is used. Every
// step and every refusal leaves an audit row. Stateless; thread-safe; waits for the disk.
#pragma once

#include <string>
#include <vector>

#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/selection.h"

namespace tapewarden::keymgr::sharing {

struct ExportOrder {
  std::string partner;
  KeySelection selection;
};

// What an order means as things are now.
struct ExportPlan {
  Partner partner;
  SelectedKeys selected;
  Hash256 digest{};  // of the partner's certificates and the keys
};
// kConflict: the partner is not confirmed, or its certificate has expired; errors of select_keys(). A refusal
// is audited.
Result<ExportPlan> plan_export(KeyManager& manager, const Actor& actor, const ExportOrder& order);

struct ExportedFile {
  Uuid id;
  Bytes file;
  std::size_t keys = 0;
  Partner partner;
  Hash256 own_fingerprint{};  // what the partner must have confirmed
  std::vector<std::string> warnings;
};
// Uses the consent up. The file leaves only when its audit row is durable.
Result<ExportedFile> export_keys(KeyManager& manager, const Actor& actor, const ExportOrder& order,
                                 const Consent& consent);

}  // namespace tapewarden::keymgr::sharing
