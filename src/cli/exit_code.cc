#include "cli/exit_code.h"

#include "cli/rest_client.h"
#include "eedk/ekm_code.h"

namespace tapewarden::cli {

ExitCode exit_code_of(const Error& error) {
  if (error.detail == kApprovalAwaited) return ExitCode::kAwaitsApproval;
  if (error.detail == kWritingCutOff) return ExitCode::kCutOff;
  if (error.detail == kInterrupted) return ExitCode::kInterrupted;
  if (error.detail == kPartlyDone) return ExitCode::kPartlyDone;
  // It comes as something to try again, which helps only when an operator has accepted the drive.
  if (eedk::ekm_code_of(error) == eedk::EkmCode::kDriveNotConfigured) return ExitCode::kNotPermitted;
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
      return ExitCode::kNotPermitted;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return ExitCode::kUnavailable;
    case ErrorCode::kCorrupt:
      return ExitCode::kDamaged;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kExhausted:
    case ErrorCode::kWrongKey:
    case ErrorCode::kUnsupported:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace tapewarden::cli
