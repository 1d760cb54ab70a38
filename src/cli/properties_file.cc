#include "cli/properties_file.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kWord = "password";
constexpr std::string_view kBlanks = " \t\f";

// Without copying the line, since it may hold a password.
bool names_a_password(std::string_view name) {
  for (std::size_t at = 0; at + kWord.size() <= name.size(); ++at) {
    if (equal_ignoring_case(name.substr(at, kWord.size()), kWord)) return true;
  }
  return false;
}

bool goes_on(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

}  // namespace

crypto::SecretBytes without_passwords(ByteView text) {
  auto kept = crypto::SecretBytes::zeros(text.size());
  std::size_t size = 0;
  const auto keep = [&](ByteView part) {
    copy_bytes(kept.reveal_mutable().subspan(size), part);
    size += part.size();
  };
  std::string_view rest = as_text(text);
  bool hidden = false;   // this line belongs to a password
  bool further = false;  // and to the line before it
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    const bool comment = !further && trim(line).starts_with('#');
    const auto begin = std::min(line.find_first_not_of(kBlanks), line.size());
    const auto name = line.substr(0, line.find_first_of("=: \t\f", begin));
    if (!further) hidden = !comment && names_a_password(name);
    if (!hidden) {
      keep(as_bytes(line));
    } else if (!further) {
      keep(as_bytes(name));
      keep(as_bytes("="));
    }
    further = !comment && goes_on(line);
    if (end == std::string_view::npos) break;
    keep(as_bytes("\n"));
    rest.remove_prefix(end + 1);
  }
  return crypto::SecretBytes::copy_of(kept.reveal().first(size));
}

}  // namespace tapewarden::cli
