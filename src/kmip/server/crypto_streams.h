// Cryptographic operations in several parts (Specification 1.4 section 4.30, 2.1 section 6.1.17: Init
// Indicator, Correlation Value, Final Indicator). They live in this process alone: a restart ends them, and a
// client begins anew.
//
// Invariants
//  1. A stream belongs to its owner, operation and object: another client, or another operation, finds it
//  not.
//  2. A part that is carried out makes a new state; the old one stays until the message is durable. So a
//     message that runs again, or is undone, has changed no stream.
//  3. There are at most kMaximumStreams; the one that rested longest gives way.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>

#include "base/thread_annotations.h"
#include "base/uuid.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "kmip/enumerations.h"
#include "kmip/server/crypto_parameters.h"
#include "kmip/server/stream_changes.h"

namespace tapewarden::kmip {

inline constexpr std::size_t kMaximumStreams = 1024;

struct CryptoStream {
  std::string owner;
  Operation operation{};
  Uuid object;  // nil: Hash has none
  CryptoParameters parameters;
  std::variant<std::monostate, crypto::Cipher, crypto::DigestStream, crypto::MacStream> state;
};

// Thread-safe.
class StreamBook {
 public:
  // nullptr: there is none.
  StreamPtr find(const Bytes& correlation) const TW_EXCLUDES(mutex_);
  void apply(const StreamChanges& changes) TW_EXCLUDES(mutex_);

 private:
  struct Entry {
    StreamPtr stream;
    std::uint64_t used = 0;
  };
  mutable Mutex mutex_;
  std::map<Bytes, Entry> entries_ TW_GUARDED_BY(mutex_);
  std::uint64_t clock_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewarden::kmip
