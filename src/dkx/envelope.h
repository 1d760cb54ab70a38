// The outermost layer of the drive key exchange: one request or answer with its id and signature. Bodies are
// carried as bytes, so that a signature covers exactly what was received. Values; thread-safe.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "dkx/types.h"

namespace tapewarden::dkx {

enum class SignerKind : std::uint8_t {
  kNone = 1,   // a control request; who sends it is known from TLS
  kDrive = 2,  // signed by the drive's identity key
  kProxy = 3,  // signed by the key of the proxy's TLS client certificate
};

struct RequestEnvelope {
  Version version = kVersion;
  std::uint32_t message_id = 0;  // chosen by the client, echoed; unique among its requests in flight
  Bytes body;
  SignerKind signer = SignerKind::kNone;
  Bytes signature;           // DER ECDSA P-256 over request_message(body); empty exactly when kNone
  Bytes signer_certificate;  // DER; the drive's. Empty unless kDrive
  friend bool operator==(const RequestEnvelope&, const RequestEnvelope&) = default;
};

struct AnswerEnvelope {
  Version version = kVersion;
  std::uint32_t message_id = 0;
  Bytes body;
  Bytes signature;        // DER ECDSA P-256 over answer_message(request body, body)
  Hash256 certificate{};  // fingerprint of the server's signing certificate, which hello gave
  friend bool operator==(const AnswerEnvelope&, const AnswerEnvelope&) = default;
};

// REQUIRES: body and signature within limits.h, and fields present as the signer kind says.
Bytes encode(const RequestEnvelope& envelope);
Bytes encode(const AnswerEnvelope& envelope);
// kInvalidArgument with EE02 in `detail`, naming the field; kUnsupported for another major version.
Result<RequestEnvelope> decode_request_envelope(ByteView bytes);
Result<AnswerEnvelope> decode_answer_envelope(ByteView bytes);

}  // namespace tapewarden::dkx
