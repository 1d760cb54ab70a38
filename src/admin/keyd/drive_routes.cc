#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "crypto/certificate.h"
#include "keymgr/names_there.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

std::vector<FieldSpec> change_fields() {
  return {
      {.name = "kind", .meaning = "the drive's kind", .choices = {"LTO", "3592"}},
      {.name = "wwnn", .meaning = "the world wide node name, 16 hex digits", .limit = 32},
      {.name = "default_alias", .meaning = "the data key for its writes (LTO)", .limit = 64},
      {.name = "default_group", .meaning = "the key group for its writes (LTO)", .limit = 64},
      {.name = "label_1", .meaning = "the first key label for its writes (3592); empty: none", .limit = 64},
      {.name = "mode_1", .meaning = "how EEDK 1 names its KEK", .choices = {"clear", "hash"}},
      {.name = "label_2", .meaning = "the second key label (3592); empty: none", .limit = 64},
      {.name = "mode_2", .meaning = "how EEDK 2 names its KEK", .choices = {"clear", "hash"}},
      {.name = "certificate", .meaning = "the drive's certificate to pin, PEM", .limit = kPemLimit},
      {.name = "wrapping_key",
       .type = FieldType::kFile,
       .meaning = "the key to wrap its keys to: a DER SubjectPublicKeyInfo, RSA",
       .limit = 4096}};
}

Result<std::optional<keymgr::LabelChoice>> label_of(const Arguments& arguments, std::string_view label_field,
                                                    std::string_view mode_field) {
  const auto label = arguments.optional_text(label_field);
  const auto mode = arguments.optional_text(mode_field);
  if (!label && !mode) return std::optional<keymgr::LabelChoice>{};
  if (!label) {
    return fail(ErrorCode::kInvalidArgument, "a mode without its label", std::string(mode_field),
                "give " + std::string(label_field) + " beside it");
  }
  return keymgr::LabelChoice{*label,
                             mode && *mode == "hash" ? eedk::LabelMode::kHash : eedk::LabelMode::kClear};
}

Result<keymgr::DriveChange> change_of(const Arguments& arguments) {
  keymgr::DriveChange change;
  if (const auto kind = arguments.optional_text("kind")) change.kind = TRY(keymgr::parse_drive_kind(*kind));
  change.wwnn = arguments.optional_text("wwnn");
  change.default_alias = arguments.optional_text("default_alias");
  change.default_group = arguments.optional_text("default_group");
  change.label_1 = TRY(label_of(arguments, "label_1", "mode_1"));
  change.label_2 = TRY(label_of(arguments, "label_2", "mode_2"));
  if (const auto pem = arguments.optional_text("certificate")) {
    change.certificate = TRY(crypto::Certificate::from_pem(*pem)).der();
  }
  if (arguments.has("wrapping_key")) change.wrapping_spki = arguments.file("wrapping_key");
  return change;
}

Result<Answer> list(KeyManager& manager, const Request& request) {
  std::optional<keymgr::DriveState> state;
  if (const auto text = request.arguments.optional_text("state")) {
    state = TRY(keymgr::parse_drive_state(*text));
  }
  const auto page = TRY(manager.list_drives(state, TRY(page_of(request.arguments))));
  return page_answer(page, [](const keymgr::Drive& drive) { return to_json(drive); });
}

Result<Answer> add(KeyManager& manager, const Request& request) {
  const auto change = TRY(change_of(request.arguments));
  TRY(keymgr::check_names_there(manager, change));
  return json_answer(
      to_json(TRY(manager.add_drive(actor_of(request.principal), request.arguments.text("serial"), change))),
      201);
}

Result<Answer> modify(KeyManager& manager, const Request& request) {
  auto change = TRY(change_of(request.arguments));
  TRY(keymgr::check_names_there(manager, change));
  if (request.arguments.flag("forget_identity").value_or(false)) {
    if (change.certificate) {
      return fail(ErrorCode::kInvalidArgument, "an identity cannot be pinned and forgotten at once",
                  "forget_identity", "leave out one of certificate and forget_identity");
    }
    change.certificate = Bytes();
  }
  return json_answer(to_json(
      TRY(manager.modify_drive(actor_of(request.principal), request.arguments.text("serial"), change))));
}

Result<Answer> accept(KeyManager& manager, const Request& request) {
  std::optional<Hash256> expected;
  if (const auto text = request.arguments.optional_text("expected_identity")) {
    expected = TRY(parse_hash(*text, "expected_identity"));
  }
  return json_answer(to_json(
      TRY(manager.accept_drive(actor_of(request.principal), request.arguments.text("serial"), expected))));
}

Result<Answer> import_table(KeyManager& manager, const Request& request) {
  const auto mode =
      request.arguments.text("mode") == "rewrite" ? keymgr::ImportMode::kRewrite : keymgr::ImportMode::kMerge;
  const auto report =
      TRY(manager.import_drives(actor_of(request.principal), request.arguments.text("text"), mode));
  return json_answer(json::object{{"added", report.added},
                                  {"changed", report.changed},
                                  {"unchanged", report.unchanged},
                                  {"removed", report.removed}});
}

void add_table_routes(RouteTable& table, KeyManager& manager) {
  table.add("GET", "/v1/drive-table/export", Permission::kView, "Export the drive table.", {},
            "{\"text\"}: the form that import reads.", [&manager](const Request&) -> Result<Answer> {
              return json_answer(json::object{{"text", TRY(manager.export_drives())}});
            });
  table.add(
      "POST", "/v1/drive-table/import", Permission::kChangeDrives, "Import a drive table.",
      {{.name = "text", .required = true, .meaning = "an exported drive table", .limit = kMaximumFileField},
       {.name = "mode",
        .required = true,
        .meaning = "merge: add and change; rewrite: the table becomes what the text holds",
        .choices = {"merge", "rewrite"}}},
      "How many drives were added, changed, unchanged and removed.",
      [&manager](const Request& request) { return import_table(manager, request); });
}

}  // namespace

std::vector<Route> drive_routes(KeyManager& manager) {
  RouteTable table("drive-table");
  table.add("GET", "/v1/drives", Permission::kView, "List the drives.",
            {{.name = "state",
              .place = FieldPlace::kQuery,
              .meaning = "only drives in this state",
              .choices = {"pending", "accepted", "rejected"}},
             limit_field(),
             after_field()},
            "A page of drives.", [&manager](const Request& request) { return list(manager, request); });
  auto add_fields = change_fields();
  add_fields.insert(
      add_fields.begin(),
      {.name = "serial", .required = true, .meaning = "10 digits or 12 characters", .limit = 12});
  table.add("POST", "/v1/drives", Permission::kChangeDrives, "Add a drive; it is accepted at once.",
            add_fields, "The drive.", [&manager](const Request& request) { return add(manager, request); });
  table.add("GET", "/v1/drives/{serial}", Permission::kView, "Show one drive.", {}, "The drive.",
            [&manager](const Request& request) -> Result<Answer> {
              return json_answer(to_json(TRY(manager.drive(request.arguments.text("serial")))));
            });
  auto modify_fields = change_fields();
  modify_fields.push_back(
      {.name = "forget_identity",
       .type = FieldType::kFlag,
       .meaning = "no identity is pinned any more: the drive is spoken for by a proxy that is allowed to"});
  table.add("PATCH", "/v1/drives/{serial}", Permission::kChangeDrives,
            "Change a drive; what is left out stays.", modify_fields, "The drive.",
            [&manager](const Request& request) { return modify(manager, request); });
  table.add("DELETE", "/v1/drives/{serial}", Permission::kChangeDrives, "Delete a drive.", {}, "",
            [&manager](const Request& request) -> Result<Answer> {
              TRY(manager.remove_drive(actor_of(request.principal), request.arguments.text("serial")));
              return empty_answer();
            });
  table.add("POST", "/v1/drives/{serial}/accept", Permission::kChangeDrives,
            "Accept a drive and pin what it offered.",
            {{.name = "expected_identity",
              .meaning = "the SHA-256 of the drive's identity key, or of its proxy's certificate, to compare",
              .limit = 80}},
            "The drive.", [&manager](const Request& request) { return accept(manager, request); });
  table.add("POST", "/v1/drives/{serial}/reject", Permission::kChangeDrives,
            "Reject a drive: it is served nothing.", {}, "The drive.",
            [&manager](const Request& request) -> Result<Answer> {
              return json_answer(to_json(
                  TRY(manager.reject_drive(actor_of(request.principal), request.arguments.text("serial")))));
            });
  table.add("POST", "/v1/drives/{serial}/dismiss-offer", Permission::kChangeDrives,
            "Forget the new identity that a drive offered; what is pinned stays.", {}, "The drive.",
            [&manager](const Request& request) -> Result<Answer> {
              return json_answer(to_json(TRY(manager.dismiss_drive_offer(actor_of(request.principal),
                                                                         request.arguments.text("serial")))));
            });
  add_table_routes(table, manager);
  return table.take();
}

}  // namespace tapewarden::admin
