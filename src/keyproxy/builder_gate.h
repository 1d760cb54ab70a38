// Between a client of the key exchange, which calls a builder on threads of its own and may still be in one
// when the exchange is over, and a builder that works with a drive and with what lies on its caller's stack.
// Thread-safe.
//
// Invariants
//  1. One call of the builder at a time, so one thread at a time in the drive.
//  2. After close() the builder is neither running nor called again, and what it held is gone.
#pragma once

#include "base/thread_annotations.h"
#include "dkx/client/client.h"

namespace tapewarden::keyproxy {

class BuilderGate {
 public:
  explicit BuilderGate(dkx::Builder builder) : builder_(std::move(builder)) {}

  // Waits for a call that is under way. kUnavailable after close().
  Result<dkx::RequestEnvelope> build(const dkx::Attempt& attempt) {
    const MutexLock lock(mutex_);
    if (builder_) return builder_(attempt);
    return fail(ErrorCode::kUnavailable, "the exchange is over", "exchange");
  }
  // Waits for a call that is under way. Not to be called from within the builder.
  void close() {
    const MutexLock lock(mutex_);
    builder_ = nullptr;
  }

 private:
  Mutex mutex_;
  dkx::Builder builder_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keyproxy
