// X.509 certificates (RFC 5280), certificate requests (PKCS#10), PKCS#12 files (RFC 7292). Values,
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "crypto/keys.h"

namespace tapewarden::crypto {

class Certificate {
 public:
  Certificate() = default;
  // kInvalidArgument when the input does not parse; a DER input must end with the certificate. The last
  // certificates read are remembered, so that reading the same one with each request costs little.
  static Result<Certificate> from_der(ByteView der);
  static Result<Certificate> from_pem(std::string_view pem);  // the first certificate in the text
  // Every certificate in the text; kInvalidArgument when there is none or one of them does not parse.
  static Result<std::vector<Certificate>> list_from_pem(std::string_view pem);

  bool empty() const { return state_ == nullptr; }
  Bytes der() const;
  std::string pem() const;
  std::string subject() const;      // one line, RFC 2253
  std::string common_name() const;  // the last one; empty when there is none or it holds control characters
  std::string organizational_unit() const;  // likewise
  std::string issuer() const;
  std::string serial_hex() const;
  WallTime not_before() const;
  WallTime not_after() const;
  Result<PublicKey> public_key() const;
  Hash256 fingerprint() const;  // SHA-256 of der()

  // That `authority` is its issuer by name, may issue certificates (or is this very certificate), and signed
  // it. Says nothing about time: callers decide what an expired one may do.
  bool signed_by(const Certificate& authority) const;
  bool is_authority() const;

  bool operator==(const Certificate& other) const;

 private:
  friend struct CertificateAccess;
  struct State;
  std::shared_ptr<const State> state_;
};

enum class CertificateUse : std::uint8_t { kAuthority, kServerAndClient, kClient, kSigning, kKeyWrapping };

struct CertificateSpec {
  std::string common_name;
  std::string organizational_unit;  // optional: what the holder is ("drive", "keyd", "operator")
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  CertificateUse use = CertificateUse::kClient;
  WallTime not_before;
  WallTime not_after;
};

// A certificate for `subject`, signed by the authority. Serial numbers are 128 random bits. Times are cut to
// whole seconds. kInvalidArgument when a name does not fit into a certificate, the times are reversed, or the
// authority and its key do not belong together.
Result<Certificate> issue_certificate(const CertificateSpec& spec, const PublicKey& subject,
                                      const Certificate& authority, const PrivateKey& authority_key,
                                      Random& random);
Result<Certificate> self_signed_certificate(const CertificateSpec& spec, const PrivateKey& key,
                                            Random& random);

// PKCS#10 in PEM, with the names of `spec`; its use and times are for the authority to decide.
Result<std::string> make_certificate_request(const CertificateSpec& spec, const PrivateKey& key);
struct CertificateRequest {
  std::string common_name;
  PublicKey public_key;
};
// kInvalidArgument when it does not parse or its own signature does not fit.
Result<CertificateRequest> read_certificate_request(std::string_view pem);

struct Pkcs12 {
  std::optional<PrivateKey> key;
  Certificate certificate;
  std::vector<Certificate> others;
  std::string friendly_name;
};
// Also files of before 2015 (RC2, triple DES) where OpenSSL's legacy provider is installed. kWrongKey when
// the passphrase does not fit; kInvalidArgument when the file does not parse, has no MAC, or holds a key of a
// kind that is not used.
Result<Pkcs12> read_pkcs12(ByteView file, const SecretBytes& passphrase);
// One entry of a file with many: a key with its certificate, a certificate alone, or a secret key as Java
// keeps it (a PrivateKeyInfo of the symmetric algorithm within a secret bag).
struct Pkcs12Entry {
  std::string friendly_name;
  std::optional<PrivateKey> key;
  Certificate certificate;       // empty for a secret key
  SecretBytes secret;            // of a secret key
  std::string secret_algorithm;  // its object identifier: "2.16.840.1.101.3.4.1" is AES
  std::string fault;             // why it cannot be used; empty: it can
};
// Every entry, secret keys first; certificates of a key's chain stay out. Errors as read_pkcs12(); an entry
// that cannot be used has a fault and spoils no other. kExhausted beyond `limit` entries.
Result<std::vector<Pkcs12Entry>> read_pkcs12_entries(ByteView file, const SecretBytes& passphrase,
                                                     std::size_t limit);
// AES-256-CBC with PBKDF2, MAC SHA-256. kInvalidArgument when certificate and key do not belong together or
// the passphrase holds a NUL.
Result<Bytes> write_pkcs12(const Pkcs12& content, const SecretBytes& passphrase);

}  // namespace tapewarden::crypto
