#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

Result<Answer> list(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  std::optional<keymgr::KeyState> state;
  if (const auto text = arguments.optional_text("state")) state = TRY(keymgr::parse_key_state(*text));
  const std::string group = arguments.text_or("group", "");
  if (!group.empty()) (void)TRY(manager.group(group));
  const auto page = TRY(manager.list_keys(group, state, TRY(page_of(arguments))));
  return page_answer(page, [](const keymgr::DataKey& key) { return to_json(key); });
}

// One answer carries at most a page of keys; a longer list is read by GET /v1/keys.
Answer generated_answer(const std::vector<keymgr::DataKey>& keys) {
  json::array items;
  for (const auto& key : keys) {
    if (items.size() == keymgr::kMaximumPage) break;
    items.push_back(to_json(key));
  }
  json::object body{{"count", keys.size()}, {"items", std::move(items)}};
  body["first"] = keys.empty() ? "" : keys.front().alias;
  body["last"] = keys.empty() ? "" : keys.back().alias;
  return json_answer(body, 201);
}

Result<Answer> generate(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  const keymgr::Actor actor = actor_of(request.principal);
  const std::string group = arguments.text_or("group", "");
  const auto count = arguments.integer("count");
  if (const auto range = arguments.optional_text("range")) {
    if (count || arguments.has("prefix")) {
      return fail(ErrorCode::kInvalidArgument, "a range says itself how many keys there are", "range",
                  "give a range, or a count with a prefix");
    }
    return generated_answer(TRY(manager.generate_key_range(actor, *range, group)));
  }
  if (count && (*count < 1 || *count > static_cast<std::int64_t>(keymgr::kMaximumKeysPerCall))) {
    return fail(ErrorCode::kInvalidArgument, "the count is out of bounds", "count",
                "ask for 1 to " + std::to_string(keymgr::kMaximumKeysPerCall));
  }
  return generated_answer(TRY(manager.generate_keys(actor, static_cast<std::size_t>(count.value_or(1)),
                                                    arguments.text_or("prefix", ""), group)));
}

Result<Answer> set_state(KeyManager& manager, const Request& request) {
  const auto state = TRY(keymgr::parse_key_state(request.arguments.text("state")));
  return json_answer(to_json(
      TRY(manager.change_key_state(actor_of(request.principal), request.arguments.text("alias"), state))));
}

}  // namespace

std::vector<Route> key_routes(KeyManager& manager) {
  RouteTable table("key");
  const FieldSpec state_query{
      .name = "state", .place = FieldPlace::kQuery, .meaning = "only keys in this state", .limit = 32};
  table.add(
      "GET", "/v1/keys", Permission::kView, "List the data keys in order of alias.",
      {{.name = "group", .place = FieldPlace::kQuery, .meaning = "only keys of this group", .limit = 64},
       state_query,
       limit_field(),
       after_field()},
      "A page of keys, attributes only.",
      [&manager](const Request& request) { return list(manager, request); });
  table.add("POST", "/v1/keys", Permission::kChangeGroups, "Generate data keys.",
            {{.name = "count", .type = FieldType::kInteger, .meaning = "how many; 1 unless given"},
             {.name = "prefix", .meaning = "three letters that the aliases begin with", .limit = 3},
             {.name = "range", .meaning = "the aliases themselves: ABC000000000000000001-0F", .limit = 64},
             {.name = "group", .meaning = "the group that the keys join", .limit = 64}},
            "How many keys, the first and last alias, and the first thousand keys.",
            [&manager](const Request& request) { return generate(manager, request); });
  table.add("GET", "/v1/keys/{alias}", Permission::kView, "Show one data key's attributes.", {}, "The key.",
            [&manager](const Request& request) -> Result<Answer> {
              return json_answer(to_json(TRY(manager.key(request.arguments.text("alias")))));
            });
  table.add("PUT", "/v1/keys/{alias}/state", Permission::kChangeKeys, "Change a data key's state.",
            {{.name = "state",
              .required = true,
              .meaning = "the new state: active, deactivated, compromised; destroying is POST .../destroy",
              .limit = 32}},
            "The key.", [&manager](const Request& request) { return set_state(manager, request); });
  return table.take();
}

}  // namespace tapewarden::admin
