#include "keymgr/migration/ekm_migration.h"

#include <map>
#include <set>

#include "base/text.h"
#include "crypto/hash.h"
#include "keymgr/audit_note.h"
#include "keymgr/migration/ekm_metadata.h"
#include "keymgr/migration/ekm_parts.h"
#include "keymgr/migration/metadata_import.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kKeySetProperty = "symmetrickeyset";

// All parts, read.
struct Parts {
  OldKeystore keystore;
  std::vector<OldKeyGroup> groups;
  std::vector<OldDrive> drives;
  std::vector<JavaProperty> properties;
};

Result<Parts> read_parts(const EkmInstallation& from) {
  if (!from.keystore && !from.properties && !from.key_groups && !from.drive_table && !from.metadata)
    return fail(ErrorCode::kInvalidArgument, "no part of an installation was given", "keystore",
                "give at least one of keystore, key groups, drive table, properties, metadata");
  if (from.keystore && from.password == nullptr)
    return fail(ErrorCode::kInvalidArgument, "the keystore's password is missing", "password",
                "it is the one that config.keystore.password of the old server stood for");
  Parts parts;
  if (from.properties) parts.properties = TRY(read_java_properties(*from.properties));
  if (from.key_groups) parts.groups = TRY(read_ekm_key_groups(*from.key_groups));
  if (from.drive_table) parts.drives = TRY(read_ekm_drives(*from.drive_table));
  if (from.metadata) (void)TRY(read_ekm_metadata(*from.metadata));
  // Last, since opening its keys takes long.
  if (from.keystore)
    parts.keystore = TRY(read_old_keystore(*from.keystore, *from.password, from.key_password));
  return parts;
}

std::vector<std::pair<std::string_view, std::string>> sources_of(const EkmInstallation& from) {
  std::vector<std::pair<std::string_view, std::string>> fields{{"source", "ekm"}};
  const auto add = [&](std::string_view name, std::optional<ByteView> content) {
    if (content) fields.emplace_back(name, to_hex(crypto::sha256(*content)));
  };
  const auto bytes = [](std::optional<std::string_view> text) {
    return text ? std::optional(as_bytes(*text)) : std::nullopt;
  };
  add("keystore_sha256", from.keystore);
  add("properties_sha256", bytes(from.properties));
  add("key_groups_sha256", bytes(from.key_groups));
  add("drive_table_sha256", bytes(from.drive_table));
  add("metadata_sha256", bytes(from.metadata));
  return fields;
}

void note_outcome(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
                  const EkmInstallation& from, const MigrationReport& report) {
  auto fields = sources_of(from);
  fields.emplace_back("added", std::to_string(report.number(MigrationOutcome::kAdded)));
  fields.emplace_back("same", std::to_string(report.number(MigrationOutcome::kSame)));
  fields.emplace_back("kept_both", std::to_string(report.number(MigrationOutcome::kKeptBoth)));
  fields.emplace_back("left_out", std::to_string(report.number(MigrationOutcome::kLeftOut)));
  note(transaction, manager.context(),
       {.type = AuditType::kResourceManagement,
        .action = report.dry_run ? "migration.dry-run" : "migration.import",
        .actor = actor,
        .fields = std::move(fields)});
}

Status note_refusal(KeyManager& manager, const Actor& actor, const EkmInstallation& from, const Error& error,
                    std::string_view part = {}) {
  auto fields = sources_of(from);
  if (!part.empty()) fields.emplace_back("part", std::string(part));
  fields.emplace_back("error", std::string(to_string(error.code)));
  fields.emplace_back("field", error.field);
  fields.emplace_back("reason", error.message);
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = "migration.refuse",
          .actor = actor,
          .success = false,
          .fields = fields});
    return {};
  }));
  return {};
}

// Of a name that stands several times the last counts. Names compare without case.
std::map<std::string, const JavaProperty*> last_of_each(const std::vector<JavaProperty>& properties) {
  std::map<std::string, const JavaProperty*> out;
  for (const auto& property : properties) out[to_lower(property.key)] = &property;
  return out;
}

Status take_properties(const MigrationWork& work, const std::vector<JavaProperty>& properties) {
  const auto last = last_of_each(properties);
  for (const auto& property : properties) {
    if (last.at(to_lower(property.key)) == &property) {
      TRY(take_property(work, property));
    } else {
      work.tell(MigrationSection::kProperties, property.key, MigrationOutcome::kLeftOut,
                "it stands again further down, which counts");
    }
  }
  return {};
}

// Drives name groups and settings name labels, so the order matters.
Status take_all(const MigrationWork& work, const Parts& parts) {
  auto groups = parts.groups;
  const auto last = last_of_each(parts.properties);
  if (const auto found = last.find(std::string(kKeySetProperty)); found != last.end()) {
    auto set = TRY(key_set_of(work.transaction, work.manager, parts.groups, parts.keystore.entries,
                              found->second->value));
    if (set) groups.push_back(*std::move(set));
  }
  const GroupOfAlias group_of(groups);
  for (const auto& group : groups) TRY(take_group(work, group));
  for (const auto& entry : parts.keystore.entries) TRY(take_entry(work, entry, group_of));
  for (const auto& group : groups) TRY(fill_group(work, group, group_of));
  for (const auto& drive : parts.drives) TRY(take_drive(work, drive));
  return take_properties(work, parts.properties);
}

// A dry run does everything and then takes it all back, so that it tells exactly what would be.
Result<MigrationReport> run(KeyManager& manager, const Actor& actor, const EkmInstallation& from,
                            const Parts& parts, bool dry_run) {
  MigrationReport report;
  bool done = false;
  const auto written = manager.keystore().write([&](store::Transaction& transaction) -> Status {
    report = {};
    report.dry_run = dry_run;
    report.keystore_format = parts.keystore.format;
    TRY(take_all({transaction, manager, actor, from, report}, parts));
    done = true;
    if (dry_run) return fail(ErrorCode::kConflict, "a dry run is not kept");
    note_outcome(transaction, manager, actor, from, report);
    return {};
  });
  if (!written && !(dry_run && done)) return std::unexpected(written.error());
  if (!dry_run) return report;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note_outcome(transaction, manager, actor, from, report);
    return {};
  }));
  return report;
}

Status take_metadata(KeyManager& manager, const Actor& actor, std::string_view text,
                     MigrationReport& report) {
  const auto metadata = TRY(import_ekm_metadata(manager, actor, text, report.dry_run));
  constexpr auto kMetadata = MigrationSection::kMetadata;
  std::size_t told = 0;
  for (const auto& line : metadata.lines) {
    if (line.outcome != RecordOutcome::kLeftOut) continue;
    report.add(kMetadata, line.volser, MigrationOutcome::kLeftOut,
               "line " + std::to_string(line.line) + ": " + line.remark);
    ++told;
  }
  report.count(MigrationOutcome::kLeftOut, metadata.left_out - told);
  report.count(MigrationOutcome::kAdded, metadata.added);
  report.count(MigrationOutcome::kSame, metadata.known);
  return {};
}

// The error stands first for the caller: where the keystore takes nothing more, it takes no record either.
std::unexpected<Error> metadata_failed(KeyManager& manager, const Actor& actor, const EkmInstallation& from,
                                       Error error, bool dry_run) {
  const auto noted = note_refusal(manager, actor, from, error, "metadata");
  if (!noted) error.message += "; nor could that be recorded: " + noted.error().message;
  if (!dry_run) {
    const std::string rest = "the other parts are here: import again, which adds what is missing";
    error.remedy = error.remedy.empty() ? rest : error.remedy + "; " + rest;
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Result<MigrationReport> migrate_ekm(KeyManager& manager, const Actor& actor, const EkmInstallation& from,
                                    bool dry_run) {
  const auto parts = read_parts(from);
  if (!parts) {
    TRY(note_refusal(manager, actor, from, parts.error()));
    return std::unexpected(parts.error());
  }
  auto report = run(manager, actor, from, *parts, dry_run);
  if (!report) {
    TRY(note_refusal(manager, actor, from, report.error()));
    return report;
  }
  if (!from.metadata) return report;
  const auto taken = take_metadata(manager, actor, *from.metadata, *report);
  if (!taken) return metadata_failed(manager, actor, from, taken.error(), dry_run);
  return report;
}

}  // namespace tapewarden::keymgr
