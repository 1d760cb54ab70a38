// Batches: that stop, go on or are undone, and what an item leaves for the next one.
#include <gtest/gtest.h>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

TEST_F(KmipRules, K21_ABatchStopsAtAFailureUnlessToldOtherwise) {
  const std::vector<std::string> items{create_item(128, "Encrypt", name_attribute("one")),
                                       item("Get", named("00000000-0000-4000-8000-000000000000"), "02"),
                                       create_item(128, "Encrypt", name_attribute("two"))};
  const auto stopped = ask(items);
  EXPECT_EQ(stopped.size(), 2U);
  EXPECT_EQ(stopped.outcome(0), "Success");
  EXPECT_EQ(stopped.outcome(1), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(located(name_attribute("two")), 0U);
}

TEST_F(KmipRules, K21_ABatchThatContinuesKeepsWhatSucceeded) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")),
                           item("Get", named("00000000-0000-4000-8000-000000000000"), "02"),
                           create_item(128, "Encrypt", name_attribute("two"))},
                          enumeration("BatchErrorContinuationOption", "Continue"));
  ASSERT_EQ(answer.size(), 3U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "Success");
  EXPECT_EQ(answer.outcome(1), "ObjectNotFound");
  EXPECT_EQ(answer.outcome(2), "Success");
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(located(name_attribute("two")), 1U);
}

TEST_F(KmipRules, K21_ABatchThatIsUndoneHasChangedNothing) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")), item("Get", "", "02"),
                           item("Get", named("00000000-0000-4000-8000-000000000000"), "03")},
                          enumeration("BatchErrorContinuationOption", "Undo"));
  ASSERT_EQ(answer.size(), 3U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "OperationUndone");
  EXPECT_EQ(answer.outcome(1), "OperationUndone");
  EXPECT_FALSE(answer.has("KeyMaterial", 1)) << "a key of an undone batch left";
  EXPECT_EQ(answer.outcome(2), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 0U);
}

TEST_F(KmipRules, K21_AnAnswerThatIsTooLargeUndoesTheBatch) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")), item("Get", "", "02")},
                          number("MaximumResponseSize", 200));
  ASSERT_EQ(answer.size(), 2U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "ResponseTooLarge");
  EXPECT_EQ(answer.outcome(1), "ResponseTooLarge");
  EXPECT_EQ(located(name_attribute("one")), 0U);
}

TEST_F(KmipRules, K21_AnItemThatFailsHalfwayHasChangedNothing) {
  // The old key's name is free for the new one before the new one is found to be impossible.
  const auto id = create(128, "Encrypt", name_attribute("vault"));
  const auto answer =
      ask({item("ReKey", named(id) + structure("Attributes", number("CryptographicLength", 99))),
           create_item(128, "Encrypt", name_attribute("other"))},
          enumeration("BatchErrorContinuationOption", "Continue"));
  ASSERT_EQ(answer.size(), 2U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "InvalidField");
  EXPECT_EQ(answer.outcome(1), "Success");
  EXPECT_EQ(located(name_attribute("vault")), 1U);
  EXPECT_EQ(located(name_attribute("other")), 1U);
}

TEST_F(KmipRules, K21_AReadOfNothingGetsNoOtherKey) {
  create(128, "Encrypt", name_attribute("one"));
  create(128, "Encrypt", name_attribute("two"));
  const auto answer =
      ask({item("Get", named(create(128, "Encrypt"))),
           item("Locate", structure("Attributes", name_attribute("none")), "02"), item("Get", "", "03")});
  EXPECT_EQ(answer.outcome(2), "ItemNotFound") << answer.text();
}

TEST_F(KmipRules, K21_AFailedItemLeavesNoKeyForTheNext) {
  const auto go_on = enumeration("BatchErrorContinuationOption", "Continue");
  const auto bad_filter = item("Locate", structure("Attributes", text("ActivationDate", "never")), "02");
  const auto first = ask({create_item(128, "Encrypt"), bad_filter, item("Get", "", "03")}, go_on);
  ASSERT_EQ(first.size(), 3U) << first.text();
  EXPECT_EQ(first.outcome(0), "Success");
  EXPECT_EQ(first.outcome(1), "InvalidField");
  EXPECT_EQ(first.outcome(2), "ItemNotFound") << first.text();
  create(128, "Encrypt", name_attribute("one"));
  const auto second = ask({item("Locate", structure("Attributes", name_attribute("one"))),
                           create_item(99, "Encrypt"), item("Get", "", "03")},
                          go_on);
  ASSERT_EQ(second.size(), 3U) << second.text();
  EXPECT_EQ(second.outcome(0), "Success");
  EXPECT_EQ(second.outcome(1), "InvalidField");
  EXPECT_EQ(second.outcome(2), "ItemNotFound") << second.text();
}

TEST_F(KmipRules, K21_WhatABatchUndidDoesNotLeave) {
  const auto limits = structure("UsageLimits", field("UsageLimitsTotal", "LongInteger", "1") +
                                                   enumeration("UsageLimitsUnit", "Object"));
  const auto id = register_key(kKek, "Encrypt", concat(active(), limits));
  const auto encrypt =
      item("Encrypt",
           concat(named(id), structure("CryptographicParameters", enumeration("BlockCipherMode", "ECB")),
                  bytes("Data", kKey)));
  const auto undone = ask({encrypt, item("Get", named("00000000-0000-4000-8000-000000000000"), "02")},
                          enumeration("BatchErrorContinuationOption", "Undo"));
  EXPECT_EQ(undone.outcome(0), "OperationUndone") << undone.text();
  EXPECT_FALSE(undone.has("Data", 0)) << "the use that it cost was given back";
  EXPECT_EQ(ask(encrypt).outcome(), "Success");
  EXPECT_EQ(ask(encrypt).outcome(), "PermissionDenied");
}

}  // namespace
}  // namespace tapewarden::conformance
