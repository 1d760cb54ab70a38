// Which key a write from the beginning of tape gets (K4), and whether the KEKs of a wrapped key may be used
// (K6). Values; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "keymgr/key_cache.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_request.h"

namespace tapewarden::keymgr {

// Exactly one of the two is set.
struct IdentifiedChoice {
  std::string alias;
  std::string group;
};

// One EEDK to be made.
struct WrapTarget {
  LabelChoice choice;  // as typed
  Kek kek;
  crypto::PublicKey key;
  std::vector<std::string> labels;  // all of the KEK: the object of access rules
};

// As asked, else as the drive's kind says.
Method choose_method(const KeyRequest& request, const Drive& drive);
// Alias or group in the request, of the drive, the default group. EE31 when there is none.
Result<IdentifiedChoice> choose_identified(store::Reader& reader, const KeyManager& manager,
                                           const KeyRequest& request, const Drive& drive);
// Labels in the request, of the drive, of the server. EE31 when there is none.
Result<std::vector<LabelChoice>> choose_labels(store::Reader& reader, const KeyManager& manager,
                                               const std::vector<LabelChoice>& asked, const Drive& drive);
// One label as a KEK that may begin a cartridge. EE31: unknown, in conflict, or not active.
Result<WrapTarget> resolve_label(store::Reader& reader, const KeyManager& manager, KeyCache& cache,
                                 const LabelChoice& choice);
// That somebody can read what is written: a private half is held here and by the peer, or one held elsewhere
// was proved. EE31, EE34. And that each private half held here is in a backup where the policy wants that:
// EkmCode::kWaitingForBackup; the gate does not ask for halves that are held elsewhere.
Status check_recoverable(store::Reader& reader, const KeyManager& manager,
                         std::span<const WrapTarget> targets);

}  // namespace tapewarden::keymgr
