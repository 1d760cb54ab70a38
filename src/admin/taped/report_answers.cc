#include "admin/taped/report_answers.h"

#include "admin/taped/limits.h"
#include "engine/report/report_stream.h"

namespace tapewarden::admin {
namespace {

using engine::BulkRequest;
using engine::ReportFormat;
using engine::ReportKind;
using engine::ReportStream;

// An engine without a book of measures has no history, which is not the same as an empty one.
Status check_kept(const EngineServices& engine, ReportKind kind, std::string_view field) {
  if (!is_history(kind) || engine.statistics != nullptr) return {};
  return fail(ErrorCode::kUnsupported, "this tape engine keeps no history of what it did", std::string(field),
              "ask for point-in-time-statistics");
}

std::string content_type(ReportFormat format) {
  switch (format) {
    case ReportFormat::kText:
      return "text/plain; charset=utf-8";
    case ReportFormat::kCsv:
      return "text/csv; charset=utf-8";
    case ReportFormat::kJson:
      break;
  }
  return "application/json";
}

}  // namespace

bool is_history(ReportKind kind) {
  return kind == ReportKind::kHistoricalStatistics || kind == ReportKind::kHistoricalPools;
}

Result<Answer> whole_report_answer(const EngineServices& engine, const BulkRequest& wanted, WallTime now,
                                   const ReportPlace& place) {
  TRY(check_kept(engine, wanted.kind, place.field));
  auto text = engine::whole_report(ReportStream(engine.parts.catalogue, engine.statistics, wanted, now),
                                   kMaximumReport);
  if (text) return Answer{200, content_type(wanted.format), to_bytes(*text)};
  if (text.error().code != ErrorCode::kExhausted) return std::unexpected(std::move(text).error());
  return fail(ErrorCode::kExhausted, text.error().message, std::string(place.field),
              "take it part by part from " + place.parts + ", as `" + place.command + "` does");
}

Result<Answer> report_part_answer(const EngineServices& engine, const BulkRequest& wanted, WallTime now,
                                  const std::string& after, std::string_view field) {
  TRY(check_kept(engine, wanted.kind, field));
  ReportStream stream(engine.parts.catalogue, engine.statistics, wanted, now);
  if (!after.empty()) TRY(stream.go_to(after));
  std::string text;
  while (text.size() < kReportPart) {
    const auto piece = TRY(stream.next());
    if (!piece) break;
    text += *piece;
  }
  return json_answer(json::object{{"text", std::move(text)}, {"next", stream.place()}});
}

}  // namespace tapewarden::admin
