// Where the keys of physical drives come from: the carrier between a drive's key path and the key servers.
// The program implements it over the key proxy, tests over a made-up server. Called by the worker of the
// drive, for several drives at a time from several threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/physical/mount_fault.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::engine {

// What an exchange tells, for the trace. No secret.
struct KeyNames {
  std::string server{};
  std::string alias{};                // identified-key method
  std::vector<std::string> labels{};  // wrapped-key method
  std::string text() const;
};

class DriveKeys {
 public:
  virtual ~DriveKeys() = default;
  // Answers the request that the drive's sense announced: with a key, or the drive is told why there is none.
  // kUnavailable, kTimeout: no key server was reached. Else one said no: Error::detail is the EKM code, and
  // Error::field names what was refused (judge_refusal()).
  virtual Result<KeyNames> serve(tape::TapeDrive& drive) = 0;
  // Tells the key servers of what was written with new keys, the cartridge in the drive or not; what is not
  // told stays due in the drive.
  virtual Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) = 0;
};

// The error of DriveKeys::serve() as a mount's fault. By EKM code, and by field where a code says both:
//
//   EF01, EE29, EE2B, EE2E; EE02, EE23, EE2C, EE2D (what the drive sent);    kDriveKeys
//   EE30 of group, label, labels, proxy or certificate; EE31 of kind
//   EE30, EE31, EE32, EE34, EEE1 else; EE23 of labels                         kKeys
//   EE25 (the entry changed while it was served), an error of the drive       kInterrupted
//   EE0F, EF10, EE30 of quota; not reached, not trusted, not to be understood kKeys, kUnavailable
//
// A code other than kUnavailable and kTimeout means that asking again soon helps nothing. Pure.
std::unexpected<Error> judge_refusal(const std::string& doing, Error error);

}  // namespace tapewarden::engine
