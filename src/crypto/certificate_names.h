// What stands in a certificate beside its key, part by part (RFC 5280): for those who search by it. Pure;
// thread-safe.
#pragma once

#include <string>
#include <vector>

#include "crypto/certificate.h"

namespace tapewarden::crypto {

struct NamePart {
  std::string key;    // OpenSSL's short name: "CN", "O", "emailAddress"
  std::string value;  // UTF-8
};

struct CertificateNames {
  std::vector<NamePart> subject;
  std::vector<NamePart> issuer;
  Bytes subject_der;
  Bytes issuer_der;
  Bytes serial;                     // unsigned, big-endian
  std::string signature_algorithm;  // OpenSSL's short name: "RSA-SHA256"
};

CertificateNames names_of(const Certificate& certificate);

}  // namespace tapewarden::crypto
