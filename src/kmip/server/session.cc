// What concerns the connection and no object: Log, Interop, Ping and Set Endpoint Role (Specification 2.1
// sections 6.1.26, 6.1.25, 6.1.35 and 6.1.53).
#include "base/concat.h"
#include "base/text.h"
#include "kmip/limits.h"
#include "kmip/names.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kMaximumLogBytes = 1024;  // escaped; it goes into the audit, which is kept for ever

Result<std::string> text_field(const ttlv::Item& payload, ttlv::Tag tag) {
  const auto item = payload.find(tag);
  if (!item) return refuse(ResultReason::kInvalidMessage, "it is missing", std::string(tag_name(tag)));
  const auto text = TRY(item->as_text());
  if (text.size() <= kMaximumTextBytes) return escape_unprintable(text);
  return refuse(ResultReason::kInvalidField, concat("it is longer than ", kMaximumTextBytes, " bytes"),
                std::string(tag_name(tag)));
}

}  // namespace

// The message goes into the audit record of the operation.
Status log(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  (void)out;
  TRY(check_fields(payload, {tag::kLogMessage}));
  auto message = TRY(text_field(payload, tag::kLogMessage));
  if (message.size() > kMaximumLogBytes) {
    return refuse(ResultReason::kInvalidField, concat("it is longer than ", kMaximumLogBytes, " bytes"),
                  "Log Message");
  }
  const auto repeated =
      context.log_records != nullptr ? context.log_records->next(context.client.fingerprint) : std::nullopt;
  if (!repeated) {
    context.unrecorded = true;
    return refuse(ResultReason::kServerLimitExceeded,
                  "this client logged too much: one message a minute is taken, and 32 at once",
                  "Log Message");
  }
  context.audit.emplace_back("message", std::move(message));
  if (*repeated > 0) context.audit.emplace_back("refused_before", std::to_string(*repeated));
  return {};
}

// Marks in the audit where a test case begins and ends. Nothing is reset: this is no server for tests.
Status interop(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  (void)out;
  TRY(check_fields(payload, {tag::kInteropFunction, tag::kInteropIdentifier}));
  const auto function = payload.find(tag::kInteropFunction);
  if (!function) return refuse(ResultReason::kInvalidMessage, "it is missing", "Interop Function");
  const auto value = TRY(function->as_enumeration());
  if (value == static_cast<std::uint32_t>(InteropFunction::kReset)) {
    return refuse(ResultReason::kPermissionDenied, "objects are not reset here", "Interop Function");
  }
  if (value != static_cast<std::uint32_t>(InteropFunction::kBegin) &&
      value != static_cast<std::uint32_t>(InteropFunction::kEnd)) {
    return refuse(ResultReason::kInvalidField, "there is no such function", "Interop Function");
  }
  context.audit.emplace_back("function", value_text(tag::kInteropFunction, value));
  if (payload.find(tag::kInteropIdentifier)) {
    context.audit.emplace_back("case", TRY(text_field(payload, tag::kInteropIdentifier)));
  }
  return {};
}

Status ping(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  (void)context;
  (void)out;
  return check_fields(payload, {});
}

// The role asked for is that of this end, which is the server and stays it.
Status set_endpoint_role(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  (void)context;
  TRY(check_fields(payload, {tag::kEndpointRole}));
  const auto role = payload.find(tag::kEndpointRole);
  if (!role) return refuse(ResultReason::kInvalidMessage, "it is missing", "Endpoint Role");
  const auto value = TRY(role->as_enumeration());
  if (value == static_cast<std::uint32_t>(EndpointRole::kServer)) {
    out.add_enumeration(tag::kEndpointRole, EndpointRole::kServer);
    return {};
  }
  return refuse(ResultReason::kFeatureNotSupported, "this end stays the server", "Endpoint Role");
}

}  // namespace tapewarden::kmip
