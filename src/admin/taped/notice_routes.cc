// What the engine tells people: interventions, host messages (T8, T11), and the steps of mounts (T4).
#include <algorithm>

#include "admin/taped/engine_support.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

using engine::Notice;
using engine::NoticeClass;

std::string_view class_name(NoticeClass notice_class) {
  switch (notice_class) {
    case NoticeClass::kHostMessage:
      return "host-message";
    case NoticeClass::kIntervention:
      return "intervention";
    case NoticeClass::kCallHome:
      return "call-home";
  }
  return "";
}

json::object to_json(const Notice& notice) {
  return {{"number", notice.number},      {"at", format_utc(notice.at)},
          {"code", code_of(notice.kind)}, {"class", class_name(class_of(notice.kind))},
          {"subject", notice.subject},    {"cleared", notice.cleared},
          {"text", notice.text}};
}

Result<Answer> list_interventions(const TapedServices&, const EngineServices& engine, const Request&) {
  json::array items;
  for (const auto& notice : engine.parts.notices.open()) items.push_back(to_json(notice));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> list_messages(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto page = TRY(page_of(request.arguments));
  const auto since = TRY(number_in<std::uint64_t>(request.arguments, "since")).value_or(0);
  const auto after = page.after.empty() ? since : TRY(parse_number(page.after, 0, INT64_MAX, "after"));
  const auto notices = engine.parts.notices.since(after);
  json::array items;
  for (const auto& notice : notices) {
    if (items.size() == page.limit) break;
    items.push_back(to_json(notice));
  }
  const bool more = items.size() < notices.size();
  return json_answer(
      json::object{{"next", more ? std::to_string(notices[items.size() - 1].number) : std::string()},
                   {"items", std::move(items)}});
}

// A volume's way by default: to its pools, to another cartridge, back into the cache.
constexpr std::int64_t kMountsShown = 5;

json::object step_json(const MountRecord& mount, std::size_t number, const engine::TraceStep& step) {
  return {{"mount", number},
          {"cartridge", mount.cartridge},
          {"drive", mount.drive},
          {"purpose", mount.purpose},
          {"time", time_text(step.time)},
          {"step", step.step},
          {"from", step.from},
          {"to", step.to},
          {"text", step.text}};
}

// Oldest mount first, as the steps within each are; the newest has number 1.
Result<Answer> show_trace(const TapedServices&, const EngineServices& engine, const Request& request) {
  const auto name = to_upper(request.arguments.text("name"));
  const auto wanted = request.arguments.integer("last").value_or(kMountsShown);
  auto mounts = engine.traces ? engine.traces(name) : std::vector<MountRecord>();
  if (mounts.empty())
    return fail(ErrorCode::kNotFound, "no mount of " + name + " is remembered", "name",
                "mounts are remembered until the engine stops; name a volser or a cartridge's barcode");
  if (std::cmp_greater(mounts.size(), std::max<std::int64_t>(wanted, 1)))
    mounts.resize(static_cast<std::size_t>(std::max<std::int64_t>(wanted, 1)));
  json::array items;
  for (auto number = mounts.size(); number > 0; --number) {
    const auto& mount = mounts[number - 1];
    for (const auto& step : mount.steps) items.push_back(step_json(mount, number, step));
    if (!mount.fault.empty())
      items.push_back(step_json(mount, number, {.step = "fault", .text = mount.fault}));
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

}  // namespace

std::vector<Route> notice_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/interventions", "messages",
                               "List the operator interventions that are open.", {}, "Oldest first.",
                               list_interventions));
  routes.push_back(engine_look(services, "/v1/host-messages", "messages",
                               "List what the engine told since it started: host messages, and interventions "
                               "as they were raised and cleared.",
                               with_page_fields({{.name = "since",
                                                  .type = FieldType::kInteger,
                                                  .place = FieldPlace::kQuery,
                                                  .meaning = "only messages with a higher number"}}),
                               "Oldest first.", list_messages));
  routes.push_back(engine_look(services, "/v1/traces/{name}", "messages",
                               "Show the steps of the last mounts of a volume or a cartridge.",
                               {{.name = "last",
                                 .type = FieldType::kInteger,
                                 .place = FieldPlace::kQuery,
                                 .meaning = "how many; the last five unless given"}},
                               "In the numbering of the TS7700 overview.", show_trace));
  return routes;
}

}  // namespace tapewarden::admin
