// The parts of an old installation, each taken in within one transaction. Internal to the migration.
// Stateless; thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"
#include "keymgr/migration/ekm_drive_table.h"
#include "keymgr/migration/ekm_key_groups.h"
#include "keymgr/migration/ekm_migration.h"
#include "keymgr/migration/java_properties.h"
#include "keymgr/migration/migration_report.h"
#include "keymgr/migration/old_keystore.h"

namespace tapewarden::keymgr {

// Where the parts go, and what is told of them.
struct MigrationWork {
  store::Transaction& transaction;
  const KeyManager& manager;
  const Actor& actor;
  const EkmInstallation& from;
  MigrationReport& report;

  void tell(MigrationSection section, std::string_view name, MigrationOutcome outcome,
            std::string_view remark = {}) const {
    report.add(section, name, outcome, remark);
  }
};

// The group that each alias belongs to: the first that names it.
class GroupOfAlias {
 public:
  explicit GroupOfAlias(const std::vector<OldKeyGroup>& groups);
  // Canonical; empty: none.
  std::string of(const std::string& canonical_alias) const;

 private:
  std::map<std::string, std::string, std::less<>> groups_;
};

// Makes the groups that are not here. They come before the keys.
Status take_group(const MigrationWork& work, const OldKeyGroup& group);
// An entry that cannot come is told and spoils no other.
Status take_entry(const MigrationWork& work, const OldKeystoreEntry& entry, const GroupOfAlias& groups);
// After the keys: puts those that are here in no group into it, and tells which are missing.
Status fill_group(const MigrationWork& work, const OldKeyGroup& group, const GroupOfAlias& groups);
Status take_drive(const MigrationWork& work, const OldDrive& drive);
Status take_property(const MigrationWork& work, const JavaProperty& property);

// The keys that a symmetricKeySet lists ("AES00-0F, key1") as a group of their own. Nothing when it names a
// group of `groups` or of here, or no key that came or is here.
Result<std::optional<OldKeyGroup>> key_set_of(store::Reader& reader, const KeyManager& manager,
                                              const std::vector<OldKeyGroup>& groups,
                                              const std::vector<OldKeystoreEntry>& entries,
                                              std::string_view symmetric_key_set);

// A refusal that concerns one thing alone; others end the import.
bool concerns_one_thing(const Error& error);

}  // namespace tapewarden::keymgr
