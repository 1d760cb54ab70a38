// A report as the answer of a route, whole or part by part. Included by .cc files only.
#pragma once

#include <string>
#include <string_view>

#include "admin/taped/engine_support.h"
#include "engine/report/bulk_request.h"

namespace tapewarden::admin {

bool is_history(engine::ReportKind kind);

// What is said where a report is too long for one answer.
struct ReportPlace {
  std::string_view field;  // that chooses the report
  std::string parts;       // the route that gives it in parts
  std::string command;     // which does that
};
// kUnsupported for the history of an engine that keeps none; kExhausted for a report beyond kMaximumReport.
Result<Answer> whole_report_answer(const EngineServices& engine, const engine::BulkRequest& wanted,
                                   WallTime now, const ReportPlace& place);
// "text" and "next". `after`: `next` of the part before.
Result<Answer> report_part_answer(const EngineServices& engine, const engine::BulkRequest& wanted,
                                  WallTime now, const std::string& after, std::string_view field);

}  // namespace tapewarden::admin
