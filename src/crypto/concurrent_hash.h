// A running SHA-256 that is made on a thread of its own, beside what its user does with the same bytes:
// hashing costs as much as sealing and writing together. The thread starts with the first bytes. Not
// thread-safe.
//
// Invariants
//  1. The thread looks at bytes only from begin() until settle() returns.
//  2. hash_ belongs to the thread while due_ is not empty, and to the user else.
#pragma once

#include <optional>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "crypto/hash.h"

namespace tapewarden::crypto {

class ConcurrentSha256 {
 public:
  ConcurrentSha256() = default;
  ~ConcurrentSha256();
  ConcurrentSha256(const ConcurrentSha256&) = delete;
  ConcurrentSha256& operator=(const ConcurrentSha256&) = delete;

  // Waits for what was given before. The bytes stay where and as they are until settle() has returned. Waking
  // a thread costs as much as hashing some 100 KiB, so several pieces are better given together.
  void begin(std::vector<ByteView> pieces) TW_EXCLUDES(mutex_);
  void begin(ByteView data) { begin(std::vector{data}); }
  // Nobody looks at the bytes any more.
  void settle() TW_EXCLUDES(mutex_);
  Hash256 finish() TW_EXCLUDES(mutex_);  // and start again
  // Forgets what was given.
  void restart() TW_EXCLUDES(mutex_);

 private:
  void run() TW_EXCLUDES(mutex_);

  Sha256 hash_;  // invariant 2
  Mutex mutex_;
  CondVar changed_;
  std::vector<ByteView> due_ TW_GUARDED_BY(mutex_);
  bool ending_ TW_GUARDED_BY(mutex_) = false;
  std::optional<std::thread> thread_;
};

}  // namespace tapewarden::crypto
