#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/migration/ekm_migration.h"
#include "keymgr/migration/old_keystore.h"

namespace tapewarden::admin {
namespace {

constexpr std::size_t kPasswordLimit = 256;

json::object to_json(const keymgr::MigrationReport& report) {
  using keymgr::MigrationOutcome;
  json::array lines;
  for (const auto& line : report.lines()) {
    lines.push_back(json::object{{"part", keymgr::to_string(line.section)},
                                 {"name", line.name},
                                 {"outcome", keymgr::to_string(line.outcome)},
                                 {"remark", line.remark}});
  }
  return {{"dry_run", report.dry_run},
          {"keystore_format", report.keystore_format},
          {"added", report.number(MigrationOutcome::kAdded)},
          {"same", report.number(MigrationOutcome::kSame)},
          {"kept_both", report.number(MigrationOutcome::kKeptBoth)},
          {"left_out", report.number(MigrationOutcome::kLeftOut)},
          {"lines", std::move(lines)}};
}

FieldSpec part_field(std::string_view name, std::string_view meaning, std::size_t limit = kMaximumFileField) {
  return {.name = name, .type = FieldType::kFile, .meaning = meaning, .limit = limit};
}

FieldSpec secret_field(std::string_view name, std::string_view meaning) {
  return {.name = name, .type = FieldType::kSecret, .meaning = meaning, .limit = kPasswordLimit};
}

Result<Answer> migrate(keymgr::KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  const auto text = [&](std::string_view name) {
    return arguments.has(name) ? std::optional(as_text(arguments.file(name))) : std::nullopt;
  };
  keymgr::EkmInstallation from;
  if (arguments.has("keystore")) from.keystore = arguments.file("keystore");
  from.password = arguments.optional_secret("password");
  from.key_password = arguments.optional_secret("key_password");
  from.properties = text("properties");
  from.key_groups = text("key_groups");
  from.drive_table = text("drive_table");
  from.metadata = text("metadata");
  return json_answer(to_json(TRY(keymgr::migrate_ekm(manager, actor_of(request.principal), from,
                                                     arguments.flag("dry_run").value_or(false)))));
}

}  // namespace

std::vector<Route> installation_routes(keymgr::KeyManager& manager) {
  RouteTable table("migration");
  table.add(
      "POST", "/v1/migrations/ekm", Permission::kChangeKeks,
      "Take over the installation of an old Encryption Key Manager, or the parts of it that are given.",
      {part_field("keystore", "its JCEKS keystore, or a PKCS#12 file", keymgr::kMaximumKeystoreBytes),
       secret_field("password", "the keystore's password"),
       secret_field("key_password",
                    "the password of the keys in it that have another; each is tried with both"),
       part_field("properties", "its properties file, without the passwords in it"),
       part_field("key_groups", "its KeyGroups.xml"),
       part_field("drive_table", "what its listdrives prints"),
       part_field("metadata", "its metadata file"),
       {.name = "dry_run",
        .type = FieldType::kFlag,
        .meaning = "only tell what would come; nothing is changed"}},
      "How many things came, were here, were kept beside another of the same name, or were left out; each "
      "with its part, its name and the reason.",
      [&manager](const Request& request) { return migrate(manager, request); });
  return table.take();
}

}  // namespace tapewarden::admin
