// A Java properties file on its way to the server: its passwords stay here. Pure; thread-safe.
#pragma once

#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

// The text without what stands behind the '=' of each line whose name holds "password", further lines that it
// goes on in included. Line numbers stay. The caller wipes what he gave.
crypto::SecretBytes without_passwords(ByteView text);

}  // namespace tapewarden::cli
