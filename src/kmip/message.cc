#include "kmip/message.h"

#include <algorithm>
#include <ranges>

#include "base/concat.h"
#include "kmip/limits.h"
#include "kmip/tags.h"
#include "ttlv/cursor.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Cursor;
using ttlv::Item;

constexpr std::size_t kMaximumItemId = 1024;
constexpr std::size_t kMaximumCorrelation = 1024;

std::unexpected<Error> invalid(std::string message, std::string field) {
  return refuse(ResultReason::kInvalidMessage, std::move(message), std::move(field));
}

Result<ProtocolVersion> read_version(Item item) {
  auto in = TRY(Cursor::over(item, tag::kProtocolVersion));
  ProtocolVersion out;
  out.major = TRY(in.integer(tag::kProtocolVersionMajor));
  out.minor = TRY(in.integer(tag::kProtocolVersionMinor));
  TRY(in.finish());
  return out;
}

// Every answer is complete: a client may ask for another kind, in 2.x it may insist.
Status check_asynchronous(const Item& item) {
  if (item.type() == ttlv::Type::kBoolean) return {};
  if (TRY(item.as_enumeration()) != static_cast<std::uint32_t>(AsynchronousIndicator::kMandatory)) return {};
  return refuse(ResultReason::kFeatureNotSupported, "requests are answered at once here, none by a Poll",
                "Asynchronous Indicator");
}

Result<BatchErrorContinuationOption> continuation(const Item& item) {
  const auto value = TRY(item.as_enumeration());
  if (value < 1 || value > 3) {
    return invalid("this Batch Error Continuation Option is none that there is",
                   "Batch Error Continuation Option");
  }
  return BatchErrorContinuationOption(value);
}

struct HeaderWithCount {
  RequestHeader header;
  std::int32_t batch_count = 0;
};

Status read_credentials(const Item& authentication, RequestHeader& header) {
  for (const Item child : authentication.children()) {
    if (child.tag() != tag::kCredential) return invalid("a Credential is missing", "Authentication");
    header.credentials.push_back(child);
  }
  return {};
}

// The fields come in any order here: clients differ, and nothing hangs on it.
Result<HeaderWithCount> read_header(const Item& item) {
  HeaderWithCount out;
  bool has_count = false;
  bool has_version = false;
  for (const Item field : item.children()) {
    if (field.tag() == tag::kProtocolVersion) {
      out.header.version = TRY(read_version(field));
      has_version = true;
    } else if (field.tag() == tag::kMaximumResponseSize) {
      out.header.maximum_response_bytes = TRY(field.as_integer());
    } else if (field.tag() == tag::kClientCorrelationValue) {
      out.header.client_correlation = TRY(field.as_text()).substr(0, kMaximumCorrelation);
    } else if (field.tag() == tag::kAsynchronousIndicator) {
      TRY(check_asynchronous(field));
    } else if (field.tag() == tag::kAuthentication) {
      TRY(read_credentials(field, out.header));
    } else if (field.tag() == tag::kBatchErrorContinuationOption) {
      out.header.on_error = TRY(continuation(field));
    } else if (field.tag() == tag::kBatchOrderOption) {
      out.header.ordered = TRY(field.as_boolean());
    } else if (field.tag() == tag::kBatchCount) {
      out.batch_count = TRY(field.as_integer());
      has_count = true;
    }
  }
  if (!has_version) return invalid("the Protocol Version is missing", "Protocol Version");
  if (!has_count) return invalid("the Batch Count is missing", "Batch Count");
  return out;
}

Result<bool> is_critical(const Item& extension) {
  const auto indicator = extension.find(tag::kCriticalityIndicator);
  return indicator ? indicator->as_boolean() : Result<bool>(false);
}

Result<BatchItem> read_item(const Item& item) {
  const auto operation = item.find(tag::kOperation);
  if (!operation) return invalid("a batch item names no Operation", "Operation");
  const auto payload = item.find(tag::kRequestPayload);
  if (!payload || !payload->is_structure()) {
    return invalid("a batch item has no Request Payload", "Request Payload");
  }
  BatchItem out{TRY(operation->as_enumeration()), std::nullopt, *payload};
  if (const auto id = item.find(tag::kUniqueBatchItemID)) {
    const auto bytes = TRY(id->as_bytes());
    if (bytes.size() > kMaximumItemId) return invalid("it is too long", "Unique Batch Item ID");
    out.id = to_bytes(bytes);
  }
  if (const auto extension = item.find(tag::kMessageExtension)) {
    out.critical_extension = TRY(is_critical(*extension));
  }
  return out;
}

Status check_version(const ProtocolVersion& version) {
  if (std::ranges::find(kVersions, version) != std::end(kVersions)) return {};
  return refuse(ResultReason::kUnsupportedProtocolVersion,
                concat("KMIP ", to_string(version), " is not spoken here; ", to_string(kOldest), " to ",
                       to_string(kNewest), " are"),
                "Protocol Version");
}

void write_header(ttlv::Writer& out, const ResponseHeader& header, std::size_t count) {
  out.begin(tag::kResponseHeader);
  out.begin(tag::kProtocolVersion);
  out.add_integer(tag::kProtocolVersionMajor, header.version.major);
  out.add_integer(tag::kProtocolVersionMinor, header.version.minor);
  out.end();
  out.add_date_time(tag::kTimeStamp, header.time_stamp);
  // Of 1.4 (section 6.16), where an old client of another maker cannot read it and no case of OASIS has it.
  if (header.version >= ProtocolVersion{2, 1} && !header.server_correlation.empty()) {
    out.add_text(tag::kServerCorrelationValue, header.server_correlation);
  }
  out.add_integer(tag::kBatchCount, static_cast<std::int32_t>(count));
  out.end();
}

void write_error(ttlv::Writer& out, const Error& error, const ProtocolVersion& version) {
  out.add_enumeration(tag::kResultStatus, ResultStatus::kOperationFailed);
  out.add_enumeration(tag::kResultReason, reason_of(error, version));
  out.add_text(tag::kResultMessage, error.text());
}

void write_answer(ttlv::Writer& out, const BatchAnswer& answer, const ProtocolVersion& version) {
  out.begin(tag::kBatchItem);
  if (answer.operation != 0) out.add_enumeration(tag::kOperation, answer.operation);
  if (answer.id) out.add_bytes(tag::kUniqueBatchItemID, *answer.id);
  if (answer.error) {
    write_error(out, *answer.error, version);
  } else {
    out.add_enumeration(tag::kResultStatus,
                        answer.undone ? ResultStatus::kOperationUndone : ResultStatus::kSuccess);
    if (!answer.payload.empty()) out.add_encoded(answer.payload);
  }
  out.end();
}

}  // namespace

std::optional<ProtocolVersion> version_of(const ttlv::Document& document) {
  const auto header = document.root().find(tag::kRequestHeader);
  const auto item = header ? header->find(tag::kProtocolVersion) : std::nullopt;
  if (!item) return std::nullopt;
  const auto version = read_version(*item);
  return version ? std::optional(*version) : std::nullopt;
}

Result<RequestMessage> decode_request(const ttlv::Document& document) {
  const Item root = document.root();
  if (root.tag() != tag::kRequestMessage) return invalid("this is no Request Message", root.name());
  const auto header = root.find(tag::kRequestHeader);
  if (!header) return invalid("the Request Header is missing", "Request Header");
  auto read = TRY(read_header(*header));
  TRY(check_version(read.header.version));
  if (read.batch_count > kMaximumBatchItems) {
    return refuse(ResultReason::kServerLimitExceeded,
                  concat("a batch has at most ", kMaximumBatchItems, " items here"), "Batch Count");
  }
  RequestMessage out{std::move(read.header), {}};
  for (const Item child : root.children()) {
    if (child.tag() == tag::kRequestHeader) continue;
    if (child.tag() != tag::kBatchItem) return invalid("only Batch Items may follow", child.name());
    if (std::cmp_greater_equal(out.batch.size(), kMaximumBatchItems)) break;
    out.batch.push_back(TRY(read_item(child)));
  }
  if (std::cmp_not_equal(out.batch.size(), read.batch_count)) {
    return invalid(
        concat("the Batch Count says ", read.batch_count, ", and there are ", out.batch.size(), " items"),
        "Batch Count");
  }
  return out;
}

Bytes encode_response(const ResponseHeader& header, const std::vector<BatchAnswer>& answers) {
  ttlv::Writer out;
  out.begin(tag::kResponseMessage);
  write_header(out, header, answers.size());
  for (const auto& answer : answers) write_answer(out, answer, header.version);
  out.end();
  return out.take();
}

Bytes encode_too_large(const ResponseHeader& header, const std::vector<BatchAnswer>& answers) {
  const auto error = refuse(ResultReason::kResponseTooLarge,
                            "the answer is larger than the Maximum Response Size", "Maximum Response Size")
                         .error();
  std::vector<BatchAnswer> refused;
  for (const auto& answer : answers) {
    BatchAnswer one;
    one.operation = answer.operation;
    one.id = answer.id;
    one.error = answer.error ? answer.error : error;
    refused.push_back(std::move(one));
  }
  return encode_response(header, refused);
}

Bytes encode_refusal(const ResponseHeader& header, const Error& error) {
  BatchAnswer answer;
  answer.error = error;
  return encode_response(header, {answer});
}

}  // namespace tapewarden::kmip
