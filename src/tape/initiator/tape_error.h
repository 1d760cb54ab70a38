// What a tape command can end with besides success, as a caller acts on it. A value.
#pragma once

#include <expected>
#include <string>

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

enum class TapeFault : std::uint8_t {
  kTransport,        // the outcome is unknown; see `transport`
  kBusy,             // try again
  kReserved,         // another initiator holds the drive
  kUnitAttention,    // something changed: the command did not run; `sense` says what
  kNoCartridge,      // nothing loaded
  kEndOfData,        // read, space or locate came to the end of what is written
  kBeginningOfTape,  // space came to the beginning
  kFilemark,         // space by blocks met a filemark
  kVolumeFull,       // nothing more can be written
  kWriteProtected,
  kKeyGenerationNeeded,   // 07/EF/11: a new key must be brought for a write from the beginning
  kKeyTranslationNeeded,  // 07/EF/13: the cartridge's key must be brought
  kKeyServiceFailed,      // 07/74/61 to 6F, 07/EE/0E, 0F: the key service said no or nothing
  kNoKey,                 // 07/74/01: encrypted, and the drive has no key
  kWrongKey,              // 07/74/03
  kTampered,              // 07/74/04
  kEncryptionRefused,     // any other 74/xx: modes or configuration do not allow it
  kMediumError,           // key 3
  kHardwareError,         // key 4
  kIllegalRequest,        // key 5: the drive does not offer this, or a parameter is wrong
  kOther,
};
std::string_view to_string(TapeFault fault);

struct [[nodiscard]] TapeError {
  TapeFault fault = TapeFault::kOther;
  scsi::Sense sense{};    // all zero unless the drive sent sense data; residual in sense.information
  Error transport{};      // for kTransport
  std::string command{};  // its name in the standard

  std::string text() const;
  // For callers that work with Result: sense packed into `detail`.
  Error error() const;
};

template <typename T>
using TapeResult = std::expected<T, TapeError>;
using TapeStatus = TapeResult<void>;

// From a status other than GOOD.
TapeError tape_error(scsi::ScsiStatus status, const scsi::Sense& sense, std::string_view command);
TapeError transport_error(Error error, std::string_view command);
// A device that answered with data that does not parse.
TapeError malformed(Error error, std::string_view command);

}  // namespace tapewarden::tape
