#include "keymgr/key_state.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::keymgr {

bool may_follow(KeyState from, KeyState to) {
  using enum KeyState;
  switch (from) {
    case kPreActive:
      return to == kActive || to == kDeactivated || to == kCompromised || to == kDestroyed;
    case kActive:
      return to == kDeactivated || to == kCompromised;
    case kDeactivated:
      return to == kCompromised || to == kDestroyed;
    case kCompromised:
    case kDestroyed:
      return to == kDestroyedCompromised;
    case kDestroyedCompromised:
      return false;
  }
  return false;
}

KeyState join(KeyState a, KeyState b) {
  using enum KeyState;
  const bool both = (a == kDestroyed && b == kCompromised) || (a == kCompromised && b == kDestroyed);
  return both ? kDestroyedCompromised : std::max(a, b);
}

std::string_view to_string(KeyState state) {
  switch (state) {
    case KeyState::kPreActive:
      return "pre-active";
    case KeyState::kActive:
      return "active";
    case KeyState::kDeactivated:
      return "deactivated";
    case KeyState::kCompromised:
      return "compromised";
    case KeyState::kDestroyed:
      return "destroyed";
    case KeyState::kDestroyedCompromised:
      return "destroyed-compromised";
  }
  return "unknown";
}

std::string_view to_string(KeyOrigin origin) {
  return origin == KeyOrigin::kGenerated ? "generated" : "imported";
}

std::string_view to_string(Method method) {
  return method == Method::kIdentifiedKey ? "identified-key" : "wrapped-key";
}

std::string_view to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::kWrite:
      return "write";
    case Purpose::kAppend:
      return "append";
    case Purpose::kRead:
      return "read";
    case Purpose::kRekey:
      return "rekey";
  }
  return "unknown";
}

std::string_view to_string(Right right) {
  return right == Right::kWrite ? "write" : "read";
}

Result<KeyState> parse_key_state(std::string_view text) {
  for (int value = 1; value <= 6; ++value) {
    const auto state = static_cast<KeyState>(value);
    if (equal_ignoring_case(text, to_string(state))) return state;
  }
  return fail(ErrorCode::kInvalidArgument, "\"" + escape_unprintable(text) + "\" is no state of a key",
              "state",
              "use pre-active, active, deactivated, compromised, destroyed or destroyed-compromised");
}

}  // namespace tapewarden::keymgr
