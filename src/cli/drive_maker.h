// Making a virtual drive's identity with the site's authority, and showing a drive to the key server for the
// first time.
#pragma once

#include <memory>
#include <string>

#include "cli/drive_bench.h"
#include "tape/device/drive_identity.h"

namespace tapewarden::cli {

struct NewDrive {
  std::string site;  // holds ca/authority.crt and ca/authority.key
  std::string serial;
  tape::MediumKind kind = tape::MediumKind::kLto;
  std::uint64_t world_wide_node_name = 0;  // 0: drawn at random, locally administered
};

// Writes the identity to SITE/engine/drives/SERIAL. kAlreadyExists, kNotFound, kInvalidArgument.
Result<std::shared_ptr<const tape::DriveIdentity>> make_drive(Env env, const NewDrive& drive);

enum class Enrolment { kAccepted, kPending };

// Lets the drive ask for a key that does not exist: the answer tells whether the key server knows it, and one
// that does not know it notes what it offers, for an operator to accept.
Result<Enrolment> enrol_drive(DriveBench& bench);

}  // namespace tapewarden::cli
