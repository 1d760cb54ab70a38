// What the signatures of the drive key exchange cover, and how they are made and checked. Each kind of
// message (with eedk/wrapping_key_message.h) has its own prefix, which ends in 00h, so that no signature can
// be passed off as another. Thread-safe.
#pragma once

#include "crypto/certificate.h"
#include "dkx/envelope.h"

namespace tapewarden::dkx {

// "tapewarden dkx request v1" || 00h || body.
Bytes request_message(ByteView body);
// "tapewarden dkx answer v1" || 00h || SHA-256(request body) || answer body.
Bytes answer_message(ByteView request_body, ByteView answer_body);

// A signed request. REQUIRES: P-256; a certificate exactly when the signer is a drive.
RequestEnvelope sign_request(std::uint32_t message_id, Bytes body, SignerKind signer,
                             const crypto::PrivateKey& key, const crypto::Certificate* certificate);
// Control requests carry no signature.
RequestEnvelope unsigned_request(std::uint32_t message_id, Bytes body);
// kUnauthenticated with EE29 when the signature is not by `signer`, EE2E when there is none.
Status verify_request(const RequestEnvelope& request, const crypto::PublicKey& signer);

AnswerEnvelope sign_answer(const RequestEnvelope& request, Bytes body, const crypto::PrivateKey& key,
                           const Hash256& certificate_fingerprint);
// kUnauthenticated with EE29 when the answer is to another request, or not signed by this certificate.
Status verify_answer(const AnswerEnvelope& answer, const RequestEnvelope& request,
                     const crypto::Certificate& server);

}  // namespace tapewarden::dkx
