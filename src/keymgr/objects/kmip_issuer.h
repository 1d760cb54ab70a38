// What this server issues certificates to KMIP clients with (K21: Certify and Re-certify). The key is made
// here and never leaves: an officer takes a certificate request to the authority, which is not on this
// server, and brings the issuing certificate back.
//
// Invariants
//  S1 The private half exists as a sealed box in its row and, while it signs, in a PrivateKey: key() gives it
//     to what signs, and to nothing else.
//  S2 It belongs to this server alone: it is not copied to the peer, and no certificate becomes the issuer
//     whose key is not here.
//  S3 A request leaves the issuer as it is, until a certificate for its key takes the issuer's place.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "crypto/certificate.h"
#include "keymgr/actor.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

inline constexpr std::int64_t kMostIssuedDays = 3650;
inline constexpr std::int64_t kUsualIssuedDays = 365;

struct KmipIssuer {
  crypto::Certificate certificate;
  std::int64_t days = kUsualIssuedDays;  // that what it issues is valid at most
  WallTime set{};
};

class KmipIssuers {
 public:
  explicit KmipIssuers(const ServerContext& context) : context_(context) {}

  // Makes a new key, which waits for its certificate, in the place of one that waited. A PKCS#10 request in
  // PEM.
  Result<std::string> request(store::Transaction& transaction, const Actor& actor,
                              std::string_view common_name) const;
  // Of the key that waits, or of the issuer's, whose certificate is then renewed. kInvalidArgument: of
  // neither, no authority's, one that authenticates TLS connections, out of its time; or `days` is not 1 to
  // kMostIssuedDays.
  Result<KmipIssuer> set(store::Transaction& transaction, const Actor& actor,
                         const crypto::Certificate& certificate, std::int64_t days) const;
  // kNotFound.
  Status remove(store::Transaction& transaction, const Actor& actor) const;
  Result<std::optional<KmipIssuer>> find(store::Reader& reader) const;
  // kNotFound. What it returns must not leave the operation that signs with it.
  Result<crypto::PrivateKey> key(store::Reader& reader) const;

 private:
  Result<std::optional<crypto::PrivateKey>> key_of(store::Reader& reader, std::int64_t place) const;
  Status put(store::Transaction& transaction, std::int64_t place, const Bytes& certificate,
             const crypto::PrivateKey& key, std::int64_t days) const;

  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
