// Making a virtual drive's identity with the site's authority, and showing a drive to the key server for the
// first time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/context.h"
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

struct Enrolment {
  bool accepted = false;  // else it waits, and `said` is why, in the key server's words
  std::string said{};
};
// For a person: one line or two.
std::string text_of(const Enrolment& enrolment, const std::string& serial);

// Lets the drive ask for a key that does not exist: the answer tells whether the key server knows it, and one
// that does not know it notes what it offers, for an operator to accept. An error
// about what is pinned for the drive says how to pin what it offers now.
Result<Enrolment> enrol_drive(DriveBench& bench);
// The same for a drive that is not in this process. `signs_itself`: it takes part in exchanges by its own
// identity, as drives do that a library or engine manages.
Result<Enrolment> enrol_drive(keyproxy::KeyProxy& proxy, const tape::DriveIdentity& drive, bool signs_itself);

// Shows drives that manage their own exchanges, whose identities lie below `identities` by their serials, to
// the key servers that `engine_config` (engine.toml) names, and prints what came of each. What is wrong with
// one keeps no other from being shown; the first error.
Status enrol_drives(Context& context, const std::string& engine_config, const std::string& identities,
                    const std::vector<std::string>& serials);

}  // namespace tapewarden::cli
