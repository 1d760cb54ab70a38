#include "audit/query.h"

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <iterator>
#include <limits>

#include "audit/line.h"
#include "audit/segments.h"

namespace tapewarden::audit {

namespace {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

bool in_time(const Line& line, const Filter& filter) {
  if (!filter.since.empty() && line.time < filter.since) return false;
  return filter.until.empty() || line.time < filter.until;
}

// The event in a line; nothing for the keystore's own change lines and for what the filter leaves out.
std::optional<Entry> entry_of(const Line& line, std::string_view text, const Filter& filter) {
  if (line.kind != LineKind::kRecord || line.number <= filter.after_line || !in_time(line, filter)) return {};
  if (!filter.text.empty() && text.find(filter.text) == std::string_view::npos) return {};
  Entry entry;
  entry.line = line.number;
  entry.at = line.time;
  entry.json = "{" + std::string(line.body) + "}";
  boost::json::error_code error;
  const auto value = boost::json::parse(entry.json, error);
  if (error || !value.is_object()) return {};
  const boost::json::object& object = value.get_object();
  entry.type = text_of(object, "type");
  entry.outcome = text_of(object, "outcome");
  entry.action = text_of(object, "action");
  entry.actor = text_of(object, "actor");
  if (entry.type.empty()) return {};
  if (filter.type && entry.type != to_string(*filter.type)) return {};
  if (filter.outcome && entry.outcome != to_string(*filter.outcome)) return {};
  return entry;
}

// The last `limit` fitting entries of one file.
Result<std::deque<Entry>> query_file(Disk& disk, const std::string& path, const Filter& filter,
                                     std::size_t limit) {
  std::deque<Entry> entries;
  LineReader reader = TRY(LineReader::open(disk, path));
  while (const auto text = TRY(reader.next())) {
    const auto line = parse_line(*text);
    if (!line) continue;
    auto entry = entry_of(*line, *text, filter);
    if (!entry) continue;
    entries.push_back(std::move(*entry));
    if (entries.size() > limit) entries.pop_front();
  }
  return entries;
}

}  // namespace

Result<std::vector<Entry>> query(Disk& disk, const std::string& directory, const Filter& filter) {
  std::vector<std::string> files = TRY(list_segments(disk, directory));
  const std::size_t limit = std::min(filter.limit, kEntriesLimit);
  std::deque<Entry> entries;
  std::ranges::reverse(files);
  for (const std::string& file : files) {
    if (entries.size() >= limit) break;
    std::deque<Entry> found = TRY(query_file(disk, directory + "/" + file, filter, limit - entries.size()));
    entries.insert(entries.begin(), std::make_move_iterator(found.begin()),
                   std::make_move_iterator(found.end()));
  }
  return std::vector<Entry>(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
}

}  // namespace tapewarden::audit
