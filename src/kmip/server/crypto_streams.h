// Cryptographic operations in several parts (Specification 1.4 section 4.30, 2.1 section 6.1.17: Init
// Indicator, Correlation Value, Final Indicator). They live in this process alone: a restart ends them, and a
// client begins anew.
//
// Invariants
//  1. A stream belongs to its owner, operation and object: another client, or another operation, finds it
//  not.
//  2. A part that is carried out makes a new state; the old one stays until the message is durable. So a
//     message that runs again, or is undone, has changed no stream.
//  3. There are at most kMaximumStreams, and of one owner kMaximumStreamsOfOwner; the one that rested longest
//  gives way.
//  4. One message at a time goes on with a stream: two that began from one state would encrypt two texts with
//  one keystream. The second is refused, whoever is first.
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
inline constexpr std::size_t kMaximumStreamsOfOwner = 64;

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
  // The stream as it is, for that message alone until finish(); nullptr: the owner has none for that
  // operation. kConflict: another message has it. Again by the same message: as the first time.
  Result<StreamPtr> take(const Bytes& correlation, std::string_view owner, Operation operation,
                         std::uint64_t message) TW_EXCLUDES(mutex_);
  // What a message did, and the end of what it took.
  void finish(const StreamChanges& changes, std::uint64_t message) TW_EXCLUDES(mutex_);

 private:
  struct Entry {
    StreamPtr stream;
    std::uint64_t used = 0;
    std::uint64_t message = 0;  // that has it; 0: none
  };
  void make_room() TW_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<Bytes, Entry> entries_ TW_GUARDED_BY(mutex_);
  std::uint64_t clock_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewarden::kmip
