// Certificates that an authority issues for keys of others, whatever algorithm they are of, and whether a
// chain of certificates leads to an authority. For this site's own certificates see certificate.h. Pure;
// thread-safe.
#pragma once

#include <span>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/certificate_names.h"

namespace tapewarden::crypto {

// What PKCS#10 asks for, in DER. Its signature says that whoever asks has the private key.
struct CertificationRequest {
  Bytes subject;
  Bytes spki;
};
// In DER or PEM. kInvalidArgument: it does not parse, or is not signed by its own key.
Result<CertificationRequest> read_certification_request(ByteView request);

// A subject's DER. kInvalidArgument: no parts, or one that is unknown, too long or no text.
Result<Bytes> make_subject(std::span<const NamePart> parts);
// kInvalidArgument: this is no subject, or more than it, or it is empty.
Result<std::vector<NamePart>> read_subject(ByteView der);

// What the certified key is for: one of them at least.
struct LeafUses {
  bool signs = true;
  bool encrypts = false;
  bool wraps = false;
  bool agrees = false;
};
struct LeafSpec {
  Bytes subject;
  Bytes spki;
  LeafUses uses;
  WallTime not_before;
  WallTime not_after;
};
// Never an authority's, and never one that authenticates a TLS connection: its extended key usage names
// neither end (RFC 5280 section 4.2.1.12). kInvalidArgument: subject or key do not parse, the times are
// reversed, the authority may issue none, or the authority and its key do not belong together.
Result<Certificate> issue_leaf(const LeafSpec& spec, const Certificate& authority,
                               const PrivateKey& authority_key, Random& random);

// An authority's that issues leaves: path length 0, and with that extended key usage, so that whatever it
// issues authenticates no TLS connection. `spec.uses` does not matter. Errors as issue_leaf().
Result<Certificate> issue_issuer(const LeafSpec& spec, const Certificate& authority,
                                 const PrivateKey& authority_key, Random& random);

// Whether what such an authority issues could authenticate an end of a TLS connection, as far as the
// authority's own extensions tell (OpenSSL takes an authority's extended key usage for a limit of what it
// issues).
bool may_authenticate_tls(const Certificate& authority);
Bytes spki_of(const Certificate& certificate);

enum class ChainValidity : std::uint8_t {
  kValid,
  kInvalid,  // a signature, a time or an extension does not fit, or they are not one chain
  kUnknown,  // it leads to none of the authorities
};
// Of all certificates of the chain, in any order, at that time. REQUIRES: a chain of at least one.
ChainValidity check_chain(std::span<const Certificate> chain, std::span<const Certificate> authorities,
                          WallTime at);

}  // namespace tapewarden::crypto
