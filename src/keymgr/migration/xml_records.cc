#include "keymgr/migration/xml_records.h"

#include <algorithm>
#include <pugixml.hpp>

#include "base/text.h"

namespace tapewarden::keymgr {
namespace {

// The text with its tags in lower case; text between tags, attributes' values and <![CDATA[ stay.
std::string with_lower_tags(std::string_view text) {
  std::string out(text);
  bool in_name = false;
  for (char& c : out) {
    if (c == '<') {
      in_name = true;
    } else if (c == '>' || c == ' ' || c == '=' || c == '"' || c == '!') {
      in_name = false;
    } else if (in_name && c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return out;
}

// Where the start tag of the element begins at or after `from`: a longer name is another element.
std::size_t find_start(std::string_view text, const std::string& tag, std::size_t from) {
  for (auto at = text.find(tag, from); at != std::string_view::npos; at = text.find(tag, at + 1)) {
    const auto after = at + tag.size();
    if (after == text.size() || std::string_view("> \t\r\n/").find(text[after]) != std::string_view::npos) {
      return at;
    }
  }
  return std::string_view::npos;
}

void parse(std::string_view piece, XmlRecord& record) {
  if (piece.size() > kMaximumXmlRecordBytes) {
    record.fault = "the record is too long";
    return;
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(piece.data(), piece.size());
  if (!parsed) {
    record.fault = std::string("the record is no XML: ") + parsed.description();
    return;
  }
  for (const auto& child : document.document_element().children()) {
    if (child.type() != pugi::node_element) continue;
    const auto [place, fresh] = record.fields.emplace(child.name(), trim(child.text().get()));
    if (!fresh) record.fault = "the record says " + escape_unprintable(child.name()) + " twice";
  }
}

}  // namespace

Result<std::vector<XmlRecord>> read_xml_records(std::string_view text, std::string_view name) {
  const std::string whole = with_lower_tags(text);
  const std::string start_tag = "<" + to_lower(name);
  const std::string end_tag = "</" + to_lower(name) + ">";
  std::vector<XmlRecord> records;
  std::size_t line = 1;
  std::size_t counted = 0;
  for (auto at = find_start(whole, start_tag, 0); at != std::string::npos;) {
    if (records.size() == kMaximumXmlRecords) {
      return fail(ErrorCode::kExhausted,
                  "the file has more than " + std::to_string(kMaximumXmlRecords) + " records", "text",
                  "split it");
    }
    line += static_cast<std::size_t>(std::count(whole.begin() + static_cast<std::ptrdiff_t>(counted),
                                                whole.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted = at;
    auto& record = records.emplace_back();
    record.line = line;
    const auto next = find_start(whole, start_tag, at + 1);
    // No further than the next start tag: records without an end must not cost the rest of the file each.
    const auto end = std::string_view(whole).substr(0, next).find(end_tag, at);
    if (end == std::string_view::npos) {
      record.fault = "the record is cut off: it has no end tag";
    } else {
      parse(std::string_view(whole).substr(at, end + end_tag.size() - at), record);
    }
    at = next;
  }
  return records;
}

}  // namespace tapewarden::keymgr
