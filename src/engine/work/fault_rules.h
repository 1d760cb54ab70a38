// What the engine does about a mount, or work with a mounted cartridge, that came to nothing: by whose fault
// it was (MountFault). Thread-safe, as its state is.
#pragma once

#include "engine/catalogue/damage_note.h"
#include "engine/work/work_state.h"

namespace tapewarden::engine {

enum class Doing : std::uint8_t { kWriting, kAppending, kReading, kErasing };  // kWriting: from the beginning
std::string_view to_string(Doing doing);

// It could not be read or written: emptied, it is not scratch again.
inline bool noted_damaged(const PhysicalVolume& cartridge) {
  return cartridge.note.starts_with(kDamageNote);
}

// The cartridge itself stands in the way, or what its key server says of it: trying it again soon helps
// nothing, but another cartridge does.
bool lies_with_cartridge(const Error& error);

// Raises what an operator must know, puts off what cannot go on, and settles the cartridge's state:
//   keys, none came now     kNoKeyServer; everything encrypted waits
//   keys, refused           appending: the cartridge is closed; from the beginning: kNoScratchCartridge, the
//                           pool waits; reading: the cartridge waits
//   keys of the drive       it is offline already; Work::step() tells it, and tries it again after a pause
//                           (bring_back.h). Writing: the pool waits shortly, in case that every drive is
//                           refused its keys; reading: so does the cartridge. The cartridge stays as it was
//   drive                   it is offline already; Work::step() tells it
//   configuration           the drive goes offline with the reason
//   medium                  kCartridgeDamaged; damaged when nothing lies on it, else closed, noted when full,
//                           and what lies on it is moved to others at once (MoveRequest::When::kNow), from
//                           the cache what is there
//   identity                kCartridgeDamaged; closed and noted, never written; the cartridge waits
//   library, not found      kCartridgeOverdue; the cartridge waits
//   library, else           what needs a drive of that library waits
//   disk                    kDiskFull, by library; its writing waits until there is room
//   interrupted             once more after a short pause
// A cartridge whose writing from the beginning failed through no fault of its own is scratch again. Which
// word of a key server is a refusal of the key, of the drive, or none: judge_refusal().
Status meet_fault(WorkState& state, const Error& error, TapeStation& station, const std::string& barcode,
                  Doing doing);
// The cartridge was mounted: what was raised about it and its keys is over.
void meet_success(WorkState& state, TapeStation& station, const PhysicalVolume& cartridge);

}  // namespace tapewarden::engine
