#include "base/nearest_words.h"

#include <gtest/gtest.h>

namespace tapewarden {
namespace {

const std::vector<std::string> kWords{"restore", "run", "check", "verify-backup", "site-init"};

TEST(NearestWords, ASlipIsSeen) {
  EXPECT_EQ(nearest_words("restor", kWords), "did you mean restore?");
  EXPECT_EQ(nearest_words("RESTORE", kWords), "did you mean restore?");
  EXPECT_EQ(nearest_words("rnu", kWords), "did you mean run?");
  EXPECT_EQ(nearest_words("verifybackup", kWords), "did you mean verify-backup?");
  EXPECT_EQ(nearest_words("ab", {"aa", "bb"}), "did you mean aa or bb?");
}

TEST(NearestWords, WhatIsFarFromAllIsToldAllOfThem) {
  const std::string all = "use one of: restore, run, check, verify-backup, site-init";
  EXPECT_EQ(nearest_words("frobnicate", kWords), all);
  EXPECT_EQ(nearest_words("", kWords), all);
  EXPECT_EQ(nearest_words(std::string(10'000, 'r'), kWords), all);
  EXPECT_EQ(nearest_words("x", {}), "use one of: ");
}

}  // namespace
}  // namespace tapewarden
