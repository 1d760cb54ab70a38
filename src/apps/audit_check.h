// `tapewarden-keyd audit verify`: an audit record is checked where it lies, by its files alone: no server
// runs, no master key is needed. Reads only.
#pragma once

#include <string>

#include "base/env.h"

namespace tapewarden::apps {

struct AuditCheck {
  std::string path;         // a directory of audit files, or one of them
  std::string certificate;  // file of the server's signing certificate (tls/signing.crt); empty: none
  std::string against;      // file of noted checkpoints; empty: none
};

// A text for people. kCorrupt saying which line of which file is wrong, or which noted checkpoint is missed.
Result<std::string> check_audit(Env env, const AuditCheck& check);

}  // namespace tapewarden::apps
