#include "kmip/pattern.h"

#include <gtest/gtest.h>

namespace tapewarden::kmip {
namespace {

bool matches(std::string_view pattern, std::string_view value, std::size_t steps = 100'000) {
  MatchBudget budget(steps);
  return Pattern::of_text(pattern).matches(value, budget);
}

TEST(Pattern, K21_WildcardsStandForCharactersAsInTheShell) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("AB*L6", "AB0001L6"));
  EXPECT_FALSE(matches("AB*L6", "AB0001L7"));
  EXPECT_TRUE(matches("*a*a*", "xaybaz"));
  EXPECT_TRUE(matches("AB000?L6", "AB0001L6"));
  EXPECT_FALSE(matches("AB000?L6", "AB000L6"));
  EXPECT_TRUE(matches("AB[0-9]*", "AB1"));
  EXPECT_FALSE(matches("AB[!0-9]*", "AB1"));
  EXPECT_TRUE(matches("AB[^0-9]*", "ABC"));
  EXPECT_TRUE(matches("[]x]", "]"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("a**b", "ab"));
  EXPECT_FALSE(matches("a*b", "abc"));
  EXPECT_FALSE(matches("", "a"));
}

TEST(Pattern, K21_ABackslashTakesAWildcardForItself) {
  EXPECT_TRUE(matches("a\\*b", "a*b"));
  EXPECT_FALSE(matches("a\\*b", "axb"));
  EXPECT_TRUE(matches("a\\\\b", "a\\b"));
  EXPECT_FALSE(Pattern::of_text("ends with \\").has_wildcards());
}

TEST(Pattern, K21_WhatHasNoWildcardMatchesItselfAlone) {
  EXPECT_FALSE(Pattern::of_text("vault[1").has_wildcards());
  EXPECT_TRUE(matches("vault[1", "vault[1"));
  EXPECT_FALSE(matches("vault", "vault1"));
  const std::string longer(kMaximumPatternBytes + 1, '*');
  EXPECT_FALSE(Pattern::of_text(longer).has_wildcards());
  EXPECT_TRUE(matches(longer, longer));
}

TEST(Pattern, K21_OneCharacterOfATextMayHaveSeveralBytes) {
  EXPECT_TRUE(matches("M?nchen", "M\xC3\xBCnchen"));
  EXPECT_TRUE(matches("[\xC3\xBC]", "\xC3\xBC"));
  EXPECT_FALSE(matches("[\xC3\xBC]", "\xC3\xB6"));
  MatchBudget budget(1000);
  const Bytes pattern{0xC3, '?'};
  const Bytes value{0xC3, 0xBC};
  EXPECT_TRUE(Pattern::of_bytes(pattern).matches(value, budget));
}

TEST(Pattern, K21_ASearchEndsWithItsBudget) {
  const std::string value(4096, 'a');
  MatchBudget budget(1000);
  const auto pattern = Pattern::of_text("*a*a*a*a*b");
  EXPECT_FALSE(pattern.matches(value, budget));
  EXPECT_TRUE(budget.spent());
  EXPECT_FALSE(pattern.matches("aaaab", budget)) << "nothing is left for it";
}

}  // namespace
}  // namespace tapewarden::kmip
