// How a KMIP server behaves, as its configuration says. A value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "kmip/limits.h"

namespace tapewarden::kmip {

struct ServerSettings {
  std::string key_group = "KMIP";  // where Create takes AES-256 keys from
  std::int32_t maximum_batch = kMaximumBatchItems;
  std::size_t maximum_message_bytes = kMaximumMessageBytes;
  std::uint32_t lease_seconds = 3600;
  std::vector<crypto::Certificate> authorities;  // that Validate takes for trusted
  std::size_t maximum_located = 10'000;          // identifiers in one answer
  std::size_t maximum_searched = 100'000;        // objects that one search looks at
  // What takes long: seconds for such a key, half a second for so many rounds.
  unsigned most_rsa_bits = 8192;             // of keys that are made here
  std::int32_t most_iterations = 1'000'000;  // of PBKDF2 in one item
};

}  // namespace tapewarden::kmip
