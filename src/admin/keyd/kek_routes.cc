#include "admin/keyd/kek_lookup.h"
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/base64.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

FieldSpec labels_field() {
  return {.name = "labels",
          .type = FieldType::kTextList,
          .meaning = "the labels that name it, each up to 64 characters",
          .limit = keymgr::kMaximumLabelCharacters};
}

FieldSpec passphrase_field(std::string_view meaning) {
  return {
      .name = "passphrase", .type = FieldType::kSecret, .required = true, .meaning = meaning, .limit = 256};
}

FieldSpec pem_field(std::string_view meaning) {
  return {.name = "certificate", .required = true, .meaning = meaning, .limit = kPemLimit};
}

Result<int> bounded(const Arguments& arguments, std::string_view name, int low, int high, int otherwise) {
  const auto value = arguments.integer(name);
  if (!value) return otherwise;
  if (*value < low || *value > high) {
    return fail(ErrorCode::kInvalidArgument, "the number is out of bounds", std::string(name),
                "use " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int>(*value);
}

Result<Answer> show(KeyManager& manager, const Hash256& id, unsigned status = 200) {
  return json_answer(to_json(TRY(manager.kek(id))), status);
}

Result<Answer> generate(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  keymgr::KekSpec spec;
  spec.common_name = arguments.text("common_name");
  spec.bits = static_cast<unsigned>(TRY(bounded(arguments, "bits", 2048, 4096, 3072)));
  spec.valid_days = TRY(bounded(arguments, "valid_days", 1, 36'500, 3650));
  spec.labels = arguments.list("labels");
  return json_answer(to_json(TRY(manager.generate_kek(actor_of(request.principal), spec))), 201);
}

Result<Answer> import_certificate(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  return json_answer(
      to_json(TRY(manager.import_kek_certificate(actor_of(request.principal), arguments.text("certificate"),
                                                 arguments.list("labels")))),
      201);
}

Result<Answer> import_pkcs12(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  return json_answer(
      to_json(TRY(manager.import_kek_pkcs12(actor_of(request.principal), arguments.file("file"),
                                            arguments.secret("passphrase"), arguments.list("labels")))),
      201);
}

Result<Answer> export_pkcs12(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  const Bytes file = TRY(manager.export_kek_pkcs12(
      actor_of(request.principal), id, request.arguments.secret("passphrase"), consent_of(request)));
  return json_answer({{"file", to_base64(file)}});
}

Result<Answer> replace_certificate(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  const std::string& pem = request.arguments.text("certificate");
  const auto key = TRY(TRY(crypto::Certificate::from_pem(pem)).public_key());
  if (key.spki_hash() != id) {
    return fail(ErrorCode::kInvalidArgument, "the certificate is for another key", "certificate",
                "use the one that was issued for this KEK's request");
  }
  return json_answer(to_json(TRY(manager.replace_kek_certificate(actor_of(request.principal), pem))));
}

Result<Answer> set_state(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  const auto state = TRY(keymgr::parse_key_state(request.arguments.text("state")));
  TRY(manager.change_kek_state(actor_of(request.principal), id, state));
  return show(manager, id);
}

Result<Answer> add_label(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  TRY(manager.add_kek_label(actor_of(request.principal), id, request.arguments.text("label")));
  return show(manager, id);
}

Result<Answer> remove_label(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  TRY(manager.remove_kek_label(actor_of(request.principal), id, request.arguments.text("label")));
  return empty_answer();
}

Result<Answer> certificate_request(KeyManager& manager, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  return json_answer({{"request", TRY(manager.kek_certificate_request(id))}});
}

void add_import_routes(RouteTable& table, KeyManager& manager) {
  table.add("POST", "/v1/keks", Permission::kChangeKeks, "Generate a KEK with a self-signed certificate.",
            {{.name = "common_name", .required = true, .meaning = "the certificate's name", .limit = 64},
             {.name = "bits", .type = FieldType::kInteger, .meaning = "2048, 3072 (unless given) or 4096"},
             {.name = "valid_days", .type = FieldType::kInteger, .meaning = "1 to 36500; 3650 unless given"},
             labels_field()},
            "The KEK.", [&manager](const Request& request) { return generate(manager, request); });
  table.add("POST", "/v1/keks/certificates", Permission::kChangeKeks,
            "Import a certificate alone: such a KEK wraps, and cannot unwrap here.",
            {pem_field("a certificate with an RSA key, PEM"), labels_field()}, "The KEK.",
            [&manager](const Request& request) { return import_certificate(manager, request); });
  table.add("POST", "/v1/keks/pkcs12", Permission::kChangeKeks, "Import a KEK from a PKCS#12 file.",
            {{.name = "file",
              .type = FieldType::kFile,
              .required = true,
              .meaning = "the PKCS#12 file",
              .limit = kPemLimit},
             passphrase_field("the file's passphrase"),
             labels_field()},
            "The KEK.", [&manager](const Request& request) { return import_pkcs12(manager, request); });
  table.add_two_person(
      "POST", "/v1/keks/{kek}/export", Permission::kExportKeys,
      "Export a KEK with its private half as a PKCS#12 file.",
      {passphrase_field("a passphrase for the file, 12 characters or more")}, "{\"file\"}: base64.",
      [&manager](const Request& request) { return matter_of_kek(manager, request); },
      [&manager](const Request& request) { return export_pkcs12(manager, request); });
}

void add_certificate_routes(RouteTable& table, KeyManager& manager) {
  table.add("GET", "/v1/keks/{kek}/request", Permission::kView,
            "Make a certificate request (PKCS#10) for an authority.", {}, "{\"request\"}: PEM.",
            [&manager](const Request& request) { return certificate_request(manager, request); });
  table.add("PUT", "/v1/keks/{kek}/certificate", Permission::kChangeKeks,
            "Put the authority's certificate in place of the self-signed one.",
            {pem_field("the certificate for the same key, PEM")}, "The KEK.",
            [&manager](const Request& request) { return replace_certificate(manager, request); });
}

}  // namespace

std::vector<Route> kek_routes(KeyManager& manager) {
  RouteTable table("kek");
  table.add(
      "GET", "/v1/keks", Permission::kView, "List the KEKs.",
      {{.name = "state", .place = FieldPlace::kQuery, .meaning = "only KEKs in this state", .limit = 32},
       limit_field(),
       after_field()},
      "A page of KEKs.", [&manager](const Request& request) -> Result<Answer> {
        std::optional<keymgr::KeyState> state;
        if (const auto text = request.arguments.optional_text("state")) {
          state = TRY(keymgr::parse_key_state(*text));
        }
        const auto page = TRY(manager.list_keks(TRY(page_of(request.arguments)), state));
        return page_answer(page, [](const keymgr::KekView& view) { return to_json(view); });
      });
  table.add("GET", "/v1/keks/{kek}", Permission::kView, "Show one KEK, by its hash or a label of it.", {},
            "The KEK with its certificate.", [&manager](const Request& request) -> Result<Answer> {
              return show(manager, TRY(find_kek_id(manager, request.arguments.text("kek"))));
            });
  table.add("PUT", "/v1/keks/{kek}/state", Permission::kChangeKeks, "Change a KEK's state.",
            {{.name = "state",
              .required = true,
              .meaning = "the new state: active, deactivated, compromised; destroying is POST .../destroy",
              .limit = 32}},
            "The KEK.", [&manager](const Request& request) { return set_state(manager, request); });
  table.add(
      "POST", "/v1/keks/{kek}/labels", Permission::kChangeKeks, "Give a KEK one more label.",
      {{.name = "label", .required = true, .meaning = "the label", .limit = keymgr::kMaximumLabelCharacters}},
      "The KEK.", [&manager](const Request& request) { return add_label(manager, request); });
  table.add("DELETE", "/v1/keks/{kek}/labels/{label}", Permission::kChangeKeks, "Take a label away.", {}, "",
            [&manager](const Request& request) { return remove_label(manager, request); });
  add_import_routes(table, manager);
  add_certificate_routes(table, manager);
  return table.take();
}

}  // namespace tapewarden::admin
