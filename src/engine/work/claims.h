// Names that one piece of work has for itself: cartridges, copies of volumes. Thread-safe; outlives its
// claims.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/thread_annotations.h"

namespace tapewarden::engine {

class Claims {
 public:
  class Claim {
   public:
    Claim(Claims& claims, std::string name) : claims_(&claims), name_(std::move(name)) {}
    Claim(Claim&& other) noexcept
        : claims_(std::exchange(other.claims_, nullptr)), name_(std::move(other.name_)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(claims_, other.claims_);
      std::swap(name_, other.name_);
      return *this;
    }
    ~Claim() {
      if (claims_ != nullptr) claims_->release(name_);
    }
    const std::string& name() const { return name_; }

   private:
    Claims* claims_;
    std::string name_;
  };

  // Nothing when somebody has it.
  std::optional<Claim> claim(const std::string& name) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!claimed_.insert(name).second) return std::nullopt;
    return Claim(*this, name);
  }
  bool claimed(const std::string& name) const TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return claimed_.contains(name);
  }

 private:
  void release(const std::string& name) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    claimed_.erase(name);
  }

  mutable Mutex mutex_;
  std::set<std::string> claimed_ TW_GUARDED_BY(mutex_);
};

// How many jobs write to each pool. Thread-safe; outlives its seats.
class PoolSeats {
 public:
  class Seat {
   public:
    Seat(PoolSeats& seats, std::uint8_t pool) : seats_(&seats), pool_(pool) {}
    Seat(Seat&& other) noexcept : seats_(std::exchange(other.seats_, nullptr)), pool_(other.pool_) {}
    Seat& operator=(Seat&& other) noexcept {
      std::swap(seats_, other.seats_);
      std::swap(pool_, other.pool_);
      return *this;
    }
    ~Seat() {
      if (seats_ != nullptr) seats_->leave(pool_);
    }

   private:
    PoolSeats* seats_;
    std::uint8_t pool_;
  };

  // Nothing when `most` write to the pool already; 0: as many as there are.
  std::optional<Seat> take(std::uint8_t pool, std::uint8_t most) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (most != 0 && taken_[pool] >= most) return std::nullopt;
    ++taken_[pool];
    return Seat(*this, pool);
  }

 private:
  void leave(std::uint8_t pool) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    --taken_[pool];
  }

  Mutex mutex_;
  std::map<std::uint8_t, unsigned> taken_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine
