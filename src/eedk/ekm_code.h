// The error codes of the key exchange, as the Encryption Key Manager numbered them, and one of our own (K14).
// They travel in Error::detail inside a program and in the refusal on the wire. A drive's sense data reuses
// some of these numbers with another meaning, so a code is always shown with its origin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tapewarden::eedk {

enum class EkmCode : std::uint16_t {
  kNone = 0,
  kReadMessageFailed = 0xEE02,      // bytes could not be read as a message
  kInternal = 0xEE0F,               // a defect in the key server
  kMessageNotParsed = 0xEE23,       // a field is missing, unknown or out of its limits
  kDriveTable = 0xEE25,             // the drive's entry cannot be used
  kInvalidSignature = 0xEE29,       // signature, nonce or channel binding does not fit
  kDriveKeyUnverified = 0xEE2B,     // the drive's wrapping key is not the pinned one
  kDriveQueryParameter = 0xEE2C,    // count or size of a control request
  kMessageOutOfSequence = 0xEE2D,   // no hello before it, or nothing to confirm
  kInvalidSignatureKind = 0xEE2E,   // signer kind or algorithm not allowed here
  kProhibited = 0xEE30,             // not permitted for this drive, proxy, group or label
  kKeystoreConfiguration = 0xEE31,  // label, alias or group is not configured
  kKeyNotHeld = 0xEE32,             // the key for this tape is not here
  kNoKeyToServe = 0xEE34,           // the group has no key left
  kEedkFlagsConflict = 0xEEE1,      // what the cartridge holds does not fit what is asked
  kDriveNotConfigured = 0xEF01,     // the drive is not in the drive table
  // Of our own, not of the EKM: no refusal, but a key that is not where keys.serve wants it before it is
  // used.
  kWaitingForBackup = 0xEF10,
};

// Who found the error. The numbers are used on the wire.
enum class Origin : std::uint8_t { kDrive = 1, kProxy = 2, kKeyServer = 3 };
std::string_view to_string(Origin origin);  // "drive", "proxy", "key-server"

struct EkmCodeText {
  EkmCode code;
  std::string_view meaning;
  std::string_view action;  // what an operator does when the error itself does not say it better
};
// The row of a code; the row of kInternal for a number that is not in the table.
const EkmCodeText& describe(EkmCode code);
// "EE32"
std::string to_string(EkmCode code);

// fail() with the code in `detail` and its usual operator action when `remedy` is empty.
std::unexpected<Error> fail_ekm(ErrorCode error, EkmCode code, std::string message, std::string field = {},
                                std::string remedy = {});
// The EKM code of an error: its detail when that is one, else the one that suits its ErrorCode.
EkmCode ekm_code_of(const Error& error);

}  // namespace tapewarden::eedk
