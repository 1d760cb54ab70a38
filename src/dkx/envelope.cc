#include "dkx/envelope.h"

#include "base/assert.h"
#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"
#include "eedk/ekm_code.h"

namespace tapewarden::dkx {

namespace {

constexpr ttlv::Limits kEnvelopeLimits{.bytes = kMaxMessageBytes, .depth = 1, .items = 8};

void write_head(ttlv::Writer& out, Version version, std::uint32_t message_id, const Bytes& body) {
  TW_ASSERT(!body.empty() && body.size() <= kMaxBodyBytes);
  write_version(out, kTagVersion, version);
  out.add_long_integer(kTagMessageId, message_id).add_bytes(kTagBody, body);
}

template <typename Envelope>
Status read_head(ttlv::Cursor& in, Envelope& out) {
  out.version = TRY(read_version(in, kTagVersion));
  if (out.version.major != kVersion.major) {
    return fail(ErrorCode::kUnsupported,
                "version " + std::to_string(out.version.major) + " of the key exchange is not spoken here",
                "version", "use releases that share a version of the key exchange");
  }
  out.message_id = static_cast<std::uint32_t>(TRY(in.unsigned_integer(kTagMessageId, UINT32_MAX)));
  out.body = TRY(read_filled_bytes(in, kTagBody, kMaxBodyBytes));
  return {};
}

Result<RequestEnvelope> read_request(ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kEnvelopeLimits, tag_name));
  auto in = TRY(ttlv::Cursor::over(document.root(), kTagRequest));
  RequestEnvelope out;
  TRY(read_head(in, out));
  out.signer = TRY(in.enumeration(kTagSignerKind, SignerKind::kNone, SignerKind::kProxy));
  if (out.signer != SignerKind::kNone) {
    out.signature = TRY(read_filled_bytes(in, kTagSignature, kMaxSignatureBytes));
  }
  if (out.signer == SignerKind::kDrive) {
    out.signer_certificate = TRY(read_filled_bytes(in, kTagCertificate, kMaxCertificateBytes));
  }
  TRY(in.finish());
  return out;
}

Result<AnswerEnvelope> read_answer(ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kEnvelopeLimits, tag_name));
  auto in = TRY(ttlv::Cursor::over(document.root(), kTagAnswer));
  AnswerEnvelope out;
  TRY(read_head(in, out));
  out.signature = TRY(read_filled_bytes(in, kTagSignature, kMaxSignatureBytes));
  out.certificate = TRY(in.array<32>(kTagCertificateFingerprint));
  TRY(in.finish());
  return out;
}

std::unexpected<Error> unreadable(Error error) {
  error.detail = static_cast<std::uint32_t>(eedk::EkmCode::kReadMessageFailed);
  return in_context("the message cannot be read", std::move(error));
}

}  // namespace

Bytes encode(const RequestEnvelope& envelope) {
  const bool is_signed = envelope.signer != SignerKind::kNone;
  TW_ASSERT(envelope.signature.empty() != is_signed);
  TW_ASSERT(envelope.signer_certificate.empty() != (envelope.signer == SignerKind::kDrive));
  ttlv::Writer out;
  out.begin(kTagRequest);
  write_head(out, envelope.version, envelope.message_id, envelope.body);
  out.add_enumeration(kTagSignerKind, envelope.signer);
  if (is_signed) out.add_bytes(kTagSignature, envelope.signature);
  if (envelope.signer == SignerKind::kDrive) out.add_bytes(kTagCertificate, envelope.signer_certificate);
  out.end();
  return out.take();
}

Bytes encode(const AnswerEnvelope& envelope) {
  ttlv::Writer out;
  out.begin(kTagAnswer);
  write_head(out, envelope.version, envelope.message_id, envelope.body);
  out.add_bytes(kTagSignature, envelope.signature);
  out.add_bytes(kTagCertificateFingerprint, envelope.certificate).end();
  return out.take();
}

Result<RequestEnvelope> decode_request_envelope(ByteView bytes) {
  auto out = read_request(bytes);
  if (!out) return unreadable(std::move(out).error());
  return out;
}

Result<AnswerEnvelope> decode_answer_envelope(ByteView bytes) {
  auto out = read_answer(bytes);
  if (!out) return unreadable(std::move(out).error());
  return out;
}

}  // namespace tapewarden::dkx
