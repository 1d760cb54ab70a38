#include "keymgr/drive_check.h"

#include "crypto/hash.h"
#include "eedk/ekm_code.h"

namespace tapewarden::keymgr {
namespace {

using eedk::EkmCode;
using eedk::fail_ekm;

Status check_state(const Drive& drive) {
  if (drive.state == DriveState::kAccepted) return {};
  const bool pending = drive.state == DriveState::kPending;
  return fail_ekm(ErrorCode::kPermissionDenied, EkmCode::kDriveNotConfigured,
                  "drive " + drive.serial + (pending ? " is not accepted yet" : " was rejected"), "serial",
                  pending ? "compare its identity and accept it among the pending drives" : "");
}

// The drive speaks for itself: with the identity that is pinned.
Status check_identity(const Drive& drive, const crypto::Certificate& identity) {
  if (drive.identity_hash.empty()) {
    return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                    "no identity is pinned for drive " + drive.serial, "identity",
                    "compare the identity that it offers now with the drive's own display and accept it");
  }
  const auto key = identity.public_key();
  if (key && equal(key->spki_hash(), drive.identity_hash)) return {};
  return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                  "drive " + drive.serial + " came with another identity than the pinned one", "identity");
}

// A proxy speaks for a drive that has no key of its own.
Status check_proxy(store::Reader& reader, const KeyManager& manager, const Drive& drive,
                   const Caller& caller) {
  if (!drive.identity_hash.empty()) {
    return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                    "drive " + drive.serial + " has an identity of its own and must sign its requests",
                    "identity");
  }
  if (!caller.proxy) {
    return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                    "drive " + drive.serial + " came without any identity", "identity",
                    "give the drive a certificate, or let a proxy speak for it");
  }
  if (TRY(manager.drives().proxy_may_speak(reader, *caller.proxy, drive.serial))) return {};
  return fail_ekm(ErrorCode::kPermissionDenied, EkmCode::kProhibited,
                  "this proxy may not speak for drive " + drive.serial, "proxy",
                  "list the serial for the proxy's certificate " + to_hex(*caller.proxy));
}

}  // namespace

Result<CheckedDrive> check_drive(store::Reader& reader, const KeyManager& manager, const Caller& caller) {
  const auto found = TRY(manager.drives().find(reader, caller.serial));
  if (!found) {
    return fail_ekm(ErrorCode::kNotFound, EkmCode::kDriveNotConfigured,
                    "drive " + TRY(canonical_serial(caller.serial)) + " is not in the drive table", "serial");
  }
  TRY(check_state(*found));
  CheckedDrive out;
  out.drive = *found;
  out.by_proxy = caller.identity.empty();
  TRY(out.by_proxy ? check_proxy(reader, manager, out.drive, caller)
                   : check_identity(out.drive, caller.identity));
  out.subject.serial = out.drive.serial;
  out.subject.proxy = caller.proxy;
  // A partition is the word of whoever relays the request, so it counts only from one who may.
  const auto& relay = caller.proxy ? caller.proxy : caller.relay;
  const bool listed = relay && TRY(manager.drives().proxy_may_speak(reader, *relay, out.drive.serial));
  if (listed) out.subject.partition = caller.partition;
  if (!listed) out.subject.proxy.reset();
  return out;
}

Status check_wrapping_pin(const Drive& drive, const Hash256& hash) {
  if (drive.wrapping_spki.empty()) {
    return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                    "no wrapping key is pinned for drive " + drive.serial, "wrapping_key",
                    "accept the wrapping key that it offers, or give it in the drive table");
  }
  if (hash == crypto::sha256(drive.wrapping_spki)) return {};
  return fail_ekm(ErrorCode::kUnauthenticated, EkmCode::kDriveKeyUnverified,
                  "drive " + drive.serial + " asks for wrapping to another key than the pinned one",
                  "wrapping_key");
}

Status recheck_drive(store::Reader& reader, const KeyManager& manager, const CheckedDrive& checked) {
  const auto now = TRY(manager.drives().find(reader, checked.drive.serial));
  const bool same = now && now->state == DriveState::kAccepted &&
                    now->identity_hash == checked.drive.identity_hash &&
                    now->wrapping_spki == checked.drive.wrapping_spki;
  const bool proxy_allowed =
      !checked.by_proxy ||
      (checked.subject.proxy &&
       TRY(manager.drives().proxy_may_speak(reader, *checked.subject.proxy, checked.drive.serial)));
  if (same && proxy_allowed) return {};
  return fail_ekm(ErrorCode::kConflict, EkmCode::kDriveTable,
                  "the entry of drive " + checked.drive.serial + " changed while it was served", "serial",
                  "ask again");
}

}  // namespace tapewarden::keymgr
