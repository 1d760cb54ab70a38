// A second person's consent (K22) as an operator action takes it into its own transaction. Values.
#pragma once

#include <functional>
#include <string>

#include "keymgr/actor.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

class Settings;

struct Consent {
  std::string person = {};  // who consented; empty: nobody
  // Uses it up within the transaction, or says why it has no force any more. Empty only without a person.
  std::function<Status(store::Transaction&)> use = {};
};

// For what one officer alone may not do: uses the consent up. kPermissionDenied without one, unless
// two-person approval is off or the server itself acts.
Status take_consent(store::Transaction& transaction, const Settings& settings, const Actor& actor,
                    const Consent& consent);

}  // namespace tapewarden::keymgr
