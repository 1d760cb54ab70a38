// KMIP clients and what they keep here, by REST (K21).
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "base/text.h"
#include "crypto/certificate.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/kmip_issuer.h"
#include "keymgr/objects/object_orders.h"
#include "kmip/names.h"
#include "kmip/tags.h"
#include "people/password.h"

namespace tapewarden::admin {
namespace {

using keymgr::KmipClient;
using keymgr::ObjectView;

constexpr std::chrono::seconds kScrubPatience{10};
constexpr std::int64_t kKeysAhead = 100;  // of a key group that the first client's registration makes

json::object to_json(const KmipClient& client) {
  return {
      {"name", client.name}, {"group", client.owner},           {"certificate", to_hex(client.fingerprint)},
      {"user", client.user}, {"may_export", client.may_export}, {"added", time_text(client.added)}};
}

json::object to_json(const ObjectView& view) {
  const auto& object = view.object;
  return {{"id", keymgr::unique_identifier(object)},
          {"type", kmip::value_text(kmip::tag::kObjectType, static_cast<std::uint32_t>(object.type))},
          {"owner", object.owner},
          {"state", keymgr::to_string(view.state)},
          {"destroyed_by_client", time_text(object.quarantined)},
          {"name", escape_unprintable(view.name)},
          {"barcode", escape_unprintable(view.barcode)},
          {"application_data", escape_unprintable(view.application_data)},
          {"alias", view.alias},
          {"created", time_text(object.times.created)}};
}

// By fingerprint, or by the certificate itself.
Result<Hash256> certificate_of(const Arguments& arguments) {
  if (const auto text = arguments.optional_text("fingerprint")) return parse_hash(*text, "fingerprint");
  if (const auto pem = arguments.optional_text("certificate")) {
    return TRY(crypto::Certificate::from_pem(*pem)).fingerprint();
  }
  return fail(ErrorCode::kInvalidArgument, "the client's certificate is missing", "certificate",
              "give the certificate that the client shows, or its SHA-256");
}

// A client without a group to take keys from could make none.
Status ensure_key_group(const KmipPlace& place, const keymgr::Actor& actor) {
  auto& manager = place.objects->manager();
  if (manager.group(place.key_group)) return {};
  keymgr::GroupSpec spec;
  spec.keys_ahead = kKeysAhead;
  const auto made = manager.create_group(actor, place.key_group, spec);
  if (made || made.error().code == ErrorCode::kAlreadyExists) return {};
  return std::unexpected(made.error());
}

Result<Answer> register_client(const KmipPlace& place, const Request& request) {
  const Arguments& arguments = request.arguments;
  auto& manager = place.objects->manager();
  const auto actor = actor_of(request.principal);
  KmipClient client;
  client.name = arguments.text("name");
  client.fingerprint = TRY(certificate_of(arguments));
  client.owner = arguments.text_or("group", "");
  client.may_export = arguments.flag("may_export").value_or(false);
  client.user = arguments.text_or("user", "");
  std::optional<people::PasswordVerifier> password;
  if (const auto* secret = arguments.optional_secret("password")) {
    TRY(people::check_new_password(*secret, client.user));
    password = TRY(people::make_verifier(*secret, {}, *manager.context().env.random));
  }
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    client = TRY(keymgr::KmipClients(manager.context())
                     .add(transaction, actor, client, password ? &*password : nullptr));
    return {};
  }));
  TRY(ensure_key_group(place, actor));
  return json_answer(to_json(client), 201);
}

Result<Answer> withdraw_client(const KmipPlace& place, const Request& request) {
  auto& manager = place.objects->manager();
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    return keymgr::KmipClients(manager.context())
        .remove(transaction, actor_of(request.principal), request.arguments.text("name"));
  }));
  return empty_answer();
}

Result<Answer> list_clients(const KmipPlace& place) {
  json::array items;
  auto& manager = place.objects->manager();
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& client : TRY(keymgr::KmipClients(manager.context()).list(reader))) {
      items.push_back(to_json(client));
    }
    return {};
  }));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

json::object to_json(const kmip::OldServerState& state) {
  return {{"owner", state.owner},
          {"host", state.source},
          {"state", kmip::to_string(state.condition)},
          {"adopted", state.adopted},
          {"not_there", state.not_there},
          {"refused", state.refused},
          {"failed", state.failed},
          {"waiting", state.waiting},
          {"last_answer", time_text(state.last_answer_at)},
          {"last_error", escape_unprintable(state.last_error)},
          {"last_error_at", time_text(state.last_error_at)}};
}

Result<Answer> list_old_servers(const KmipPlace& place) {
  json::array items;
  if (place.old_servers) {
    for (const auto& state : place.old_servers()) items.push_back(to_json(state));
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> list_objects(const KmipPlace& place, const Request& request) {
  keymgr::Page<ObjectView> page;
  const auto wanted = TRY(page_of(request.arguments));
  TRY(place.objects->manager().keystore().read([&](store::Reader& reader) -> Status {
    page = TRY(keymgr::list_objects(reader, *place.objects, request.arguments.text_or("owner", ""), wanted));
    return {};
  }));
  return page_answer(page, [](const ObjectView& view) { return to_json(view); });
}

Result<Uuid> object_of(const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (id) return *id;
  return fail(ErrorCode::kNotFound, "there is no object of this identifier", "id",
              "list the objects to see their identifiers");
}

// One transaction with the object of the path; its view after it.
template <typename Change>
Result<Answer> change_object(const KmipPlace& place, const Request& request, const Change& change) {
  const auto id = TRY(object_of(request));
  ObjectView view;
  TRY(place.objects->manager().keystore().write([&](store::Transaction& transaction) -> Status {
    auto after = TRY(change(transaction, actor_of(request.principal), id));
    view = TRY(keymgr::view_of(transaction, *place.objects, std::move(after)));
    return {};
  }));
  return json_answer(to_json(view));
}

// Nobody is asked for what cannot be done.
Result<Matter> matter_of_purging(const KmipPlace& place, const Request& request) {
  const auto id = TRY(object_of(request));
  ObjectView view;
  TRY(place.objects->manager().keystore().read([&](store::Reader& reader) -> Status {
    TRY(keymgr::check_purge(reader, *place.objects, id));
    view = TRY(keymgr::view_of(reader, *place.objects, *TRY(place.objects->find(reader, id))));
    return {};
  }));
  return Matter{"kmip object " + id.text(), "KMIP object " + id.text() + " of " + view.object.owner + " (" +
                                                escape_unprintable(view.name) +
                                                "), destroyed by its client " +
                                                time_text(view.object.quarantined)};
}

Result<Answer> purge(const KmipPlace& place, const Request& request) {
  auto answer = TRY(change_object(place, request, [&](auto& transaction, const auto& actor, const Uuid& id) {
    return keymgr::purge_object(transaction, *place.objects, actor, id, consent_of(request));
  }));
  (void)place.objects->manager().keystore().wait_scrubbed(kScrubPatience);
  return answer;
}

json::object to_json(const keymgr::KmipIssuer& issuer) {
  return {{"subject", issuer.certificate.subject()},
          {"certificate", to_hex(issuer.certificate.fingerprint())},
          {"until", time_text(issuer.certificate.not_after())},
          {"days", issuer.days},
          {"set", time_text(issuer.set)}};
}

Result<Answer> show_issuer(const KmipPlace& place) {
  auto& manager = place.objects->manager();
  std::optional<keymgr::KmipIssuer> issuer;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    issuer = TRY(keymgr::KmipIssuers(manager.context()).find(reader));
    return {};
  }));
  if (issuer) return json_answer(to_json(*issuer));
  return fail(ErrorCode::kNotFound, "this server issues no certificates to KMIP clients", {},
              "begin with kmip request-issuer");
}

Result<Answer> request_issuer(const KmipPlace& place, const Request& request) {
  auto& manager = place.objects->manager();
  std::string pem;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    pem = TRY(keymgr::KmipIssuers(manager.context())
                  .request(transaction, actor_of(request.principal), request.arguments.text("common_name")));
    return {};
  }));
  return json_answer(json::object{{"request", pem}}, 201);
}

Result<Answer> set_issuer(const KmipPlace& place, const Request& request) {
  auto& manager = place.objects->manager();
  const auto certificate = TRY(crypto::Certificate::from_pem(request.arguments.text("certificate")));
  const auto days = request.arguments.integer("days").value_or(keymgr::kUsualIssuedDays);
  keymgr::KmipIssuer issuer;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    issuer = TRY(keymgr::KmipIssuers(manager.context())
                     .set(transaction, actor_of(request.principal), certificate, days));
    return {};
  }));
  return json_answer(to_json(issuer));
}

Result<Answer> remove_issuer(const KmipPlace& place, const Request& request) {
  auto& manager = place.objects->manager();
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    return keymgr::KmipIssuers(manager.context()).remove(transaction, actor_of(request.principal));
  }));
  return empty_answer();
}

void add_issuer_routes(RouteTable& table, const KmipPlace& place) {
  table.add("GET", "/v1/kmip/issuer", Permission::kView,
            "The authority that issues certificates to KMIP clients here.", {}, "The issuer.",
            [place](const Request&) { return show_issuer(place); });
  table.add(
      "POST", "/v1/kmip/issuer/request", Permission::kChangeAccess,
      "Make a key that may issue certificates to KMIP clients, once the site's authority has certified it. "
      "An issuer that there is goes on meanwhile.",
      {{.name = "common_name",
        .required = true,
        .meaning = "how the certificates that it issues call it",
        .limit = keymgr::kMaximumKmipClientName}},
      "The certificate request, PEM; the key stays here.",
      [place](const Request& request) { return request_issuer(place, request); });
  table.add("PUT", "/v1/kmip/issuer", Permission::kChangeAccess,
            "Let KMIP clients have certificates issued with the key that was made here.",
            {{.name = "certificate",
              .required = true,
              .meaning = "the authority's certificate for that key, PEM",
              .limit = kPemLimit},
             {.name = "days",
              .type = FieldType::kInteger,
              .meaning = "that what it issues is valid at most; left out: 365"}},
            "The issuer.", [place](const Request& request) { return set_issuer(place, request); });
  table.add("DELETE", "/v1/kmip/issuer", Permission::kChangeAccess,
            "Issue no certificates any more; the key is gone.", {}, "",
            [place](const Request& request) { return remove_issuer(place, request); });
}

void add_client_routes(RouteTable& table, const KmipPlace& place) {
  table.add("GET", "/v1/kmip/clients", Permission::kView, "List the registered KMIP clients.", {},
            "All clients.", [place](const Request&) { return list_clients(place); });
  table.add("POST", "/v1/kmip/clients", Permission::kChangeAccess,
            "Register a KMIP client by its certificate; the first one makes the key group that they take "
            "keys from.",
            {{.name = "name",
              .required = true,
              .meaning = "how operators and the audit know it",
              .limit = keymgr::kMaximumKmipClientName},
             {.name = "certificate", .meaning = "the client's certificate, PEM", .limit = kPemLimit},
             {.name = "fingerprint", .meaning = "instead: the SHA-256 of the certificate", .limit = 80},
             {.name = "group",
              .meaning = "whose objects it makes and uses: a name that several clients share; left out: its "
                         "own",
              .limit = keymgr::kMaximumKmipClientName},
             {.name = "user",
              .meaning = "asked for in every message besides the certificate, with the password; left out: "
                         "neither is",
              .limit = keymgr::kMaximumKmipClientName},
             {.name = "password", .type = FieldType::kSecret, .meaning = "of the user"},
             {.name = "may_export", .type = FieldType::kFlag, .meaning = "may take private keys out"}},
            "The client.", [place](const Request& request) { return register_client(place, request); });
  table.add("DELETE", "/v1/kmip/clients/{name}", Permission::kChangeAccess,
            "Withdraw a KMIP client; its objects stay with their owner.", {}, "",
            [place](const Request& request) { return withdraw_client(place, request); });
}

}  // namespace

std::vector<Route> kmip_routes(const KmipPlace& place) {
  RouteTable table("kmip");
  add_client_routes(table, place);
  add_issuer_routes(table, place);
  table.add("GET", "/v1/kmip/read-through", Permission::kView,
            "Show the old key servers that are asked for what KMIP clients lack here, as keyd.toml names "
            "them, and how that went since this server started.",
            {}, "All of them; none is asked where there is none.",
            [place](const Request&) { return list_old_servers(place); });
  table.add("GET", "/v1/kmip/objects", Permission::kView, "List the objects of KMIP clients.",
            {{.name = "owner",
              .place = FieldPlace::kQuery,
              .meaning = "only those of this client or group",
              .limit = keymgr::kMaximumKmipClientName},
             limit_field(),
             after_field()},
            "A page of objects, by owner and age; never their secrets.",
            [place](const Request& request) { return list_objects(place, request); });
  table.add("POST", "/v1/kmip/objects/{id}/reassign", Permission::kChangeAccess,
            "Give an object to another client or group.",
            {{.name = "owner",
              .required = true,
              .meaning = "the client or group whose it becomes",
              .limit = keymgr::kMaximumKmipClientName}},
            "The object.", [place](const Request& request) {
              return change_object(place, request, [&](auto& transaction, const auto& actor, const Uuid& id) {
                return keymgr::reassign_object(transaction, *place.objects, actor, id,
                                               request.arguments.text("owner"));
              });
            });
  table.add("POST", "/v1/kmip/objects/{id}/release", Permission::kChangeKeys,
            "Bring back an object that its client destroyed.", {}, "The object.",
            [place](const Request& request) {
              return change_object(place, request, [&](auto& transaction, const auto& actor, const Uuid& id) {
                return keymgr::release_object(transaction, *place.objects, actor, id);
              });
            });
  table.add_two_person(
      "POST", "/v1/kmip/objects/{id}/purge", Permission::kChangeKeys,
      "Destroy for ever an object that its client destroyed and that has a secret of its own.", {},
      "The object.", [place](const Request& request) { return matter_of_purging(place, request); },
      [place](const Request& request) { return purge(place, request); });
  return table.take();
}

}  // namespace tapewarden::admin
