// The least that a passphrase or password has to have when a person sets it anew, whatever it is for: one
// rule for master keys, backups, exported keys and accounts. Those that were set before are never measured.
// Stateless; thread-safe.
#pragma once

#include <string_view>

#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kNewPassphraseLeast = 12;  // characters

// Characters, not bytes: in UTF-8 (RFC 3629) each has one byte that continues none.
std::size_t characters_of(const SecretBytes& text);

// kInvalidArgument naming `field` when there are fewer than kNewPassphraseLeast characters. `what` begins the
// sentence: "the passphrase of a backup".
Status check_new_passphrase(const SecretBytes& passphrase, std::string_view what, std::string_view field);

}  // namespace tapewarden::crypto
