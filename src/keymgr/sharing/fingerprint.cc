#include "keymgr/sharing/fingerprint.h"

namespace tapewarden::keymgr::sharing {

namespace {
constexpr std::size_t kGroupDigits = 4;
}  // namespace

std::string spoken(const Hash256& fingerprint) {
  const std::string digits = to_hex(ByteView(fingerprint).first(kSpokenBytes));
  std::string out;
  for (std::size_t at = 0; at < digits.size(); at += kGroupDigits) {
    if (at > 0) out += ' ';
    out += digits.substr(at, kGroupDigits);
  }
  return out;
}

Status check_spoken(std::string_view heard, const Hash256& fingerprint) {
  std::string digits;
  for (const char c : heard) {
    if (c != ' ' && c != ':' && c != '-') digits += c;
  }
  const auto bytes = from_hex(digits);
  if (!bytes || (bytes->size() != kSpokenBytes && bytes->size() != fingerprint.size())) {
    return fail(ErrorCode::kInvalidArgument, "this is not a fingerprint", "fingerprint",
                "type the eight groups of four digits as the partner reads them out");
  }
  if (equal(*bytes, ByteView(fingerprint).first(bytes->size()))) return {};
  return fail(ErrorCode::kConflict, "the fingerprint is not the one of the certificate that is kept here",
              "fingerprint",
              "hear it once more; when it stays so, the certificate was exchanged on its way: remove it and "
              "get another one");
}

}  // namespace tapewarden::keymgr::sharing
