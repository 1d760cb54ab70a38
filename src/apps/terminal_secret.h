// A secret from the person at the terminal, without echo. One thread.
#pragma once

#include <string>

#include "crypto/secret_bytes.h"

namespace tapewarden::apps {

// Writes "PROMPT: " to standard error and reads a line. `field` names the option that gives it from a file:
// kInvalidArgument when there is no terminal.
Result<crypto::SecretBytes> ask_secret(const std::string& prompt, const std::string& field);
// Asks twice; kInvalidArgument when the two differ.
Result<crypto::SecretBytes> ask_new_secret(const std::string& prompt, const std::string& field);

}  // namespace tapewarden::apps
