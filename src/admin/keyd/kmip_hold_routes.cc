// Legal holds on what KMIP clients keep here, by REST (K10, K21).
#include <algorithm>

#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/objects/object_orders.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyHold;

Result<Uuid> object_of(const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (id) return *id;
  return fail(ErrorCode::kNotFound, "there is no object of this identifier", "id",
              "list the objects to see their identifiers");
}

Result<std::vector<KeyHold>> holds_of(const KmipPlace& place, const Request& request) {
  const auto id = TRY(object_of(request));
  std::vector<KeyHold> out;
  TRY(place.objects->manager().keystore().read([&](store::Reader& reader) -> Status {
    out = TRY(keymgr::holds_of_object(reader, *place.objects, id));
    return {};
  }));
  return out;
}

Result<Answer> list(const KmipPlace& place, const Request& request) {
  json::array items;
  const auto now = place.objects->manager().context().now();
  for (const auto& hold : TRY(holds_of(place, request))) items.push_back(hold_json(hold, now));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> add(const KmipPlace& place, const Request& request) {
  const auto id = TRY(object_of(request));
  const auto until = TRY(hold_until(request));
  auto& manager = place.objects->manager();
  KeyHold placed;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    placed = TRY(keymgr::hold_object(transaction, *place.objects, actor_of(request.principal), id,
                                     request.arguments.text("reason"), until));
    return {};
  }));
  return json_answer(hold_json(placed, manager.context().now()), 201);
}

// Nobody is asked for what cannot be done.
Result<Matter> matter_of_removing(const KmipPlace& place, const Request& request) {
  const auto id = TRY(object_of(request));
  const auto hold = TRY(hold_of(request));
  const auto holds = TRY(holds_of(place, request));
  const auto found = std::ranges::find(holds, hold, &KeyHold::id);
  if (found == holds.end()) {
    return fail(ErrorCode::kNotFound, "the object has no such hold", "hold",
                "list its holds to see their ids");
  }
  return Matter{
      "kmip object " + id.text() + " hold " + hold.text(),
      "the hold \"" + found->reason + "\" of " + found->placed_by + " on the KMIP object " + id.text()};
}

Result<Answer> remove(const KmipPlace& place, const Request& request) {
  const auto id = TRY(object_of(request));
  const auto hold = TRY(hold_of(request));
  TRY(place.objects->manager().keystore().write([&](store::Transaction& transaction) {
    return keymgr::remove_object_hold(transaction, *place.objects, actor_of(request.principal), id, hold,
                                      consent_of(request));
  }));
  return empty_answer();
}

}  // namespace

std::vector<Route> kmip_hold_routes(const KmipPlace& place) {
  RouteTable table("kmip");
  table.add("GET", "/v1/kmip/objects/{id}/holds", Permission::kView,
            "List the legal holds and retention dates of an object with a secret of its own.", {},
            "The holds.", [place](const Request& request) { return list(place, request); });
  table.add("POST", "/v1/kmip/objects/{id}/holds", Permission::kChangeKeys,
            "Place a legal hold on an object, or a date before which it must be kept.", hold_fields(),
            "The hold.", [place](const Request& request) { return add(place, request); });
  table.add_two_person(
      "DELETE", "/v1/kmip/objects/{id}/holds/{hold}", Permission::kChangeKeys,
      "Take a legal hold or retention date off an object.", {}, "",
      [place](const Request& request) { return matter_of_removing(place, request); },
      [place](const Request& request) { return remove(place, request); });
  return table.take();
}

}  // namespace tapewarden::admin
