// What a message does to cryptographic operations in several parts (crypto_streams.h).
#pragma once

#include <map>
#include <memory>

#include "base/bytes.h"

namespace tapewarden::kmip {

struct CryptoStream;
class StreamBook;

using StreamPtr = std::shared_ptr<const CryptoStream>;
// By Correlation Value; nullptr: the stream ended.
using StreamChanges = std::map<Bytes, StreamPtr>;

}  // namespace tapewarden::kmip
