// Importing the keys that a confirmed partner exported to this site (K18).
//
// Invariants
//  M1 Nothing is changed before the whole file was read: signature, signer, every chunk, every key.
//  M2 Keys come in batches of kKeysPerTransaction, each whole with its audit row. After a crash the keys of
//     the last durable batch are here; importing the file again adds the others, and the transfer's row
//     says until then that the import was cut off.
//  M3 An imported key begins no cartridge here: its owner stays the server at the partner's, or nobody.
//  M4 A destroyed key does not come back, a quarantined one stays hidden, a compromised one stays so.
//
// What becomes of each key, by alias and fingerprint (HKDF of the key):
//   not here                          added
//   same alias, same key              unchanged, or its state becomes the later of the two (K10)
//   same alias, another key           both are kept: ALIAS#FINGERPRINT
//   same key, another alias           added under this alias, too, and told
// Stateless; thread-safe; waits for the disk.
#pragma once

#include <string>
#include <vector>

#include "keymgr/sharing/transfers.h"

namespace tapewarden::keymgr::sharing {

enum class KeyOutcome : std::uint8_t { kAdded = 1, kUnchanged, kKeptBoth, kStateMerged, kRefused };
std::string_view to_string(
    KeyOutcome outcome);  // "added", "unchanged", "kept-both", "state-merged", "refused"

struct KeyReport {
  std::string alias;
  std::string fingerprint;  // hex
  KeyOutcome outcome = KeyOutcome::kAdded;
  std::string remark;
};

struct ImportReport {
  bool dry_run = false;
  Uuid file;
  std::string partner;
  std::string from;  // what the sender calls himself
  Hash256 fingerprint{};
  WallTime made{};
  std::size_t keys = 0;
  std::size_t added = 0;  // as it was done, or would be; likewise those below
  std::size_t unchanged = 0;
  std::size_t kept_both = 0;
  std::size_t state_merged = 0;
  std::size_t refused = 0;
  std::vector<std::string> warnings;
  std::vector<KeyReport> lines;  // all but the plainly added and unchanged ones; at most kMaximumReportLines
};

// kCorrupt: cut short or changed; kUnauthenticated: signed by nobody who is a partner here; kConflict: an
// unconfirmed partner, this site's own export, or the id of another file; kWrongKey: sealed to another site.
// A refusal is audited and changes nothing, nor does a dry run, which judges each key as if it came alone.
Result<ImportReport> import_keys(KeyManager& manager, const Actor& actor, ByteView file, bool dry_run);

}  // namespace tapewarden::keymgr::sharing
