// The sole use of a drive by one program, for as long as this lives: nobody else reads, writes or moves the
// tape meanwhile. By a persistent reservation (exclusive access), under a key that tells who reserves; where
// the drive has none, by RESERVE(6); a drive that has neither is used without.
//
// A persistent reservation outlives a program that dies; RESERVE(6) ends with the session. One user at a
// time; the drive outlives this.
#pragma once

#include "tape/initiator/tape_drive.h"

namespace tapewarden::tape {

class ExclusiveUse {
 public:
  enum class Way : std::uint8_t { kPersistent, kReserve, kNone };

  // `key`: other than 0, and of this program alone. kReserved: somebody else uses the drive; a program that
  // reaches it by the same way (the kernel's) counts as somebody else. Nothing is left behind by a failure.
  static TapeResult<ExclusiveUse> take(TapeDrive& drive, std::uint64_t key);
  ~ExclusiveUse();  // gives the drive free
  ExclusiveUse(ExclusiveUse&& other) noexcept;
  ExclusiveUse& operator=(ExclusiveUse&&) = delete;
  ExclusiveUse(const ExclusiveUse&) = delete;
  ExclusiveUse& operator=(const ExclusiveUse&) = delete;

  Way way() const { return way_; }

 private:
  ExclusiveUse(TapeDrive& drive, std::uint64_t key, Way way) : drive_(&drive), key_(key), way_(way) {}

  TapeDrive* drive_;
  std::uint64_t key_;
  Way way_;
};

}  // namespace tapewarden::tape
