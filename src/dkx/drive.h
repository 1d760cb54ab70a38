// Who asks for a key: the drive's identity as it stands in a signed request. Values.
#pragma once

#include <optional>
#include <string>

#include "dkx/types.h"

namespace tapewarden::dkx {

// What an operator pins when he accepts a drive that is not in the drive table yet (K1, K11): the identity
// certificate, and the wrapping key signed by the identity key.
struct Enrolment {
  Bytes certificate;             // DER, P-256
  Bytes wrapping_key;            // DER SubjectPublicKeyInfo, RSA
  Bytes wrapping_key_signature;  // by the identity key over eedk::wrapping_key_message(wrapping_key)
  friend bool operator==(const Enrolment&, const Enrolment&) = default;
};

struct Drive {
  std::string serial;        // 1 to 12 printable characters
  std::optional<Wwnn> wwnn;  // world wide node name
  DriveKind kind = DriveKind::kLto;
  Hash256 wrapping_key{};  // SHA-256 of the SubjectPublicKeyInfo that the SEDK must be wrapped to
  std::optional<Enrolment> enrolment;
  friend bool operator==(const Drive&, const Drive&) = default;
};

void write(ttlv::Writer& out, const Drive& drive);
Result<Drive> read_drive(ttlv::Cursor& in);

}  // namespace tapewarden::dkx
