#include "keymgr/consent.h"

#include "base/assert.h"
#include "keymgr/settings.h"

namespace tapewarden::keymgr {

Status take_consent(store::Transaction& transaction, const Settings& settings, const Actor& actor,
                    const Consent& consent) {
  if (!consent.person.empty()) {
    TW_ASSERT(consent.use != nullptr);
    return consent.use(transaction);
  }
  if (actor.kind == ActorKind::kSystem || !TRY(settings.approval_policy(transaction)).two_person) return {};
  return fail(ErrorCode::kPermissionDenied, "one officer alone may not do this", "approval",
              "ask for the consent of a second security officer");
}

}  // namespace tapewarden::keymgr
