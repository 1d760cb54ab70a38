// Reports of the engine (T10), whole or part by part.
#include <chrono>

#include "admin/taped/engine_support.h"
#include "admin/taped/report_answers.h"
#include "base/text.h"
#include "engine/catalogue/cartridge.h"
#include "engine/report/limits.h"

namespace tapewarden::admin {
namespace {

using engine::BulkRequest;
using engine::ReportKind;

// A field that means nothing to this report is an error: the answer would be another one than was meant.
Status check_fields(const Arguments& arguments, ReportKind kind) {
  const bool physical = kind == ReportKind::kPhysicalVolumeStatus;
  const auto only = [&](std::string_view field, bool fits, std::string_view reports) -> Status {
    if (fits || !arguments.has(field)) return {};
    return fail(ErrorCode::kInvalidArgument,
                "the report " + std::string(to_string(kind)) + " does not go by it", std::string(field),
                "leave it out; it is for " + std::string(reports));
  };
  TRY(only("volume", kind == ReportKind::kVolumeStatus, "volume-status"));
  TRY(only("barcode", physical, "physical-volume-status"));
  TRY(only("pool", physical, "physical-volume-status"));
  TRY(only("days", is_history(kind), "historical-statistics and historical-pool-statistics"));
  if (!arguments.has("barcode") || !arguments.has("pool")) return {};
  return fail(ErrorCode::kInvalidArgument, "one cartridge and a pool are named", "pool",
              "give one of barcode and pool");
}

Status take_volumes(const Arguments& arguments, BulkRequest& request) {
  request.volume = to_upper(arguments.text_or("volume", ""));
  if (request.volume.empty() || engine::check_volser(request.volume)) return {};
  return fail(ErrorCode::kInvalidArgument, "no volser begins so", "volume",
              "1 to 8 characters of A-Z and 0-9");
}

Status take_days(const Arguments& arguments, WallTime now, BulkRequest& request) {
  const auto days = arguments.integer("days").value_or(1);
  if (days < 1 || days > engine::kDaysOfHistory)
    return fail(ErrorCode::kInvalidArgument, "the number of days is out of bounds", "days",
                "history is kept for " + std::to_string(engine::kDaysOfHistory) + " days");
  request.from = now - std::chrono::days(days);
  request.before = now + std::chrono::milliseconds(1);
  return {};
}

Result<BulkRequest> request_of(const Arguments& arguments, WallTime now) {
  BulkRequest request;
  request.kind = TRY(engine::report_kind(arguments.text("name")));
  request.format = TRY(engine::report_format(arguments.text_or("format", "text")));
  TRY(check_fields(arguments, request.kind));
  if (request.kind == ReportKind::kVolumeStatus) TRY(take_volumes(arguments, request));
  if (is_history(request.kind)) TRY(take_days(arguments, now, request));
  request.pool = TRY(pool_in(arguments, "pool"));
  if (arguments.has("barcode")) {
    request.volume = to_upper(arguments.text("barcode"));
    TRY(engine::check_barcode(request.volume, "barcode"));
  }
  return request;
}

Result<Answer> whole(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto now = services.env.clock->wall_now();
  const auto wanted = TRY(request_of(request.arguments, now));
  const std::string name(to_string(wanted.kind));
  return whole_report_answer(
      engine, wanted, now,
      {.field = "name", .parts = "/v1/reports/" + name + "/parts", .command = "tapewarden report " + name});
}

Result<Answer> part(const TapedServices& services, const EngineServices& engine, const Request& request) {
  const auto now = services.env.clock->wall_now();
  return report_part_answer(engine, TRY(request_of(request.arguments, now)), now,
                            request.arguments.text_or("after", ""), "name");
}

std::vector<std::string_view> names_of_reports() {
  std::vector<std::string_view> names;
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(ReportKind::kHistoricalPools); ++i)
    names.push_back(to_string(static_cast<ReportKind>(i)));
  return names;
}

std::vector<FieldSpec> request_fields() {
  const auto query = [](std::string_view name, std::string_view meaning) {
    return FieldSpec{.name = name, .place = FieldPlace::kQuery, .meaning = meaning, .limit = 64};
  };
  const auto number = [](std::string_view name, std::string_view meaning) {
    return FieldSpec{
        .name = name, .type = FieldType::kInteger, .place = FieldPlace::kQuery, .meaning = meaning};
  };
  auto format = query("format", "text unless given");
  format.choices = {"text", "csv", "json"};
  return {{.name = "name",
           .place = FieldPlace::kPath,
           .meaning = "which report",
           .choices = names_of_reports(),
           .limit = 64},
          std::move(format),
          query("volume", "volume-status: only volumes whose volser begins so"),
          query("barcode", "physical-volume-status: of this cartridge alone"),
          number("pool", "physical-volume-status: of the cartridges of this pool"),
          number("days", "historical ones: of so many days until now, 1 to 90; 1 unless given")};
}

}  // namespace

std::vector<Route> report_routes(const TapedServices& services) {
  constexpr std::string_view kNoun = "reports";
  auto part_fields = request_fields();
  part_fields.push_back({.name = "after",
                         .place = FieldPlace::kQuery,
                         .meaning = "`next` of the part before; the first part unless given",
                         .limit = 64});
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/reports/{name}", kNoun,
                               "Give a report whole; one that is too long for an answer is refused.",
                               request_fields(), "The report as text, CSV or JSON.", whole));
  routes.push_back(
      engine_look(services, "/v1/reports/{name}/parts", kNoun,
                  "Give one part of a report, which may be of any length.", std::move(part_fields),
                  "The part's text, and where the next one begins; empty behind the last one.", part));
  return routes;
}

}  // namespace tapewarden::admin
