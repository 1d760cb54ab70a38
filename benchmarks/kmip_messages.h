// The KMIP messages that the benchmarks send, of version 1.4: the newest that both we and PyKMIP's server
// take in full. Pure.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "ttlv/item.h"

namespace tapewarden::bench::kmip14 {

// Key-associated data as a library writes them for LTO: 184 characters, another for each number.
std::string application_data(std::uint64_t number);
// The attribute Application Specific Information with them, as a value.
Bytes application_item(ttlv::Tag tag, const std::string& data);

Bytes create(const std::string& application_data);  // AES-256
// A new cartridge as a tape library asks for its key: both in one message (OASIS Tape Library Profile,
// TL-M-2).
Bytes create_and_get(const std::string& application_data);
Bytes get(const std::string& id);
Bytes locate(const std::string& application_data);

// The identifier in a good answer to a Create or Locate; kCorrupt otherwise, also where Locate found none.
Result<std::string> identifier_in(ByteView answer);
// Success: a good answer whose last item is that of a Get, with a key of 32 bytes.
Status check_key(ByteView answer);

}  // namespace tapewarden::bench::kmip14
