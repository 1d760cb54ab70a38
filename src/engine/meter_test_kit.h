// What a part of the engine said it did. Thread-safe as long as nobody looks while it counts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/meter.h"

namespace tapewarden::engine::testing {

struct TallyMeter final : Meter {
  struct Image {
    int pool = 0;
    bool encrypted = false;
    std::uint64_t bytes = 0;
    ImageFrom from = ImageFrom::kCache;
    bool operator==(const Image&) const = default;
  };
  std::map<HostMount, std::vector<std::chrono::milliseconds>> host_mounts;
  std::uint64_t deleted = 0;
  std::uint64_t evicted = 0;
  std::uint64_t evicted_bytes = 0;
  std::vector<std::uint64_t> recalled;  // bytes
  std::vector<Image> images;
  unsigned reclaimed = 0;
  unsigned erased = 0;
  std::vector<std::chrono::milliseconds> mounts;
  unsigned failed_mounts = 0;
  std::map<KeyExchange, unsigned> exchanges;

  void host_mount(HostMount kind, std::chrono::milliseconds took) override {
    const MutexLock lock(mutex_);
    host_mounts[kind].push_back(took);
  }
  void volumes_deleted(std::uint64_t volumes) override {
    const MutexLock lock(mutex_);
    deleted += volumes;
  }
  void volumes_evicted(std::uint64_t volumes, std::uint64_t bytes) override {
    const MutexLock lock(mutex_);
    evicted += volumes;
    evicted_bytes += bytes;
  }
  void volume_recalled(std::uint64_t bytes) override {
    const MutexLock lock(mutex_);
    recalled.push_back(bytes);
  }
  void image_written(std::uint8_t pool, bool encrypted, std::uint64_t bytes, ImageFrom from) override {
    const MutexLock lock(mutex_);
    images.push_back({pool, encrypted, bytes, from});
  }
  void cartridge_reclaimed() override {
    const MutexLock lock(mutex_);
    ++reclaimed;
  }
  void cartridge_erased() override {
    const MutexLock lock(mutex_);
    ++erased;
  }
  void physical_mount(std::chrono::milliseconds took) override {
    const MutexLock lock(mutex_);
    mounts.push_back(took);
  }
  void physical_mount_failed() override {
    const MutexLock lock(mutex_);
    ++failed_mounts;
  }
  void key_exchange(KeyExchange exchange) override {
    const MutexLock lock(mutex_);
    ++exchanges[exchange];
  }

 private:
  Mutex mutex_;
};

}  // namespace tapewarden::engine::testing
