#include "engine/report/table_writer.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/assert.h"

namespace tapewarden::engine {
namespace {

constexpr int kLayoutVersion = 1;
constexpr std::string_view kLineEnd = "\r\n";  // of CSV

std::string plain(const Cell& cell) {
  if (const auto* number = std::get_if<std::uint64_t>(&cell)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* time = std::get_if<WallTime>(&cell)) return *time == WallTime{} ? "" : format_utc(*time);
  return {};
}

bool is_number(const Cell& cell) {
  return std::holds_alternative<std::uint64_t>(cell);
}

std::string padded(std::string text, std::size_t width, bool right) {
  const auto missing = width > text.size() ? width - text.size() : 0;
  return right ? std::string(missing, ' ') + text : std::move(text) + std::string(missing, ' ');
}

std::string without_end_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  return out + "\"";
}

std::string json_text(std::string_view text) {
  return boost::json::serialize(boost::json::string(text));
}

}  // namespace

std::string TableWriter::begin(WallTime made) {
  switch (format_) {
    case ReportFormat::kText: {
      std::string line;
      std::string rule;
      for (const auto& column : columns_) {
        if (column.width == 0) continue;
        line += (line.empty() ? "" : " ") + padded(std::string(column.heading), column.width, false);
        rule += (rule.empty() ? "" : " ") + std::string(column.width, '-');
      }
      return "TAPEWARDEN BULK VOLUME DATA, LAYOUT " + std::to_string(kLayoutVersion) + "\n" +
             std::string(request_words(kind_)) + "  " + format_utc(made) + "\n" + without_end_blanks(line) +
             rule + "\n";
    }
    case ReportFormat::kCsv: {
      std::string line;
      for (const auto& column : columns_) line += (line.empty() ? "" : ",") + std::string(column.name);
      return line + std::string(kLineEnd);
    }
    case ReportFormat::kJson:
      break;
  }
  return "{\"report\":" + json_text(to_string(kind_)) + ",\"layout\":" + std::to_string(kLayoutVersion) +
         ",\"made\":" + json_text(format_utc(made)) + ",\"rows\":[";
}

std::string TableWriter::row(const std::vector<Cell>& cells) {
  TW_ASSERT(cells.size() == columns_.size());
  ++rows_;
  switch (format_) {
    case ReportFormat::kText:
      return text_row(cells);
    case ReportFormat::kCsv:
      return csv_row(cells);
    case ReportFormat::kJson:
      break;
  }
  return (rows_ > 1 ? ",\n" : "\n") + json_row(cells);
}

std::string TableWriter::text_row(const std::vector<Cell>& cells) const {
  std::string line;
  bool first = true;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto width = columns_[i].width;
    if (width == 0) continue;
    if (!std::exchange(first, false)) line += ' ';
    line += padded(plain(cells[i]), width, is_number(cells[i]));
  }
  return without_end_blanks(std::move(line));
}

std::string TableWriter::csv_row(const std::vector<Cell>& cells) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : ",") + quoted(plain(cells[i]));
  return line + std::string(kLineEnd);
}

std::string TableWriter::json_row(const std::vector<Cell>& cells) const {
  std::string out = "{";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += (i == 0 ? "" : ",") + json_text(columns_[i].name) + ":";
    const auto text = plain(cells[i]);
    const bool none = std::holds_alternative<std::monostate>(cells[i]) ||
                      (std::holds_alternative<WallTime>(cells[i]) && text.empty());
    out += none ? "null" : is_number(cells[i]) ? text : json_text(text);
  }
  return out + "}";
}

std::string TableWriter::end() {
  switch (format_) {
    case ReportFormat::kText:
      return "END, " + std::to_string(rows_) + " ROWS\n";
    case ReportFormat::kCsv:
      return {};
    case ReportFormat::kJson:
      break;
  }
  return "\n],\"count\":" + std::to_string(rows_) + "}\n";
}

}  // namespace tapewarden::engine
