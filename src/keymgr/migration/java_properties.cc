#include "keymgr/migration/java_properties.h"

#include <optional>

#include "base/bytes.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kBlanks = " \t\f\r";

std::string_view without_leading_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// An odd number of backslashes at the end: the next line belongs to this one.
bool goes_on(std::string_view line) {
  const auto last = line.find_last_not_of('\\');
  const auto backslashes = line.size() - (last == std::string_view::npos ? 0 : last + 1);
  return backslashes % 2 == 1;
}

// The natural lines of a text; a line ends with LF, CR LF or CR.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::size_t number() const { return number_; }

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    const auto end = rest_.find_first_of("\r\n");
    const auto line = rest_.substr(0, end);
    const bool pair = end != std::string_view::npos && rest_.substr(end, 2) == "\r\n";
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + (pair ? 2 : 1));
    return line;
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

void add_utf8(std::string& out, std::uint32_t character) {
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character < 0x800) {
    out += static_cast<char>(0xC0 | character >> 6);
    out += static_cast<char>(0x80 | (character & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | character >> 12);
    out += static_cast<char>(0x80 | (character >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (character & 0x3F));
  }
}

char escaped(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

// Without its escapes. nullopt: a \u without four hexadecimal digits.
std::optional<std::string> plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) break;
    if (text[i] != 'u') {
      out += escaped(text[i]);
      continue;
    }
    const auto digits = from_hex(text.substr(i + 1, 4));
    if (!digits || digits->size() != 2) return std::nullopt;
    add_utf8(out, static_cast<std::uint32_t>((*digits)[0]) << 8 | (*digits)[1]);
    i += 4;
  }
  return out;
}

// Where the key of a logical line ends: at the first '=', ':' or blank that no backslash stands before.
std::size_t end_of_key(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || kBlanks.find(line[i]) != std::string_view::npos) {
      return i;
    }
  }
  return line.size();
}

std::string_view value_after(std::string_view rest) {
  rest = without_leading_blanks(rest);
  if (!rest.empty() && (rest.front() == '=' || rest.front() == ':')) rest.remove_prefix(1);
  return without_leading_blanks(rest);
}

}  // namespace

Result<std::vector<JavaProperty>> read_java_properties(std::string_view text) {
  if (text.size() > kMaximumPropertiesBytes)
    return fail(ErrorCode::kExhausted, "the properties file is larger than 1 MiB", "properties");
  std::vector<JavaProperty> out;
  Lines lines(text);
  while (const auto first = lines.next()) {
    std::string line(without_leading_blanks(*first));
    if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    const std::size_t number = lines.number();
    while (goes_on(line)) {
      line.pop_back();
      const auto more = lines.next();
      if (!more) break;
      line += without_leading_blanks(*more);
    }
    const auto end = end_of_key(line);
    auto key = plain(std::string_view(line).substr(0, end));
    auto value = plain(value_after(std::string_view(line).substr(end)));
    if (!key || !value)
      return fail(ErrorCode::kInvalidArgument,
                  "line " + std::to_string(number) + " has a \\u without four hexadecimal digits",
                  "properties");
    if (out.size() == kMaximumProperties)
      return fail(ErrorCode::kExhausted, "the properties file has too many lines", "properties");
    out.push_back({number, *std::move(key), *std::move(value)});
  }
  return out;
}

}  // namespace tapewarden::keymgr
