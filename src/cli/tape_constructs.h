// The constructs that a host names on the cartridge in a drive: storage group and management class of a
// logical volume, in the cartridge memory (tape/medium/host_attributes.h). One user of the drive at a time.
#pragma once

#include <optional>
#include <string>

#include "tape/initiator/tape_drive.h"

namespace tapewarden::cli {

struct NamedConstructs {
  std::optional<std::string> storage_group{};
  std::optional<std::string> management_class{};
};

// What the cartridge memory says; nothing where it names none. Errors of the drive.
Result<NamedConstructs> constructs_on(tape::TapeDrive& drive);
// Writes what is given; an empty name is taken off. kInvalidArgument naming the option, and nothing was
// written, for what is no name of a construct. Errors of the drive.
Status name_constructs(tape::TapeDrive& drive, const NamedConstructs& names);

}  // namespace tapewarden::cli
