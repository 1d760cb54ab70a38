// Whose fault it is that a mount, or the work with a mounted cartridge, came to nothing: what the engine does
// next depends on it. Carried in Error::detail by everything in this folder. Pure.
#pragma once

#include "tape/initiator/tape_error.h"

namespace tapewarden::engine {

enum class MountFault : std::uint32_t {
  kNone = 0,           // none of the below: the caller's mistake
  kLibrary = 1,        // the robot, or the cartridge is not where it can be reached
  kKeys = 2,           // no key came. kUnavailable: wait for the key servers and try again
  kIdentity = 3,       // another cartridge, or another beginning of it, than the catalogue knows; or one of
                       // which records and key information do not go together
  kMedium = 4,         // the cartridge cannot be read or written there
  kDrive = 5,          // the drive: it is offline now
  kInterrupted = 6,    // the drive was reset, busy, reserved or emptied meanwhile: begin again
  kConfiguration = 7,  // drive and what the pool asks for do not go together
  kDriveKeys = 8,      // the key servers refuse the drive, not the key: it is offline now
  kDisk = 9,  // the disk under virtual cartridges has no room: neither cartridge nor drive is at fault
};
std::string_view to_string(MountFault fault);

// Of an error that came from this folder.
MountFault fault_of(const Error& error);

std::unexpected<Error> mount_fail(MountFault fault, ErrorCode code, std::string message,
                                  std::string field = {}, std::string remedy = {});
// `doing` says in words what the command was for.
MountFault fault_of(tape::TapeFault fault);
std::unexpected<Error> mount_fail(const std::string& doing, const tape::TapeError& error);
// Another component's error as this fault, its code kept.
std::unexpected<Error> mount_fail(MountFault fault, const std::string& doing, const Error& error);

}  // namespace tapewarden::engine
