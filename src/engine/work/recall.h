// Bringing logical volumes back into the cache from cartridges (feature rows T4, T5): those that are wanted
// and lie on one cartridge in one mount, in the order in which they lie there.
//
// Invariants of a volume's content on its way
//  1. The copy on tape stays what it is; the catalogue says "cached" only when the whole file is on stable
//     storage (CachedVolumes::finish_arrival).
//  2. A copy that cannot be read is forgotten only in a change after which another copy, or the file in the
//     cache, still has the content; it is then due to be written anew. A copy on a cartridge in doubt does
//     not count as such (catalogue/damage_note.h). The last one is never forgotten.
#pragma once

#include <memory>
#include <optional>

#include "engine/work/job_mount.h"

namespace tapewarden::engine {

// From where a volume can be brought back.
struct RecallPlan {
  enum class Outcome : std::uint8_t {
    kNow,      // by a drive that may or may not be free
    kLater,    // the cartridge is in other hands, or put off
    kNothing,  // it is in the cache, or there is nothing to bring
    kNever,    // no copy of it is readable
  };
  Outcome outcome = Outcome::kNever;
  LogicalVolume volume{};
  CopyNumber copy = CopyNumber::kPrimary;
  PhysicalVolume cartridge{};  // kNow, and kLater the first one
};
Result<RecallPlan> plan_recall(WorkState& state, const std::string& volser);

// Answers those whose recall needs no drive, and gives a job for the first one that a free drive can bring.
Result<std::unique_ptr<Job>> pick_recall(WorkState& state, bool& did_something);

// A recall waits for the drive, or for the cartridge: whoever has them ends after the image that it is at. So
// does everybody when the program ends.
bool must_give_way(WorkState& state, const TapeStation& station, const std::string& barcode);

// A copy of the volume on the cartridge cannot be read. True: there is another one, or the file in the cache,
// which was looked for; when the medium is at fault this one is forgotten, and due to be written anew to
// `pool`. Where the other one lies on a cartridge that is in doubt itself neither is forgotten, that one is
// tried next, and kVolumeUnreadable tells it. None but this, or the other one was tried in vain just now:
// kVolumeUnreadable is raised; false.
Result<bool> note_bad_copy(WorkState& state, const std::string& volser, CopyNumber copy,
                           const std::string& barcode, std::uint8_t pool, const Error& error);

}  // namespace tapewarden::engine
