// Sharing keys with another site (K18): partners, export, import, and what went to and fro.
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/upload_store.h"
#include "base/base64.h"
#include "base/counted.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/key_export.h"
#include "keymgr/sharing/key_import.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"

namespace tapewarden::admin {
namespace {

namespace sharing = keymgr::sharing;
using keymgr::KeyManager;

constexpr std::size_t kFileLimit = kMaximumFileField;
constexpr std::size_t kSelectorLimit = 128;  // characters of a volser, an alias with its fingerprint, a group

template <typename T, typename Work>
Result<T> look(KeyManager& manager, const Work& work) {
  T out{};
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    out = TRY(work(reader));
    return {};
  }));
  return out;
}

json::object certificate_json(ByteView der) {
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate) return {};
  return {{"subject", certificate->subject()},
          {"sha256", to_hex(certificate->fingerprint())},
          {"not_before", time_text(certificate->not_before())},
          {"not_after", time_text(certificate->not_after())}};
}

// The digits of an unconfirmed partner are not told: whoever confirms must have heard them from the partner.
json::object to_json(const sharing::Partner& partner, WallTime now) {
  const auto certificate = crypto::Certificate::from_der(partner.certificate);
  const bool known = partner.is_confirmed();
  return {{"name", partner.display},
          {"fingerprint", known ? sharing::spoken(partner.fingerprint) : ""},
          {"sha256", known ? to_hex(partner.fingerprint) : ""},
          {"confirmed", time_text(partner.confirmed)},
          {"confirmed_by", partner.confirmed_by},
          {"read_by", partner.read_by},
          {"sends", !partner.identity.empty()},
          {"not_after", certificate ? time_text(certificate->not_after()) : ""},
          {"added", time_text(partner.added)},
          {"added_by", partner.added_by},
          {"certificate", known ? certificate_json(partner.certificate) : json::object()},
          {"remark", sharing::remark_on(partner, now)}};
}

Result<Answer> own(KeyManager& manager, const Request& request) {
  sharing::OwnCertificateSpec spec;
  spec.name = request.arguments.text_or("name", "");
  spec.renew = request.arguments.flag("renew").value_or(false);
  spec.new_identity = request.arguments.flag("new_identity").value_or(false);
  const auto made = TRY(sharing::give_own_certificate(manager, actor_of(request.principal), spec));
  return json_answer(json::object{{"name", made.name},
                                  {"fingerprint", sharing::spoken(made.fingerprint())},
                                  {"sha256", to_hex(made.fingerprint())},
                                  {"certificate", TRY(made.bundle())},
                                  {"encryption", certificate_json(made.certificate)},
                                  {"identity", certificate_json(made.identity)}});
}

Result<Answer> import_partner(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  const auto partner =
      TRY(sharing::put_partner(manager, actor_of(request.principal), arguments.text("name"),
                               arguments.text("certificate"), arguments.flag("replace").value_or(false)));
  json::object answer = to_json(partner, manager.context().now());
  json::array warnings;
  for (auto& text : sharing::import_warnings(partner, manager.context().now()))
    warnings.emplace_back(std::move(text));
  answer["warnings"] = std::move(warnings);
  return json_answer(answer, 201);
}

Result<Answer> confirm(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  const auto partner =
      TRY(sharing::confirm_partner(manager, actor_of(request.principal), arguments.text("partner"),
                                   arguments.text("fingerprint"), arguments.text_or("read_by", "")));
  return json_answer(to_json(partner, manager.context().now()));
}

Result<Answer> list(KeyManager& manager) {
  const auto partners = TRY(look<std::vector<sharing::Partner>>(
      manager, [](store::Reader& reader) { return sharing::list_partners(reader); }));
  json::array items;
  for (const auto& partner : partners) items.push_back(to_json(partner, manager.context().now()));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

json::object to_json(const sharing::Transfer& transfer) {
  return {{"file", transfer.file.text()},
          {"direction", sharing::to_string(transfer.direction)},
          {"partner", transfer.partner},
          {"fingerprint", sharing::spoken(transfer.fingerprint)},
          {"keys", transfer.keys},
          {"added", transfer.added},
          {"kept_both", transfer.kept_both},
          {"state_merged", transfer.merged},
          {"refused", transfer.refused},
          {"made", time_text(transfer.made)},
          {"began", time_text(transfer.began)},
          {"ended", time_text(transfer.ended)},
          {"by", transfer.by},
          {"approved_by", transfer.approved_by},
          {"remark", transfer.ended == keymgr::kNever ? "it was cut off: import the file again" : ""}};
}

Answer transfers_answer(const std::vector<sharing::Transfer>& transfers) {
  json::array items;
  for (const auto& transfer : transfers) items.push_back(to_json(transfer));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

// Of one key: where it came from and whom it was given to.
Result<Answer> transfers_of_key(KeyManager& manager, const Request& request) {
  const auto key = TRY(manager.key(request.arguments.text("alias")));
  return transfers_answer(TRY(look<std::vector<sharing::Transfer>>(
      manager, [&](store::Reader& reader) { return sharing::transfers_of(reader, key.fingerprint); })));
}

Result<sharing::ExportOrder> order_of(const Arguments& arguments) {
  sharing::ExportOrder order;
  order.partner = arguments.text("partner");
  order.selection.volumes = arguments.list("volumes");
  order.selection.aliases = arguments.list("aliases");
  order.selection.ranges = arguments.list("ranges");
  order.selection.groups = arguments.list("groups");
  if (const auto text = arguments.optional_text("since"))
    order.selection.since = TRY(parse_time(*text, "since"));
  if (const auto text = arguments.optional_text("until"))
    order.selection.until = TRY(parse_time(*text, "until"));
  order.selection.unused = arguments.flag("unused").value_or(false);
  return order;
}

// Few are told one by one; many by the first and the last.
std::string names_of(const std::vector<keymgr::DataKey>& keys) {
  constexpr std::size_t kTold = 8;
  if (keys.size() > kTold) return "the first " + keys.front().alias + ", the last " + keys.back().alias;
  std::string out;
  for (const auto& key : keys) out += (out.empty() ? "" : ", ") + key.alias;
  return out;
}

// The second person consents to these keys for this certificate: a selection that comes to mean others is
// another request.
Result<Matter> matter_of_export(KeyManager& manager, const Request& request) {
  const auto plan =
      TRY(sharing::plan_export(manager, actor_of(request.principal), TRY(order_of(request.arguments))));
  const auto& keys = plan.selected.keys;
  return Matter{"shared keys " + to_hex(plan.digest),
                counted(keys.size(), "key") + " (" + names_of(keys) + ") for the partner " +
                    plan.partner.display + ", fingerprint " + sharing::spoken(plan.partner.fingerprint)};
}

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

Result<Answer> export_keys(KeyManager& manager, const Request& request) {
  const auto made = TRY(sharing::export_keys(manager, actor_of(request.principal),
                                             TRY(order_of(request.arguments)), consent_of(request)));
  return json_answer(json::object{{"id", made.id.text()},
                                  {"partner", made.partner.display},
                                  {"partner_fingerprint", sharing::spoken(made.partner.fingerprint)},
                                  {"own_fingerprint", sharing::spoken(made.own_fingerprint)},
                                  {"keys", made.keys},
                                  {"warnings", texts(made.warnings)},
                                  {"file", to_base64(made.file)}});
}

json::object to_json(const sharing::ImportReport& report) {
  json::array lines;
  for (const auto& line : report.lines) {
    lines.push_back(json::object{{"alias", line.alias},
                                 {"fingerprint", line.fingerprint},
                                 {"outcome", sharing::to_string(line.outcome)},
                                 {"remark", line.remark}});
  }
  return {{"dry_run", report.dry_run},
          {"file", report.file.text()},
          {"partner", report.partner},
          {"from", report.from},
          {"fingerprint", sharing::spoken(report.fingerprint)},
          {"made", time_text(report.made)},
          {"keys", report.keys},
          {"added", report.added},
          {"unchanged", report.unchanged},
          {"kept_both", report.kept_both},
          {"state_merged", report.state_merged},
          {"refused", report.refused},
          {"warnings", texts(report.warnings)},
          {"lines", std::move(lines)}};
}

Result<Answer> import_keys(KeyManager& manager, UploadStore& uploads, const Request& request) {
  const Arguments& arguments = request.arguments;
  const auto upload = arguments.optional_text("upload");
  if (upload.has_value() == arguments.has("file")) {
    return fail(ErrorCode::kInvalidArgument, "give the file or an upload, and not both", "file");
  }
  const bool dry_run = arguments.flag("dry_run").value_or(false);
  const auto actor = actor_of(request.principal);
  if (!upload) {
    return json_answer(to_json(TRY(sharing::import_keys(manager, actor, arguments.file("file"), dry_run))));
  }
  const auto& person = request.principal.name;
  const auto file = TRY(uploads.file(*upload, person, manager.context().now()));
  const auto report = TRY(sharing::import_keys(manager, actor, *file, dry_run));
  if (!dry_run) uploads.forget(*upload, person);
  return json_answer(to_json(report));
}

void add_partner_routes(RouteTable& table, KeyManager& manager) {
  table.add("GET", "/v1/partners", Permission::kView, "List the partners.", {}, "The partners.",
            [&manager](const Request&) { return list(manager); });
  table.add("GET", "/v1/partners/{partner}", Permission::kView, "Show one partner.", {}, "The partner.",
            [&manager](const Request& request) -> Result<Answer> {
              const auto partner = TRY(look<sharing::Partner>(manager, [&](store::Reader& reader) {
                return sharing::require_partner(reader, request.arguments.text("partner"));
              }));
              return json_answer(to_json(partner, manager.context().now()));
            });
  table.add(
      "POST", "/v1/partners/certificate", Permission::kShare,
      "Give this site's own certificates for a partner; they are made at the first call.",
      {{.name = "name", .meaning = "the site's name in it, for people", .limit = sharing::kSiteNameLimit},
       {.name = "renew", .type = FieldType::kFlag, .meaning = "make a new encryption certificate"},
       {.name = "new_identity",
        .type = FieldType::kFlag,
        .meaning = "make a new identity, too: partners must import and confirm it anew"}},
      "{\"certificate\"}: PEM; the fingerprint to read out.",
      [&manager](const Request& request) { return own(manager, request); });
  table.add(
      "POST", "/v1/partners", Permission::kShare, "Import a partner's certificates, or newer ones.",
      {{.name = "name", .required = true, .meaning = "the partner's name", .limit = sharing::kSiteNameLimit},
       {.name = "certificate",
        .required = true,
        .meaning = "the partner's certificates, PEM",
        .limit = 2 * kPemLimit},
       {.name = "replace",
        .type = FieldType::kFlag,
        .meaning = "take another identity in place of the one here, unconfirmed"}},
      "The partner, and warnings.",
      [&manager](const Request& request) { return import_partner(manager, request); });
  table.add("POST", "/v1/partners/{partner}/confirm", Permission::kShare,
            "Confirm a partner's fingerprint, as it was read out over the telephone.",
            {{.name = "fingerprint",
              .required = true,
              .meaning = "the eight groups of four digits as they were heard, or all 64 digits",
              .limit = 128},
             {.name = "read_by", .meaning = "who read it out", .limit = sharing::kNoteLimit}},
            "The partner.", [&manager](const Request& request) { return confirm(manager, request); });
  table.add(
      "DELETE", "/v1/partners/{partner}", Permission::kShare,
      "Forget a partner; what was exchanged stays recorded.", {}, "",
      [&manager](const Request& request) -> Result<Answer> {
        TRY(sharing::remove_partner(manager, actor_of(request.principal), request.arguments.text("partner")));
        return empty_answer();
      });
}

void add_export_route(RouteTable& table, KeyManager& manager) {
  const auto names = [](std::string_view name, std::string_view meaning) {
    return FieldSpec{.name = name, .type = FieldType::kTextList, .meaning = meaning, .limit = kSelectorLimit};
  };
  table.add_two_person(
      "POST", "/v1/keys/export", Permission::kExportKeys,
      "Export chosen data keys, sealed to a confirmed partner and signed by this site.",
      {{.name = "partner",
        .required = true,
        .meaning = "the partner's name",
        .limit = sharing::kSiteNameLimit},
       names("volumes", "volsers whose keys the ledger tells"),
       names("aliases", "aliases; ALIAS#FINGERPRINT where one means several keys"),
       names("ranges", "ranges such as ABC000000000000000001-0F"),
       names("groups", "key groups: those of their keys that began a cartridge"),
       {.name = "since", .meaning = "only keys that began a cartridge on this day or later", .limit = 32},
       {.name = "until", .meaning = "and before this day", .limit = 32},
       {.name = "unused", .type = FieldType::kFlag, .meaning = "of groups, keys that began none yet, too"}},
      "{\"file\"}: base64; how many keys, and warnings.",
      [&manager](const Request& request) { return matter_of_export(manager, request); },
      [&manager](const Request& request) { return export_keys(manager, request); });
}

void add_import_routes(RouteTable& table, KeyManager& manager, const std::shared_ptr<UploadStore>& uploads) {
  table.add("POST", "/v1/keys/import", Permission::kShare,
            "Import the keys that a confirmed partner exported to this site.",
            {{.name = "file", .type = FieldType::kFile, .meaning = "the partner's file", .limit = kFileLimit},
             {.name = "upload", .meaning = "instead, for a large file: the id of an upload", .limit = 64},
             {.name = "dry_run", .type = FieldType::kFlag, .meaning = "only tell; nothing is changed"}},
            "What became of the keys, and warnings.",
            [&manager, uploads](const Request& request) { return import_keys(manager, *uploads, request); });
  table.add("POST", "/v1/uploads", Permission::kShare, "Begin to send a large file in parts.",
            {{.name = "size", .type = FieldType::kInteger, .required = true, .meaning = "its bytes"}},
            "{\"upload\"}: its id.", [&manager, uploads](const Request& request) -> Result<Answer> {
              const auto size = request.arguments.integer("size").value_or(0);
              const auto& context = manager.context();
              return json_answer(
                  json::object{{"upload", TRY(uploads->begin(
                                              request.principal.name,
                                              static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0)),
                                              *context.env.random, context.now()))}},
                  201);
            });
  table.add("PUT", "/v1/uploads/{upload}", Permission::kShare, "Send the next part of a large file.",
            {{.name = "offset", .type = FieldType::kInteger, .required = true, .meaning = "where it begins"},
             {.name = "part",
              .type = FieldType::kFile,
              .required = true,
              .meaning = "the part",
              .limit = kFileLimit}},
            "{\"bytes\"}: how many are here.", [&manager, uploads](const Request& request) -> Result<Answer> {
              const Arguments& arguments = request.arguments;
              const auto offset =
                  static_cast<std::uint64_t>(std::max<std::int64_t>(*arguments.integer("offset"), 0));
              return json_answer(json::object{
                  {"bytes", TRY(uploads->add(arguments.text("upload"), request.principal.name, offset,
                                             arguments.file("part"), manager.context().now()))}});
            });
}

}  // namespace

std::vector<Route> sharing_routes(KeyManager& manager) {
  RouteTable table("partner");
  const auto uploads = std::make_shared<UploadStore>();
  add_partner_routes(table, manager);
  add_export_route(table, manager);
  add_import_routes(table, manager, uploads);
  table.add("GET", "/v1/key-transfers", Permission::kView,
            "List what went to partners and what came from them, newest first.", {}, "The transfers.",
            [&manager](const Request&) -> Result<Answer> {
              return transfers_answer(TRY(look<std::vector<sharing::Transfer>>(
                  manager, [](store::Reader& reader) { return sharing::list_transfers(reader); })));
            });
  table.add("GET", "/v1/keys/{alias}/transfers", Permission::kView,
            "Tell where a key came from and which partners were given it.", {},
            "The transfers, oldest first.",
            [&manager](const Request& request) { return transfers_of_key(manager, request); });
  return table.take();
}

}  // namespace tapewarden::admin
