#include "kmip/server/key_uses.h"

#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

Result<bool> flag(const ttlv::Item& payload, ttlv::Tag tag) {
  const auto item = payload.find(tag);
  return item ? item->as_boolean() : Result<bool>(false);
}

std::unexpected<Error> no_stream(const char* why) {
  return refuse(ResultReason::kInvalidCorrelationValue, why, "Correlation Value");
}

// What this message did to the stream counts before what the messages before it did.
Result<StreamPtr> find_stream(const OperationContext& context, const Bytes& correlation,
                              Operation operation) {
  const auto changed = context.stream_changes.find(correlation);
  if (changed == context.stream_changes.end()) {
    auto out = context.streams.take(correlation, context.client.owner, operation, context.message);
    if (out) return out;
    return no_stream("another message goes on with this stream: send its parts one after the other");
  }
  const auto& stream = changed->second;
  const bool mine =
      stream != nullptr && stream->owner == context.client.owner && stream->operation == operation;
  return mine ? stream : StreamPtr();
}

}  // namespace

Result<Part> read_part(const OperationContext& context, const ttlv::Item& payload, Operation operation) {
  Part out;
  const bool first = TRY(flag(payload, tag::kInitIndicator));
  const bool last = TRY(flag(payload, tag::kFinalIndicator));
  const auto correlation = payload.find(tag::kCorrelationValue);
  out.streamed = first || correlation;
  out.final = !out.streamed || last;
  if (!correlation) return out;
  if (first) {
    return refuse(ResultReason::kInvalidField, "a stream that begins has no Correlation Value yet",
                  "Init Indicator");
  }
  out.correlation = to_bytes(TRY(correlation->as_bytes()));
  out.stream = TRY(find_stream(context, out.correlation, operation));
  if (out.stream != nullptr) return out;
  return no_stream("the client has no such stream");
}

void keep_part(OperationContext& context, const Part& part, CryptoStream stream, ttlv::Writer& out) {
  auto correlation = part.correlation;
  if (correlation.empty()) {
    const auto id = Uuid::random(*context.objects.manager().context().env.random);
    correlation = to_bytes(id.view());
  }
  out.add_bytes(tag::kCorrelationValue, correlation);
  context.stream_changes[correlation] = std::make_shared<const CryptoStream>(std::move(stream));
}

void end_part(OperationContext& context, const Part& part) {
  if (!part.correlation.empty()) context.stream_changes[part.correlation] = nullptr;
}

Result<ByteView> data_of(const ttlv::Item& payload, const Part& part) {
  const auto item = payload.find(tag::kData);
  if (item) return item->as_bytes();
  if (part.streamed) return ByteView();
  return refuse(ResultReason::kInvalidMessage, "it is missing", "Data");
}

std::optional<CryptographicAlgorithm> algorithm_of(const keymgr::ManagedObject& object) {
  const auto value = enumeration_of(object.attributes.find(AttributeId::of(tag::kCryptographicAlgorithm)));
  return value ? std::optional(CryptographicAlgorithm(*value)) : std::nullopt;
}

}  // namespace tapewarden::kmip
