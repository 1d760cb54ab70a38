#include "keymgr/migration/java_properties.h"

#include <optional>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/secret_bytes.h"

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
  std::size_t characters_left() const { return rest_.size(); }
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

// A logical line, put together from those that belong to it, and wiped in the end: it may hold a password.
class LogicalLine {
 public:
  LogicalLine(std::string_view first, Lines& lines) : text_(without_leading_blanks(first)) {
    if (text_.empty() || is_comment() || !goes_on(text_)) return;
    // In one piece: growing would leave copies behind.
    std::string whole;
    whole.reserve(text_.size() + lines.characters_left());
    whole = text_;
    crypto::wipe(text_);
    text_.swap(whole);
    while (goes_on(text_)) {
      text_.pop_back();
      const auto more = lines.next();
      if (!more) break;
      text_ += without_leading_blanks(*more);
    }
  }
  ~LogicalLine() { crypto::wipe(text_); }
  LogicalLine(const LogicalLine&) = delete;
  LogicalLine& operator=(const LogicalLine&) = delete;

  bool tells_nothing() const { return text_.empty() || is_comment(); }
  std::string_view text() const { return text_; }

 private:
  bool is_comment() const { return text_.front() == '#' || text_.front() == '!'; }
  std::string text_;
};

// nullopt: see plain().
std::optional<JavaProperty> property_of(std::string_view line, std::size_t number) {
  const auto end = end_of_key(line);
  auto key = plain(line.substr(0, end));
  if (!key) return std::nullopt;
  if (names_password(*key)) return JavaProperty{number, *std::move(key), {}};
  auto value = plain(value_after(line.substr(end)));
  if (!value) return std::nullopt;
  return JavaProperty{number, *std::move(key), *std::move(value)};
}

}  // namespace

bool names_password(std::string_view key) {
  return to_lower(key).find("password") != std::string::npos;
}

Result<std::vector<JavaProperty>> read_java_properties(std::string_view text) {
  if (text.size() > kMaximumPropertiesBytes)
    return fail(ErrorCode::kExhausted, "the properties file is larger than 1 MiB", "properties");
  std::vector<JavaProperty> out;
  Lines lines(text);
  while (const auto first = lines.next()) {
    const std::size_t number = lines.number();
    const LogicalLine line(*first, lines);
    if (line.tells_nothing()) continue;
    auto property = property_of(line.text(), number);
    if (!property)
      return fail(ErrorCode::kInvalidArgument,
                  "line " + std::to_string(number) + " has a \\u without four hexadecimal digits",
                  "properties");
    if (out.size() == kMaximumProperties)
      return fail(ErrorCode::kExhausted, "the properties file has too many lines", "properties");
    out.push_back(*std::move(property));
  }
  return out;
}

}  // namespace tapewarden::keymgr
