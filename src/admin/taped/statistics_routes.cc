// What the engine did (T10): now, and over a time that is asked for.
#include <chrono>

#include "admin/http/time_field.h"
#include "admin/taped/engine_support.h"
#include "admin/taped/report_answers.h"
#include "base/text.h"
#include "engine/report/statistics.h"

namespace tapewarden::admin {
namespace {

using engine::BulkRequest;
using engine::ReportKind;
using std::chrono::minutes;

constexpr std::string_view kField = "from";

// "15m", "6h", "1d".
Result<minutes> interval_of(std::string_view text) {
  const auto wrong = fail(ErrorCode::kInvalidArgument, "the engine counts by quarters of an hour", "interval",
                          "15m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h or 1d");
  constexpr std::array<std::pair<char, unsigned>, 3> kUnits{{{'m', 1}, {'h', 60}, {'d', 24 * 60}}};
  if (text.empty()) return wrong;
  for (const auto& [letter, length] : kUnits) {
    if (text.back() != letter) continue;
    const auto count = parse_number(text.substr(0, text.size() - 1), 1, 24 * 60, "interval");
    if (!count) return wrong;
    const minutes interval(*count * length);
    return engine::is_interval(interval) ? Result<minutes>(interval) : wrong;
  }
  return wrong;
}

Result<BulkRequest> request_of(const Arguments& arguments, WallTime now) {
  BulkRequest request{.kind = ReportKind::kPointInTimeStatistics};
  request.format = TRY(engine::report_format(arguments.text_or("format", "text")));
  const bool by_pool = arguments.text_or("by", "engine") == "pool";
  if (!by_pool && !arguments.has("from") && !arguments.has("to") && !arguments.has("interval"))
    return request;
  request.kind = by_pool ? ReportKind::kHistoricalPools : ReportKind::kHistoricalStatistics;
  request.before = now + std::chrono::milliseconds(1);
  if (arguments.has("to")) request.before = TRY(parse_time_field(arguments.text("to"), "to"));
  request.from = request.before - std::chrono::days(1);
  if (arguments.has("from")) request.from = TRY(parse_time_field(arguments.text("from"), "from"));
  if (arguments.has("interval")) request.interval = TRY(interval_of(arguments.text("interval")));
  if (request.from < request.before) return request;
  return fail(ErrorCode::kInvalidArgument, "the time ends before it begins", std::string(kField),
              "give a `from` that is before `to`");
}

Result<Answer> whole(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto now = services.env.clock->wall_now();
  return whole_report_answer(
      engine, TRY(request_of(request.arguments, now)), now,
      {.field = kField, .parts = "/v1/statistics/parts", .command = "tapewarden statistics"});
}

Result<Answer> part(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto now = services.env.clock->wall_now();
  return report_part_answer(engine, TRY(request_of(request.arguments, now)), now,
                            request.arguments.text_or("after", ""), kField);
}

std::vector<FieldSpec> request_fields() {
  const auto query = [](std::string_view name, std::string_view meaning,
                        std::vector<std::string_view> choices = {}) {
    return FieldSpec{.name = name,
                     .place = FieldPlace::kQuery,
                     .meaning = meaning,
                     .choices = std::move(choices),
                     .limit = 64};
  };
  return {query("from", "the time from which on: 2026-03-01 or 2026-03-01T12:00:00Z; a day before `to`"),
          query("to", "the time before which; now unless given"),
          query("interval", "how much one line sums up: 15m (unless given) to 1d"),
          query("by", "one line for each interval, or for each interval and pool", {"engine", "pool"}),
          query("format", "text unless given", {"text", "csv", "json"})};
}

}  // namespace

std::vector<Route> statistics_routes(const TapedServices& services) {
  constexpr std::string_view kNoun = "statistics";
  auto part_fields = request_fields();
  part_fields.push_back({.name = "after",
                         .place = FieldPlace::kQuery,
                         .meaning = "`next` of the part before; the first part unless given",
                         .limit = 64});
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/statistics", kNoun,
                               "Tell what the engine did: in the quarter of an hour that is open, or, with "
                               "`from`, `to`, `interval` or `by`, over a time.",
                               request_fields(), "The measures as text, CSV or JSON.", whole));
  routes.push_back(engine_look(
      services, "/v1/statistics/parts", kNoun,
      "Give one part of the statistics of a time, which may be of any length.", std::move(part_fields),
      "The part's text, and where the next one begins; empty behind the last one.", part));
  return routes;
}

}  // namespace tapewarden::admin
