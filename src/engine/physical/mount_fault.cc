#include "engine/physical/mount_fault.h"

#include <array>

#include "scsi/sense_codes.h"

namespace tapewarden::engine {
namespace {

// A key server that said no is no absent one: waiting for it helps nothing.
ErrorCode code_of(const tape::TapeError& error) {
  if (error.sense.code == scsi::sense_codes::kKeyNotFound) return ErrorCode::kNotFound;
  if (error.sense.code == scsi::sense_codes::kKeyRequestUnauthorized) return ErrorCode::kPermissionDenied;
  return error.error().code;
}

}  // namespace

std::string_view to_string(MountFault fault) {
  constexpr std::array<std::string_view, 10> kNames = {
      "none",  "library",     "keys",          "identity",          "medium",
      "drive", "interrupted", "configuration", "keys of the drive", "disk"};
  return kNames.at(static_cast<std::size_t>(fault));
}

MountFault fault_of(const Error& error) {
  constexpr auto kLast = static_cast<std::uint32_t>(MountFault::kDisk);
  return error.detail <= kLast ? static_cast<MountFault>(error.detail) : MountFault::kNone;
}

MountFault fault_of(tape::TapeFault fault) {
  using enum tape::TapeFault;
  switch (fault) {
    case kBusy:
    case kReserved:
    case kUnitAttention:
    case kNoCartridge:
      return MountFault::kInterrupted;
    case kEndOfData:
    case kBeginningOfTape:
    case kFilemark:
    case kVolumeFull:
    case kWriteProtected:
    case kTampered:
    case kMediumError:
      return MountFault::kMedium;
    case kKeyGenerationNeeded:
    case kKeyTranslationNeeded:
    case kKeyServiceFailed:
    case kNoKey:
    case kWrongKey:
      return MountFault::kKeys;
    case kEncryptionRefused:
      return MountFault::kConfiguration;
    case kTransport:
    case kHardwareError:
    case kIllegalRequest:
    case kOther:
      return MountFault::kDrive;
  }
  return MountFault::kDrive;
}

std::unexpected<Error> mount_fail(MountFault fault, ErrorCode code, std::string message, std::string field,
                                  std::string remedy) {
  return fail(code, std::move(message), std::move(field), std::move(remedy),
              static_cast<std::uint32_t>(fault));
}

std::unexpected<Error> mount_fail(MountFault fault, const std::string& doing, const Error& error) {
  return mount_fail(fault, error.code, doing + ": " + error.message, error.field, error.remedy);
}

std::unexpected<Error> mount_fail(const std::string& doing, const tape::TapeError& error) {
  auto told = error.error();
  told.code = code_of(error);
  return mount_fail(fault_of(error.fault), doing, told);
}

}  // namespace tapewarden::engine
