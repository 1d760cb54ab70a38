// The single-use nonces that one connection was given. A nonce is good once, on that connection only, so a
// request that is recorded and sent again is refused without trusting any clock (K11). Thread-safe.
#pragma once

#include <deque>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "dkx/types.h"

namespace tapewarden::dkx {

class Nonces {
 public:
  explicit Nonces(Random& random) : random_(random) {}

  // A fresh one; the oldest outstanding one is forgotten when there are kMaxOutstanding.
  Nonce give();
  // True once for each nonce that was given and not forgotten.
  bool take(const Nonce& nonce);

  static constexpr std::size_t kMaxOutstanding = 256;

 private:
  Random& random_;
  Mutex mutex_;
  std::deque<Nonce> outstanding_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::dkx
