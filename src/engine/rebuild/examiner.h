// Reads a cartridge from its label to its last tape file for what a catalogue has to know of it: headers and
// trailers, not the volumes themselves. Belongs to the drive's worker.
#pragma once

#include <functional>

#include "engine/physical/tape_station.h"
#include "engine/rebuild/examination.h"

namespace tapewarden::engine {

// What the examiner asks for while the cartridge is in the drive: the newest backup on it first, until it
// says that this was enough. Errors of it end the examination.
using BackupTaker = std::function<Result<bool>(MountedCartridge& cartridge, const FoundBackup& backup)>;

// The cartridge is in its slot again when this returns, or the drive is offline. Errors carry a MountFault:
// kIdentity when it has no label of ours; kKeys when no key came for it; kMedium when it cannot be read.
Result<Examination> examine_cartridge(TapeStation& station, const std::string& barcode, Clock& clock,
                                      const BackupTaker& take_backup);

// The bytes of an image into a file that is made for them, synced. Errors as MountedCartridge::read_image(),
// and of the disk with no fault.
Status copy_image(MountedCartridge& cartridge, std::uint32_t tape_file, Disk& disk, const std::string& path);

}  // namespace tapewarden::engine
