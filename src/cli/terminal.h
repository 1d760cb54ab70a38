// The terminal of the person who types: questions without echo, and how far long work is. One thread at a
// time.
#pragma once

#include <string_view>

#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

inline constexpr std::size_t kTypedSecretLimit = 256;  // bytes

// Asks on /dev/tty, so that standard input may be a pipe. kUnavailable without a terminal.
Result<crypto::SecretBytes> ask_secret_at_terminal(std::string_view question);
// Asks on /dev/tty; true when the whole word yes is typed. False without a terminal.
bool confirm_at_terminal(std::string_view question);
// A percentage on standard error, in one line; only when that is a terminal.
void show_progress(std::uint64_t done, std::uint64_t total);

}  // namespace tapewarden::cli
