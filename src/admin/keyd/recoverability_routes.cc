// Where each cartridge's key can be had today, and which tapes die without what (K26).
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/audit_note.h"
#include "keymgr/recoverability/service.h"

namespace tapewarden::admin {
namespace {

namespace recoverability = keymgr::recoverability;
using recoverability::Service;

json::object counts_view(const recoverability::Counts& counts) {
  json::object by;
  for (const auto& [places, cartridges] : counts.by_independent) by[std::to_string(places)] = cartridges;
  return {{"cartridges", counts.cartridges}, {"short", counts.short_of},
          {"settling", counts.settling},     {"dead", counts.dead},
          {"destroyed", counts.destroyed},   {"by_places", std::move(by)}};
}

json::value check_view(const std::optional<recoverability::CheckResult>& check) {
  if (!check) return nullptr;
  return json::object{{"began", time_text(check->began)}, {"ended", time_text(check->ended)},
                      {"data_keys", check->data_keys},    {"keks", check->keks},
                      {"failed", check->failed},          {"first_failed", check->first_failed}};
}

json::object place_view(const recoverability::PlaceView& view) {
  const auto& place = view.place;
  return {{"name", place.name},
          {"domain", place.domain},
          {"counts", place.counts},
          {"stale", place.stale},
          {"as_of", time_text(place.as_of)},
          {"opens", view.opens},
          {"alone", view.alone},
          {"checked", view.check ? time_text(view.check->ended) : std::string()},
          {"check", check_view(view.check)},
          {"remark", place.remark}};
}

json::object cartridge_view(const recoverability::CartridgeView& view) {
  json::array places;
  for (const auto& place : view.places) places.emplace_back(place);
  return {{"volser", view.volser},
          {"volume", view.volume.is_nil() ? std::string() : view.volume.text()},
          {"pool", view.pool},
          {"independent", view.independent},
          {"state", to_string(view.standing)},
          {"places", std::move(places)},
          {"issued", time_text(view.issued)}};
}

json::object overview_view(const recoverability::Overview& overview) {
  json::array places;
  for (const auto& place : overview.places) places.push_back(place_view(place));
  return {{"wanted", overview.wanted},
          {"site", counts_view(overview.site)},
          {"places", std::move(places)},
          {"places_left_out", overview.places_left_out},
          {"check_under_way", check_view(overview.check_under_way)}};
}

Result<Answer> cartridges(Service& service, const Request& request) {
  recoverability::Question question;
  question.without = request.arguments.list("without");
  question.pool = request.arguments.text_or("pool", "");
  question.volser = request.arguments.text_or("volser", "");
  const auto found = TRY(service.cartridges(question, TRY(page_of(request.arguments))));
  json::array items;
  for (const auto& item : found.page.items) items.push_back(cartridge_view(item));
  return json_answer(
      json::object{{"items", std::move(items)}, {"next", found.page.next}, {"total", found.total}});
}

Result<Answer> pools(Service& service) {
  json::array items;
  for (const auto& view : TRY(service.pools())) {
    json::object item = counts_view(view.counts);
    item["pool"] = view.pool;
    const auto& by = view.counts.by_independent;
    item["least"] = by.empty() ? json::value(nullptr) : json::value(by.begin()->first);
    items.push_back(std::move(item));
  }
  return json_answer(json::object{{"items", std::move(items)}});
}

Result<Answer> check(keymgr::KeyManager& manager, Service& service, const Request& request) {
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    keymgr::note(transaction, manager.context(),
                 {.type = keymgr::AuditType::kResourceManagement,
                  .action = "recoverability.ask-check",
                  .actor = actor_of(request.principal),
                  .fields = {}});
    return {};
  }));
  service.ask_for_check();
  return json_answer(json::object{{"asked", true}});
}

}  // namespace

std::vector<Route> recoverability_routes(keymgr::KeyManager& manager, Service& service) {
  RouteTable table("recoverability");
  table.add("GET", "/v1/recoverability", Permission::kView,
            "Tell in how many independent places the keys of all cartridges can be had today.", {},
            "The wanted number, counts of cartridges by their independent places, and each place with what "
            "it opens.",
            [&service](const Request&) -> Result<Answer> {
              return json_answer(overview_view(TRY(service.overview())));
            });
  table.add("GET", "/v1/recoverability/places", Permission::kView, "List the places where keys can be had.",
            {},
            "All places: opens: cartridges; alone: of these, those that nothing outside the place's failure "
            "domain opens.",
            [&service](const Request&) -> Result<Answer> {
              json::array items;
              for (const auto& place : TRY(service.overview()).places) items.push_back(place_view(place));
              return json_answer(json::object{{"items", std::move(items)}});
            });
  table.add("GET", "/v1/recoverability/pools", Permission::kView,
            "List the pools, the weakest first; for now a pool is a key group or a label.", {}, "All pools.",
            [&service](const Request&) { return pools(service); });
  table.add(
      "GET", "/v1/recoverability/cartridges", Permission::kView,
      "List the cartridges with the places that open each, the weakest first.",
      {{.name = "without",
        .type = FieldType::kTextList,
        .place = FieldPlace::kQuery,
        .meaning = "only those that nothing opens once these are gone: server:NAME, target:NAME, "
                   "partner:NAME, holder:LABEL, domain:NAME or kek:LABEL",
        .limit = recoverability::kMaximumWithout * recoverability::kMaximumWordCharacters},
       {.name = "pool", .place = FieldPlace::kQuery, .meaning = "only this pool, for example group:DAILY"},
       {.name = "volser", .place = FieldPlace::kQuery, .meaning = "only this cartridge"},
       limit_field(),
       after_field()},
      "A page of cartridges, and how many there are in all.",
      [&service](const Request& request) { return cartridges(service, request); });
  table.add("POST", "/v1/recoverability/check", Permission::kBackUp,
            "Begin a self-check now: every key of this server is opened, and every backup verified.", {},
            "It was asked for; the result stands with the places.",
            [&manager, &service](const Request& request) { return check(manager, service, request); });
  return table.take();
}

}  // namespace tapewarden::admin
