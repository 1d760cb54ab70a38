// Fingerprints of certificates as people read them to each other over the telephone: the first 128 bits of
// the SHA-256 of the certificate in eight groups of four hex digits. Whoever wants to be taken for another
// needs a certificate that begins with the same 128 bits, which nobody can make. `openssl x509 -fingerprint
// -sha256` shows the same digits. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden::keymgr::sharing {

inline constexpr std::size_t kSpokenBytes = 16;

// "3f2a 9c1e 77b0 0d41 5a6b 8812 c9fe 30d7"
std::string spoken(const Hash256& fingerprint);

// Whether what was heard is this fingerprint: the eight groups or all 64 digits; blanks, colons and hyphens
// are passed over, and case does not matter. kInvalidArgument naming "fingerprint" when it is neither form;
// kConflict when it is another fingerprint.
Status check_spoken(std::string_view heard, const Hash256& fingerprint);

}  // namespace tapewarden::keymgr::sharing
