// The catalogue put together again from the cartridges alone (feature row T12): every cartridge of the back
// end is examined once, and a new, empty catalogue gets what they and the newest backup of the catalogue
// found on them say. For an engine that does nothing else meanwhile.
//
// Thread-safe: one thread for each station calls step() as often as it says true, and one calls finish() when
// all are through. The stations, their libraries and the Env outlive it.
//
// Invariants
//  1. What was found on a cartridge is kept in a file of the folder before the cartridge counts as done. A
//     rebuild that was broken off goes on behind what it has, as long as the engine wrote nothing meanwhile.
//  2. No cartridge is written to.
//  3. Content that a tombstone deletes, or that was void, does not come back; newer content that is said to
//     lie on a cartridge that was not read is not replaced by an older one.
//  4. A cartridge of which not everything is known takes no more images.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/catalogue/catalogue.h"
#include "engine/notices.h"
#include "engine/rebuild/examiner.h"
#include "engine/rebuild/rebuild_report.h"

namespace tapewarden::engine {

struct RebuildStation {
  PhysicalLibrary* library = nullptr;
  TapeStation* station = nullptr;
  MediumKind kind = MediumKind::kLto;
};

struct RebuildProgress {
  std::size_t done = 0;  // cartridges
  std::size_t all = 0;
  std::string barcode;  // the last one
};

struct RebuildOptions {
  std::string folder;  // for what was found; made when missing
  // Whose cartridges count. Nothing: every engine's are read, and finish() is told.
  std::optional<Uuid> engine = {};
  // Of volumes whose size nothing tells.
  std::uint64_t default_capacity_bytes = 0;
  // Which drives a cartridge goes into. Empty: kind_of_barcode().
  std::function<MediumKind(const std::string& barcode)> kind_of = {};
  // Called from the threads of step(), without a lock. May be empty.
  std::function<void(const RebuildProgress&)> progress = {};
};

// By the media suffix (L5 to L9, M8) of an LTO barcode; everything else is 3592.
MediumKind kind_of_barcode(const std::string& barcode);

// A cartridge of which nothing could be read.
struct UnreadCartridge {
  std::string barcode;
  std::string library;
  MediumKind kind = MediumKind::kLto;
  MountFault fault = MountFault::kNone;
  bool no_label = false;
  std::string why;
};

// kCatalogueRebuilt, once: at the engine's first start with a catalogue that finish() filled.
Status say_rebuilt(Catalogue& catalogue, Notices& notices);

class Rebuild {
 public:
  // Takes stock of the libraries, and of what an earlier rebuild left in the folder. Errors of the disk.
  static Result<std::unique_ptr<Rebuild>> begin(Env env, std::vector<RebuildStation> stations,
                                                RebuildOptions options);

  // Removes what was found: to be called when the new catalogue is in its place, since none of it stays true
  // once the engine writes. Errors of the disk. Nothing else is called any more.
  Status discard() TW_EXCLUDES(mutex_);

  // Examines the next cartridge of this station's library and kind. False when none is left for it. An error
  // says that the station is of no more use (its drive is offline), or the folder's disk: the cartridge is
  // still to be examined. REQUIRES: station is one of those given.
  Result<bool> step(std::size_t station) TW_EXCLUDES(mutex_);
  // step() of one station after the other, on this thread. The first error when cartridges are left over.
  Status examine_all() TW_EXCLUDES(mutex_);

  RebuildProgress progress() const TW_EXCLUDES(mutex_);
  // Whose cartridges were found, and how many of each.
  std::map<Uuid, std::size_t> engines() const TW_EXCLUDES(mutex_);

  // Fills the catalogue, which must hold no volume and no cartridge (kConflict). Cartridges that were not
  // examined by now count as unread. After an error, or when the program ended meanwhile, the catalogue is to
  // be thrown away. kNotFound when no cartridge of that engine was found.
  Result<RebuildReport> finish(Catalogue& catalogue, const Uuid& engine) TW_EXCLUDES(mutex_);

 private:
  struct Waiting {
    std::string barcode;
    PhysicalLibrary* library = nullptr;
    MediumKind kind = MediumKind::kLto;
    int tries = 0;
  };
  struct Known {
    Uuid engine;
    std::string path;  // of its examination
  };

  Rebuild(Env env, std::vector<RebuildStation> stations, RebuildOptions options)
      : env_(env), stations_(std::move(stations)), options_(std::move(options)) {}
  Status take_stock() TW_EXCLUDES(mutex_);
  Status take_earlier() TW_EXCLUDES(mutex_);
  std::optional<Waiting> next_for(const RebuildStation& station) TW_EXCLUDES(mutex_);
  Result<bool> take_backup(MountedCartridge& cartridge, const FoundBackup& backup);
  Status keep(Examination found, const Waiting& waiting) TW_EXCLUDES(mutex_);
  Status give_up(const Error& error, Waiting waiting) TW_EXCLUDES(mutex_);
  void tell_progress(const std::string& barcode) TW_EXCLUDES(mutex_);
  std::string path(const std::string& name) const { return options_.folder + "/" + name; }
  Result<std::optional<std::string>> newest_backup(const Uuid& engine);

  const Env env_;
  const std::vector<RebuildStation> stations_;
  const RebuildOptions options_;
  mutable Mutex mutex_;
  std::deque<Waiting> waiting_ TW_GUARDED_BY(mutex_);
  std::map<std::string, Known> known_ TW_GUARDED_BY(mutex_);  // by barcode
  std::map<std::string, UnreadCartridge> unread_ TW_GUARDED_BY(mutex_);
  std::vector<std::string> problems_ TW_GUARDED_BY(mutex_);
  std::size_t all_ TW_GUARDED_BY(mutex_) = 0;
  Mutex backups_mutex_;
};

}  // namespace tapewarden::engine
