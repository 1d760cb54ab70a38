// RNG Retrieve and RNG Seed (Specification 1.4 sections 4.35 and 4.36, 2.1 sections 6.1.47 and 6.1.48).
#include "base/concat.h"
#include "crypto/secret_bytes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::int32_t kMostRandomBytes = 64 << 10;

}  // namespace

Status rng_retrieve(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kDataLength}));
  const auto item = payload.find(tag::kDataLength);
  if (!item) return refuse(ResultReason::kInvalidMessage, "it is missing", "Data Length");
  const auto length = TRY(item->as_integer());
  if (length < 1 || length > kMostRandomBytes) {
    return refuse(ResultReason::kInvalidField, concat("1 to ", kMostRandomBytes, " bytes are given at once"),
                  "Data Length");
  }
  Bytes data(static_cast<std::size_t>(length));
  context.objects.manager().context().env.random->fill(data);
  out.add_bytes(tag::kData, data);
  crypto::wipe(data);
  return {};
}

// The generator seeds itself from the operating system: what a client adds is not used, and the answer says
// so (Specification 1.4 section 4.36: the server may ignore it, and answers 0).
Status rng_seed(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  (void)context;
  TRY(check_fields(payload, {tag::kData}));
  const auto item = payload.find(tag::kData);
  if (!item) return refuse(ResultReason::kInvalidMessage, "it is missing", "Data");
  TRY(item->as_bytes());
  out.add_integer(tag::kDataLength, 0);
  return {};
}

}  // namespace tapewarden::kmip
