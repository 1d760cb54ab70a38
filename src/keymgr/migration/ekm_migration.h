// Takes over the installation of an old Encryption Key Manager (K20): keystore, key groups, drive table,
// properties, metadata. All but the metadata comes in one transaction, whole or not at all; the metadata
// follows in transactions of its own (metadata_import.h). What is here already is never changed: the same
// thing is told as the same, another key of the same name is kept beside it. Taking the same in again changes
// nothing. Stateless; thread-safe; waits for the disk.
//
// What becomes of the parts
//  data keys   alias and DKi as they were; they read and append, and begin no cartridge here: nobody owns
//              them for writing, since the old server may go on giving them out.
//  RSA pairs   KEKs with their alias as label; certificates alone: KEKs that wrap only.
//  groups      use-once groups with those keys, kept supplied with new keys of this server, which the writes
//              of their drives take from now on.
//  drives      accepted entries without pins, which a drive's first request fills as an operator's do.
//  properties  the defaults for writing; of the rest each is told with what to do.
#pragma once

#include <optional>
#include <string_view>

#include "keymgr/key_manager.h"
#include "keymgr/migration/migration_report.h"

namespace tapewarden::keymgr {

// Unused keys that a group which came in keeps ready.
inline constexpr std::int64_t kKeysAheadOfOldGroup = 32;
// The group that stands for a symmetricKeySet that lists keys.
inline constexpr std::string_view kKeySetGroup = "SYMMETRICKEYSET";

// What was given; all borrowed.
struct EkmInstallation {
  std::optional<ByteView> keystore = {};
  const crypto::SecretBytes* password = nullptr;      // of the keystore; required with one
  const crypto::SecretBytes* key_password = nullptr;  // of its keys, where they have another
  std::optional<std::string_view> properties = {};
  std::optional<std::string_view> key_groups = {};
  std::optional<std::string_view> drive_table = {};
  std::optional<std::string_view> metadata = {};
};

// Every text is read before anything is changed; a refusal changes nothing and is in the audit. kWrongKey for
// a password that does not fit, kInvalidArgument, kCorrupt, kUnsupported naming the part in `field`. Where
// the keystore fails while the metadata comes, the other parts stay, and the remedy says so.
Result<MigrationReport> migrate_ekm(KeyManager& manager, const Actor& actor, const EkmInstallation& from,
                                    bool dry_run);

}  // namespace tapewarden::keymgr
