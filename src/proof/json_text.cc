#include "proof/json_text.h"

namespace tapewarden::proof {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value& value, std::size_t level);

void begin_line(std::string& out, std::size_t level) {
  out += '\n';
  out.append(2 * level, ' ');
}

void append_object(std::string& out, const json::object& object, std::size_t level) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : object) {
    if (!first) out += ',';
    first = false;
    begin_line(out, level + 1);
    out += json::serialize(json::value(name)) + ": ";
    append(out, value, level + 1);
  }
  if (!first) begin_line(out, level);
  out += '}';
}

void append_array(std::string& out, const json::array& array, std::size_t level) {
  out += '[';
  bool first = true;
  for (const auto& value : array) {
    if (!first) out += ',';
    first = false;
    begin_line(out, level + 1);
    append(out, value, level + 1);
  }
  if (!first) begin_line(out, level);
  out += ']';
}

void append(std::string& out, const json::value& value, std::size_t level) {
  if (const auto* object = value.if_object()) {
    append_object(out, *object, level);
  } else if (const auto* array = value.if_array()) {
    append_array(out, *array, level);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string to_text(const json::value& value) {
  std::string out;
  append(out, value, 0);
  return out;
}

}  // namespace tapewarden::proof
