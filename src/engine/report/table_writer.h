// Rows of a report as text in fixed columns, as CSV (RFC 4180) or as one JSON object (RFC 8259), piece by
// piece. Not thread-safe; it keeps nothing of what it has given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/env.h"
#include "engine/report/bulk_request.h"

namespace tapewarden::engine {

// Nothing, a number, a text, a time.
using Cell = std::variant<std::monostate, std::uint64_t, std::string, WallTime>;

struct Column {
  std::string_view name;     // of CSV and JSON: lower_case
  std::string_view heading;  // of the text
  std::size_t width = 0;     // in the text; 0: not in it. Longer values push the others to the right
};

class TableWriter {
 public:
  // REQUIRES: `columns` outlives it.
  TableWriter(ReportKind kind, ReportFormat format, const std::vector<Column>& columns)
      : kind_(kind), format_(format), columns_(columns) {}

  std::string begin(WallTime made);
  // REQUIRES: a cell for each column.
  std::string row(const std::vector<Cell>& cells);
  // Instead of begin(): the rows so far were given by another writer.
  void go_on_after(std::uint64_t rows) { rows_ = rows; }
  std::uint64_t rows() const { return rows_; }
  // With the number of rows, so that a report that was cut off shows.
  std::string end();

 private:
  std::string text_row(const std::vector<Cell>& cells) const;
  std::string csv_row(const std::vector<Cell>& cells) const;
  std::string json_row(const std::vector<Cell>& cells) const;

  const ReportKind kind_;
  const ReportFormat format_;
  const std::vector<Column>& columns_;
  std::uint64_t rows_ = 0;
};

}  // namespace tapewarden::engine
