// Cartridges behind the engine (T7, T10, T13).
#include "admin/taped/engine_support.h"
#include "admin/taped/limits.h"
#include "base/text.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/cartridge_orders.h"
#include "engine/operator/names.h"

namespace tapewarden::admin {
namespace {

using engine::MoveRequest;

constexpr std::string_view kNoun = "physical volumes";
constexpr auto kMayChange = Permission::kChangeLibrary;

const FieldSpec kForce{
    .name = "force", .type = FieldType::kFlag, .meaning = "although the only copy of volumes lies on it"};

std::string barcode_of(const Request& request) {
  return to_upper(request.arguments.text("barcode"));
}

bool forced(const Request& request) {
  return request.arguments.flag("force").value_or(false);
}

Result<Answer> list(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto& arguments = request.arguments;
  const engine::CartridgeFilter filter{.pool = TRY(pool_in(arguments, "pool")),
                                       .state = state_in(arguments),
                                       .encryption = encryption_in(arguments),
                                       .label = arguments.text_or("label", ""),
                                       .prefix = to_upper(arguments.text_or("prefix", ""))};
  const auto page = TRY(page_of(arguments));
  engine::Page<engine::PhysicalVolume> found;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    found = TRY(view.cartridges(filter, page));
    return {};
  }));
  json::array items;
  for (const auto& cartridge : found.items) items.push_back(to_json(cartridge));
  json::object body{{"items", std::move(items)}, {"next", found.next}};
  TRY(note_unknown_label(body, engine, request.arguments));
  return json_answer(std::move(body));
}

Result<Answer> show(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto barcode = barcode_of(request);
  const auto cartridge = TRY(engine.parts.catalogue.cartridge(barcode));
  auto body = to_json(cartridge);
  body["uuid"] = cartridge.volume.text();
  const auto there = engine.parts.back_end.find(barcode);
  body["place"] = there ? there->place : std::string();
  body["only_copies"] = TRY(engine::only_there(engine.parts, barcode)).size();
  return json_answer(std::move(body));
}

json::array map_items(const std::vector<engine::PlacedVolume>& found) {
  json::array items;
  for (const auto& placed : found) {
    const auto& copy = *placed.volume.copy(placed.copy);
    items.push_back(json::object{{"file", copy.file},
                                 {"volser", placed.volume.volser},
                                 {"copy", to_string(placed.copy)},
                                 {"bytes", copy.bytes},
                                 {"generation", copy.generation},
                                 {"category", to_string(placed.volume.category)},
                                 {"storage_group", placed.volume.storage_group},
                                 {"cached", placed.volume.cached}});
  }
  return items;
}

// The volume map: `after` is the last file that was told.
Result<Answer> show_map(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto barcode = barcode_of(request);
  const auto page = TRY(page_of(request.arguments));
  const auto after = page.after.empty() ? 0 : TRY(parse_number(page.after, 0, UINT32_MAX - 1, "after")) + 1;
  std::vector<engine::PlacedVolume> found;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    (void)TRY(view.cartridge(barcode));
    found = TRY(view.volumes_on(barcode, static_cast<std::uint32_t>(after), page.limit));
    return {};
  }));
  std::string next;
  if (found.size() == page.limit) next = std::to_string(found.back().volume.copy(found.back().copy)->file);
  return json_answer(json::object{{"items", map_items(found)}, {"next", next}});
}

Result<Answer> insert(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto barcodes = TRY(engine::named_range(request.arguments.text("barcodes"), "barcodes"));
  const auto pool = TRY(pool_in(request.arguments, "pool")).value_or(engine::kCommonPool);
  return change(services, request, "physical-volume.insert", {{"cartridges", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  return lines_json(TRY(engine::insert_cartridges(engine.parts, barcodes, pool)));
                });
}

Result<Answer> assign(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto barcodes = TRY(engine::named_range(request.arguments.text("barcode"), "barcode"));
  const auto pool = TRY(pool_in(request.arguments, "pool")).value_or(engine::kCommonPool);
  return change(services, request, "physical-volume.assign", {{"cartridges", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  TRY(engine::assign_cartridges(engine.parts, barcodes, pool));
                  return json::object{{"cartridges", barcodes.size()}, {"pool", pool}};
                });
}

struct Move {
  MoveRequest::When when = MoveRequest::When::kNone;
  std::uint8_t target = 0;
};
Result<Move> move_of(const Arguments& arguments) {
  const auto& when = arguments.text("when");
  Move move{.target = TRY(pool_in(arguments, "target_pool")).value_or(0)};
  if (when == "never") return move;
  move.when = when == "now" ? MoveRequest::When::kNow : MoveRequest::When::kWhenEligible;
  if (arguments.has("target_pool")) return move;
  return fail(ErrorCode::kInvalidArgument, "where to is not said", "target_pool", "name a pool of 1 to 32");
}

Result<Answer> move_chosen(const TapedServices& services, const EngineServices& engine,
                           const Request& request, const engine::CartridgeChoice& choice) {
  const auto move = TRY(move_of(request.arguments));
  const auto leave = TRY(clear_leave_in(request));
  return change(
      services, request, "physical-volume.move",
      {{"cartridges", request.arguments.described()},
       {"allow_clear", leave == engine::ClearLeave::kYes ? "yes" : "no"}},
      [&]() -> Result<json::object> {
        return lines_json(TRY(engine::move_contents(engine.parts, choice, move.when, move.target, leave)));
      });
}

Result<Answer> move(const TapedServices& services, const EngineServices& engine, const Request& request) {
  auto barcodes = TRY(engine::named_range(request.arguments.text("barcode"), "barcode"));
  const bool range = barcodes.size() > 1;
  return move_chosen(services, engine, request, {.barcodes = std::move(barcodes), .range = range});
}

Result<Answer> move_pool(const TapedServices& services, const EngineServices& engine,
                         const Request& request) {
  const auto pool = TRY(pool_number(request.arguments.text("pool"), "pool"));
  return move_chosen(services, engine, request, {.pool = pool});
}

// What goes with it: who gets the cartridge must have the keys.
Result<json::object> packing_list(const EngineServices& engine, const std::string& barcode,
                                  const std::string& place) {
  engine::PhysicalVolume cartridge;
  json::array items;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    cartridge = TRY(view.cartridge(barcode));
    items = map_items(TRY(view.volumes_on(barcode, 0, kMaximumEnginePage)));
    return {};
  }));
  std::vector<std::string> notes;
  if (cartridge.encryption == engine::MediumEncryption::kClear)
    notes.emplace_back("It is written in clear: whoever has it can read it.");
  if (cartridge.active_volumes > items.size())
    notes.push_back("These are the first " + std::to_string(items.size()) +
                    "; the volume map of the cartridge has all of them.");
  return json::object{{"barcode", barcode},
                      {"place", place},
                      {"encryption", to_string(cartridge.encryption)},
                      {"labels", labels_text(cartridge.labels)},
                      {"alias", cartridge.alias},
                      {"active_volumes", cartridge.active_volumes},
                      {"active_bytes", cartridge.active_bytes},
                      {"notes", texts(notes)},
                      {"items", std::move(items)}};
}

Result<Answer> take_out(const TapedServices& services, const EngineServices& engine, const Request& request,
                        bool exported) {
  const auto barcode = barcode_of(request);
  return change(
      services, request, exported ? "physical-volume.export" : "physical-volume.eject",
      {{"barcode", barcode}, {"force", forced(request) ? "yes" : "no"}}, [&]() -> Result<json::object> {
        const auto place = TRY(engine::eject_cartridge(engine.parts, barcode, exported, forced(request)));
        return packing_list(engine, barcode, place);
      });
}

using ByHand = Result<std::string> (*)(const engine::OperatorParts&, const std::string&);
EngineHandler by_hand(std::string_view action, std::string_view member, ByHand work) {
  return [action, member, work](const TapedServices& services, const EngineServices& engine,
                                const Request& request) -> Result<Answer> {
    const auto barcode = barcode_of(request);
    return change(services, request, action, {{"barcode", barcode}}, [&]() -> Result<json::object> {
      return json::object{{"barcode", barcode}, {member, TRY(work(engine.parts, barcode))}};
    });
  };
}

Result<Answer> mark_damaged(const TapedServices& services, const EngineServices& engine,
                            const Request& request) {
  const auto barcode = barcode_of(request);
  const auto note = request.arguments.text_or("note", "");
  return change(services, request, "physical-volume.mark-damaged", {{"barcode", barcode}, {"note", note}},
                [&]() -> Result<json::object> {
                  const auto done = TRY(engine::mark_damaged(engine.parts, barcode, note, forced(request)));
                  return json::object{{"barcode", barcode},
                                      {"copies_written_anew", done.from_cache + done.from_other},
                                      {"from_other_cartridges", done.from_other},
                                      {"without_another_copy", done.only}};
                });
}

// Orders for one cartridge that say no more than which.
EngineHandler simple(std::string_view action, std::string_view outcome,
                     Status (*work)(const engine::OperatorParts&, const std::string&)) {
  return [action, outcome, work](const TapedServices& services, const EngineServices& engine,
                                 const Request& request) -> Result<Answer> {
    const auto barcode = barcode_of(request);
    return change(services, request, action, {{"barcode", barcode}}, [&]() -> Result<json::object> {
      TRY(work(engine.parts, barcode));
      return json::object{{"barcode", barcode}, {"state", outcome}};
    });
  };
}

Result<Answer> recall(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto barcode = barcode_of(request);
  return change(services, request, "physical-volume.recall", {{"barcode", barcode}},
                [&]() -> Result<json::object> {
                  const auto lines = TRY(engine.recalls.ask_all_on(engine.parts.catalogue, barcode));
                  if (!lines.empty()) return lines_json(lines);
                  return json::object{{"done", 0}, {"not_done", 0}, {"items", json::array()}};
                });
}

std::vector<FieldSpec> list_fields() {
  return with_page_fields(
      {{.name = "pool", .type = FieldType::kInteger, .place = FieldPlace::kQuery, .meaning = "0 to 32"},
       {.name = "state", .place = FieldPlace::kQuery, .meaning = "one state", .choices = state_names()},
       {.name = "encryption",
        .place = FieldPlace::kQuery,
        .meaning = "how it was written from its beginning",
        .choices = encryption_names()},
       {.name = "label",
        .place = FieldPlace::kQuery,
        .meaning = "a key label, or a key's alias",
        .limit = 64},
       {.name = "prefix", .place = FieldPlace::kQuery, .meaning = "how the barcode begins", .limit = 32}});
}

std::vector<FieldSpec> move_fields() {
  return {{.name = "when",
           .required = true,
           .meaning = "now, when-eligible (for reclaim), or never, which takes the wish back",
           .choices = {"now", "when-eligible", "never"}},
          {.name = "target_pool",
           .type = FieldType::kInteger,
           .meaning = "to which pool the volumes go, 1 to 32"},
          kAllowClear};
}

FieldSpec pool_field(bool required, std::string_view meaning) {
  return {.name = "pool", .type = FieldType::kInteger, .required = required, .meaning = meaning};
}

using Order =
    std::function<void(std::string_view method, std::string_view pattern, std::string_view summary,
                       std::vector<FieldSpec> fields, std::string_view answer, EngineHandler handler)>;

void add_contents(const Order& order) {
  order("POST", "/v1/physical-volumes/{barcode}/move",
        "Have what lies on a cartridge, or a range FIRST-LAST, moved to cartridges of another pool.",
        move_fields(), "A line for each.", move);
  order("POST", "/v1/pools/{pool}/move", "Have what lies on all cartridges of a pool moved to another pool.",
        move_fields(), "A line for each; 1000 cartridges at once.", move_pool);
  order("POST", "/v1/physical-volumes/{barcode}/recall",
        "Bring every volume that lies on a cartridge back into the cache.", {}, "A line for each.", recall);
}

void add_states(const Order& order) {
  const auto out = [](bool exported) -> EngineHandler {
    return [exported](const TapedServices& services, const EngineServices& engine, const Request& request) {
      return take_out(services, engine, request, exported);
    };
  };
  order("POST", "/v1/physical-volumes/{barcode}/eject", "Take a cartridge out of the library.", {kForce},
        "Where it can be taken, what lies on it, and which keys open it.", out(false));
  order("POST", "/v1/physical-volumes/{barcode}/export", "Take a cartridge out for another site.", {kForce},
        "As of an ejection.", out(true));
  order("POST", "/v1/physical-volumes/{barcode}/take-away",
        "Take an ejected cartridge out of the import/export slot of its virtual library.", {},
        "Where its file lies.", by_hand("physical-volume.take-away", "file", engine::take_away_cartridge));
  order("POST", "/v1/physical-volumes/{barcode}/bring-back",
        "Put a cartridge that was taken away into an import/export slot of its virtual library.", {},
        "Its place; it is inserted next.",
        by_hand("physical-volume.bring-back", "place", engine::bring_back_cartridge));
  order("POST", "/v1/physical-volumes/{barcode}/close", "Write no more to a cartridge.", {}, "Its state.",
        simple("physical-volume.close", "closed", engine::close_cartridge));
  order("POST", "/v1/physical-volumes/{barcode}/mark-damaged", "Rely on nothing of a cartridge any more.",
        {kForce, {.name = "note", .meaning = "what is wrong with it", .limit = 256}},
        "How many copies are written anew, how many of them from other cartridges, and how many have nothing "
        "to "
        "be written from.",
        mark_damaged);
  order("POST", "/v1/physical-volumes/{barcode}/clear-damage",
        "Read a cartridge again that was found good; it takes no more.", {}, "Its state.",
        simple("physical-volume.clear-damage", "good", engine::clear_damage));
  order("POST", "/v1/physical-volumes/{barcode}/erase",
        "Have a cartridge without active data overwritten before it is scratch.", {}, "Its state.",
        simple("physical-volume.erase", "awaiting-erase", engine::request_erase));
  order("DELETE", "/v1/physical-volumes/{barcode}", "Forget a cartridge that holds nothing active.", {},
        "Its barcode.", simple("physical-volume.withdraw", "withdrawn", engine::withdraw_cartridge));
}

}  // namespace

std::vector<Route> physical_volume_routes(const TapedServices& services) {
  std::vector<Route> routes;
  const Order order = [&](std::string_view method, std::string_view pattern, std::string_view summary,
                          std::vector<FieldSpec> fields, std::string_view answer, EngineHandler handler) {
    routes.push_back(engine_order(services, method, pattern, kMayChange, kNoun, summary, std::move(fields),
                                  answer, std::move(handler)));
  };
  routes.push_back(engine_look(services, "/v1/physical-volumes", kNoun,
                               "List cartridges by pool, state, encryption and key label.", list_fields(),
                               "By barcode.", list));
  routes.push_back(engine_look(services, "/v1/physical-volumes/{barcode}", kNoun, "Show one cartridge.", {},
                               "What is known of it, and how many volumes have their only copy there.",
                               show));
  routes.push_back(engine_look(services, "/v1/physical-volumes/{barcode}/volumes", kNoun,
                               "List the volumes on a cartridge.", with_page_fields({}), "In tape order.",
                               show_map));
  order("POST", "/v1/physical-volumes", "Take cartridges that stand in the library behind the engine.",
        {{.name = "barcodes",
          .required = true,
          .meaning = "one barcode, or FIRST-LAST such as P00001L9-P00020L9",
          .limit = 64},
         pool_field(false, "0 to 32; 0, the common pool, unless given")},
        "A line for each.", insert);
  order("POST", "/v1/physical-volumes/{barcode}/assign",
        "Give an empty cartridge, or a range, to another pool.", {pool_field(true, "0 to 32")}, "The pool.",
        assign);
  add_contents(order);
  add_states(order);
  return routes;
}

}  // namespace tapewarden::admin
