#include "crypto/concurrent_hash.h"

#include <utility>

namespace tapewarden::crypto {

ConcurrentSha256::~ConcurrentSha256() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_) thread_->join();
}

void ConcurrentSha256::begin(std::vector<ByteView> pieces) {
  settle();
  if (pieces.empty()) return;
  if (!thread_) thread_.emplace([this] { run(); });
  {
    const MutexLock lock(mutex_);
    due_ = std::move(pieces);
  }
  changed_.notify_all();
}

void ConcurrentSha256::settle() {
  const MutexLock lock(mutex_);
  while (!due_.empty()) changed_.wait(mutex_);
}

Hash256 ConcurrentSha256::finish() {
  settle();
  return hash_.finish();
}

void ConcurrentSha256::restart() {
  settle();
  hash_ = {};
}

void ConcurrentSha256::run() {
  while (true) {
    std::vector<ByteView> pieces;
    {
      const MutexLock lock(mutex_);
      while (due_.empty() && !ending_) changed_.wait(mutex_);
      if (due_.empty()) return;
      pieces = due_;
    }
    for (const auto piece : pieces) hash_.update(piece);
    {
      const MutexLock lock(mutex_);
      due_.clear();
    }
    changed_.notify_all();
  }
}

}  // namespace tapewarden::crypto
