// The life of a key (NIST SP 800-57 part 1, section 7) and the small words that rows and requests share.
// Values; pure.
//
//   pre-active --> active --> deactivated --> destroyed
//       |            |            |              |
//       +------------+---> compromised --> destroyed-compromised
//
// Numbers are those of the KMIP State enumeration, so that they mean the same in rows, on the wire and in
// exports. A state never goes back: two servers' opinions become one by join(), which is never earlier than
// either in the order destroyed-compromised > destroyed > compromised > deactivated > active > pre-active.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace tapewarden::keymgr {

enum class KeyState : std::uint8_t {
  kPreActive = 1,
  kActive = 2,
  kDeactivated = 3,
  kCompromised = 4,
  kDestroyed = 5,
  kDestroyedCompromised = 6,
};

enum class KeyOrigin : std::uint8_t { kGenerated = 1, kImported = 2 };

// How the cartridge names its data key.
enum class Method : std::uint8_t {
  kIdentifiedKey = 1,  // LTO: a DKi on the cartridge
  kWrappedKey = 2,     // 3592: EEDKs on the cartridge
};

enum class Purpose : std::uint8_t { kWrite = 1, kAppend = 2, kRead = 3, kRekey = 4 };

enum class Right : std::uint8_t { kWrite, kRead };

bool may_follow(KeyState from, KeyState to);
// What is known of a key when one opinion says `a` and another `b`, whatever is newer: the later of them, and
// destroyed-compromised when one says destroyed and the other compromised. Commutative, associative, and the
// same again with either of its parts.
KeyState join(KeyState a, KeyState b);
inline bool may_start_cartridge(KeyState state) {
  return state == KeyState::kPreActive || state == KeyState::kActive;
}
inline bool may_extend_cartridge(KeyState state) {
  return state == KeyState::kActive || state == KeyState::kPreActive;
}
// Deactivated and compromised keys still open what they sealed.
inline bool may_read_cartridge(KeyState state) {
  return state != KeyState::kDestroyed && state != KeyState::kDestroyedCompromised;
}
inline bool is_tombstone(KeyState state) {
  return !may_read_cartridge(state);
}

std::string_view to_string(KeyState state);
std::string_view to_string(KeyOrigin origin);
std::string_view to_string(Method method);
std::string_view to_string(Purpose purpose);
std::string_view to_string(Right right);
Result<KeyState> parse_key_state(std::string_view text);

}  // namespace tapewarden::keymgr
