// Patterns in the notation of the shell (ISO/IEC 9945-2, "pattern matching notation"), as KMIP 1.0 to 1.4 let
// a server match texts and byte strings by (Specification 1.4 section 4.9): * stands for any characters, ?
// for one, [a-z] and [!a-z] for one of a set, and a backslash takes a character for itself. Character classes
// ([:alpha:]) and collating elements are not known. Of a text, characters are matched; of a byte string,
// bytes. Values; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden::kmip {

inline constexpr std::size_t kMaximumPatternBytes = 512;

// Bounds the work of a search whatever its patterns and the values are.
class MatchBudget {
 public:
  explicit MatchBudget(std::size_t steps) : left_(steps) {}
  // False: there is none left.
  bool take(std::size_t steps = 1) {
    if (steps > left_) left_ = 0;
    if (left_ == 0) return false;
    left_ -= steps;
    return true;
  }
  bool spent() const { return left_ == 0; }

 private:
  std::size_t left_;
};

class Pattern {
 public:
  // A text is UTF-8; bytes that are not stand for themselves.
  static Pattern of_text(std::string_view text);
  static Pattern of_bytes(ByteView bytes);

  // False: it is an ordinary value, which matches itself alone. So is one of more than kMaximumPatternBytes.
  bool has_wildcards() const { return wild_; }
  // REQUIRES: the value is of the pattern's kind. False also when the budget is spent.
  bool matches(std::string_view text, MatchBudget& budget) const;
  bool matches(ByteView bytes, MatchBudget& budget) const;

 private:
  explicit Pattern(std::u32string characters, bool short_enough);
  bool matches_characters(std::u32string_view value, MatchBudget& budget) const;

  std::u32string characters_;
  bool wild_ = false;
};

}  // namespace tapewarden::kmip
