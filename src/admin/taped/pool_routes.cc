// Pools, and how their cartridges were written (T3, T10).
#include "admin/taped/engine_support.h"
#include "engine/operator/pool_orders.h"
#include "engine/operator/rekey_orders.h"

namespace tapewarden::admin {
namespace {

using engine::Borrow;
using engine::LabelMode;
using engine::Pool;
using engine::PoolEncryption;

json::object to_json(const Pool& pool) {
  return {{"pool", pool.number},
          {"name", pool.name},
          {"media", to_string(pool.media)},
          {"borrow", to_string(pool.borrow)},
          {"reclaim_pool", pool.reclaim_pool},
          {"reclaim_in_clear", pool.clear_reclaim_pool != 0 && pool.clear_reclaim_pool == pool.reclaim_pool},
          {"encryption", to_string(pool.encryption)},
          {"label_1", pool.labels[0].text},
          {"mode_1", to_string(pool.labels[0].mode)},
          {"label_2", pool.labels[1].text},
          {"mode_2", to_string(pool.labels[1].mode)},
          {"key_group", pool.key_group},
          {"secure_erase_days", pool.secure_erase_days},
          {"threshold_percent", pool.reclaim.threshold_percent},
          {"days_without_access", pool.reclaim.days_without_access},
          {"days_since_written", pool.reclaim.days_since_written},
          {"days_without_inactivation", pool.reclaim.days_without_inactivation},
          {"max_active_percent", pool.reclaim.max_active_percent},
          {"max_drives", pool.max_drives}};
}

// What the pool's keys are named by: labels or group, as its encryption has it.
std::string keys_text(const Pool& pool) {
  if (pool.encryption == PoolEncryption::kWrapped) return labels_text(pool.labels);
  return pool.encryption == PoolEncryption::kIdentified ? pool.key_group : std::string();
}

void add_counts(json::object& pool, std::uint8_t number, const std::vector<engine::CartridgeTotal>& totals) {
  engine::CartridgeTotal::Sums all;
  std::int64_t scratch = 0;
  for (const auto& total : totals) {
    if (total.key.pool != number) continue;
    all.cartridges += total.sums.cartridges;
    all.active_bytes += total.sums.active_bytes;
    all.active_volumes += total.sums.active_volumes;
    if (total.key.state == engine::CartridgeState::kScratch) scratch += total.sums.cartridges;
  }
  pool["cartridges"] = all.cartridges;
  pool["scratch"] = scratch;
  pool["active_volumes"] = all.active_volumes;
  pool["active_bytes"] = all.active_bytes;
}

Result<Answer> list_pools(const TapedServices&, const EngineServices& engine, const Request&) {
  json::array items;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    items.clear();
    const auto totals = TRY(view.cartridge_totals());
    for (const auto& pool : TRY(view.pools())) {
      auto item = to_json(pool);
      item["keys"] = keys_text(pool);
      add_counts(item, pool.number, totals);
      items.push_back(std::move(item));
    }
    return {};
  }));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> show_pool(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto number = TRY(pool_number(request.arguments.text("pool"), "pool"));
  json::object body;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    body = to_json(TRY(view.pool(number)));
    add_counts(body, number, TRY(view.cartridge_totals()));
    return {};
  }));
  const auto rekeys = TRY(engine::rekey_progress(engine.parts.catalogue, engine.parts.notices, number));
  body["rekeys_asked"] = rekeys.asked;
  body["rekeys_waiting"] = rekeys.waiting;
  body["rekeys_refused"] = rekeys.refused;
  return json_answer(std::move(body));
}

template <typename Value, std::size_t Size>
std::optional<Value> choice_in(const Arguments& arguments, std::string_view field,
                               const std::array<Value, Size>& values) {
  const auto text = arguments.optional_text(field);
  for (const auto value : values)
    if (text && *text == engine::to_string(value)) return value;
  return std::nullopt;
}

constexpr std::array kBorrows{Borrow::kNo, Borrow::kBorrowAndReturn, Borrow::kBorrowAndKeep};
constexpr std::array kPoolEncryptions{PoolEncryption::kOff, PoolEncryption::kWrapped,
                                      PoolEncryption::kIdentified};
constexpr std::array kModes{LabelMode::kClear, LabelMode::kHash};

Result<engine::PoolChange> change_of(const Arguments& arguments) {
  engine::PoolChange change;
  change.name = arguments.optional_text("name");
  change.media = media_in(arguments, "media");
  change.borrow = choice_in(arguments, "borrow", kBorrows);
  change.reclaim_pool = TRY(pool_in(arguments, "reclaim_pool"));
  change.encryption = choice_in(arguments, "encryption", kPoolEncryptions);
  change.labels = {arguments.optional_text("label_1"), arguments.optional_text("label_2")};
  change.modes = {choice_in(arguments, "mode_1", kModes), choice_in(arguments, "mode_2", kModes)};
  change.key_group = arguments.optional_text("key_group");
  change.secure_erase_days = TRY(number_in<std::uint16_t>(arguments, "secure_erase_days"));
  change.threshold_percent = TRY(number_in<std::uint8_t>(arguments, "threshold_percent"));
  change.days_without_access = TRY(number_in<std::uint16_t>(arguments, "days_without_access"));
  change.days_since_written = TRY(number_in<std::uint16_t>(arguments, "days_since_written"));
  change.days_without_inactivation = TRY(number_in<std::uint16_t>(arguments, "days_without_inactivation"));
  change.max_active_percent = TRY(number_in<std::uint8_t>(arguments, "max_active_percent"));
  change.max_drives = TRY(number_in<std::uint8_t>(arguments, "max_drives"));
  change.unchecked = arguments.flag("unchecked").value_or(false);
  if (arguments.flag(kAllowClear.name).value_or(false)) change.leave = engine::ClearLeave::kYes;
  return change;
}

Result<Answer> set_pool(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto number = TRY(pool_number(request.arguments.text("pool"), "pool"));
  const auto wanted = TRY(change_of(request.arguments));
  return change(services, request, "pool.set", {{"settings", request.arguments.described()}},
                [&]() -> Result<json::object> {
                  const auto done = TRY(engine::set_pool(engine.parts, number, wanted));
                  auto body = to_json(done.pool);
                  body["notes"] = texts(done.notes);
                  return body;
                });
}

Result<engine::CopyFilter> filter_of(const Arguments& arguments) {
  return engine::CopyFilter{.pool = TRY(pool_in(arguments, "pool")),
                            .encryption = encryption_in(arguments),
                            .label = arguments.text_or("label", "")};
}

Result<Answer> show_use(const TapedServices&, const EngineServices& engine, const Request& request) {
  json::array items;
  for (const auto& use : TRY(engine::pool_use(engine.parts.catalogue, TRY(filter_of(request.arguments)))))
    items.push_back(json::object{{"pool", use.pool},
                                 {"encryption", to_string(use.encryption)},
                                 {"labels", labels_text(use.labels)},
                                 {"cartridges", use.cartridges},
                                 {"active_volumes", use.active_volumes},
                                 {"active_bytes", use.active_bytes},
                                 {"written_bytes", use.written_bytes}});
  json::object body{{"items", std::move(items)}, {"next", ""}};
  TRY(note_unknown_label(body, engine, request.arguments));
  return json_answer(std::move(body));
}

FieldSpec integer(std::string_view name, std::string_view meaning) {
  return {.name = name, .type = FieldType::kInteger, .meaning = meaning};
}

std::vector<FieldSpec> pool_fields() {
  return {{.name = "name", .meaning = "for people", .limit = 64},
          {.name = "media", .meaning = "of its new cartridges", .choices = media_names()},
          {.name = "borrow",
           .meaning = "whether it takes scratch cartridges of pool 0: no, return or keep",
           .choices = {"no", "return", "keep"}},
          integer("reclaim_pool", "where active data of its reclaimed cartridges goes, 1 to 32"),
          {.name = "encryption",
           .meaning = "off, wrapped (labels; 3592) or identified (key group; LTO)",
           .choices = {"off", "wrapped", "identified"}},
          {.name = "label_1", .meaning = "key label of the first KEK", .limit = 64},
          {.name = "mode_1", .meaning = "how it stands on the cartridge", .choices = {"clear", "hash"}},
          {.name = "label_2", .meaning = "key label of the second KEK; empty for none", .limit = 64},
          {.name = "mode_2", .meaning = "how it stands on the cartridge", .choices = {"clear", "hash"}},
          {.name = "key_group", .meaning = "the key group that LTO cartridges take keys of", .limit = 64},
          integer("secure_erase_days",
                  "cartridges are overwritten this many days after they emptied; 0 for never"),
          integer("threshold_percent", "reclaim: less than this is active, 5 to 95; 0 for off"),
          integer("days_without_access", "reclaim: days since a recall read it, 1 to 365; 0 for off"),
          integer("days_since_written", "reclaim: days since it was last written, 1 to 365; 0 for off"),
          integer("days_without_inactivation", "reclaim: days since data of it became inactive; 0 for off"),
          integer("max_active_percent", "goes with days_without_inactivation alone, 5 to 95"),
          integer("max_drives", "that write to the pool at once; 0 for no limit"),
          {.name = "unchecked",
           .type = FieldType::kFlag,
           .meaning = "take labels and key group although no key server can be asked now"},
          {.name = kAllowClear.name,
           .type = FieldType::kFlag,
           .meaning = "its data may be reclaimed into a pool that is written in clear"}};
}

std::vector<FieldSpec> filter_fields() {
  return {{.name = "pool", .type = FieldType::kInteger, .place = FieldPlace::kQuery, .meaning = "0 to 32"},
          {.name = "encryption",
           .place = FieldPlace::kQuery,
           .meaning = "how cartridges were written from their beginning",
           .choices = encryption_names()},
          {.name = "label",
           .place = FieldPlace::kQuery,
           .meaning = "a key label, or a key's alias",
           .limit = 64}};
}

}  // namespace

std::vector<Route> pool_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/pools", "pools", "List the pools with what they hold.", {},
                               "Settings and sums; all 33 of them.", list_pools));
  routes.push_back(engine_look(services, "/v1/pools/{pool}", "pools", "Show one pool.", {},
                               "Its settings and sums.", show_pool));
  routes.push_back(engine_order(services, "PATCH", "/v1/pools/{pool}", Permission::kChangeSettings, "pools",
                                "Change a pool's settings; what is left out stays.", pool_fields(),
                                "The pool, and in `notes` when it takes effect and what was not checked.",
                                set_pool));
  routes.push_back(engine_look(services, "/v1/pool-use", "pools",
                               "Count cartridges and volumes by pool, encryption and key labels.",
                               filter_fields(), "One item for each way of writing in each pool.", show_use));
  return routes;
}

}  // namespace tapewarden::admin
