#include <boost/json.hpp>

#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "audit/query.h"
#include "audit/verify.h"

namespace tapewarden::admin {
namespace {

constexpr std::int64_t kHighestLimit = 1000;

std::vector<FieldSpec> filter_fields() {
  const auto query = [](std::string_view name, std::string_view meaning,
                        std::vector<std::string_view> choices = {}) {
    return FieldSpec{.name = name,
                     .place = FieldPlace::kQuery,
                     .meaning = meaning,
                     .choices = std::move(choices),
                     .limit = 256};
  };
  return {query("type", "only events of this type",
                {"authentication", "authorization", "data_synchronization", "runtime", "resource_management",
                 "configuration_management", "audit_management", "key_serving"}),
          query("outcome", "only events that went so", {"success", "failure"}),
          query("since", "not before: 2026-11-21, or longer, up to 2026-11-21T02:40:32.123Z"),
          query("until", "before"),
          query("text", "only lines that hold this text"),
          {.name = "after_line",
           .type = FieldType::kInteger,
           .place = FieldPlace::kQuery,
           .meaning = "only lines with a higher number: to follow the record"},
          limit_field()};
}

Result<audit::Filter> filter_of(const Arguments& arguments) {
  audit::Filter filter;
  if (const auto type = arguments.optional_text("type")) {
    filter.type = audit::parse_event_type(*type);
    if (!filter.type) return fail(ErrorCode::kInvalidArgument, "there are no such events", "type", "");
  }
  if (const auto outcome = arguments.optional_text("outcome"))
    filter.outcome = audit::parse_outcome(*outcome);
  filter.since = arguments.text_or("since", "");
  filter.until = arguments.text_or("until", "");
  filter.text = arguments.text_or("text", "");
  const auto after = arguments.integer("after_line").value_or(0);
  const auto limit = arguments.integer("limit").value_or(100);
  if (after < 0) return fail(ErrorCode::kInvalidArgument, "lines count from 1", "after_line", "");
  if (limit < 1 || limit > kHighestLimit) {
    return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit", "ask for 1 to 1000");
  }
  filter.after_line = static_cast<std::uint64_t>(after);
  filter.limit = static_cast<std::size_t>(limit);
  return filter;
}

// The record itself, as it was given; its text when it is no JSON, which would be a defect.
json::value record_json(const std::string& text) {
  json::error_code error;
  json::value record = json::parse(text, error);
  return error ? json::value(text) : record;
}

Result<Answer> list(const AuditPlace& place, const Request& request) {
  json::array items;
  for (const auto& entry :
       TRY(audit::query(*place.disk, place.directory, TRY(filter_of(request.arguments))))) {
    items.push_back({{"line", entry.line},
                     {"at", entry.at},
                     {"type", entry.type},
                     {"outcome", entry.outcome},
                     {"action", entry.action},
                     {"actor", entry.actor},
                     {"record", record_json(entry.json)}});
  }
  return json_answer(json::object{{"items", std::move(items)}});
}

Result<Answer> verify(const AuditPlace& place) {
  const auto report = TRY(audit::verify_files(*place.disk, place.directory, &place.checkpoint_key));
  json::value fault = nullptr;
  if (report.fault) {
    fault = json::object{
        {"message", report.fault->message}, {"field", report.fault->field}, {"remedy", report.fault->remedy}};
  }
  return json_answer(json::object{{"intact", !report.fault.has_value()},
                                  {"files", report.files},
                                  {"lines", report.lines},
                                  {"commits", report.commits},
                                  {"checkpoints", report.checkpoints},
                                  {"signatures_checked", report.signatures_checked},
                                  {"first_line", report.first_line},
                                  {"last_commit", report.last_commit.sequence},
                                  {"fault", std::move(fault)}});
}

}  // namespace

std::vector<Route> audit_routes(const AuditPlace& place) {
  RouteTable table("audit");
  table.add("GET", "/v1/audit", Permission::kViewAudit,
            "List the newest events that fit all filters, newest last.", filter_fields(),
            "Events with their line numbers.",
            [place](const Request& request) { return list(place, request); });
  table.add("POST", "/v1/audit/verify", Permission::kViewAudit,
            "Check the audit record: its chain, its commits and the signatures of its checkpoints.", {},
            "What was checked, and the first fault: null when it is intact.",
            [place](const Request&) { return verify(place); });
  return table.take();
}

}  // namespace tapewarden::admin
