// Between the commands and the cartridge: which key a write or read uses, and what the cartridge's errors are
// in sense data. Internal to tape/device/.
#pragma once

#include "tape/device/drive_state.h"

namespace tapewarden::tape {

// Before a command that writes at the current position: write protection, key, write session. On success the
// cartridge is ready for write_record() or write_filemarks().
scsi::Outcome<void> prepare_write(DriveState& drive, scsi::NexusId nexus);
// Whether the cartridge takes changes: 07/27/00 when it is write protected, 03/0C/00 after a failed write,
// from which only loading it anew recovers.
scsi::Outcome<void> check_writable(const DriveState& drive);
// After the first object was written at the beginning of tape.
void note_write(DriveState& drive, bool from_beginning);
// After a successful sync.
void note_sync(DriveState& drive);

// Reads one object for the nexus under the modes that hold for it. The error is ready to be reported, without
// residual.
scsi::Outcome<RecordView> read_object(DriveState& drive, scsi::NexusId nexus, MutableByteView into);
// The key by which the nexus may read now, told to the cartridge.
void apply_read_key(DriveState& drive, scsi::NexusId nexus);

// Makes the cartridge let go of the keys it has: after a change of the parameters, and at reset. `how`: what
// that is to the tape file that is being written.
void forget_keys(DriveState& drive, Leaving how);
// The same when keys went that may be others than the one being written with: a session whose key somebody
// still has is not broken.
void forget_lost_keys(DriveState& drive);

scsi::Sense write_sense(const Error& error);
scsi::Sense read_sense(const DriveState& drive, const Error& error);
// For motion, sync and the like.
scsi::Sense motion_sense(const Error& error);

CartridgeFacts facts_of(const Cartridge& cartridge);

}  // namespace tapewarden::tape
