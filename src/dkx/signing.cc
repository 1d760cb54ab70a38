#include "dkx/signing.h"

#include "base/assert.h"
#include "crypto/hash.h"
#include "eedk/ekm_code.h"

namespace tapewarden::dkx {

namespace {

constexpr std::string_view kRequestPrefix{"tapewarden dkx request v1\0", 26};
constexpr std::string_view kAnswerPrefix{"tapewarden dkx answer v1\0", 25};
static_assert(kRequestPrefix.back() == 0 && kAnswerPrefix.back() == 0);

bool fits(const crypto::PublicKey& key, ByteView message, ByteView signature) {
  return !key.empty() && key.kind() == crypto::KeyKind::kEcP256 && key.verify(message, signature);
}

}  // namespace

Bytes request_message(ByteView body) {
  ByteWriter out;
  out.text(kRequestPrefix).bytes(body);
  return out.take();
}

Bytes answer_message(ByteView request_body, ByteView answer_body) {
  ByteWriter out;
  out.text(kAnswerPrefix).bytes(crypto::sha256(request_body)).bytes(answer_body);
  return out.take();
}

RequestEnvelope sign_request(std::uint32_t message_id, Bytes body, SignerKind signer,
                             const crypto::PrivateKey& key, const crypto::Certificate* certificate) {
  TW_ASSERT(signer != SignerKind::kNone && (certificate != nullptr) == (signer == SignerKind::kDrive));
  RequestEnvelope out;
  out.message_id = message_id;
  out.signer = signer;
  out.signature = key.sign(request_message(body));
  out.body = std::move(body);
  if (certificate != nullptr) out.signer_certificate = certificate->der();
  return out;
}

RequestEnvelope unsigned_request(std::uint32_t message_id, Bytes body) {
  RequestEnvelope out;
  out.message_id = message_id;
  out.body = std::move(body);
  return out;
}

Status verify_request(const RequestEnvelope& request, const crypto::PublicKey& signer) {
  if (request.signer == SignerKind::kNone) {
    return eedk::fail_ekm(ErrorCode::kUnauthenticated, eedk::EkmCode::kInvalidSignatureKind,
                          "the request is not signed", "signature");
  }
  if (fits(signer, request_message(request.body), request.signature)) return {};
  return eedk::fail_ekm(ErrorCode::kUnauthenticated, eedk::EkmCode::kInvalidSignature,
                        "the signature of the request does not fit the signer's key", "signature");
}

AnswerEnvelope sign_answer(const RequestEnvelope& request, Bytes body, const crypto::PrivateKey& key,
                           const Hash256& certificate_fingerprint) {
  AnswerEnvelope out;
  out.version = request.version;
  out.message_id = request.message_id;
  out.signature = key.sign(answer_message(request.body, body));
  out.body = std::move(body);
  out.certificate = certificate_fingerprint;
  return out;
}

Status verify_answer(const AnswerEnvelope& answer, const RequestEnvelope& request,
                     const crypto::Certificate& server) {
  const auto refuse = [](std::string message) {
    return eedk::fail_ekm(ErrorCode::kUnauthenticated, eedk::EkmCode::kInvalidSignature, std::move(message),
                          "signature", "look whether the key server's certificate was renewed or replaced");
  };
  if (answer.message_id != request.message_id) return refuse("the answer belongs to another request");
  if (answer.certificate != server.fingerprint())
    return refuse("the answer is signed by another certificate");
  const auto key = server.public_key();
  if (!key || !fits(*key, answer_message(request.body, answer.body), answer.signature)) {
    return refuse("the key server's signature does not fit its answer");
  }
  return {};
}

}  // namespace tapewarden::dkx
