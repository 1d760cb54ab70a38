// What the engine's parts say they did, as it happens, for whoever counts it (engine/report/). The parts know
// this hook and no counter; without one nothing is counted. Thread-safe; every call is short, and whoever
// makes it may hold locks, so an implementation calls none of the engine's parts.
#pragma once

#include <chrono>
#include <cstdint>

namespace tapewarden::engine {

// How a host's mount came to its volume.
enum class HostMount : std::uint8_t {
  kFastReady,  // a blank file: nothing was waited for but room
  kHit,        // it was in the cache
  kMiss,       // it was recalled first
};

// Where the image came from that was written on a cartridge.
enum class ImageFrom : std::uint8_t {
  kCache,      // a volume's copy
  kTape,       // of another cartridge: reclaim and moves
  kCatalogue,  // a backup of it
};

enum class KeyExchange : std::uint8_t {
  kGenerated,  // a new key came
  kFetched,    // the cartridge's own
  kRefused,    // a key server said no
  kMissed,     // none was reached
};

class Meter {
 public:
  virtual ~Meter() = default;
  // From the host's request until the volume's file was in the drive's hands.
  virtual void host_mount(HostMount, std::chrono::milliseconds /*took*/) {}
  // Content that expired, or that a scratch mount ended.
  virtual void volumes_deleted(std::uint64_t /*volumes*/) {}
  virtual void volumes_evicted(std::uint64_t /*volumes*/, std::uint64_t /*bytes*/) {}
  // From tape into the cache.
  virtual void volume_recalled(std::uint64_t /*bytes*/) {}
  // The image is whole on a cartridge of the pool, and in the catalogue.
  virtual void image_written(std::uint8_t /*pool*/, bool /*encrypted*/, std::uint64_t /*bytes*/, ImageFrom) {}
  // Nothing of now lies on it: it is scratch again, or to be erased.
  virtual void cartridge_reclaimed() {}
  virtual void cartridge_erased() {}
  // From the move until the cartridge was loaded.
  virtual void physical_mount(std::chrono::milliseconds /*took*/) {}
  virtual void physical_mount_failed() {}
  virtual void key_exchange(KeyExchange) {}
};

// Of whom nothing is counted.
inline Meter& no_meter() {
  static Meter none;
  return none;
}

}  // namespace tapewarden::engine
