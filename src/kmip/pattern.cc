#include "kmip/pattern.h"

#include <optional>

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kNowhere = std::u32string_view::npos;

// How many bytes follow the first of a character of UTF-8.
std::size_t following(unsigned char first) {
  if (first >= 0xF0U) return 3;
  if (first >= 0xE0U) return 2;
  return first >= 0xC0U ? 1 : 0;
}

// Each character as its bytes one after the other: that tells characters apart, and keeps the order of ASCII.
std::u32string characters_of(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    char32_t character = first;
    for (std::size_t more = following(first); more > 0 && at < text.size(); --more) {
      character = (character << 8U) | static_cast<unsigned char>(text[at++]);
    }
    out.push_back(character);
  }
  return out;
}

std::u32string characters_of(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

// The place of the ] that ends the set which begins at `open`; kNowhere: there is none, and [ is itself.
std::size_t end_of_set(std::u32string_view pattern, std::size_t open) {
  auto at = open + 1;
  if (at < pattern.size() && (pattern[at] == U'!' || pattern[at] == U'^')) ++at;
  return pattern.find(U']', at + 1);  // a ] that stands first is one of the set
}

bool is_in_set(std::u32string_view set, char32_t character) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    const bool range = i + 2 < set.size() && set[i + 1] == U'-';
    const auto last = range ? set[i + 2] : set[i];
    if (character >= set[i] && character <= last) return true;
    if (range) i += 2;
  }
  return false;
}

// What matches one character, and how much of the pattern it is.
struct One {
  std::size_t length = 1;
  bool fits = false;
};

// REQUIRES: there is a character at that place, and it is no *.
One match_one(std::u32string_view pattern, std::size_t at, char32_t character) {
  if (pattern[at] == U'?') return {1, true};
  if (pattern[at] == U'\\' && at + 1 < pattern.size()) return {2, pattern[at + 1] == character};
  if (pattern[at] != U'[') return {1, pattern[at] == character};
  const auto end = end_of_set(pattern, at);
  if (end == kNowhere) return {1, character == U'['};
  auto set = pattern.substr(at + 1, end - at - 1);
  const bool inverted = set.front() == U'!' || set.front() == U'^';
  if (inverted) set = set.substr(1);
  return {end - at + 1, is_in_set(set, character) != inverted};
}

bool has_wildcard(std::u32string_view characters) {
  for (std::size_t at = 0; at < characters.size(); ++at) {
    const auto one = characters[at];
    if (one == U'*' || one == U'?' || (one == U'\\' && at + 1 < characters.size())) return true;
    if (one == U'[' && end_of_set(characters, at) != kNowhere) return true;
  }
  return false;
}

}  // namespace

Pattern::Pattern(std::u32string characters, bool short_enough)
    : characters_(std::move(characters)), wild_(short_enough && has_wildcard(characters_)) {}

Pattern Pattern::of_text(std::string_view text) {
  return Pattern(characters_of(text), text.size() <= kMaximumPatternBytes);
}

Pattern Pattern::of_bytes(ByteView bytes) {
  return Pattern(characters_of(bytes), bytes.size() <= kMaximumPatternBytes);
}

bool Pattern::matches(std::string_view text, MatchBudget& budget) const {
  return matches_characters(characters_of(text), budget);
}

bool Pattern::matches(ByteView bytes, MatchBudget& budget) const {
  return matches_characters(characters_of(bytes), budget);
}

// After a character that does not fit, the last * takes one more: no other needs to be tried again.
bool Pattern::matches_characters(std::u32string_view value, MatchBudget& budget) const {
  if (!wild_) return budget.take() && value == characters_;
  const std::u32string_view pattern = characters_;
  std::size_t in_pattern = 0;
  std::size_t in_value = 0;
  std::optional<std::size_t> after_star;
  std::size_t taken_until = 0;
  while (in_value < value.size()) {
    // A [ is followed by as much of the pattern as its set is long.
    const bool set = in_pattern < pattern.size() && pattern[in_pattern] == U'[';
    if (!budget.take(set ? pattern.size() : 1)) return false;
    if (in_pattern < pattern.size() && pattern[in_pattern] == U'*') {
      after_star = ++in_pattern;
      taken_until = in_value;
      continue;
    }
    const auto one =
        in_pattern < pattern.size() ? match_one(pattern, in_pattern, value[in_value]) : One{0, false};
    if (one.fits) {
      in_pattern += one.length;
      ++in_value;
    } else if (after_star) {
      in_pattern = *after_star;
      in_value = ++taken_until;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of(U'*', in_pattern) == kNowhere;
}

}  // namespace tapewarden::kmip
