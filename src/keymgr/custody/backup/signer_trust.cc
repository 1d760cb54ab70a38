#include "keymgr/custody/backup/signer_trust.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::keymgr::backup {

Status SignerTrust::check(const crypto::Certificate& signer) const {
  if (fingerprint && *fingerprint == signer.fingerprint()) return {};
  const auto own = signer.public_key();
  if (key && own && *own == *key) return {};
  // The site's authority certifies drives and people too; a key server's certificates say so.
  const bool issued = signer.organizational_unit() == "keyd" &&
                      std::ranges::any_of(authorities, [&](const crypto::Certificate& authority) {
                        return authority.is_authority() && signer.signed_by(authority);
                      });
  if (issued) return {};
  return fail(
      ErrorCode::kPermissionDenied,
      "the backup was signed by " + escape_unprintable(signer.subject()) + ", SHA-256 " +
          to_hex(signer.fingerprint()) + ", which is not a signer that was named",
      "signer",
      "compare the fingerprint with the key server's signing certificate (tls/signing.crt, the recovery "
      "kit), then name it with --signer, or the site's authority with --ca");
}

Result<Hash256> parse_fingerprint(std::string_view text) {
  std::string hex(text.starts_with("sha256:") ? text.substr(7) : text);
  std::erase(hex, ':');
  const auto bytes = from_hex(hex);
  Hash256 out;
  if (!bytes || bytes->size() != out.size()) {
    return fail(ErrorCode::kInvalidArgument, "this is no SHA-256 fingerprint", "signer",
                "give 64 hex digits");
  }
  copy_bytes(out, *bytes);
  return out;
}

}  // namespace tapewarden::keymgr::backup
