// Sign and Signature Verify (Specification 1.4 sections 4.31 and 4.32, 2.1 sections 6.1.50 and 6.1.51). The
// data is hashed here, part by part where there are several, or comes hashed.
#include "crypto/digest.h"
#include "kmip/server/key_uses.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::DigestStream;
using keymgr::ManagedObject;
using ttlv::Item;

struct Request {
  ManagedObject object;
  Part part;
  CryptoParameters parameters;
  crypto::SignatureScheme scheme;
  std::size_t size = 0;  // of the data
};

Result<Request> read_request(OperationContext& context, const Item& payload, Operation operation,
                             const KeyUse& use) {
  Request out;
  out.object = TRY(named_object(context, payload, true));
  out.part = TRY(read_part(context, payload, operation));
  TRY(check_use(context, out.object, use));
  out.parameters =
      out.part.stream != nullptr ? out.part.stream->parameters : TRY(parameters_of(payload, &out.object));
  out.scheme = TRY(signature_of(out.parameters));
  if (out.part.stream != nullptr && out.part.stream->object != out.object.id) {
    return refuse(ResultReason::kInvalidCorrelationValue, "the stream is one of another key",
                  "Correlation Value");
  }
  return out;
}

// The hash of everything so far.
Result<DigestStream> hash_so_far(const Item& payload, Request& request) {
  const auto* before =
      request.part.stream != nullptr ? std::get_if<DigestStream>(&request.part.stream->state) : nullptr;
  auto hash =
      before != nullptr ? Result<DigestStream>(before->clone()) : DigestStream::start(request.scheme.digest);
  if (!hash) return crypto_refusal(hash.error());
  const auto data = TRY(data_of(payload, request.part));
  hash->update(data);
  request.size = data.size();
  return *std::move(hash);
}

// Nothing: more is to come, and the stream is kept.
Result<std::optional<Bytes>> digest_for(OperationContext& context, const Item& payload, Request& request,
                                        Operation operation, ttlv::Writer& out) {
  if (const auto given = payload.find(tag::kDigestedData)) {
    auto digest = to_bytes(TRY(given->as_bytes()));
    if (digest.size() == crypto::digest_size(request.scheme.digest) && !request.part.streamed) {
      request.size = digest.size();
      return std::optional(std::move(digest));
    }
    return refuse(ResultReason::kInvalidField, "it is no hash of that algorithm, in one part",
                  "Digested Data");
  }
  auto hash = TRY(hash_so_far(payload, request));
  if (!request.part.final) {
    keep_part(context, request.part,
              {context.client.owner, operation, request.object.id, request.parameters, std::move(hash)}, out);
    return std::optional<Bytes>();
  }
  end_part(context, request.part);
  return std::optional(hash.finish());
}

}  // namespace

Status sign(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kCryptographicParameters, tag::kData, tag::kDigestedData,
                    tag::kCorrelationValue, tag::kInitIndicator, tag::kFinalIndicator}));
  auto request = TRY(read_request(context, payload, Operation::kSign, {CryptographicUsageMask::kSign, true}));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(request.object));
  const auto digest = TRY(digest_for(context, payload, request, Operation::kSign, out));
  if (digest) {
    const auto key = TRY(asymmetric_of(TRY(open_plain_key(context, request.object)), request.object.type));
    const auto signature = key.sign_digest(request.scheme, *digest);
    if (!signature) return crypto_refusal(signature.error());
    out.add_bytes(tag::kSignatureData, *signature);
  }
  return spend(context, request.object, request.size);
}

Status signature_verify(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kCryptographicParameters, tag::kData, tag::kDigestedData,
                    tag::kSignatureData, tag::kCorrelationValue, tag::kInitIndicator, tag::kFinalIndicator}));
  auto request = TRY(
      read_request(context, payload, Operation::kSignatureVerify, {CryptographicUsageMask::kVerify, false}));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(request.object));
  const auto signature = payload.find(tag::kSignatureData);
  if (!signature && request.part.final) {
    return refuse(ResultReason::kInvalidMessage, "it is missing", "Signature Data");
  }
  const auto digest = TRY(digest_for(context, payload, request, Operation::kSignatureVerify, out));
  if (!digest) return {};
  const auto key = TRY(asymmetric_of(TRY(open_plain_key(context, request.object)), request.object.type));
  const auto fits = key.verify_digest(request.scheme, *digest, TRY(signature->as_bytes()));
  if (!fits) return crypto_refusal(fits.error());
  out.add_enumeration(tag::kValidityIndicator,
                      *fits ? ValidityIndicator::kValid : ValidityIndicator::kInvalid);
  return {};
}

}  // namespace tapewarden::kmip
