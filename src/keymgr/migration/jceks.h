// JCEKS, the keystore format of the Java provider SunJCE, in which EKM kept its keys (docs/formats/jceks.md).
// Pure; thread-safe.
#pragma once

#include "keymgr/migration/old_keystore.h"

namespace tapewarden::keymgr {

inline constexpr std::uint32_t kJceksMagic = 0xCECECECE;
inline constexpr std::uint32_t kJksMagic = 0xFEEDFEED;  // the older format, which holds no secret keys

// As read_old_keystore(), for a file that begins with kJceksMagic.
Result<OldKeystore> read_jceks(ByteView file, const crypto::SecretBytes& password,
                               const crypto::SecretBytes* key_password);

}  // namespace tapewarden::keymgr
