// The proof that a key is gone (K10): the key server's signature on the key's tombstone, on what it has
// looked at itself, and on what it knows of backups that may hold the key still. Stateless; thread-safe;
// waits for the disk.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

// What to tell whoever asks what a key sealed.
inline constexpr std::string_view kExposureAdvice =
    "re-wrapping revokes no EEDK that somebody has copied, and destroying the key here revokes no copy of "
    "it: "
    "whoever has a copy of the key reads these cartridges. Write their data anew under another key, then "
    "erase "
    "them";

// A backup made before the key was destroyed.
struct BackupHolding {
  std::string name;
  std::string place;  // its failure domain
  WallTime made{};
};
// The backups that may hold the key; nothing when this server keeps no record of backups at all.
using BackupsWith = std::function<Result<std::optional<std::vector<BackupHolding>>>(const KeyRef&)>;
// Of a server that keeps no such record.
BackupsWith no_backups();

// A partner that the key was sent to or came from.
struct PartnerHolding {
  std::string name;         // as it was called then
  std::string fingerprint;  // of its identity
  bool given = true;        // sent by this site; else it came from there
  WallTime at{};
};
// Oldest first.
using PartnersWith = std::function<Result<std::vector<PartnerHolding>>(const KeyRef&)>;
// "given to VIENNA, came from GRAZ", each once; empty for none.
std::string text_of(const std::vector<PartnerHolding>& partners);

// The signed file, as proof/signed_document.h reads it, and an audit record. kConflict for a key that is not
// destroyed.
Result<std::string> prove_destruction(KeyManager& manager, const Actor& actor, const KeyRef& key,
                                      const BackupsWith& backups, const PartnersWith& partners);

}  // namespace tapewarden::keymgr
