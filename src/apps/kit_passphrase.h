// Passphrases as a recovery kit prints them: groups of capital letters and digits with dashes between.
// Whoever types one from paper may leave out the dashes, put blanks in their place, or use small letters:
// there is one passphrase that he can mean. Secrets stay in SecretBytes. Stateless; thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/env.h"
#include "crypto/secret_bytes.h"
#include "store/master_key.h"

namespace tapewarden::apps {

// Drawn anew: "ABCDE-FGHJK-…", `groups` groups of five characters of 31 (no I, L, O, 0 and 1).
crypto::SecretBytes random_groups(Random& random, unsigned groups);

// A passphrase of eight groups, as a kit prints it.
crypto::SecretBytes random_passphrase(Random& random);

// The printed form of what was typed; nothing when it is no kit's passphrase, or is printed already.
std::optional<crypto::SecretBytes> as_printed(const crypto::SecretBytes& typed);

// `attempt` with the passphrase as it was typed and, when that is a wrong key, as it is printed. Gives the
// passphrase that fits, or the first attempt's error.
Result<crypto::SecretBytes> fitting_passphrase(
    crypto::SecretBytes typed, const std::function<Status(const crypto::SecretBytes&)>& attempt);

// store::MasterKeyFile::open() with a passphrase that may be typed from a kit. Errors name the file and what
// to do.
Result<std::unique_ptr<store::MasterKeyFile>> open_master_key(Env env, const std::string& path,
                                                              crypto::SecretBytes typed);

}  // namespace tapewarden::apps
