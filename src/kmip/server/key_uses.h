// What the operations share that use a key (Encrypt, Sign, MAC and their contraries): its object, parameters
// and parts. Refusals, and errors of the keystore.
#pragma once

#include "kmip/server/crypto_streams.h"
#include "kmip/server/key_access.h"

namespace tapewarden::kmip {

// Where in a stream the request stands.
struct Part {
  bool streamed = false;  // it is one of several
  bool final = true;
  Bytes correlation;  // of the stream; empty: it begins
  StreamPtr stream;   // what came before; nullptr: nothing
};
// Init Indicator, Correlation Value, Final Indicator. Invalid Correlation Value: the client has no such
// stream for that operation.
Result<Part> read_part(const OperationContext& context, const ttlv::Item& payload, Operation operation);
// Keeps the stream for the next part, and writes its Correlation Value; or ends it.
void keep_part(OperationContext& context, const Part& part, CryptoStream stream, ttlv::Writer& out);
void end_part(OperationContext& context, const Part& part);

// The payload's Data, or empty where one of several parts has none. Invalid Message: it is missing.
Result<ByteView> data_of(const ttlv::Item& payload, const Part& part);
std::optional<CryptographicAlgorithm> algorithm_of(const keymgr::ManagedObject& object);

}  // namespace tapewarden::kmip
