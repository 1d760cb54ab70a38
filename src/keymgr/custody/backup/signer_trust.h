// Who may have made a backup. A seal to a public certificate proves nothing about the author, so a restore
// wants to be told: by the fingerprint of the server's signing certificate, or by the site's authority.
// Value.
#pragma once

#include <optional>
#include <vector>

#include "crypto/certificate.h"

namespace tapewarden::keymgr::backup {

struct SignerTrust {
  std::optional<Hash256> fingerprint;            // SHA-256 of the signing certificate
  std::vector<crypto::Certificate> authorities;  // one of them issued it as a key server's
  std::optional<crypto::PublicKey> key;          // this very key (a server that checks its own backups)

  // kPermissionDenied with the signer's fingerprint. Time plays no part: an old backup stays restorable.
  Status check(const crypto::Certificate& signer) const;
};

// "12:34:…" or plain hex, "sha256:" allowed in front.
Result<Hash256> parse_fingerprint(std::string_view text);

}  // namespace tapewarden::keymgr::backup
