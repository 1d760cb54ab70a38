// The OASIS KMIP test cases played, message by message, at whatever server a test has: what is asked, what is
// compared and which cases pass are the same for all of them. One thread.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::conformance {

// A server as one client meets it whose objects nobody else has, and who may take private keys out: the cases
// ask for both (they search for what they made, and BL-M-13-21 gets a private key).
struct PlayedServer {
  std::function<Bytes(Bytes message)> ask;  // its answer; empty: none came
  std::int64_t now = 0;                     // by its clock, in seconds since 1970
};

// All mandatory cases of a version, in a folder of the vectors.
struct CasesOfVersion {
  std::string_view folder;
  std::size_t cases;                          // how many there are
  std::vector<std::string_view> do_not_pass;  // and which of them do not pass
};
// The page docs/kmip-conformance.md says the same.
const std::vector<CasesOfVersion>& versions_with_all_profiles();
// The versions of the Tape Library profile, as the names of its cases end.
std::span<const std::string_view> tape_library_versions();

bool without_vectors();
inline constexpr std::string_view kWithoutVectors = "no KMIP vectors: set TAPEWARDEN_VECTORS to their folder";

// EXPECTs that exactly the cases pass that should.
void expect_exactly_these_pass(const CasesOfVersion& version, const PlayedServer& server);
// EXPECTs that the three cases of the Tape Library profile pass, each on what the one before it left.
void expect_tape_library_passes(std::string_view version, const PlayedServer& server);

}  // namespace tapewarden::conformance
