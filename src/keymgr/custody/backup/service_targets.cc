// Adding, changing and removing the targets of backup::Service.
#include <algorithm>

#include "base/text.h"
#include "crypto/cms.h"
#include "keymgr/audit_note.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/service.h"
#include "keymgr/custody/backup/tape_media.h"

namespace tapewarden::keymgr::backup {

namespace {

Status check_name(const std::string& text, const std::string& field) {
  const bool good = !text.empty() && text.size() <= kNameLimit && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument, "this is no name", field,
              "use 1 to 64 letters, digits, dots, hyphens and underscores");
}

Status check_number(std::int64_t value, std::int64_t low, std::int64_t high, const std::string& field) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::kInvalidArgument, "the number is out of range", field,
              "use " + std::to_string(low) + " to " + std::to_string(high));
}

Status check_numbers(const Target& target) {
  TRY(check_number(target.keep_bases, 1, kMostBases, "keep_bases"));
  TRY(check_number(target.increments, 0, kMostIncrements, "increments"));
  return check_number(target.every_hours, 1, kMostHours, "every_hours");
}

bool lies_in(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// Who cannot be trusted to hold his key any more is no recipient. A certificate that expires later stops no
// backup.
Status check_seal(const TargetSpec& spec, WallTime now) {
  if ((spec.passphrase != nullptr) == !spec.recipients.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a target is sealed to a passphrase or to recipients",
                "passphrase", "give a passphrase, or certificates of recipients, and not both");
  }
  for (const auto& recipient : spec.recipients) {
    if (recipient.not_after() < now) {
      return fail(ErrorCode::kInvalidArgument,
                  "the certificate of " + escape_unprintable(recipient.subject()) + " expired on " +
                      format_utc(recipient.not_after()),
                  "recipients", "give a certificate that its holder has had renewed");
    }
    const auto key = recipient.public_key();
    if (key && key->kind() == crypto::KeyKind::kRsa) continue;
    return fail(ErrorCode::kInvalidArgument,
                "the certificate of " + escape_unprintable(recipient.subject()) + " holds no RSA key",
                "recipients", "give certificates with an RSA key of 2048 bits or more");
  }
  if (spec.recipients.size() > crypto::kEnvelopeRecipientLimit) {
    return fail(ErrorCode::kInvalidArgument, "these are too many recipients", "recipients",
                "give at most 64");
  }
  return {};
}

}  // namespace

Status Service::check_directory(const std::string& directory) const {
  Disk& disk = *context_.env.disk;
  if (directory.empty() || directory.front() != '/' || directory.size() > kPathLimit ||
      !is_printable(directory) || directory.find("/../") != std::string::npos || directory.ends_with("/..")) {
    return fail(ErrorCode::kInvalidArgument, "the folder must be an absolute path", "directory",
                "give a path that begins with /");
  }
  const std::string own = parent_directory(options_.keystore_path);
  if (lies_in(directory, own) ||
      (!options_.audit_directory.empty() && lies_in(directory, options_.audit_directory))) {
    return fail(ErrorCode::kInvalidArgument, "the folder lies in the keystore's own folder", "directory",
                "name a folder on another disk or machine: what is lost together is no backup");
  }
  if (!disk.list(directory)) {
    return fail(ErrorCode::kInvalidArgument, "the folder cannot be read: " + directory, "directory",
                "make it, owned by the user that the server runs as");
  }
  const std::string probe = directory + "/.tapewarden-probe";
  (void)disk.remove(probe);
  const auto made = disk.open(probe, OpenMode::kCreateNew, 0600);
  (void)disk.remove(probe);
  if (made) return {};
  return fail(ErrorCode::kInvalidArgument, "the folder cannot be written: " + made.error().message,
              "directory", "let the user that the server runs as write there");
}

// On another file system than the keystore, and not on tape, as far as that can be told.
bool Service::is_elsewhere(const std::string& directory) const {
  Disk& disk = *context_.env.disk;
  if (lies_on_tape(system_mounts(disk), directory)) return false;
  const auto there = disk.file_system(directory);
  const auto here = disk.file_system(parent_directory(options_.keystore_path));
  return !there || !here || *there == 0 || *there != *here;
}

// What belongs at the folder may not be mounted now: then its backups would lie with the keystore.
Status Service::check_place(const Target& target) const {
  if (!target.counts || is_elsewhere(target.directory)) return {};
  return fail(ErrorCode::kConflict,
              target.directory + " lies on the keystore's own file system or on tape now, and did not before",
              "directory", "mount what belongs there, or add the target anew");
}

Result<TargetStatus> Service::add_target(const Actor& actor, const TargetSpec& spec) {
  TRY(check_name(spec.name, "name"));
  TRY(check_name(spec.domain, "domain"));
  TRY(check_seal(spec, context_.now()));
  Target target;
  target.name = spec.name;
  target.directory = without_slashes(spec.directory);
  TRY(check_directory(target.directory));
  target.domain = spec.domain;
  target.keep_bases = spec.keep_bases;
  target.increments = spec.increments;
  target.mode = spec.mode;
  target.every_hours = spec.every_hours;
  TRY(check_numbers(target));
  target.recipients = spec.recipients;
  target.seal = spec.passphrase != nullptr ? SealKind::kPassphrase : SealKind::kRecipients;
  target.counts = is_elsewhere(target.directory);
  target.created = context_.now();
  std::optional<PassphraseKey> key;
  if (spec.passphrase != nullptr) {
    key = TRY(derive_passphrase_key(*spec.passphrase, spec.cost, *context_.env.random));
    target.cost = key->cost;
    target.salt = to_bytes(key->salt);
  }
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    const auto others = TRY(list_targets(t));
    if (others.size() >= kTargetLimit) {
      return fail(ErrorCode::kExhausted, "there are too many backup targets", "name", "remove one first");
    }
    for (const Target& other : others) {
      if (other.name == target.name) {
        return fail(ErrorCode::kAlreadyExists, "there is a backup target of that name", "name",
                    "choose another name, or remove that one first");
      }
      if (other.directory == target.directory) {
        return fail(ErrorCode::kAlreadyExists, "the target " + other.name + " has that folder", "directory",
                    "give each target a folder of its own");
      }
    }
    if (key) {
      const store::Value id = target.name;
      target.sealed_key = t.seal(kTargetTable, {&id, 1}, "passphrase_key", key->key);
    }
    TRY(t.put(kTargetTable, TRY(target.to_row())));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "backup.target.add",
          .actor = actor,
          .fields = {{"target", target.name},
                     {"directory", target.directory},
                     {"domain", target.domain},
                     {"sealed_to", std::string(to_string(target.seal))},
                     {"mode", std::string(to_string(target.mode))},
                     {"counts", target.counts ? "yes" : "no"}}});
    return {};
  }));
  TRY(remember_targets());
  return status(target.name);
}

Result<TargetStatus> Service::modify_target(const Actor& actor, const std::string& name,
                                            const TargetChange& change) {
  (void)TRY(require(name));
  if (change.domain) TRY(check_name(*change.domain, "domain"));
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    auto found = TRY(find_target(t, name));
    if (!found) return fail(ErrorCode::kNotFound, "there is no such backup target", "name");
    Target& target = *found;
    if (change.domain) target.domain = *change.domain;
    if (change.keep_bases) target.keep_bases = *change.keep_bases;
    if (change.increments) target.increments = *change.increments;
    if (change.mode) target.mode = *change.mode;
    if (change.every_hours) target.every_hours = *change.every_hours;
    TRY(check_numbers(target));
    TRY(t.put(kTargetTable, TRY(target.to_row())));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "backup.target.modify",
          .actor = actor,
          .fields = {{"target", target.name},
                     {"domain", target.domain},
                     {"keep_bases", std::to_string(target.keep_bases)},
                     {"increments", std::to_string(target.increments)},
                     {"mode", std::string(to_string(target.mode))},
                     {"every_hours", std::to_string(target.every_hours)}}});
    return {};
  }));
  return status(name);
}

Status Service::remove_target(const Actor& actor, const std::string& name) {
  (void)TRY(require(name));
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    TRY(t.erase(kTargetTable, {name}));
    for (const FileKind kind : {FileKind::kKeystore, FileKind::kAudit}) {
      for (const KnownFile& file : TRY(known_files(t, name, kind))) {
        TRY(t.erase(kKnownFileTable, {file.target, file.slot}));
      }
    }
    if (TRY(t.get(kTargetStateTable, {name}))) TRY(t.erase(kTargetStateTable, {name}));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "backup.target.remove",
          .actor = actor,
          .fields = {{"target", name}}});
    return {};
  }));
  return remember_targets();
}

}  // namespace tapewarden::keymgr::backup
