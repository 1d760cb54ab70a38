// Which logical volumes are in the cache (feature row T5): the catalogue and the cache's folder kept one, and
// room in the cache. Files come by begin_arrival() and finish_arrival(), and leave by drop() or because room
// is wanted.
//
// Thread-safe.
//
// Invariants
//  1. A volume that the catalogue calls cached has its whole, synced file under the number and the key that
//     the catalogue has. So a file becomes whole before that commit, and is shredded after the one that takes
//     it back. Whatever else a power loss leaves in the folder is a stray that open_cache() removes.
//  2. A key is durable in the catalogue before the first byte sealed under it is written; but of replace(),
//     whose file is nobody's until key and file are in the catalogue together.
//  3. Numbers of files grow with each arrival, and only the newest arrival of a volume can finish: one that
//     was overtaken, or whose volume changed meanwhile, is shredded and loses nothing but itself.
//  4. A volume leaves only by the edit that its owner wrote (drop()), or when
//     LogicalVolume::may_leave_cache() says so in the very change that takes it out.
//  5. What is in the cache and what was promised to arrivals and to volumes in drives is no more than the
//     limit, but for a limit that was lowered and for files that grew beyond what was promised for them.
//  6. That a file is gone is said only after the folder has shown again that it is this cache. A folder that
//     is not mounted, or cannot be read, is an error that changes nothing: kCacheAway is open as long.
//  7. The intervention kCacheFull is open as long as somebody was refused room and has neither got it nor
//     released it; who has not asked again for kRefusalForgotten does not want it any more.
//  8. No room is promised that the disk under the cache does not have beside what was promised before and
//     kDiskSpareBytes, however much the limit would allow.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/cache/volume_cache.h"
#include "engine/catalogue/catalogue.h"
#include "engine/meter.h"
#include "engine/notices.h"

namespace tapewarden::engine {

struct CacheLimits {
  std::uint64_t bytes = 0;         // of the disk that sealed files may take
  std::uint64_t margin_bytes = 0;  // that keep_margin() keeps free
  // What the disk under the cache has free, whoever takes it; nothing: it cannot be told. Thread-safe. None:
  // the disk is as large as the limit.
  std::function<std::optional<std::uint64_t>()> free_on_disk{};
};

// What the file of a volume of that capacity may come to take.
std::uint64_t most_file_bytes(std::uint64_t capacity_bytes);

class CachedVolumes {
 public:
  // A file on its way into the cache.
  struct Coming {
    CachedContent content;
    std::string path;  // of the partial file, to be opened by env()
  };
  // What is to become of a volume in one change with its arrival or departure. An error stops that.
  using Edit = std::function<Status(CatalogueChange&, LogicalVolume&)>;

  // Borrows all of them. `cache` was opened by open_cache().
  CachedVolumes(Env env, Catalogue& catalogue, VolumeCache& cache, Notices& notices, CacheLimits limits,
                Meter& meter = no_meter())
      : env_(env), catalogue_(catalogue), cache_(cache), notices_(notices), limits_(limits), meter_(meter) {}

  // Opens the files; for tape::Cartridge, drives and whoever copies. Lives as long as the cache.
  Env env() { return cache_.env(); }
  const CacheLimits& limits() const { return limits_; }

  // Room for a file of so many bytes (images; what sealing takes comes on top) that is to arrive; replaces
  // what was promised to that volume's arrival before. Evicts as far as needed. False: there is no room now,
  // kCacheFull is raised, and the caller tries again later or calls release(). kExhausted: the cache is
  // smaller than that.
  Result<bool> reserve(const std::string& volser, std::uint64_t bytes) TW_EXCLUDES(mutex_);
  // Whether reserve() could ever have room for so much.
  bool could_hold(std::uint64_t bytes) const;
  // The arrival does not take place. What finish_arrival() and abandon_arrival() do by themselves.
  void release(const std::string& volser) TW_EXCLUDES(mutex_);
  // The same for the file of a volume in a drive: so much may come on top of what the file takes already.
  // Lowering it always succeeds. It is apart from what reserve() promised.
  Result<bool> reserve_growth(const std::string& volser, std::uint64_t bytes) TW_EXCLUDES(mutex_);
  void release_growth(const std::string& volser) TW_EXCLUDES(mutex_);

  // Settles number and key of the volume's next file, durable when it returns. The caller then makes the
  // partial file (and PATH.partition1, tape/medium/partition_set.h) and syncs it. An arrival of this volume
  // that is still under way is overtaken. kNotFound; kConflict: the volume is cached.
  Result<Coming> begin_arrival(const std::string& volser);
  // The partial file, whole and synced, is the volume's content `generation` from when this returns, and
  // counts as accessed now. The room reserved for it is given up. kConflict: the volume has another
  // generation by now, is cached or was overtaken; the file is shredded. After any other error the file is of
  // nobody until the next start.
  Status finish_arrival(const Coming& coming, std::uint64_t generation);
  // The same, with `edit` in the place of the question for the generation.
  Status finish_arrival(const Coming& coming, const Edit& edit);
  // The file is shredded, and the room given up. Errors are left to the next start.
  void abandon_arrival(const Coming& coming);

  // Another file in the place of a cached volume's: `fill` makes it, whole and synced, at the path that it is
  // given, and `edit` settles the rest in the one change by which it is the volume's. Until then, and after
  // every error, the old file is; kConflict: the volume was changed meanwhile. How much the new file takes on
  // top of the old one is the caller's to have reserved.
  using Fill = std::function<Status(const std::string& path)>;
  Status replace(const LogicalVolume& volume, const Fill& fill, const Edit& edit);

  // Whether the cache's folder is there, as it should be: kCacheAway is raised or cleared. kIo naming it.
  Status look_at_folder();
  // Path of the whole file of a cached volume, for a copy to tape. kNotFound: it is not cached; kCorrupt: its
  // file is missing for certain; kIo: nobody can tell now, for the folder is away.
  Result<std::string> path_of(const LogicalVolume& volume);
  // Looks at the whole file of a cached volume without reading its content: that it is there, sealed under
  // the volume's key, and no shorter than the catalogue has it. Errors of path_of(), kCorrupt, kWrongKey.
  Status look_at_file(const LogicalVolume& volume);
  // Looks at the file's length again; what the sealed file takes. kNotFound: there is none that counts.
  Result<std::uint64_t> measure(const LogicalVolume& volume);

  // In one change: `edit` of each volume, which leaves the cache with it when it was cached. Files are
  // shredded when that is durable. Volumes that `edit` says false of stay as they are. How many were edited.
  // kNotFound; errors of `edit`, which undo everything; kIo when a file could not be removed: its content is
  // unreadable all the same.
  using EditOne = std::function<Result<bool>(CatalogueChange&, LogicalVolume&)>;
  Result<std::size_t> drop(const std::vector<std::string>& volsers, const EditOne& edit);

  // Evicts until the margin is free, as far as volumes may leave; how many left. Looks before how far files
  // in drives have grown: what they have taken is promised no more. For the background, every minute or
  // oftener.
  Result<std::size_t> keep_margin() TW_EXCLUDES(mutex_);
  // Somebody was refused room and still waits for it (invariant 7).
  bool somebody_waits() const TW_EXCLUDES(mutex_);
  // What is neither taken nor promised, by the limit and by the disk.
  std::uint64_t free_bytes() const TW_EXCLUDES(mutex_);
  // Promised to what comes and grows.
  std::uint64_t promised_bytes() const TW_EXCLUDES(mutex_);
  // Why the volume waits for room, for people; nothing when it does not.
  std::optional<std::string> waits_for_room(const std::string& volser) const TW_EXCLUDES(mutex_);
  // That the disk is too small for the limit, or full, for people; nothing when it is not.
  std::optional<std::string> disk_warning() const TW_EXCLUDES(mutex_);
  // Taken by files.
  std::uint64_t used_bytes() const { return cache_.used_bytes(); }

 private:
  using Promises = std::map<std::string, std::uint64_t>;
  Result<bool> promise(Promises& promises, const std::string& volser, std::uint64_t bytes)
      TW_REQUIRES(mutex_);
  Result<bool> make_room(const std::string& volser, std::uint64_t bytes) TW_REQUIRES(mutex_);
  void end_promise(Promises& promises, const std::string& volser) TW_REQUIRES(mutex_);
  void no_longer_waits(const std::string& volser) TW_REQUIRES(mutex_);
  void forget_old_refusals() TW_REQUIRES(mutex_);
  std::uint64_t taken() const TW_REQUIRES(mutex_);
  std::uint64_t promised() const TW_REQUIRES(mutex_);
  // What so many bytes more would be beyond the limit, and beyond what the disk has.
  struct Lacking {
    std::uint64_t by_limit = 0;
    std::uint64_t on_disk = 0;
    std::uint64_t most() const { return std::max(by_limit, on_disk); }
  };
  Lacking lacking_for(std::uint64_t bytes) const TW_REQUIRES(mutex_);
  Status look_at_growth() TW_EXCLUDES(mutex_);
  enum class Enough : std::uint8_t { kAll, kAny };
  // Evicts at least so many bytes, or what there is; never `spared`. How many left the cache.
  Result<std::size_t> evict(std::uint64_t bytes, Enough enough, const std::string& spared)
      TW_REQUIRES(mutex_);
  // Those that may leave.
  Result<std::size_t> let_leave(const std::vector<std::string>& volsers);
  // One that may not leave keeps no other here.
  struct OneByOne {
    std::size_t left = 0;
    std::vector<std::string> stay{};  // nothing readable has what they hold
  };
  Result<OneByOne> evict_one_by_one(const std::vector<LogicalVolume>& candidates, std::uint64_t bytes);
  Status put_in_place(const LogicalVolume& volume, const CachedContent& fresh, const crypto::SecretBytes& key,
                      const Edit& edit, bool& unused);
  // `unused`: the catalogue certainly does not have the file.
  Status take_in(const Coming& coming, const Edit& edit, bool& unused);

  const Env env_;
  Catalogue& catalogue_;
  VolumeCache& cache_;
  Notices& notices_;
  const CacheLimits limits_;
  Meter& meter_;
  mutable Mutex mutex_;  // of the room; held while volumes are evicted, so that nobody evicts for another
  Promises arrivals_ TW_GUARDED_BY(mutex_);
  Promises growths_ TW_GUARDED_BY(mutex_);
  struct Refusal {
    std::uint64_t bytes = 0;
    bool by_disk = false;
    SteadyTime at{};
  };
  std::string text_of(const std::string& volser, const Refusal& refusal) const TW_REQUIRES(mutex_);
  std::string full_text() const TW_REQUIRES(mutex_);
  std::map<std::string, Refusal> refused_ TW_GUARDED_BY(mutex_);  // who waits, for how much
};

// The cache as it is found at start.
struct OpenedCache {
  std::unique_ptr<VolumeCache> cache;
  std::vector<std::string> corrected;  // volumes whose file was missing and that are on tape: not cached now
  // Of those, the ones whose copy to tape was due: nothing can be copied before they are recalled.
  std::vector<std::string> due_without_file;
  // Volumes that are in a drive by the catalogue, and whose file was missing: what a host wrote there is
  // nowhere else, so they stay as they are, with their keys, until the file is back or is given up
  // (cache_loss.h).
  std::vector<std::string> held;
  std::vector<std::string> lost;     // volumes whose file was missing and whose content is nowhere
  std::vector<std::string> removed;  // names of files of nobody
};

// Opens the cache with what the catalogue says is in it, in a folder that bears the identity that the
// catalogue has. A catalogue without one takes the folder's, or gives it one: when a file that it knows lies
// there, or when it knows of none and none is there. Any other folder is refused (kIo, naming it and the
// remedy), and nothing is changed in it or in the catalogue. A volume whose file is missing is taken out of
// the cache when its content is on tape, and else stays as the catalogue has it; kVolumeUnreadable is raised
// where something is lost. Errors of the disk and of the catalogue.
Result<OpenedCache> open_cache(Env env, Catalogue& catalogue, Notices& notices, const std::string& folder);

}  // namespace tapewarden::engine
