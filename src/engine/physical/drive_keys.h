// Where the keys of physical drives come from: the carrier between a drive's key path and the key servers.
// The program implements it over the key proxy, tests over a made-up server. Called by the worker of the
// drive, for several drives at a time from several threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

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
  // kUnavailable, kTimeout: no key server was reached; kPermissionDenied, kNotFound: one said no.
  virtual Result<KeyNames> serve(tape::TapeDrive& drive) = 0;
  // Tells the key servers of what was written with new keys, the cartridge in the drive or not; what is not
  // told stays due in the drive.
  virtual Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) = 0;
};

}  // namespace tapewarden::engine
