// Other KEKs for the cartridges of a pool, and whether an old one is still needed (K9).
#include "admin/taped/engine_support.h"
#include "engine/operator/names.h"
#include "engine/operator/rekey_orders.h"

namespace tapewarden::admin {
namespace {

engine::LabelMode mode_in(const Arguments& arguments, std::string_view field) {
  return arguments.text_or(field, "clear") == "hash" ? engine::LabelMode::kHash : engine::LabelMode::kClear;
}

// Without a label what was asked for is taken back, and that is said by a word of its own.
Result<engine::RekeyOrder> order_of(const Request& request) {
  const auto& arguments = request.arguments;
  engine::RekeyOrder order;
  order.pool = TRY(pool_number(arguments.text("pool"), "pool"));
  if (const auto named = arguments.optional_text("barcodes"))
    order.barcodes = TRY(engine::named_range(*named, "barcodes"));
  order.again = arguments.flag("again").value_or(false);
  order.unchecked = arguments.flag("unchecked").value_or(false);
  order.labels = {engine::KeyLabel{arguments.text_or("label_1", ""), mode_in(arguments, "mode_1")},
                  engine::KeyLabel{arguments.text_or("label_2", ""), mode_in(arguments, "mode_2")}};
  const bool cancel = arguments.flag("cancel").value_or(false);
  if (cancel != order.labels[0].text.empty())
    return fail(ErrorCode::kInvalidArgument,
                cancel ? "to take back what was asked for goes with no label" : "the new label is missing",
                "label_1");
  return order;
}

Result<json::object> ordered_json(const engine::RekeyOrdered& ordered, bool range) {
  std::vector<engine::RekeyLine> lines;
  for (const auto& line : ordered.lines)
    if (!range || !line.error || line.error->code != ErrorCode::kNotFound) lines.push_back(line);
  if (lines.empty() && range)
    return fail(ErrorCode::kNotFound, "the pool has none of these cartridges", "barcodes",
                "look at the list");
  json::array items;
  for (const auto& line : lines)
    items.push_back(json::object{
        {"barcode", line.barcode}, {"outcome", line.outcome}, {"done", !line.error.has_value()}});
  return json::object{{"items", std::move(items)}, {"next", ""}, {"notes", texts(ordered.notes)}};
}

Result<Answer> rekey(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto order = TRY(order_of(request));
  return change(services, request, "pool.rekey", {{"cartridges", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  const auto& parts = engine.parts;
                  auto done = TRY(engine::request_rekey(parts.catalogue, parts.names, order));
                  parts.wake_up();
                  return ordered_json(done, order.barcodes.size() > 1);
                });
}

Result<Answer> show_progress(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto pool = TRY(pool_number(request.arguments.text("pool"), "pool"));
  const auto found = TRY(engine::rekeys_standing(engine.parts.catalogue, engine.parts.notices, pool,
                                                 TRY(page_of(request.arguments))));
  json::array items;
  for (const auto& [cartridge, problem] : found.items)
    items.push_back(json::object{{"barcode", cartridge.barcode},
                                 {"state", to_string(cartridge.state)},
                                 {"labels", labels_text(cartridge.labels)},
                                 {"wanted", labels_text(cartridge.rekey.labels)},
                                 {"problem", problem}});
  return json_answer(json::object{{"items", std::move(items)}, {"next", found.next}});
}

json::object to_json(const engine::KekUse& use) {
  return {{"pool", use.pool},   {"state", to_string(use.state)}, {"only_way", use.only_way},
          {"asked", use.asked}, {"one_of_two", use.one_of_two},  {"first", use.first},
          {"last", use.last}};
}

Result<Answer> show_retirement(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto found = TRY(engine::kek_retirement(engine.parts.catalogue, request.arguments.text("label")));
  json::array items;
  for (const auto& use : found.uses) items.push_back(to_json(use));
  json::array pools;
  for (const auto pool : found.pools) pools.emplace_back(pool);
  return json_answer(json::object{{"label", found.label},
                                  {"needed", found.needed()},
                                  {"verdict", found.verdict()},
                                  {"only_way", found.only_way},
                                  {"unknown", found.unknown},
                                  {"first_unknown", found.first_unknown},
                                  {"pools", std::move(pools)},
                                  {"items", std::move(items)},
                                  {"next", ""}});
}

std::vector<FieldSpec> rekey_fields() {
  return {
      {.name = "barcodes", .meaning = "one of its cartridges, or a range; all of them without", .limit = 80},
      {.name = "label_1", .meaning = "key label of the first new KEK", .limit = 64},
      {.name = "mode_1", .meaning = "how it stands on the cartridge", .choices = {"clear", "hash"}},
      {.name = "label_2", .meaning = "key label of the second new KEK; empty for none", .limit = 64},
      {.name = "mode_2", .meaning = "how it stands on the cartridge", .choices = {"clear", "hash"}},
      {.name = "again",
       .type = FieldType::kFlag,
       .meaning = "those too that have these labels: the KEK behind one is another now"},
      {.name = "cancel", .type = FieldType::kFlag, .meaning = "take back what was asked for"},
      {.name = "unchecked",
       .type = FieldType::kFlag,
       .meaning = "take the labels although no key server can be asked now"}};
}

}  // namespace

std::vector<Route> rekey_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back(engine_order(
      services, "POST", "/v1/pools/{pool}/rekey", Permission::kChangeSettings, "pools",
      "Ask for other KEKs on written cartridges; re-wrapping revokes nothing.", rekey_fields(),
      "A line for each cartridge that has a wrapped key, and in `notes` what else is to be known.", rekey));
  routes.push_back(engine_look(services, "/v1/pools/{pool}/rekey", "pools",
                               "List the cartridges that wait for other KEKs.", with_page_fields({}),
                               "By barcode, with what holds each up; those that have got theirs are gone.",
                               show_progress));
  routes.push_back(engine_look(services, "/v1/kek-retirement", "pools",
                               "Ask whether any cartridge still needs a KEK.",
                               {{.name = "label",
                                 .place = FieldPlace::kQuery,
                                 .required = true,
                                 .meaning = "the KEK's key label",
                                 .limit = 64}},
                               "The verdict, and an item for each pool and state.", show_retirement));
  return routes;
}

}  // namespace tapewarden::admin
