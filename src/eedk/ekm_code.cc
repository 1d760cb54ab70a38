#include "eedk/ekm_code.h"

#include <array>
#include <cstdio>

namespace tapewarden::eedk {

namespace {

constexpr std::array<EkmCodeText, 16> kTable{{
    {EkmCode::kInternal, "the key server met an error of its own",
     "look at the key server's log at the time of the request"},
    {EkmCode::kReadMessageFailed, "the message could not be read",
     "compare the releases of the drive or its proxy and of the key server"},
    {EkmCode::kMessageNotParsed, "a field of the message is missing, unknown or out of its limits",
     "compare the releases of the drive or its proxy and of the key server"},
    {EkmCode::kDriveTable, "the drive's entry in the drive table cannot be used",
     "look at the entry with `tapewarden drive-table show` and correct it"},
    {EkmCode::kInvalidSignature, "the signature, nonce or channel binding of the message does not fit",
     "look whether the drive's or proxy's certificate was exchanged; if not, somebody may have changed the "
     "message"},
    {EkmCode::kDriveKeyUnverified, "the drive's wrapping key is not the one pinned for it",
     "if the drive was replaced or its keys were made anew, accept it again in the drive table"},
    {EkmCode::kDriveQueryParameter, "a count or size in a control request is out of its limits",
     "bring the drive's or proxy's release up to date"},
    {EkmCode::kMessageOutOfSequence, "the message came out of sequence",
     "connect again; if it happens again, compare the releases on both sides"},
    {EkmCode::kInvalidSignatureKind, "the signature is missing or of a kind that is not allowed here",
     "give the drive an identity certificate, or list its serial for the proxy"},
    {EkmCode::kProhibited, "the request is not permitted",
     "look at the access rules of the drive, its proxy, the key group and the labels"},
    {EkmCode::kKeystoreConfiguration, "a label, alias or key group that is needed is not configured",
     "look at the defaults of the drive and of the server, and at the labels in the keystore"},
    {EkmCode::kKeyNotHeld, "the key for this tape is not held here",
     "look in the key ledger which server or partner holds it, and import it from there"},
    {EkmCode::kNoKeyToServe, "the key group has no key left to serve",
     "add keys to the group, or give the drive another group"},
    {EkmCode::kEedkFlagsConflict, "what the cartridge holds does not fit what is asked",
     "look at the cartridge with `tapewarden drive status`; it may have been written by another method"},
    {EkmCode::kDriveNotConfigured, "the drive is not in the drive table",
     "accept it among the pending drives, or add it with `tapewarden drive-table add`"},
    {EkmCode::kWaitingForBackup, "the key is in no backup yet",
     "nothing: the write goes on by itself when the backup is written; if that takes long, look at "
     "`tapewarden backup list`"},
}};

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::kDrive:
      return "drive";
    case Origin::kProxy:
      return "proxy";
    case Origin::kKeyServer:
      return "key-server";
  }
  return "key-server";
}

const EkmCodeText& describe(EkmCode code) {
  for (const auto& row : kTable) {
    if (row.code == code) return row;
  }
  return kTable.front();
}

std::string to_string(EkmCode code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04X", static_cast<unsigned>(code));
  return text.data();
}

std::unexpected<Error> fail_ekm(ErrorCode error, EkmCode code, std::string message, std::string field,
                                std::string remedy) {
  if (remedy.empty()) remedy = describe(code).action;
  return fail(error, std::move(message), std::move(field), std::move(remedy),
              static_cast<std::uint32_t>(code));
}

EkmCode ekm_code_of(const Error& error) {
  for (const auto& row : kTable) {
    if (static_cast<std::uint32_t>(row.code) == error.detail) return row.code;
  }
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return EkmCode::kMessageNotParsed;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kWrongKey:
      return EkmCode::kKeyNotHeld;
    case ErrorCode::kUnauthenticated:
      return EkmCode::kInvalidSignature;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kConflict:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kUnsupported:
      return EkmCode::kProhibited;
    case ErrorCode::kExhausted:
      return EkmCode::kNoKeyToServe;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return EkmCode::kInternal;
  }
  return EkmCode::kInternal;
}

}  // namespace tapewarden::eedk
