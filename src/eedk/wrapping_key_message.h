// What a drive's identity key signs to vouch for its wrapping key: "tapewarden dkx wrapping key v1" || 00h ||
// SubjectPublicKeyInfo (docs/formats/dkx.md). The drive signs it and the key server checks it, in programs
// that share nothing but this. Pure, thread-safe.
#pragma once

#include "base/bytes.h"

namespace tapewarden::eedk {

Bytes wrapping_key_message(ByteView spki);

}  // namespace tapewarden::eedk
