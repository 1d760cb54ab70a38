#include "iscsi/memory_budget.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "crypto/secret_bytes.h"

namespace tapewarden::iscsi {

bool MemoryBudget::take(std::size_t bytes) {
  auto used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_ || used > limit_ - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

MemoryShare MemoryShare::of(const std::shared_ptr<MemoryBudget>& session,
                            const std::shared_ptr<MemoryBudget>& all, std::size_t bytes) {
  MemoryShare share;
  if (!session->take(bytes)) return share;
  if (!all->take(bytes)) {
    session->give_back(bytes);
    return share;
  }
  share.session_ = session;
  share.all_ = all;
  share.bytes_ = bytes;
  return share;
}

MemoryShare::MemoryShare(MemoryShare&& other) noexcept
    : session_(std::move(other.session_)),
      all_(std::move(other.all_)),
      bytes_(std::exchange(other.bytes_, 0)) {}

MemoryShare& MemoryShare::operator=(MemoryShare&& other) noexcept {
  if (this == &other) return *this;
  release();
  session_ = std::move(other.session_);
  all_ = std::move(other.all_);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void MemoryShare::release() {
  if (session_) session_->give_back(bytes_);
  if (all_) all_->give_back(bytes_);
  session_.reset();
  all_.reset();
}

BufferPool::Buffer& BufferPool::Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(bytes_, other.bytes_);
  std::swap(wiped_, other.wiped_);
  return *this;
}

BufferPool::Buffer::~Buffer() {
  if (wiped_) crypto::wipe(bytes_);
  if (pool_ && !bytes_.empty()) pool_->keep(std::move(bytes_));
}

std::size_t BufferPool::size_for(std::size_t bytes) {
  return bytes == 0 ? 0 : std::bit_ceil(bytes);
}

BufferPool::Buffer BufferPool::take(std::size_t bytes) {
  if (bytes == 0) return {};
  const auto size = size_for(bytes);
  {
    const MutexLock lock(mutex_);
    const auto found = std::ranges::find(idle_, size, &Bytes::size);
    if (found != idle_.end()) {
      auto buffer = std::move(*found);
      *found = std::move(idle_.back());
      idle_.pop_back();
      idle_bytes_ -= size;
      return {shared_from_this(), std::move(buffer)};
    }
  }
  return {shared_from_this(), Bytes(size)};
}

void BufferPool::keep(Bytes bytes) {
  const MutexLock lock(mutex_);
  if (idle_bytes_ + bytes.size() > keep_bytes_) return;
  idle_bytes_ += bytes.size();
  idle_.push_back(std::move(bytes));
}

}  // namespace tapewarden::iscsi
