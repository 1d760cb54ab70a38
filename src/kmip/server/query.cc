// Query (Specification 1.4 section 4.25, 2.1 section 6.1.37): what this server can do.
#include <algorithm>

#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::string_view kVendor = "Tapewarden";
constexpr ObjectType kObjects[] = {ObjectType::kSymmetricKey};
// The Tape Library profile's, which may have a vendor's name in front.
constexpr std::string_view kNamespaces[] = {"LIBRARY-LTO",  "LIBRARY-LTO4", "LIBRARY-LTO5", "LIBRARY-LTO6",
                                            "LIBRARY-LTO7", "LIBRARY-LTO8", "LIBRARY-LTO9"};

void write_answer(QueryFunction asked, const ProtocolVersion& version, ttlv::Writer& out) {
  switch (asked) {
    case QueryFunction::kQueryOperations:
      for (const auto& spec : operations()) {
        if (spec.since <= version) out.add_enumeration(tag::kOperation, spec.operation);
      }
      break;
    case QueryFunction::kQueryObjects:
      for (const auto type : kObjects) out.add_enumeration(tag::kObjectType, type);
      break;
    case QueryFunction::kQueryServerInformation:
      out.add_text(tag::kVendorIdentification, kVendor);
      out.begin(tag::kServerInformation).end();
      break;
    case QueryFunction::kQueryApplicationNamespaces:
      for (const auto name : kNamespaces) out.add_text(tag::kApplicationNamespace, name);
      break;
    default:
      break;  // nothing to tell: the answer to a function that a server does not have is empty
  }
}

// In the order of the answer's fields, whatever order they were asked in.
constexpr QueryFunction kOrder[] = {QueryFunction::kQueryOperations, QueryFunction::kQueryObjects,
                                    QueryFunction::kQueryServerInformation,
                                    QueryFunction::kQueryApplicationNamespaces};

}  // namespace

Status query(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kQueryFunction}));
  std::vector<std::uint32_t> asked;
  for (const ttlv::Item item : payload.children()) asked.push_back(TRY(item.as_enumeration()));
  if (asked.empty()) {
    return refuse(ResultReason::kInvalidMessage, "at least one function is asked for", "Query Function");
  }
  for (const auto function : kOrder) {
    if (std::ranges::find(asked, static_cast<std::uint32_t>(function)) != asked.end()) {
      write_answer(function, context.version, out);
    }
  }
  return {};
}

}  // namespace tapewarden::kmip
