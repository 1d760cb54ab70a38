// Entries of a keystore and key groups.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "eedk/data_key_identifier.h"
#include "keymgr/migration/ekm_parts.h"

namespace tapewarden::keymgr {
namespace {

constexpr auto kKeystore = MigrationSection::kKeystore;
constexpr auto kGroups = MigrationSection::kKeyGroups;
constexpr std::size_t kHashDigits = 16;  // of a KEK's hash in a label that is made up

std::string full_name(const DataKey& key) {
  return key.alias + "#" + to_hex(key.fingerprint);
}

std::string group_of(const std::string& name) {
  const auto canonical = canonical_group(name);
  return canonical ? *canonical : std::string();
}

Status take_data_key(const MigrationWork& work, const OldKeystoreEntry& entry, const GroupOfAlias& groups) {
  const auto alias = eedk::canonical_alias(entry.alias);
  if (!alias) {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kLeftOut, alias.error().message);
    return {};
  }
  ImportedKey key;
  key.alias = *alias;
  key.key = entry.data_key.clone();
  key.group = groups.of(*alias);
  key.beside = true;
  const auto outcome = work.manager.keys().import(work.transaction, work.actor, key);
  if (!outcome) {
    if (!concerns_one_thing(outcome.error())) return std::unexpected(outcome.error());
    work.tell(kKeystore, *alias, MigrationOutcome::kLeftOut, outcome.error().message);
    return {};
  }
  const std::string name = *alias + "#" + to_hex(fingerprint_of(entry.data_key));
  switch (*outcome) {
    case ImportOutcome::kAdded:
      work.tell(kKeystore, *alias, MigrationOutcome::kAdded, "data key");
      break;
    case ImportOutcome::kUnchanged:
      work.tell(kKeystore, *alias, MigrationOutcome::kSame, "data key");
      break;
    case ImportOutcome::kKeptBoth:
      work.tell(kKeystore, *alias, MigrationOutcome::kKeptBoth,
                "the alias names another key here: a tape that the ledger does not tell of is read with " +
                    name + " as its alias");
      break;
  }
  return {};
}

// The alias as a label, or one that is free where the alias names another KEK.
struct FreeLabel {
  std::string label;
  bool other = false;  // the alias is taken
  bool here = false;   // this KEK bears it already
};
Result<FreeLabel> free_label(const MigrationWork& work, const std::string& alias, const Hash256& id) {
  const auto& keks = work.manager.keks();
  FreeLabel out{alias, false, false};
  const auto bearers = TRY(keks.find_by_label(work.transaction, alias));
  const auto is_it = [&](const Kek& kek) { return kek.id == id; };
  out.here = std::ranges::any_of(bearers, is_it);
  if (out.here || bearers.empty()) return out;
  out.other = true;
  const std::string mark = "#" + to_hex(id).substr(0, kHashDigits);
  out.label = alias.substr(0, kMaximumLabelCharacters - mark.size()) + mark;
  out.here = std::ranges::any_of(TRY(keks.find_by_label(work.transaction, out.label)), is_it);
  return out;
}

void tell_kek(const MigrationWork& work, const OldKeystoreEntry& entry, const FreeLabel& label,
              bool changed) {
  const std::string what = entry.key ? "KEK" : "certificate alone: it wraps, and opens nothing here";
  if (!changed) {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kSame, what);
  } else if (label.other) {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kKeptBoth,
              what + "; the label names another KEK here, so this one is labelled " + label.label);
  } else {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kAdded, what);
  }
}

Status take_kek(const MigrationWork& work, const OldKeystoreEntry& entry) {
  const auto label_fits = canonical_label(entry.alias);
  const auto key = entry.certificate.public_key();
  if (!label_fits || !key) {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kLeftOut,
              label_fits ? key.error().message : label_fits.error().message);
    return {};
  }
  const Hash256 id = key->spki_hash();
  const auto here = TRY(work.manager.keks().find(work.transaction, id));
  const auto label = TRY(free_label(work, entry.alias, id));
  const bool changed = !here || (entry.key && !here->has_private) || !label.here;
  if (changed) {
    NewKek kek{entry.certificate, entry.key, {label.label}, KeyOrigin::kImported};
    const auto added = work.manager.keks().add(work.transaction, work.actor, kek);
    if (!added && !concerns_one_thing(added.error())) return std::unexpected(added.error());
    if (!added) {
      work.tell(kKeystore, entry.alias, MigrationOutcome::kLeftOut, added.error().message);
      return {};
    }
  }
  tell_kek(work, entry, label, changed);
  return {};
}

Status put_into(const MigrationWork& work, const DataKey& key, const std::string& group) {
  if (key.group == group) return {};
  if (!key.group.empty() || key.origin != KeyOrigin::kImported || is_tombstone(key.state)) {
    const std::string why = !key.group.empty()        ? "is in the group " + key.group + " here"
                            : is_tombstone(key.state) ? "was destroyed here"
                                                      : "is a key of this site's own";
    work.tell(kGroups, group + "/" + key.alias, MigrationOutcome::kLeftOut, why);
    return {};
  }
  const auto added = work.manager.groups().add_alias(work.transaction, work.actor, group, full_name(key));
  if (!added && !concerns_one_thing(added.error())) return added;
  work.tell(kGroups, group + "/" + key.alias, added ? MigrationOutcome::kAdded : MigrationOutcome::kLeftOut,
            added ? "" : added.error().message);
  return {};
}

}  // namespace

bool concerns_one_thing(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kUnsupported:
    case ErrorCode::kNotFound:
    case ErrorCode::kExhausted:
      return true;
    default:
      return false;
  }
}

GroupOfAlias::GroupOfAlias(const std::vector<OldKeyGroup>& groups) {
  for (const OldKeyGroup& group : groups) {
    const std::string name = group_of(group.name);
    if (name.empty()) continue;
    for (const auto& alias : group.aliases) groups_.emplace(alias, name);
  }
}

std::string GroupOfAlias::of(const std::string& canonical_alias) const {
  const auto found = groups_.find(canonical_alias);
  return found != groups_.end() ? found->second : std::string();
}

Status take_group(const MigrationWork& work, const OldKeyGroup& group) {
  for (const auto& fault : group.faults) {
    work.tell(kGroups, group.name, MigrationOutcome::kLeftOut, "no alias: " + fault);
  }
  const auto name = canonical_group(group.name);
  if (!name) {
    work.tell(kGroups, group.name, MigrationOutcome::kLeftOut, name.error().message);
    return {};
  }
  if (TRY(work.manager.groups().find(work.transaction, *name))) {
    work.tell(kGroups, *name, MigrationOutcome::kSame);
    return {};
  }
  GroupSpec spec;
  spec.keys_ahead = kKeysAheadOfOldGroup;
  (void)TRY(work.manager.groups().create(work.transaction, work.actor, *name, spec));
  work.tell(kGroups, *name, MigrationOutcome::kAdded,
            "its old keys read; writes take new keys of this server, of which " +
                std::to_string(kKeysAheadOfOldGroup) + " are kept ready");
  return {};
}

Status fill_group(const MigrationWork& work, const OldKeyGroup& group, const GroupOfAlias& groups) {
  const std::string name = group_of(group.name);
  if (name.empty()) return {};
  for (const auto& alias : group.aliases) {
    if (groups.of(alias) != name) {
      work.tell(kGroups, name + "/" + alias, MigrationOutcome::kLeftOut,
                "the file names it in the group " + groups.of(alias) + " before");
      continue;
    }
    const auto keys = TRY(work.manager.keys().find_all(work.transaction, alias));
    if (keys.empty()) {
      work.tell(kGroups, name + "/" + alias, MigrationOutcome::kLeftOut,
                "no such key came and none is here: look for it in another keystore");
    }
    for (const DataKey& key : keys) TRY(put_into(work, key, name));
  }
  return {};
}

Status take_entry(const MigrationWork& work, const OldKeystoreEntry& entry, const GroupOfAlias& groups) {
  if (!entry.fault.empty()) {
    work.tell(kKeystore, entry.alias, MigrationOutcome::kLeftOut, entry.fault);
    return {};
  }
  return entry.kind == EntryKind::kSecretKey ? take_data_key(work, entry, groups) : take_kek(work, entry);
}

Result<std::optional<OldKeyGroup>> key_set_of(store::Reader& reader, const KeyManager& manager,
                                              const std::vector<OldKeyGroup>& groups,
                                              const std::vector<OldKeystoreEntry>& entries,
                                              std::string_view symmetric_key_set) {
  const auto value = trim(symmetric_key_set);
  const auto names_it = [&](const OldKeyGroup& group) { return equal_ignoring_case(group.name, value); };
  if (value.empty() || std::ranges::any_of(groups, names_it)) return std::optional<OldKeyGroup>();
  if (TRY(manager.groups().find(reader, value))) return std::optional<OldKeyGroup>();
  OldKeyGroup set{std::string(kKeySetGroup), {}, {}};
  for (const auto& one : split(value, ',')) TRY(add_old_aliases(set, one, kMaximumOldAliases));
  std::set<std::string> came;
  for (const auto& entry : entries) {
    const auto alias = eedk::canonical_alias(entry.alias);
    if (alias && entry.kind == EntryKind::kSecretKey) came.insert(*alias);
  }
  for (const auto& alias : set.aliases) {
    if (came.contains(alias) || !TRY(manager.keys().find_all(reader, alias)).empty())
      return std::optional(set);
  }
  return std::optional<OldKeyGroup>();
}

}  // namespace tapewarden::keymgr
