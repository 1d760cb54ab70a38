#include "store/change_lines.h"

#include <algorithm>
#include <boost/json.hpp>
#include <unordered_set>

#include "store/record_text.h"

namespace tapewarden::store {

namespace {

std::string opening(const State& after) {
  return "{\"commit\":" + std::to_string(after.mark.sequence);
}

std::string tables_member(const State& after) {
  return ",\"tables\":\"" + to_hex(after.digest_of_tables()) + "\"";
}

// Positions of the changes to keep, in order.
std::vector<std::size_t> last_changes(const std::vector<Change>& changes) {
  std::unordered_set<std::string> seen;
  std::vector<std::size_t> kept;
  for (std::size_t i = changes.size(); i-- > 0;) {
    if (seen.insert(std::to_string(changes[i].table) + "/" + changes[i].key).second) kept.push_back(i);
  }
  std::ranges::reverse(kept);
  return kept;
}

Result<LoggedRow> row_of(const boost::json::value& value) {
  const auto* fields = value.if_array();
  const bool fits = fields != nullptr && fields->size() == 4 && (*fields)[0].is_string() &&
                    (*fields)[1].is_string() && (*fields)[2].is_int64() && (*fields)[3].is_string();
  if (!fits) return fail(ErrorCode::kCorrupt, "a change line of the commit log does not parse", "rows");
  return LoggedRow{std::string((*fields)[0].get_string()), std::string((*fields)[1].get_string()),
                   (*fields)[2].get_int64(), std::string((*fields)[3].get_string())};
}

}  // namespace

std::string mac_prefix(const Hash256& mac) {
  return to_hex(ByteView(mac).first(8));
}

std::vector<std::string> change_lines(const State& after, const std::vector<Change>& changes,
                                      const Layouts& layouts) {
  std::vector<std::string> lines;
  std::size_t in_line = 0;
  for (const std::size_t i : last_changes(changes)) {
    if (in_line == 0) {
      lines.push_back(opening(after) + (lines.empty() ? tables_member(after) : "") + ",\"rows\":[");
    } else {
      lines.back() += ',';
    }
    const Change& change = changes[i];
    lines.back() += "[\"" + layouts.all()[change.table].name + "\"," + json_quoted(change.key) + "," +
                    std::to_string(change.after.version) + ",\"" + mac_prefix(change.after.mac) + "\"]";
    if (++in_line == kRowsInLine || lines.back().size() >= kChangeLineBytes) {
      lines.back() += "]}";
      in_line = 0;
    }
  }
  if (in_line != 0) lines.back() += "]}";
  return lines;
}

std::string schema_line(const State& after, std::string_view what, const std::vector<std::string>& names) {
  std::string line = opening(after) + tables_member(after) + ",\"" + std::string(what) + "\":[";
  for (std::size_t i = 0; i < names.size(); ++i) line += (i > 0 ? "," : "") + json_quoted(names[i]);
  return line + "]}";
}

Result<std::vector<LoggedRow>> logged_rows(std::string_view record) {
  std::vector<LoggedRow> rows;
  if (!record.starts_with("{\"commit\":")) return rows;
  boost::json::error_code error;
  const boost::json::value value =
      boost::json::parse(boost::json::string_view(record.data(), record.size()), error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(ErrorCode::kCorrupt, "a change line of the commit log does not parse");
  const auto* list = object->if_contains("rows");
  if (list == nullptr) return rows;
  if (!list->is_array()) return fail(ErrorCode::kCorrupt, "a change line of the commit log does not parse");
  for (const boost::json::value& item : list->get_array()) rows.push_back(TRY(row_of(item)));
  return rows;
}

}  // namespace tapewarden::store
