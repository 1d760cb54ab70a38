// Request and response messages (Specification 1.4 sections 6 and 7, 2.1 sections 8 and 9). decode_request()
// looks at the header and cuts the batch; payloads stay views for whoever runs the operation. Pure;
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {

struct RequestHeader {
  ProtocolVersion version;
  std::optional<std::int32_t> maximum_response_bytes;
  std::string client_correlation;  // to be written into the audit; empty: none
  std::vector<ttlv::Item> credentials;
  BatchErrorContinuationOption on_error = BatchErrorContinuationOption::kStop;
  bool ordered = false;
};

struct BatchItem {
  std::uint32_t operation = 0;  // perhaps none that there is
  std::optional<Bytes> id;      // Unique Batch Item ID
  ttlv::Item payload;
  bool critical_extension = false;  // a Message Extension that must be understood
};

struct RequestMessage {
  RequestHeader header;
  std::vector<BatchItem> batch;
};

// Just the version: what an answer to a message is written in that does not decode. Nothing: even that cannot
// be told.
std::optional<ProtocolVersion> version_of(const ttlv::Document& document);

// Views into the document. Refusals: Invalid Message; Feature Not Supported for an Asynchronous Indicator of
// Mandatory; Unsupported Protocol Version (also the version of the
// message is then none of kVersions); Server Limit Exceeded for a batch of more than kMaximumBatchItems.
Result<RequestMessage> decode_request(const ttlv::Document& document);

// What became of one batch item.
struct BatchAnswer {
  std::uint32_t operation = 0;
  std::optional<Bytes> id;
  std::optional<Error> error;  // none: success
  bool undone = false;         // it had succeeded, and a later item's failure undid it
  Bytes payload;               // the encoded Response Payload; empty: none
};

struct ResponseHeader {
  ProtocolVersion version;
  std::int64_t time_stamp = 0;     // seconds since 1970
  std::string server_correlation;  // names this answer in both parties' records; from KMIP 1.4 on
};

Bytes encode_response(const ResponseHeader& header, const std::vector<BatchAnswer>& answers);
// In the place of an answer that is larger than the client wants: every item failed, Response Too Large.
Bytes encode_too_large(const ResponseHeader& header, const std::vector<BatchAnswer>& answers);
// The whole message is refused: an answer of one item without an operation.
Bytes encode_refusal(const ResponseHeader& header, const Error& error);

}  // namespace tapewarden::kmip
