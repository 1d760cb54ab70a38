// Which drives are free, and who has which (feature row T9). Thread-safe; outlives its claims. Stations and
// drives outlive it.
//
// Invariants
//  1. A station belongs to one claim at a time.
//  2. Two stations are claimed together or not at all, so that no two jobs wait for each other's.
//  3. A drive that is offline is given only to who wants to bring it online (claim_anyhow()).
//  4. No drive is given for a need while its library rests; one that holds a cartridge may still be emptied.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/catalogue/cartridge.h"
#include "engine/physical/tape_station.h"

namespace tapewarden::engine {

// A drive that the engine works with, and the cartridges that go into it.
struct WorkDrive {
  TapeStation* station = nullptr;
  MediumKind kind = MediumKind::kLto;
};

// What a job asks of a drive.
struct DriveNeed {
  MediumKind kind = MediumKind::kLto;
  TapeEncryption encryption = TapeEncryption::kClear;
  // Where the cartridge stands; empty, or one that the engine does not have: any library.
  std::string library{};
};

class DriveDesk {
 public:
  class Claim {
   public:
    Claim(DriveDesk& desk, TapeStation& station) : desk_(&desk), station_(&station) {}
    Claim(Claim&& other) noexcept : desk_(std::exchange(other.desk_, nullptr)), station_(other.station_) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(desk_, other.desk_);
      std::swap(station_, other.station_);
      return *this;
    }
    ~Claim() {
      if (desk_ != nullptr) desk_->release(*station_);
    }
    TapeStation& station() const { return *station_; }

   private:
    DriveDesk* desk_;
    TapeStation* station_;
  };
  struct Pair {
    Claim first;
    Claim second;
  };

  // `rests`: the robot of the library of that name brings nothing now. Called with the mutex held, and calls
  // nothing here. None: they all work.
  using Rests = std::function<bool(const std::string& library)>;
  explicit DriveDesk(std::vector<WorkDrive> drives, Rests rests = {});

  // `spared`: stations that are left to others now. Called with the mutex held; empty: none.
  using Spared = std::function<bool(const TapeStation&)>;
  std::optional<Claim> claim(const DriveNeed& need, const Spared& spared = {}) TW_EXCLUDES(mutex_);
  std::optional<Pair> claim_two(const DriveNeed& first, const DriveNeed& second) TW_EXCLUDES(mutex_);
  // The station also while its drive is offline, to ask the drive again who it is; nothing: somebody has it.
  std::optional<Claim> claim_anyhow(TapeStation& station) TW_EXCLUDES(mutex_);
  // A free drive with a cartridge in it that `which` says yes to: work left it there when it was cut off.
  std::optional<Claim> claim_loaded(const std::function<bool(const TapeStation&)>& which) TW_EXCLUDES(mutex_);
  // A free drive that is offline and that `which` says yes to.
  std::optional<Claim> claim_offline(const std::function<bool(const PhysicalDrive&)>& which)
      TW_EXCLUDES(mutex_);
  bool free_for(const DriveNeed& need) const TW_EXCLUDES(mutex_);

  // Drives that suit are online, and stand in libraries that rest, all of them.
  bool rests(const DriveNeed& need) const;
  // Online, whether somebody has it or not.
  bool usable(const DriveNeed& need) const;
  std::size_t count_usable(const DriveNeed& need) const;
  bool two_usable(const DriveNeed& first, const DriveNeed& second) const;
  bool fits(const TapeStation& station, const DriveNeed& need) const;
  // Whether a cartridge of that library comes to the station (DriveNeed::library).
  bool reaches(const TapeStation& station, const std::string& library) const;
  // The names of the libraries in which drives stand.
  std::set<std::string> libraries() const;
  // Those that encrypt with keys that the engine brings (T9).
  std::size_t capable() const;

  std::vector<PhysicalDrive*> drives() const;
  std::vector<const TapeStation*> stations() const;
  // How many of them somebody has.
  std::size_t taken() const TW_EXCLUDES(mutex_);
  bool taken(const TapeStation& station) const TW_EXCLUDES(mutex_);

 private:
  void release(const TapeStation& station) TW_EXCLUDES(mutex_);
  bool suits(const WorkDrive& drive, const DriveNeed& need) const;
  bool rests(const WorkDrive& drive) const;
  std::optional<std::size_t> free_one(const DriveNeed& need, const Spared& spared) const TW_REQUIRES(mutex_);

  const std::vector<WorkDrive> drives_;
  const Rests rests_;
  mutable Mutex mutex_;
  std::vector<bool> taken_ TW_GUARDED_BY(mutex_);
};

// The words of catalogue and drives for one thing. REQUIRES: the cartridge was written.
TapeEncryption tape_encryption(MediumEncryption encryption);
MediumEncryption medium_encryption(TapeEncryption encryption);

}  // namespace tapewarden::engine
