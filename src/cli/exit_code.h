// What the command line's exit status says (docs/operating/command-line.md). Pure.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace tapewarden::cli {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,          // refused, or something went wrong
  kUsage = 2,           // the command or one of its values is wrong
  kNotFound = 3,        // the thing named does not exist
  kNotPermitted = 4,    // not logged in, or not allowed
  kUnavailable = 5,     // the server cannot be reached or cannot answer now
  kDamaged = 6,         // something stored is damaged
  kAwaitsApproval = 7,  // not done: a second person was asked, or has not answered yet
  kCutOff = 8,          // what is there was given, and it is not all that was to be written
  kInterrupted = 9,     // a signal ended it
  kPartlyDone = 10,     // of several things that were named, some were done and others not
};

// Error::detail of what ends with kCutOff.
inline constexpr std::uint32_t kWritingCutOff = 206;
// Error::detail of what a signal ended.
inline constexpr std::uint32_t kInterrupted = 207;

// Error::detail of what ends with kPartlyDone.
inline constexpr std::uint32_t kPartlyDone = 208;

ExitCode exit_code_of(const Error& error);

}  // namespace tapewarden::cli
