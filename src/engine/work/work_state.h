// What the jobs of this folder share. Internal to it. All parts are thread-safe; each job has the drives and
// cartridges that it claimed for itself.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>

#include "engine/work/backup_due.h"
#include "engine/work/claims.h"
#include "engine/work/limits.h"
#include "engine/work/retry_pauses.h"
#include "engine/work/work.h"

namespace tapewarden::engine {

// What was refused, by name: volumes whose recall got no room in the cache, cartridges whose new labels were
// refused; as long as they are wanted. Others go on meanwhile, for a while: then they wait in their turn, so
// that a large one gets its room, and so on. Thread-safe.
class Refused {
 public:
  void add(const std::string& volser, SteadyTime now) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    volsers_.try_emplace(volser, now);
  }
  void remove(const std::string& volser) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    volsers_.erase(volser);
  }
  std::set<std::string> all() const TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    std::set<std::string> out;
    for (const auto& [volser, since] : volsers_) out.insert(volser);
    return out;
  }
  // One that was refused before is to get the next room. Not for that one itself.
  bool stands_before(const std::string& volser, SteadyTime now) const TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (volsers_.contains(volser)) return false;
    return std::ranges::any_of(volsers_,
                               [&](const auto& one) { return (now - one.second) / kRoomTurn % 2 == 1; });
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, SteadyTime> volsers_ TW_GUARDED_BY(mutex_);  // since when
};

// Work that needs two drives at once, and for how long it has waited while others took each that became free:
// after kPairPatience they are left to it for kPairHold. Thread-safe.
class PairWait {
 public:
  struct Needs {
    DriveNeed first;
    DriveNeed second;
  };
  // Somebody does; as long as such work is under way anywhere nobody waits.
  void wants(Needs needs, SteadyTime now) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (under_way_ > 0) return;
    if (!since_) since_ = now;
    needs_ = std::move(needs);
  }
  void wants_none() TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    since_.reset();
  }
  void begin() TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++under_way_;
    since_.reset();
  }
  void end() TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    --under_way_;
  }
  // What is left to it now. When it could not use that, others have their turn, and it begins to wait anew.
  std::optional<Needs> overdue(SteadyTime now) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!since_ || now - *since_ < kPairPatience) return std::nullopt;
    if (now - *since_ < kPairPatience + kPairHold) return needs_;
    since_ = now;
    return std::nullopt;
  }

 private:
  Mutex mutex_;
  std::optional<SteadyTime> since_ TW_GUARDED_BY(mutex_);
  Needs needs_ TW_GUARDED_BY(mutex_);
  unsigned under_way_ TW_GUARDED_BY(mutex_) = 0;
};

// What did not fit on an empty cartridge of a pool, for a day: nothing as large is tried there meanwhile, or
// it would end one partly filled cartridge after the other. Thread-safe.
class TooLarge {
 public:
  void note(const std::string& where, std::uint64_t bytes, SteadyTime now) TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    auto& least = sizes_[where];
    least.bytes = now < least.until ? std::min(least.bytes, bytes) : bytes;
    least.until = now + std::chrono::hours(24);
  }
  bool is(const std::string& where, std::uint64_t bytes, SteadyTime now) const TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = sizes_.find(where);
    return found != sizes_.end() && now < found->second.until && bytes >= found->second.bytes;
  }
  void clear() TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    sizes_.clear();
  }

 private:
  struct Least {
    std::uint64_t bytes = 0;
    SteadyTime until{};
  };
  mutable Mutex mutex_;
  std::map<std::string, Least> sizes_ TW_GUARDED_BY(mutex_);
};

// Of a library whose robot did not do what it was asked for: it is asked for nothing before.
inline std::string library_pause(const std::string& name) {
  return "library " + name;
}

struct WorkState {
  WorkState(WorkParts with, std::vector<WorkDrive> drive_list, WorkOptions settings)
      : parts(with),
        options(settings),
        pauses(*parts.env.clock),
        drives(std::move(drive_list),
               [this](const std::string& library) { return pauses.paused(library_pause(library)); }) {}

  WorkParts parts;
  const WorkOptions options;
  RetryPauses pauses;
  DriveDesk drives;
  Claims cartridges;  // by barcode
  Claims copies;      // by copy_name()
  Claims arrivals;    // by volser: who may ask for room in the cache for it, and give that up
  PoolSeats seats;
  Refused refused;
  PairWait pair;
  // Cartridges whose new key labels were refused: as long as they are asked for.
  Refused rekeys_refused;
  PoolSeats rekeys;          // those under way, all in one
  std::string last_rekey{};  // where the round of rekeys stands; Work::pick_ guards it
  bool reclaim_turn = true;  // before rekeys; the same
  TooLarge too_large;        // by pool, and by who copies
  TraceBook traces;
  BackupDue backup_due;
  std::atomic<bool> reclaim_inhibited = false;  // by its schedule
  std::atomic<bool> ending = false;             // nothing is begun any more (Work::end_soon())

  WallTime now() const { return parts.env.clock->wall_now(); }
  SteadyTime steady_now() const { return parts.env.clock->steady_now(); }
  // What needs one drive leaves this one alone now.
  bool left_to_pair(const TapeStation& station) {
    const auto needs = pair.overdue(steady_now());
    return needs && (drives.fits(station, needs->first) || drives.fits(station, needs->second));
  }
  // A drive for what needs one, and can wait.
  std::optional<DriveDesk::Claim> claim_one(const DriveNeed& need) {
    return drives.claim(need, [this](const TapeStation& station) { return left_to_pair(station); });
  }
  CartridgeWanted wanted(const PhysicalVolume& cartridge) const {
    return {.barcode = cartridge.barcode,
            .engine = options.engine,
            .medium = cartridge.medium,
            .encryption = tape_encryption(cartridge.encryption)};
  }
};

// A cartridge that is the caller's alone, as the catalogue has it since nobody else can change it by work:
// what was read before it was claimed may be of before somebody wrote on it. Nothing when somebody has it.
struct ClaimedCartridge {
  Claims::Claim claim;
  PhysicalVolume cartridge;
};
inline Result<std::optional<ClaimedCartridge>> claim_cartridge(WorkState& state, const std::string& barcode) {
  auto claim = state.cartridges.claim(barcode);
  if (!claim) return std::nullopt;
  auto cartridge = TRY(state.parts.catalogue.cartridge(barcode));
  return ClaimedCartridge{*std::move(claim), std::move(cartridge)};
}

// A piece of work that has all it needs, and runs on the thread that it is given.
class Job {
 public:
  virtual ~Job() = default;
  // An error that no rule covers: the catalogue's or the cache's.
  virtual Status run() = 0;
};

// What is put off, by name (RetryPauses).
inline const std::string kKeysPause = "keys";
inline std::string cartridge_pause(const std::string& barcode) {
  return "cartridge " + barcode;
}
// Of a drive that the key servers refused: it is not tried again before.
inline std::string drive_pause(const std::string& serial) {
  return "drive " + serial;
}
inline std::string volume_pause(const std::string& volser) {
  return "volume " + volser;
}
// It was refused room in the cache.
inline std::string room_pause(const std::string& volser) {
  return "room for " + volser;
}
// There may be room by now.
inline void room_came(WorkState& state) {
  for (const auto& volser : state.refused.all()) state.pauses.clear(room_pause(volser));
}
// Of a volume that is to be brought back: not now.
inline bool recall_waits(const WorkState& state, const std::string& volser) {
  return state.pauses.paused(volume_pause(volser)) || state.pauses.paused(room_pause(volser)) ||
         state.refused.stands_before(volser, state.steady_now());
}
// Of copy_name(): it is not written before.
inline std::string copy_pause(const std::string& copy) {
  return "copy " + copy;
}
// Nothing of the cartridge is moved before.
inline std::string source_pause(const std::string& barcode) {
  return "reclaim " + barcode;
}
// Nothing of it is brought into the cache to be moved before: its room was wanted by others.
inline std::string stage_pause(const std::string& barcode) {
  return "stage " + barcode;
}
// Its data key is not wrapped to other KEKs before.
inline std::string rekey_pause(const std::string& barcode) {
  return "rekey " + barcode;
}
inline std::string pool_name(std::uint8_t pool) {
  return "pool " + std::to_string(pool);
}
// Volumes of the pool wait until reclaim has made cartridges scratch.
inline std::string left_pause(std::uint8_t pool) {
  return "migration to " + pool_name(pool);
}
inline std::string copy_name(const std::string& volser, CopyNumber copy) {
  return volser + " " + std::string(to_string(copy));
}
inline DriveNeed need_of(const PhysicalVolume& cartridge) {
  return {cartridge.kind, tape_encryption(cartridge.encryption), cartridge.library};
}
// Nothing that goes into the cartridge can be done now, wherever it stands.
inline bool put_off_itself(const WorkState& state, const PhysicalVolume& cartridge) {
  const bool encrypted = tape_encryption(cartridge.encryption) != TapeEncryption::kClear;
  return state.pauses.paused(cartridge_pause(cartridge.barcode)) ||
         (encrypted && state.pauses.paused(kKeysPause));
}
// The same, or where it stands.
inline bool put_off(const WorkState& state, const PhysicalVolume& cartridge) {
  return put_off_itself(state, cartridge) || state.drives.rests(need_of(cartridge));
}

}  // namespace tapewarden::engine
