#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/migration/metadata_import.h"

namespace tapewarden::admin {
namespace {

json::object to_json(const keymgr::MetadataReport& report) {
  json::array lines;
  for (const auto& line : report.lines) {
    lines.push_back(json::object{{"line", line.line},
                                 {"volser", line.volser},
                                 {"outcome", keymgr::to_string(line.outcome)},
                                 {"remark", line.remark}});
  }
  return {{"dry_run", report.dry_run},
          {"added", report.added},
          {"known", report.known},
          {"left_out", report.left_out},
          {"lines", std::move(lines)}};
}

}  // namespace

std::vector<Route> migration_routes(keymgr::KeyManager& manager) {
  RouteTable table("ledger");
  table.add("POST", "/v1/ledger/import-ekm", Permission::kChangeKeys,
            "Take the metadata file of an old Encryption Key Manager into the ledger.",
            {{.name = "text", .required = true, .meaning = "the file's text", .limit = kMaximumFileField},
             {.name = "dry_run",
              .type = FieldType::kFlag,
              .meaning = "only tell what would come; nothing is changed"}},
            "How many records came, were known, or were left out; each record with its line and the reason.",
            [&manager](const Request& request) -> Result<Answer> {
              const bool dry_run = request.arguments.flag("dry_run").value_or(false);
              return json_answer(to_json(TRY(keymgr::import_ekm_metadata(
                  manager, actor_of(request.principal), request.arguments.text("text"), dry_run))));
            });
  return table.take();
}

}  // namespace tapewarden::admin
