#include "dkx/server/nonces.h"

#include <algorithm>

#include "crypto/secret_bytes.h"

namespace tapewarden::dkx {

Nonce Nonces::give() {
  Nonce nonce;
  random_.fill(nonce);
  const MutexLock lock(mutex_);
  if (outstanding_.size() == kMaxOutstanding) outstanding_.pop_front();
  outstanding_.push_back(nonce);
  return nonce;
}

bool Nonces::take(const Nonce& nonce) {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(
      outstanding_, [&](const Nonce& known) { return crypto::equal_constant_time(known, nonce); });
  if (found == outstanding_.end()) return false;
  outstanding_.erase(found);
  return true;
}

}  // namespace tapewarden::dkx
