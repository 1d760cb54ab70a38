// The site's own sharing certificates: one identity (P-256) that signs what goes to partners and vouches for
// the encryption certificate (RSA) that partners seal to. Both servers of a pair hold them. A renewal makes a
// new encryption certificate under the same identity, so that partners need no new telephone call; the old
// ones stay and open what was sealed to them. Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"
#include "keymgr/sharing/limits.h"

namespace tapewarden::keymgr::sharing {

struct OwnCertificate {
  Uuid id;
  std::string name;
  Bytes identity;     // DER: its SHA-256 is the site's fingerprint
  Bytes certificate;  // DER: partners seal to it
  WallTime made{};
  Bytes sealed_identity_key;
  Bytes sealed_sealing_key;

  store::Row to_row() const;
  static OwnCertificate from_row(const store::Row& row);
  Hash256 fingerprint() const;  // of the identity
  // Both certificates in PEM, as a partner imports them.
  Result<std::string> bundle() const;
};

struct OwnCertificateSpec {
  std::string name = {};            // for people; empty: the server's name and installation
  bool renew = false;               // a new encryption certificate
  bool new_identity = false;        // a new identity too: partners must import and confirm it anew
  unsigned bits = kSharingKeyBits;  // of the RSA key: 2048, 3072 or 4096
};

// All of them, newest first.
Result<std::vector<OwnCertificate>> own_certificates(store::Reader& reader);
// The newest; kNotFound when none was made yet.
Result<OwnCertificate> own_certificate(store::Reader& reader);
Result<crypto::PrivateKey> identity_key(store::Reader& reader, const OwnCertificate& own);
Result<crypto::PrivateKey> sealing_key(store::Reader& reader, const OwnCertificate& own);

// The newest one, made at the first call or when the spec asks for it. Audited when it is made or shown.
// Making takes up to seconds. kInvalidArgument for a name that is none.
Result<OwnCertificate> give_own_certificate(KeyManager& manager, const Actor& actor,
                                            const OwnCertificateSpec& spec);

}  // namespace tapewarden::keymgr::sharing
