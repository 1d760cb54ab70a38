// How much data of commands may be in memory at once, and buffers that are used again: a fresh one costs more
// than filling it. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/thread_annotations.h"

namespace tapewarden::iscsi {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}
  bool take(std::size_t bytes);
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_ = 0;
};

// A part of two budgets, given back when this ends. Move-only.
class MemoryShare {
 public:
  MemoryShare() = default;
  // Empty (false) when either budget is used up.
  static MemoryShare of(const std::shared_ptr<MemoryBudget>& session,
                        const std::shared_ptr<MemoryBudget>& all, std::size_t bytes);
  MemoryShare(MemoryShare&& other) noexcept;
  MemoryShare& operator=(MemoryShare&& other) noexcept;
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;
  ~MemoryShare() { release(); }
  explicit operator bool() const { return session_ != nullptr; }

 private:
  void release();
  std::shared_ptr<MemoryBudget> session_;
  std::shared_ptr<MemoryBudget> all_;
  std::size_t bytes_ = 0;
};

// Buffers that are not in use, up to a total size. Their content is what the last user left: a user must
// never hand on more of it than he wrote.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  explicit BufferPool(std::size_t keep_bytes) : keep_bytes_(keep_bytes) {}

  // Goes back to its pool when it ends. Move-only.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(std::shared_ptr<BufferPool> pool, Bytes bytes)
        : pool_(std::move(pool)), bytes_(std::move(bytes)) {}
    Buffer(Buffer&&) noexcept = default;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();
    MutableByteView view() { return bytes_; }
    // What is in it is overwritten before anybody else gets it.
    void wipe_after_use() { wiped_ = true; }

   private:
    std::shared_ptr<BufferPool> pool_;
    Bytes bytes_;
    bool wiped_ = false;
  };

  // How long a buffer for so many bytes is: what it costs.
  static std::size_t size_for(std::size_t bytes);
  // size_for(bytes) long.
  Buffer take(std::size_t bytes);

 private:
  void keep(Bytes bytes);

  const std::size_t keep_bytes_;
  Mutex mutex_;
  std::vector<Bytes> idle_ TW_GUARDED_BY(mutex_);
  std::size_t idle_bytes_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewarden::iscsi
