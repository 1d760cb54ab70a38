// Showing a server's answers to a person: tables, lines of name and value, or the JSON itself. Text from the
// server is escaped for the terminal. Pure but for the stream.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::cli {

// Collects the pages of a list. Values of the answers stay as they came.
class Listing {
 public:
  // kInternal when the body is no list.
  Status add_page(ByteView body);
  // Where the next page begins; empty: there is none.
  const std::string& next() const { return next_; }
  // What the pages said beside their items, for people; escaped.
  const std::vector<std::string>& notes() const { return notes_; }
  std::size_t size() const { return items_.size(); }
  void cut(std::size_t limit);

  // {"items": [...]}
  void print_json(std::ostream& out) const;
  void print_table(std::ostream& out, std::span<const std::string_view> columns) const;

 private:
  std::vector<std::string> items_;  // each one's JSON
  std::string next_;
  std::vector<std::string> notes_;
};

// Lines "name: value" of an object. `columns`: its items come as a table with these instead; where it has
// none, only these members are shown. Without columns, objects in a list stand one a line.
Status print_object(std::ostream& out, ByteView body, std::span<const std::string_view> columns = {});
// The same; each list named in `tables` stands below its name as a table with those columns, when it is not
// empty.
struct InnerTable {
  std::string_view member;
  std::vector<std::string_view> columns;
};
Status print_object_with_tables(std::ostream& out, ByteView body, std::span<const InnerTable> tables);
// What became of things that were named, by `done` of each item; what has none does not count.
struct DoneCount {
  std::size_t done = 0;
  std::size_t not_done = 0;
};
Result<DoneCount> count_done(ByteView body);
// The text at a path such as "certificate.pem". kNotFound when there is none.
Result<std::string> text_at(ByteView body, std::string_view path);

}  // namespace tapewarden::cli
