// MAC, MAC Verify and Hash (Specification 1.4 sections 4.33 to 4.37, 2.1 sections 6.1.28, 6.1.29 and 6.1.24).
#include "crypto/digest.h"
#include "kmip/server/key_uses.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::DigestStream;
using crypto::MacStream;
using keymgr::ManagedObject;
using ttlv::Item;

struct Request {
  ManagedObject object;
  Part part;
  CryptoParameters parameters;
  ByteView data;
};

Result<Request> read_request(OperationContext& context, const Item& payload, Operation operation) {
  const bool makes = operation == Operation::kMAC;
  Request out;
  out.object = TRY(named_object(context, payload, true));
  out.part = TRY(read_part(context, payload, operation));
  TRY(check_use(context, out.object,
                {makes ? CryptographicUsageMask::kMACGenerate : CryptographicUsageMask::kMACVerify, makes}));
  out.data = TRY(data_of(payload, out.part));
  out.parameters =
      out.part.stream != nullptr ? out.part.stream->parameters : TRY(parameters_of(payload, &out.object));
  if (out.part.stream != nullptr && out.part.stream->object != out.object.id) {
    return refuse(ResultReason::kInvalidCorrelationValue, "the stream is one of another key",
                  "Correlation Value");
  }
  return out;
}

Result<MacStream> mac_so_far(OperationContext& context, const Request& request) {
  if (request.part.stream != nullptr) {
    const auto* before = std::get_if<MacStream>(&request.part.stream->state);
    if (before == nullptr) return refuse(ResultReason::kInvalidCorrelationValue, "no such stream");
    return before->clone();
  }
  const auto digest = TRY(mac_of(request.parameters, algorithm_of(request.object)));
  const auto key = TRY(bytes_of(TRY(open_plain_key(context, request.object))));
  auto out = MacStream::start(digest, key);
  if (!out) return crypto_refusal(out.error());
  return *std::move(out);
}

// Nothing: more is to come.
Result<std::optional<Bytes>> run_mac(OperationContext& context, const Request& request, Operation operation,
                                     ttlv::Writer& out) {
  auto mac = TRY(mac_so_far(context, request));
  mac.update(request.data);
  if (request.part.final) {
    end_part(context, request.part);
    return std::optional(mac.finish());
  }
  keep_part(context, request.part,
            {context.client.owner, operation, request.object.id, request.parameters, std::move(mac)}, out);
  return std::optional<Bytes>();
}

}  // namespace

Status mac(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kCryptographicParameters, tag::kData,
                             tag::kCorrelationValue, tag::kInitIndicator, tag::kFinalIndicator}));
  const auto request = TRY(read_request(context, payload, Operation::kMAC));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(request.object));
  const auto value = TRY(run_mac(context, request, Operation::kMAC, out));
  if (value) out.add_bytes(tag::kMACData, *value);
  return spend(context, request.object, request.data.size());
}

Status mac_verify(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kCryptographicParameters, tag::kData, tag::kMACData,
                             tag::kCorrelationValue, tag::kInitIndicator, tag::kFinalIndicator}));
  const auto request = TRY(read_request(context, payload, Operation::kMACVerify));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(request.object));
  const auto given = payload.find(tag::kMACData);
  if (!given && request.part.final) return refuse(ResultReason::kInvalidMessage, "it is missing", "MAC Data");
  const auto value = TRY(run_mac(context, request, Operation::kMACVerify, out));
  if (!value) return {};
  const bool fits = crypto::equal_constant_time(*value, TRY(given->as_bytes()));
  out.add_enumeration(tag::kValidityIndicator,
                      fits ? ValidityIndicator::kValid : ValidityIndicator::kInvalid);
  return {};
}

Status hash(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kCryptographicParameters, tag::kData, tag::kCorrelationValue,
                             tag::kInitIndicator, tag::kFinalIndicator}));
  const auto part = TRY(read_part(context, payload, Operation::kHash));
  const auto parameters =
      part.stream != nullptr ? part.stream->parameters : TRY(parameters_of(payload, nullptr));
  if (!parameters.hash) return refuse(ResultReason::kInvalidMessage, "it is missing", "Hashing Algorithm");
  const auto data = TRY(data_of(payload, part));
  const auto* before = part.stream != nullptr ? std::get_if<DigestStream>(&part.stream->state) : nullptr;
  auto stream = before != nullptr ? Result<DigestStream>(before->clone())
                                  : DigestStream::start(TRY(digest_of(*parameters.hash)));
  if (!stream) return crypto_refusal(stream.error());
  stream->update(data);
  if (part.final) {
    out.add_bytes(tag::kData, stream->finish());
    end_part(context, part);
  } else {
    keep_part(context, part, {context.client.owner, Operation::kHash, {}, parameters, *std::move(stream)},
              out);
  }
  return {};
}

}  // namespace tapewarden::kmip
