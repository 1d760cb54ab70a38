// Migrations of pools (T7): what one would do, the order, how far it is.
#include "admin/taped/engine_support.h"
#include "base/text.h"
#include "engine/operator/migration_parts.h"

namespace tapewarden::admin {
namespace {

using engine::LabelMode;
using engine::MoveRequest;
using engine::PoolEncryption;
using engine::PoolKeys;

// The routes' own: what one begins another one goes on with, for everything stands in the catalogue.
engine::PoolMigrations migrations_of(const EngineServices& engine) {
  return engine::PoolMigrations(engine::migration_parts(engine.parts, engine.reclaim_inhibited));
}

std::string_view when_text(MoveRequest::When when) {
  return when == MoveRequest::When::kNow ? "now" : "when-eligible";
}

void add_keys(json::object& out, const PoolKeys& keys) {
  out["encryption"] = to_string(keys.encryption);
  out["labels"] = keys.encryption == PoolEncryption::kWrapped ? labels_text(keys.labels) : std::string();
  out["key_group"] = keys.encryption == PoolEncryption::kIdentified ? keys.key_group : std::string();
}

std::string value_text(const engine::MigratedSetting& setting, std::uint8_t value) {
  if (setting.kind == engine::MigratedSetting::Kind::kBorrow)
    return std::string(to_string(static_cast<engine::Borrow>(value)));
  return std::to_string(value);
}

json::array settings_json(const std::vector<engine::MigratedSetting>& settings) {
  json::array items;
  for (const auto& setting : settings)
    items.push_back(json::object{{"setting", to_string(setting.kind)},
                                 {"name", setting.name},
                                 {"before", value_text(setting, setting.before)},
                                 {"after", value_text(setting, setting.after)}});
  return items;
}

json::array conflicts_json(const engine::MigrationPlan& plan) {
  json::array items;
  for (const auto& conflict : plan.conflicts)
    items.push_back(json::object{{"kind", to_string(conflict.kind)},
                                 {"refuses", conflict.refuses},
                                 {"text", conflict.text},
                                 {"remedy", conflict.remedy}});
  return items;
}

json::array cartridges_json(const std::vector<engine::PhysicalVolume>& cartridges) {
  json::array items;
  for (const auto& cartridge : cartridges)
    items.push_back(json::object{{"barcode", cartridge.barcode},
                                 {"state", to_string(cartridge.state)},
                                 {"active_volumes", cartridge.active_volumes},
                                 {"note", cartridge.note}});
  return items;
}

json::object plan_json(const engine::MigrationPlan& plan) {
  const auto moving = plan.tally.to_move();
  json::object out{{"source", plan.migration.source},
                   {"target", plan.migration.target},
                   {"when", when_text(plan.migration.when)},
                   {"may_begin", plan.refusal() == nullptr}};
  add_keys(out, plan.migration.keys);
  out["changes_keys"] = plan.changes_keys;
  out["settings"] = settings_json(plan.settings);
  out["cartridges"] = moving.cartridges;
  out["volumes"] = moving.volumes;
  out["bytes"] = moving.bytes;
  out["partly_filled"] = plan.tally.filling.cartridges;
  out["emptied"] = plan.tally.emptied;
  out["due_copies"] = plan.due.copies;
  out["due_bytes"] = plan.due.bytes;
  out["stuck"] = cartridges_json(plan.tally.in_the_way);
  out["stuck_cartridges"] = plan.tally.stuck.cartridges;
  out["source_mounts"] = plan.source_mounts;
  out["target_mounts"] = plan.target_mounts;
  out["scratch_needed"] = plan.scratch_needed;
  out["scratch_there"] = plan.scratch_there;
  out["scratch_returning"] = plan.scratch_returning;
  out["room_bytes"] = plan.room_bytes;
  out["drive_bytes_per_second"] = plan.rates.drive_bytes_per_second;
  out["mount_seconds"] = plan.rates.mount_seconds;
  out["drives"] = plan.rates.drives;
  out["cartridge_bytes"] = plan.rates.cartridge_bytes;
  out["cartridge_bytes_measured"] = plan.capacity_measured;
  out["seconds"] = plan.duration.count();
  out["conflicts"] = conflicts_json(plan);
  return out;
}

json::array hindrances_json(const std::vector<engine::MigrationHindrance>& hindrances) {
  json::array items;
  for (const auto& hindrance : hindrances)
    items.push_back(json::object{
        {"kind", to_string(hindrance.kind)}, {"subject", hindrance.subject}, {"text", hindrance.text}});
  return items;
}

json::object progress_json(const engine::MigrationProgress& progress) {
  const auto& migration = progress.migration;
  const auto left = progress.tally.left();
  json::object out{{"number", migration.number},
                   {"source", migration.source},
                   {"target", migration.target},
                   {"state", to_string(migration.state)},
                   {"when", when_text(migration.when)}};
  add_keys(out, migration.keys);
  out["requested"] = time_text(migration.requested);
  out["requested_by"] = migration.requested_by;
  out["ended"] = time_text(migration.ended_at);
  out["percent"] = progress.percent;
  out["cartridges_done"] = progress.done.cartridges;
  out["cartridges_left"] = left.cartridges;
  out["volumes_done"] = progress.done.volumes;
  out["volumes_left"] = left.volumes;
  out["bytes_done"] = progress.done.bytes;
  out["bytes_left"] = left.bytes;
  out["due_copies"] = progress.due.copies;
  out["bytes_per_second"] = progress.bytes_per_second;
  out["estimated_end"] = time_text(progress.estimated_end);
  out["hindrances"] = hindrances_json(progress.hindrances);
  return out;
}

template <typename Value, std::size_t Size>
std::optional<Value> choice_in(const Arguments& arguments, std::string_view field,
                               const std::array<Value, Size>& values) {
  const auto text = arguments.optional_text(field);
  for (const auto value : values)
    if (text && *text == engine::to_string(value)) return value;
  return std::nullopt;
}

constexpr std::array kEncryptions{PoolEncryption::kWrapped, PoolEncryption::kIdentified};
constexpr std::array kModes{LabelMode::kClear, LabelMode::kHash};
constexpr std::array<std::string_view, 6> kKeyFields{"encryption", "label_1", "mode_1",
                                                     "label_2",    "mode_2",  "key_group"};

// Those of the pool with what is given put over them; nothing when nothing is given.
std::optional<PoolKeys> keys_in(const Arguments& arguments, PoolKeys keys) {
  bool given = false;
  for (const auto field : kKeyFields) given = given || arguments.has(field);
  if (!given) return std::nullopt;
  if (arguments.has("label_1")) keys.encryption = PoolEncryption::kWrapped;
  if (arguments.has("key_group")) keys.encryption = PoolEncryption::kIdentified;
  keys.encryption = choice_in(arguments, "encryption", kEncryptions).value_or(keys.encryption);
  keys.labels[0].text = arguments.text_or("label_1", keys.labels[0].text);
  keys.labels[1].text = arguments.text_or("label_2", keys.labels[1].text);
  keys.labels[0].mode = choice_in(arguments, "mode_1", kModes).value_or(keys.labels[0].mode);
  keys.labels[1].mode = choice_in(arguments, "mode_2", kModes).value_or(keys.labels[1].mode);
  keys.key_group = arguments.text_or("key_group", keys.key_group);
  return keys;
}

Result<engine::MigrationRequest> request_of(const EngineServices& engine, const Arguments& arguments) {
  engine::MigrationRequest request;
  request.source = TRY(pool_in(arguments, "source")).value_or(0);
  request.target = TRY(pool_in(arguments, "target")).value_or(0);
  request.when =
      arguments.text_or("when", "now") == "now" ? MoveRequest::When::kNow : MoveRequest::When::kWhenEligible;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    request.keys = keys_in(arguments, PoolKeys::of(TRY(view.pool(request.target))));
    return {};
  }));
  return request;
}

Result<engine::TransferRates> rates_of(const EngineServices& engine, const Arguments& arguments) {
  engine::TransferRates rates = engine.rates ? engine.rates() : engine::TransferRates{};
  const auto take = [&]<typename Number>(std::string_view field, Number& into) -> Status {
    into = TRY(number_in<Number>(arguments, field)).value_or(into);
    return {};
  };
  TRY(take("drive_bytes_per_second", rates.drive_bytes_per_second));
  TRY(take("mount_seconds", rates.mount_seconds));
  TRY(take("drives", rates.drives));
  TRY(take("cartridge_bytes", rates.cartridge_bytes));
  return rates;
}

Result<Answer> plan(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto wanted = TRY(request_of(engine, request.arguments));
  const auto rates = TRY(rates_of(engine, request.arguments));
  return json_answer(plan_json(TRY(migrations_of(engine).plan(wanted, rates))));
}

Result<json::object> shown(engine::PoolMigrations& migrations, std::uint64_t number) {
  return progress_json(TRY(migrations.progress(number)));
}

Result<Answer> start(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto wanted = TRY(request_of(engine, request.arguments));
  return change(services, request, "pool.migrate", {{"migration", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  auto migrations = migrations_of(engine);
                  const auto begun = TRY(migrations.start(wanted, request.principal.name));
                  return shown(migrations, begun.number);
                });
}

Result<Answer> list(const TapedServices&, const EngineServices& engine, const Request&) {
  json::array items;
  for (const auto& progress : TRY(migrations_of(engine).all())) items.push_back(progress_json(progress));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<std::uint64_t> number_of(const Request& request) {
  const auto number =
      parse_number(request.arguments.text("number"), 1, std::numeric_limits<std::int64_t>::max(), "number");
  if (number) return *number;
  return fail(ErrorCode::kInvalidArgument, "this is no number of a migration", "number",
              "look at the list of migrations");
}

Result<Answer> show(const TapedServices&, const EngineServices& engine, const Request& request) {
  auto migrations = migrations_of(engine);
  return json_answer(TRY(shown(migrations, TRY(number_of(request)))));
}

Result<Answer> cancel(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto number = TRY(number_of(request));
  return change(services, request, "pool.cancel-migration", {{"migration", std::to_string(number)}},
                [&]() -> Result<json::object> {
                  auto migrations = migrations_of(engine);
                  const bool keep = request.arguments.flag("keep_settings").value_or(false);
                  (void)TRY(migrations.cancel(number, keep));
                  return shown(migrations, number);
                });
}

std::vector<FieldSpec> request_fields(FieldPlace place) {
  const auto text = [&](std::string_view name, std::string_view meaning,
                        std::vector<std::string_view> choices = {}) {
    return FieldSpec{
        .name = name, .place = place, .meaning = meaning, .choices = std::move(choices), .limit = 64};
  };
  const auto pool = [&](std::string_view name, std::string_view meaning) {
    return FieldSpec{
        .name = name, .type = FieldType::kInteger, .place = place, .required = true, .meaning = meaning};
  };
  return {pool("source", "the pool whose data is to be moved, 1 to 32"),
          pool("target", "where to; the same pool: to other keys within it"),
          text("when", "whether filled cartridges are moved at once (unless given) or as reclaim takes them",
               {"now", "when-eligible"}),
          text("encryption", "within a pool: wrapped or identified", {"wrapped", "identified"}),
          text("label_1", "within a pool: the new key label of the first KEK"),
          text("mode_1", "how it stands on the cartridge", {"clear", "hash"}),
          text("label_2", "within a pool: the new key label of the second KEK; empty for none"),
          text("mode_2", "how it stands on the cartridge", {"clear", "hash"}),
          text("key_group", "within a pool: the new key group of LTO cartridges")};
}

std::vector<FieldSpec> plan_fields() {
  auto fields = request_fields(FieldPlace::kQuery);
  const auto add = [&](std::string_view name, std::string_view meaning) {
    fields.push_back(
        {.name = name, .type = FieldType::kInteger, .place = FieldPlace::kQuery, .meaning = meaning});
  };
  add("drive_bytes_per_second", "how fast a drive reads and writes; assumed unless given");
  add("mount_seconds", "how long a mount takes with its way through the library; assumed unless given");
  add("drives", "how many drives the migration may use");
  add("cartridge_bytes", "what fits on a cartridge; measured by those that were filled unless given");
  return fields;
}

}  // namespace

std::vector<Route> pool_migration_routes(const TapedServices& services) {
  constexpr std::string_view kNoun = "pool-migrations";
  constexpr std::string_view kProgress = "How far it is, its rate, and what holds it up.";
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/pool-migrations/plan", kNoun,
                               "Tell what a migration would do; nothing is changed.", plan_fields(),
                               "Settings, cartridges, mounts, time, and what is in the way.", plan));
  routes.push_back(engine_look(services, "/v1/pool-migrations", kNoun,
                               "List the migrations, the newest first.", {}, kProgress, list));
  routes.push_back(engine_look(services, "/v1/pool-migrations/{number}", kNoun, "Show one migration.", {},
                               kProgress, show));
  routes.push_back(engine_order(services, "POST", "/v1/pool-migrations", Permission::kChangeSettings, kNoun,
                                "Begin a migration of a pool to another pool, or to other keys.",
                                request_fields(FieldPlace::kBody), kProgress, start));
  routes.push_back(engine_order(services, "POST", "/v1/pool-migrations/{number}/cancel",
                                Permission::kChangeSettings, kNoun,
                                "Take back what a migration has not carried out yet.",
                                {{.name = "keep_settings",
                                  .type = FieldType::kFlag,
                                  .meaning = "leave pools and constructs as the migration changed them"}},
                                kProgress, cancel));
  return routes;
}

}  // namespace tapewarden::admin
