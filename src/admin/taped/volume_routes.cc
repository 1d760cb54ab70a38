// Logical volumes (T1, T2), their recall by operators (T7), and where their copies lie (T10).
#include "admin/taped/engine_support.h"
#include "base/counted.h"
#include "base/text.h"
#include "engine/operator/construct_orders.h"
#include "engine/operator/evict_orders.h"
#include "engine/operator/names.h"
#include "engine/operator/volume_orders.h"

namespace tapewarden::admin {
namespace {

using engine::Category;
using engine::LogicalVolume;

constexpr std::string_view kNoun = "logical volumes";
constexpr auto kMayChange = Permission::kChangeLibrary;

Result<std::vector<std::string>> volsers_of(const Request& request) {
  return engine::named_range(request.arguments.text("volser"), "volser");
}

Result<engine::VolumeFilter> filter_of(const Arguments& arguments) {
  engine::VolumeFilter filter{.storage_group = construct_name(arguments.text_or("storage_group", "")),
                              .pool = TRY(pool_in(arguments, "pool")),
                              .prefix = to_upper(arguments.text_or("prefix", ""))};
  if (const auto category = arguments.optional_text("category"))
    filter.category = *category == to_string(Category::kScratch) ? Category::kScratch : Category::kPrivate;
  return filter;
}

// The drive that has it. One that a drive waits for, while it comes into the cache, is in no drive yet as far
// as the catalogue goes; the host that mounted it sees it there.
void add_mounted(json::object& body, const EngineServices& engine, const LogicalVolume& volume) {
  if (!volume.mounted.empty()) return;
  const auto place = engine.parts.shelf.place_of(volume.volser);
  if (place.starts_with("drive ")) body["mounted"] = place.substr(place.find(' ') + 1) + " (waits for it)";
}

Result<Answer> list_volumes(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto filter = TRY(filter_of(request.arguments));
  const auto page = TRY(page_of(request.arguments));
  engine::Page<LogicalVolume> found;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    found = TRY(view.volumes(filter, page));
    return {};
  }));
  json::array items;
  for (const auto& volume : found.items) {
    auto item = to_json(volume);
    add_mounted(item, engine, volume);
    items.push_back(std::move(item));
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", found.next}});
}

json::object copy_json(const engine::CopySheet& copy) {
  json::object out{
      {"copy", to_string(copy.number)}, {"physical_volume", copy.copy.cartridge}, {"file", copy.copy.file},
      {"bytes", copy.copy.bytes},       {"generation", copy.copy.generation},     {"active", copy.active},
      {"readable", copy.there}};
  if (!copy.cartridge) return out;
  out["pool"] = copy.cartridge->pool;
  out["medium"] = to_string(copy.cartridge->kind);
  out["state"] = to_string(copy.cartridge->state);
  out["encryption"] = to_string(copy.cartridge->encryption);
  out["labels"] = labels_text(copy.cartridge->labels);
  out["alias"] = copy.cartridge->alias;
  return out;
}

Result<Answer> show_volume(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto volser = to_upper(request.arguments.text("volser"));
  const auto sheet = TRY(engine::volume_sheet(engine.parts.catalogue, volser));
  const auto& volume = sheet.volume;
  auto body = to_json(volume);
  body["place"] = engine.parts.shelf.place_of(volser);
  add_mounted(body, engine, volume);
  body["uuid"] = volume.volume.text();
  body["generation"] = volume.generation;
  body["deleted_generation"] = volume.deleted_generation;
  body["inserted"] = time_text(volume.inserted);
  body["scratched"] = time_text(volume.scratched);
  body["primary_due"] = volume.primary_due ? json::value(volume.primary_pool) : json::value("");
  body["secondary_due"] = volume.secondary_due ? json::value(volume.secondary_pool) : json::value("");
  body["next_primary_pool"] = sheet.next_primary_pool;
  body["next_secondary_pool"] = sheet.next_secondary_pool;
  json::array copies;
  for (const auto& copy : sheet.copies) copies.push_back(copy_json(copy));
  body["copies"] = std::move(copies);
  return json_answer(std::move(body));
}

Result<engine::NewVolumes> wanted_of(const Arguments& arguments) {
  engine::NewVolumes wanted;
  wanted.volsers = TRY(engine::named_range(arguments.text("volsers"), "volsers"));
  if (const auto size = TRY(number_in<std::uint32_t>(arguments, "size_mib"))) wanted.size_mib = *size;
  if (media_in(arguments, "kind") == engine::MediumKind::k3592) wanted.kind = tape::MediumKind::k3592;
  wanted.storage_group = construct_name(arguments.text_or("storage_group", "default"));
  wanted.management_class = construct_name(arguments.text_or("management_class", "default"));
  wanted.preference = TRY(number_in<std::uint8_t>(arguments, "preference")).value_or(wanted.preference);
  return wanted;
}

Result<Answer> insert(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto wanted = TRY(wanted_of(request.arguments));
  return change(services, request, "volume.insert", {{"volumes", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  const auto done = TRY(engine::insert_volumes(engine.parts, wanted));
                  return json::object{{"inserted", done.inserted}, {"found", done.found}};
                });
}

// One transaction over all that are named.
Result<Answer> each(const TapedServices& services, const Request& request, std::string_view action,
                    const std::string& note,
                    const std::function<Status(const std::vector<std::string>&)>& work) {
  const auto volsers = TRY(volsers_of(request));
  return change(services, request, action, {{"volumes", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  TRY(work(volsers));
                  json::object body{{"volumes", volsers.size()}};
                  if (!note.empty()) body["notes"] = texts({note});
                  return body;
                });
}

Result<Answer> set_volume(const TapedServices& services, const EngineServices& engine,
                          const Request& request) {
  const auto& arguments = request.arguments;
  const engine::VolumeChange wanted{.storage_group = construct_in(arguments, "storage_group"),
                                    .management_class = construct_in(arguments, "management_class"),
                                    .preference = TRY(number_in<std::uint8_t>(arguments, "preference")),
                                    .leave = TRY(clear_leave_in(request))};
  return each(services, request, "volume.set", std::string(engine::kConstructsTakeEffect),
              [&](const auto& volsers) { return engine::change_volumes(engine.parts, volsers, wanted); });
}

Result<Answer> scratch(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto hours = TRY(number_in<std::uint32_t>(request.arguments, "expire_hours"));
  const std::string note = hours ? "what they hold is deleted after " + counted(*hours, "hour") +
                                       ", or when a host takes them anew"
                                 : "what they hold stays until a host takes them anew";
  return each(services, request, "volume.scratch", note,
              [&](const auto& volsers) { return engine::return_to_scratch(engine.parts, volsers, hours); });
}

Result<Answer> make_private(const TapedServices& services, const EngineServices& engine,
                            const Request& request) {
  return each(services, request, "volume.private", "",
              [&](const auto& volsers) { return engine::make_private(engine.parts, volsers); });
}

// One after the other, with a line for each.
Result<Answer> lines(
    const TapedServices& services, const Request& request, std::string_view action,
    const std::function<std::vector<engine::OrderLine>(const std::vector<std::string>&)>& work) {
  const auto volsers = TRY(volsers_of(request));
  return change(services, request, action, {{"volumes", request.arguments.text("volser")}},
                [&] { return lines_json(work(volsers)); });
}

Result<Answer> evict(const TapedServices& services, const EngineServices& engine, const Request& request) {
  return lines(services, request, "volume.evict",
               [&](const auto& volsers) { return engine::evict_volumes(engine.parts, volsers); });
}

Result<Answer> recall(const TapedServices& services, const EngineServices& engine, const Request& request) {
  return lines(services, request, "volume.recall",
               [&](const auto& volsers) { return engine.recalls.ask(engine.parts.catalogue, volsers); });
}

Result<Answer> withdraw(const TapedServices& services, const EngineServices& engine, const Request& request) {
  return lines(services, request, "volume.withdraw",
               [&](const auto& volsers) { return engine::withdraw_volumes(engine.parts, volsers); });
}

Result<Answer> delete_expired(const TapedServices& services, const EngineServices& engine,
                              const Request& request) {
  return change(services, request, "volume.delete-expired", {}, [&]() -> Result<json::object> {
    const auto done = TRY(engine::delete_expired(engine.parts));
    return json::object{
        {"volumes", done.volumes}, {"cached_bytes", done.cached_bytes}, {"tape_bytes", done.tape_bytes}};
  });
}

Result<Answer> list_recalls(const TapedServices&, const EngineServices& engine, const Request&) {
  json::array items;
  for (const auto& recall : engine.recalls.list()) {
    const bool ended = recall.ended != WallTime{};
    const auto waits = !ended && engine.waits_for_room ? engine.waits_for_room(recall.volser) : std::string();
    items.push_back(json::object{{"volser", recall.volser},
                                 {"state", recall.state},
                                 {"asked", time_text(recall.asked)},
                                 {"ended", time_text(recall.ended)},
                                 {"problem", waits.empty() ? recall.problem : waits}});
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> list_copies(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto& arguments = request.arguments;
  const engine::CopyFilter filter{.pool = TRY(pool_in(arguments, "pool")),
                                  .encryption = encryption_in(arguments),
                                  .label = arguments.text_or("label", "")};
  const auto found = TRY(engine::find_copies(engine.parts.catalogue, filter, TRY(page_of(arguments))));
  json::array items;
  for (const auto& copy : found.items)
    items.push_back(json::object{{"volser", copy.volser},
                                 {"copy", to_string(copy.number)},
                                 {"physical_volume", copy.copy.cartridge},
                                 {"file", copy.copy.file},
                                 {"bytes", copy.copy.bytes},
                                 {"pool", copy.cartridge.pool},
                                 {"encryption", to_string(copy.cartridge.encryption)},
                                 {"labels", labels_text(copy.cartridge.labels)},
                                 {"alias", copy.cartridge.alias}});
  json::object body{{"items", std::move(items)}, {"next", found.next}};
  TRY(note_unknown_label(body, engine, arguments));
  return json_answer(std::move(body));
}

FieldSpec query(std::string_view name, std::string_view meaning) {
  return {.name = name, .place = FieldPlace::kQuery, .meaning = meaning, .limit = 64};
}

std::vector<FieldSpec> construct_fields() {
  return {{.name = "storage_group", .meaning = "names the pool of the primary copy", .limit = 8},
          {.name = "management_class", .meaning = "names the pool of the second copy", .limit = 8},
          {.name = "preference",
           .type = FieldType::kInteger,
           .meaning = "0: leaves the cache first, the largest before others; 1: by last access"}};
}

std::vector<FieldSpec> set_fields() {
  auto fields = construct_fields();
  fields.push_back(kAllowClear);
  return fields;
}

std::vector<FieldSpec> insert_fields() {
  auto fields = construct_fields();
  fields.push_back({.name = "volsers",
                    .required = true,
                    .meaning = "one volser, or FIRST-LAST such as A00001-A00100",
                    .limit = 64});
  fields.push_back({.name = "size_mib",
                    .type = FieldType::kInteger,
                    .meaning = "400, 800 (unless given), 1000, 2000, 4000, 6000, 25000 or 65000"});
  fields.push_back(
      {.name = "kind", .meaning = "the medium that drives see, LTO unless given", .choices = media_names()});
  return fields;
}

std::vector<FieldSpec> list_fields() {
  return with_page_fields({{.name = "category",
                            .place = FieldPlace::kQuery,
                            .meaning = "scratch or private",
                            .choices = {"scratch", "private"}},
                           query("storage_group", "one storage group"),
                           {.name = "pool",
                            .type = FieldType::kInteger,
                            .place = FieldPlace::kQuery,
                            .meaning = "in which an active copy lies; not with category or storage group"},
                           query("prefix", "how the volser begins")});
}

std::vector<FieldSpec> copy_fields() {
  return with_page_fields({{.name = "pool",
                            .type = FieldType::kInteger,
                            .place = FieldPlace::kQuery,
                            .meaning = "in which the copy lies"},
                           {.name = "encryption",
                            .place = FieldPlace::kQuery,
                            .meaning = "how its cartridge was written",
                            .choices = encryption_names()},
                           query("label", "a key label or key's alias of its cartridge")});
}

}  // namespace

std::vector<Route> volume_routes(const TapedServices& services) {
  std::vector<Route> routes;
  const auto look = [&](std::string_view pattern, std::string_view summary, std::vector<FieldSpec> fields,
                        std::string_view answer, EngineHandler handler) {
    routes.push_back(
        engine_look(services, pattern, kNoun, summary, std::move(fields), answer, std::move(handler)));
  };
  const auto order = [&](std::string_view method, std::string_view pattern, std::string_view summary,
                         std::vector<FieldSpec> fields, std::string_view answer, EngineHandler handler) {
    routes.push_back(engine_order(services, method, pattern, kMayChange, kNoun, summary, std::move(fields),
                                  answer, std::move(handler)));
  };
  look("/v1/volumes", "List logical volumes by volser.", list_fields(), "Category, residence, constructs.",
       list_volumes);
  look("/v1/volumes/{volser}", "Show one logical volume.", {},
       "Where its content is: cache, and each copy with its cartridge and how that was encrypted.",
       show_volume);
  order("POST", "/v1/volumes", "Insert scratch volumes into free slots of the library.", insert_fields(),
        "How many are new, and how many were known and not in the library.", insert);
  order("PATCH", "/v1/volumes/{volser}", "Give a volume, or a range FIRST-LAST, other constructs.",
        set_fields(), "How many, and when it counts.", set_volume);
  order("POST", "/v1/volumes/{volser}/scratch", "Return a volume, or a range, to scratch.",
        {{.name = "expire_hours",
          .type = FieldType::kInteger,
          .meaning = "its content may be deleted after so many hours; unless given, when it is used anew"}},
        "How many, and what becomes of their content.", scratch);
  order("POST", "/v1/volumes/{volser}/private",
        "Make a scratch volume, or a range, private again with the content that is still there.", {},
        "How many.", make_private);
  order("POST", "/v1/volumes/{volser}/recall", "Bring a volume, or a range, back into the cache.", {},
        "A line for each; /v1/recalls tells what became of it.", recall);
  order("POST", "/v1/volumes/{volser}/evict",
        "Take a volume, or a range, out of the cache: what is on tape as its constructs want.", {},
        "A line for each.", evict);
  order("DELETE", "/v1/volumes/{volser}",
        "Take a scratch volume, or a range, off the library; its content is gone.", {}, "A line for each.",
        withdraw);
  order("POST", "/v1/volumes/delete-expired", "Delete what scratch volumes hold whose time is over.", {},
        "How many.", delete_expired);
  look("/v1/recalls", "List what operators want back in the cache, and what became of it.", {},
       "Open ones first, then the newest that ended.", list_recalls);
  look("/v1/volume-copies", "List copies on tape by pool, key label and encryption.", copy_fields(),
       "By cartridge, and in tape order on each.", list_copies);
  return routes;
}

}  // namespace tapewarden::admin
