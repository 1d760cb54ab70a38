#include "cli/output.h"

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "base/text.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t kNameWidth = 22;
constexpr std::string_view kItems = "items";

std::unexpected<Error> not_understood() {
  return fail(ErrorCode::kInternal, "the server's answer was not understood", "server",
              "check that server and command line are of the same version");
}

Result<json::value> parse(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error) return not_understood();
  return value;
}

// Text that is UTF-8 above ASCII is shown as it is; control characters are not.
std::string shown_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? escape_unprintable({&c, 1}) : std::string(1, c);
  }
  return out;
}

// One line. A certificate's PEM has a command of its own.
std::string shown(const json::value& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get_string().empty() ? "-" : shown_text(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (value.is_array()) {
    for (const auto& item : value.get_array()) add(shown(item));
    return text.empty() ? "-" : text;
  }
  if (value.is_object()) {
    for (const auto& item : value.get_object()) {
      if (item.key() != "pem" && shown(item.value()) != "-") {
        add(std::string(item.key()) + " " + shown(item.value()));
      }
    }
    return text.empty() ? "-" : text;
  }
  return json::serialize(value);
}

// Long texts of a list (warnings) and objects stand below each other.
std::string shown_lines(const json::value& value) {
  const auto* array = value.if_array();
  const auto is_long = [](const json::value& item) {
    return item.is_object() || (item.is_string() && item.get_string().size() > kNameWidth);
  };
  if (array == nullptr || !std::any_of(array->begin(), array->end(), is_long)) return shown(value);
  std::string text;
  for (const auto& item : *array) {
    text += (text.empty() ? "" : "\n" + std::string(kNameWidth + 1, ' ')) + shown(item);
  }
  return text;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string heading(std::string_view column) {
  std::string text = to_upper(column);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::vector<std::string> cells_of(const json::value& item, std::span<const std::string_view> columns) {
  std::vector<std::string> cells;
  for (const auto column : columns) {
    const auto* object = item.if_object();
    const auto* value = object != nullptr ? object->if_contains(column) : nullptr;
    cells.push_back(value != nullptr ? shown(*value) : "-");
  }
  return cells;
}

}  // namespace

Status Listing::add_page(ByteView body) {
  const json::value value = TRY(parse(as_text(body)));
  const auto* object = value.if_object();
  const auto* items = object != nullptr ? object->if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) return not_understood();
  for (const auto& item : items->get_array()) items_.push_back(json::serialize(item));
  const auto* next = object->if_contains("next");
  next_ = next != nullptr && next->is_string() ? std::string(next->get_string()) : std::string();
  const auto* notes = object->if_contains("notes");
  if (notes == nullptr || !notes->is_array()) return {};
  for (const auto& note : notes->get_array())
    if (note.is_string()) notes_.push_back(shown_text(note.get_string()));
  return {};
}

void Listing::cut(std::size_t limit) {
  if (items_.size() > limit) items_.resize(limit);
}

void Listing::print_json(std::ostream& out) const {
  out << "{\"items\":[";
  for (std::size_t i = 0; i < items_.size(); ++i) out << (i > 0 ? "," : "") << items_[i];
  out << "]}\n";
}

void Listing::print_table(std::ostream& out, std::span<const std::string_view> columns) const {
  std::vector<std::vector<std::string>> rows;
  rows.emplace_back();
  for (const auto column : columns) rows.front().push_back(heading(column));
  for (const auto& item : items_) {
    const auto value = parse(item);
    if (value) rows.push_back(cells_of(*value, columns));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : padded(row[i], widths[i] + 2);
    }
    out << line << '\n';
  }
}

Status print_object(std::ostream& out, ByteView body, std::span<const std::string_view> columns) {
  const json::value value = TRY(parse(as_text(body)));
  if (!value.is_object()) return not_understood();
  const json::object& object = value.get_object();
  const bool table = !columns.empty() && object.contains(kItems);
  for (const auto& member : object) {
    const bool wanted = columns.empty() ||
                        (table ? member.key() != kItems
                               : std::ranges::find(columns, std::string_view(member.key())) != columns.end());
    if (!wanted) continue;
    out << padded(std::string(member.key()) + ":", kNameWidth) << ' ' << shown_lines(member.value()) << '\n';
  }
  if (!table) return {};
  Listing items;
  TRY(items.add_page(body));
  items.print_table(out, columns);
  return {};
}

Status print_object_with_tables(std::ostream& out, ByteView body, std::span<const InnerTable> tables) {
  const json::value value = TRY(parse(as_text(body)));
  if (!value.is_object()) return not_understood();
  for (const auto& member : value.get_object()) {
    const auto table = std::ranges::find(tables, std::string_view(member.key()), &InnerTable::member);
    const auto* items = member.value().if_array();
    if (table == tables.end() || items == nullptr || items->empty()) {
      out << padded(std::string(member.key()) + ":", kNameWidth) << ' ' << shown_lines(member.value())
          << '\n';
      continue;
    }
    Listing listing;
    const json::object page{{kItems, *items}};
    TRY(listing.add_page(as_bytes(json::serialize(page))));
    std::ostringstream lines;
    listing.print_table(lines, table->columns);
    out << std::string(member.key()) << ":\n";
    for (const auto& line : split(lines.str(), '\n'))
      if (!line.empty()) out << "  " << line << '\n';
  }
  return {};
}

Result<DoneCount> count_done(ByteView body) {
  const json::value value = TRY(parse(as_text(body)));
  DoneCount count;
  const auto* object = value.if_object();
  const auto* items = object != nullptr ? object->if_contains(kItems) : nullptr;
  if (items == nullptr || !items->is_array()) return count;
  for (const auto& item : items->get_array()) {
    const auto* done = item.is_object() ? item.get_object().if_contains("done") : nullptr;
    if (done == nullptr || !done->is_bool()) continue;
    ++(done->get_bool() ? count.done : count.not_done);
  }
  return count;
}

Result<std::string> text_at(ByteView body, std::string_view path) {
  const json::value whole = TRY(parse(as_text(body)));
  const json::value* value = &whole;
  for (const auto& name : split(path, '.')) {
    const auto* object = value->if_object();
    value = object != nullptr ? object->if_contains(name) : nullptr;
    if (value == nullptr) return not_understood();
  }
  if (!value->is_string()) return not_understood();
  return std::string(value->get_string());
}

}  // namespace tapewarden::cli
