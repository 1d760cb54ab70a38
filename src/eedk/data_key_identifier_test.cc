#include "eedk/data_key_identifier.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::eedk {
namespace {

std::string dki_hex(std::string_view alias) {
  const auto identifier = DataKeyIdentifier::from_alias(alias);
  return identifier ? identifier->hex() : "refused: " + identifier.error().field;
}

TEST(Alias, K2_ShortFormIsPaddedRightWithBlanks) {
  EXPECT_EQ(dki_hex("KEY1"), "4b4559312020202020202020");
  EXPECT_EQ(dki_hex("ABCDEFGHIJKL"), "4142434445464748494a4b4c");
  EXPECT_EQ(dki_hex("A"), "412020202020202020202020");
}

TEST(Alias, K2_LongFormIsThreeLettersAndNineBytes) {
  EXPECT_EQ(dki_hex("KMB0000034acd2345678a"), "4b4d420000034acd2345678a");
  EXPECT_EQ(dki_hex("kmb0000034ACD2345678A"), "4b4d420000034acd2345678a");
}

TEST(Alias, K2_LettersCompareWithoutCase) {
  EXPECT_EQ(*canonical_alias("key1"), "KEY1");
  EXPECT_EQ(*canonical_alias("kmb0000034acd2345678a"), "KMB0000034ACD2345678A");
  EXPECT_EQ(*DataKeyIdentifier::from_alias("kEy1"), *DataKeyIdentifier::from_alias("KeY1"));
}

TEST(Alias, K2_AliasesWithEqualIdentifiersAreTheSame) {
  EXPECT_EQ(*DataKeyIdentifier::from_alias("KEY1  "), *DataKeyIdentifier::from_alias("KEY1"));
  EXPECT_EQ(*canonical_alias("KEY1  "), "KEY1");
  EXPECT_NE(*DataKeyIdentifier::from_alias("KEY 1"), *DataKeyIdentifier::from_alias("KEY1"));
}

TEST(Alias, K2_EverythingElseIsRefused) {
  for (const std::string_view bad :
       {"", "   ", " KEY1", "ABCDEFGHIJKLM", "KMB0000034ACD2345678", "KMB0000034ACD2345678A0",
        "KMB0100034ACD2345678A", "KM10000034ACD2345678A", "KMB0000034ACD2345678G", "KEY\n1", "KEY\x80"}) {
    EXPECT_EQ(dki_hex(bad), "refused: alias") << bad;
  }
}

TEST(Alias, K2_AnIdentifierHasOneCanonicalAlias) {
  ::tapewarden::testing::SimRandom random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string alias(1 + random.below(12), ' ');
    for (auto& c : alias) c = static_cast<char>(0x20 + random.below(0x5F));
    const auto identifier = DataKeyIdentifier::from_alias(alias);
    if (!identifier) continue;
    EXPECT_EQ(*DataKeyIdentifier::from_alias(*identifier->alias()), *identifier);
    EXPECT_EQ(identifier->folded(), *identifier);
  }
  for (int round = 0; round < 100; ++round) {
    const auto alias = default_alias("TPW", static_cast<std::uint32_t>(random.below(1ULL << 32)),
                                     static_cast<std::uint32_t>(random.below(1ULL << 32)));
    EXPECT_EQ(*DataKeyIdentifier::from_alias(alias)->alias(), alias);
  }
}

TEST(Alias, K2_AnIdentifierFromATapeIsFoundWhateverItsCase) {
  const auto lower = *DataKeyIdentifier::from_tape(as_bytes("key000000001"));
  EXPECT_EQ(lower.folded(), *DataKeyIdentifier::from_alias("KEY000000001"));
  const auto lower_long = *DataKeyIdentifier::from_tape(*from_hex("6b6d620000034acd2345678a"));
  EXPECT_EQ(lower_long.folded(), *DataKeyIdentifier::from_alias("KMB0000034ACD2345678A"));
  const auto foreign = *DataKeyIdentifier::from_tape(*from_hex("ff0102030405060708090a0b"));
  EXPECT_FALSE(foreign.alias());
  EXPECT_EQ(foreign.folded(), foreign);
  EXPECT_FALSE(DataKeyIdentifier::from_tape(Bytes(11)));
}

TEST(AliasRange, K2_RangesExpandInOrder) {
  EXPECT_EQ(
      *expand_alias_range("ABC000000000000000001-03"),
      (std::vector<std::string>{"ABC000000000000000001", "ABC000000000000000002", "ABC000000000000000003"}));
  EXPECT_EQ(expand_alias_range("ABC000000000000000001-0F")->size(), 15U);
  const auto padded = *expand_alias_range("thz01-ff");
  EXPECT_EQ(padded.size(), 255U);
  EXPECT_EQ(padded.front(), "THZ000000000000000001");
  EXPECT_EQ(padded.back(), "THZ0000000000000000FF");
  EXPECT_EQ(
      *expand_alias_range("ABC0fe-100"),
      (std::vector<std::string>{"ABC0000000000000000FE", "ABC0000000000000000FF", "ABC000000000000000100"}));
  EXPECT_EQ(*expand_alias_range("KEY1"), std::vector<std::string>{"KEY1"});
  EXPECT_EQ(*expand_alias_range("key-1"), std::vector<std::string>{"KEY-1"});
  EXPECT_EQ(expand_alias_range("ABC00FFFFFFFFFFFFFFFE-F")->back(), "ABC00FFFFFFFFFFFFFFFF");
}

TEST(AliasRange, K2_BadRangesAreRefused) {
  EXPECT_EQ(expand_alias_range("ABC02-01").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand_alias_range("ABC01-").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand_alias_range("ABC01-0G").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand_alias_range("ABC010000000000000000-1").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand_alias_range("ABC01-100000000000000000").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand_alias_range("ABC0-FFFFFFFF").error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(expand_alias_range("ABC0-F423F"));
  EXPECT_FALSE(expand_alias_range("ABC0-F4240"));
  EXPECT_FALSE(expand_alias_range(""));
}

TEST(Alias, K2_DefaultAliasesOfTwoInstallationsNeverMeet) {
  EXPECT_EQ(default_alias("tpw", 0xA1B2C3D4, 5), "TPW00A1B2C3D400000005");
  EXPECT_NE(default_alias("TPW", 1, 5), default_alias("TPW", 2, 5));
  EXPECT_EQ(default_alias("TPW", 1, 5).size(), kLongAliasCharacters);
}

}  // namespace
}  // namespace tapewarden::eedk
