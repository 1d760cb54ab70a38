#include "tape/library/encryption_rules.h"

#include <gtest/gtest.h>

namespace tapewarden::tape {
namespace {

EncryptionRule rule(std::string_view text) {
  const auto parsed = parse_encryption_rule(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().text());
  return parsed.value_or(EncryptionRule{});
}

TEST(EncryptionRules, L4_SayWhatARangeOfBarcodesIsWrittenWith) {
  const auto group = rule("VOL000L9-VOL499L9, group ARCHIVE");
  EXPECT_TRUE(group.policy.encrypt);
  EXPECT_EQ(group.policy.alias_or_group, "ARCHIVE");
  EXPECT_TRUE(group.fits("VOL000L9"));
  EXPECT_TRUE(group.fits("VOL499L9"));
  EXPECT_FALSE(group.fits("VOL500L9"));
  EXPECT_FALSE(group.fits("VOL499"));
  EXPECT_FALSE(group.fits("UOL001L9"));
  const auto labels = rule("JZ0000-JZ9999, label ARCHIVE 2026, label OFFSITE:hash");
  EXPECT_EQ(labels.policy.labels, (std::vector<scsi::KeyLabel>{{"ARCHIVE 2026", scsi::LabelModeCode::kClear},
                                                               {"OFFSITE", scsi::LabelModeCode::kHash}}));
  EXPECT_FALSE(rule("TMP000L9-TMP999L9, clear").policy.encrypt);
  EXPECT_TRUE(rule("*").fits("ANY"));
  EXPECT_EQ(rule("vol001l9").last, "VOL001L9");
}

TEST(EncryptionRules, L4_ARangeHoldsWhatCountsUpInItAndNothingElse) {
  const auto clear = rule("TMP000L9-TMP999L9, clear");
  for (const std::string barcode : {"TMP000L9", "TMP100L9", "TMP999L9"})
    EXPECT_TRUE(clear.fits(barcode)) << barcode;
  for (const std::string barcode : {"TMP5XYL9", "TMP500L8", "TMP1A2M8", "TMPA00L9"})
    EXPECT_FALSE(clear.fits(barcode)) << barcode;
  const auto part = rule("VOL100-VOL200, clear");
  EXPECT_TRUE(part.fits("VOL157"));
  EXPECT_FALSE(part.fits("VOL201"));
  EXPECT_FALSE(part.fits("VOL1X7"));
  EXPECT_TRUE(rule("A1-A1, clear").fits("A1"));
}

TEST(EncryptionRules, L4_TheFirstThatFitsCountsAndWithoutOneItIsEncrypted) {
  const std::vector<EncryptionRule> rules{rule("TMP000L9-TMP999L9, clear"),
                                          rule("TMP500L9-ZZZ999L9, group A")};
  EXPECT_FALSE(policy_for(rules, "TMP600L9").encrypt);
  EXPECT_EQ(policy_for(rules, "VOL001L9").alias_or_group, "A");
  EXPECT_EQ(policy_for(rules, "AAA001L9"), (scsi::WritePolicyPage{.encrypt = true}));
  EXPECT_EQ(policy_for({}, "AAA001L9"), (scsi::WritePolicyPage{.encrypt = true}));
}

TEST(EncryptionRules, L4_WhatIsNotUnderstoodIsRefused) {
  for (const std::string text :
       {"", "VOL2-VOL1, clear", "VOL1-VOL22", "A-B-C", "*, group", "*, group ", "*, lable X",
        "*, label X, label Y, label Z", "*, group A, group B", "*, group A, label B", "*, clear, group A",
        "*, label :hash", "*, clearly", "VOL_1, clear", "*,", "*, label \x01"})
    EXPECT_FALSE(parse_encryption_rule(text)) << text;
  EXPECT_FALSE(parse_encryption_rule("*, group " + std::string(65, 'G')));
}

}  // namespace
}  // namespace tapewarden::tape
