#include "crypto/new_passphrase.h"

#include <algorithm>
#include <string>

namespace tapewarden::crypto {

std::size_t characters_of(const SecretBytes& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text.reveal(), [](std::uint8_t byte) { return (byte & 0xC0U) != 0x80U; }));
}

Status check_new_passphrase(const SecretBytes& passphrase, std::string_view what, std::string_view field) {
  if (characters_of(passphrase) >= kNewPassphraseLeast) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::string(what) + " has fewer than " + std::to_string(kNewPassphraseLeast) + " characters",
              std::string(field), "take five or more random words");
}

}  // namespace tapewarden::crypto
