// Constructs, pools and what is due when a volume comes back.
#include "engine/host/settle.h"

#include "engine/host/host_test_kit.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using tape::test::block;

struct SettleTest : ::testing::Test {
  HostBench bench;
  void group(const std::string& name, std::uint8_t pool) {
    ASSERT_TRUE(bench.put(StorageGroup{name, pool, ""}));
  }
  void management(const std::string& name, std::uint8_t pool) {
    ASSERT_TRUE(bench.put(ManagementClass{name, pool, ""}));
  }
  const std::string standard{kDefaultConstruct};
  LogicalVolume volume() { return bench.volume("V00001"); }
  // In and out of a drive without a change.
  void only_read() {
    ASSERT_TRUE(bench.mount("V00001").value());
    ASSERT_TRUE(bench.unmount("V00001"));
  }
  // A host writes the attribute into the cartridge's memory.
  void name_in_band(tape::AttributeId id, const std::string& text) {
    ASSERT_TRUE(bench.drives[0]->cartridge()->set_attributes({{id, tape::ascii_attribute(text, 16)}}));
  }
  Names said() {
    Names out;
    for (const auto& notice : bench.notices->since(0))
      if (notice.kind == NoticeKind::kUnknownConstruct) out.push_back(notice.subject + ": " + notice.text);
    return out;
  }
};

TEST_F(SettleTest, T2_ThePoolIsSettledWhenTheHostUnmountsAndNotBefore) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  EXPECT_EQ(volume().primary_pool, 1);
  group(standard, 2);
  EXPECT_EQ(volume().primary_pool, 1) << "in the cache, and as it was unmounted";
  only_read();
  EXPECT_TRUE(volume().primary_due);
  EXPECT_EQ(volume().primary_pool, 2);
  ASSERT_EQ(bench.migrate(), 1U);
  EXPECT_EQ(volume().primary->cartridge, "P00002");
  only_read();
  EXPECT_FALSE(volume().primary_due) << "it lies where it should";
}

TEST_F(SettleTest, T7_RecalledAndUnmountedItIsDueForThePoolOfNow) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  const auto before = volume();
  group(standard, 3);
  EXPECT_FALSE(bench.mount("V00001").value());
  bench.recall();
  EXPECT_EQ(bench.read_back(), block(1));
  EXPECT_FALSE(volume().primary_due);
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_TRUE(volume().primary_due);
  EXPECT_EQ(volume().primary_pool, 3);
  EXPECT_EQ(volume().generation, before.generation) << "nothing was changed";
  EXPECT_EQ(volume().primary, before.primary) << "good until the new one is there";
  ASSERT_EQ(bench.migrate(), 1U);
  EXPECT_EQ(bench.catalogue->cartridge("P00001")->active_volumes, 0U);
  EXPECT_EQ(bench.catalogue->cartridge("P00003")->active_volumes, 1U);
  bench.expect_sound();
}

TEST_F(SettleTest, T2_TheSecondaryCopyFollowsItsManagementClass) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  management(standard, 2);
  only_read();
  EXPECT_FALSE(volume().primary_due);
  EXPECT_TRUE(volume().secondary_due);
  EXPECT_EQ(volume().secondary_pool, 2);
  ASSERT_EQ(bench.migrate(), 1U);
  only_read();
  EXPECT_FALSE(volume().secondary_due);
  management(standard, 3);
  only_read();
  EXPECT_TRUE(volume().secondary_due);
  EXPECT_EQ(volume().secondary_pool, 3);
  management(standard, 0);
  only_read();
  EXPECT_FALSE(volume().secondary_due);
  ASSERT_TRUE(volume().secondary);
  EXPECT_EQ(volume().secondary->cartridge, "P00002") << "what is there stays";
}

TEST_F(SettleTest, T5_ACopyOnADamagedCartridgeIsMadeAnew) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  auto cartridge = bench.catalogue->cartridge("P00001").value();
  cartridge.state = CartridgeState::kEjected;
  ASSERT_TRUE(bench.put(cartridge));
  only_read();
  EXPECT_FALSE(volume().primary_due) << "it lies outside, and is whole";
  cartridge.state = CartridgeState::kDamaged;
  ASSERT_TRUE(bench.put(cartridge));
  only_read();
  EXPECT_TRUE(volume().primary_due);
}

TEST_F(SettleTest, T5_WhatAnEjectMadeDueStaysDueWhenAHostOnlyReadsIt) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  auto cartridge = bench.catalogue->cartridge("P00001").value();
  cartridge.state = CartridgeState::kEjected;
  ASSERT_TRUE(bench.put(cartridge));
  auto due = volume();
  due.primary_due = true;
  ASSERT_TRUE(bench.put(due));
  only_read();
  EXPECT_TRUE(volume().primary_due) << "no readable copy is in the library";
  cartridge.state = CartridgeState::kClosed;
  cartridge.note = "damaged: a block cannot be read";
  ASSERT_TRUE(bench.put(cartridge));
  only_read();
  EXPECT_TRUE(volume().primary_due) << "it is brought away from there";
  cartridge.note.clear();
  ASSERT_TRUE(bench.put(cartridge));
  only_read();
  EXPECT_FALSE(volume().primary_due) << "the cartridge is back, and good";
}

TEST_F(SettleTest, T2_AHostNamesItsConstructsInBand) {
  group("FINANCE", 2);
  management("TWICE", 3);
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(1)));
  name_in_band(kStorageGroupAttribute, "FINANCE");
  name_in_band(kManagementClassAttribute, "TWICE");
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(volume().storage_group, "FINANCE");
  EXPECT_EQ(volume().management_class, "TWICE");
  EXPECT_EQ(volume().primary_pool, 2);
  EXPECT_EQ(volume().secondary_pool, 3);
  EXPECT_TRUE(volume().primary_due && volume().secondary_due);
  EXPECT_EQ(said(), Names());
  // What an operator settles later stays until the host writes again.
  auto given = volume();
  given.storage_group = standard;
  ASSERT_TRUE(bench.put(given));
  only_read();
  EXPECT_EQ(volume().storage_group, standard);
  ASSERT_TRUE(bench.write_volume("V00001", block(2)));
  EXPECT_EQ(volume().storage_group, "FINANCE");
}

TEST_F(SettleTest, T2_NamesOfNothingAreToldAndTheVolumeKeepsWhatItHas) {
  group("FINANCE", 2);
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(1)));
  name_in_band(kStorageGroupAttribute, "NOBODY");
  name_in_band(kManagementClassAttribute, "no\nname");
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(volume().storage_group, standard);
  EXPECT_EQ(volume().management_class, standard);
  EXPECT_EQ(volume().category, Category::kPrivate);
  ASSERT_EQ(said().size(), 2U);
  EXPECT_NE(said()[0].find("V00001: the host named the storage group \"NOBODY\""), std::string::npos)
      << said()[0];
  EXPECT_EQ(said()[1].find('\n'), std::string::npos) << "no line of its own making";
  EXPECT_EQ(code_of(NoticeKind::kUnknownConstruct), "TWE011I");
  ASSERT_TRUE(bench.mount("V00001").value());
  name_in_band(kStorageGroupAttribute, "FINANCE");
  name_in_band(kManagementClassAttribute, "  ");
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(volume().storage_group, "FINANCE") << "an attribute is a change";
  EXPECT_EQ(said().size(), 2U) << "blanks name nothing";
}

TEST_F(SettleTest, T2_AttributesAreReadWithoutWhatFillsThem) {
  tape::AttributeMap attributes;
  EXPECT_EQ(named_constructs(attributes), NamedConstructs());
  attributes[kStorageGroupAttribute] = tape::ascii_attribute("SG 1", 8);
  attributes[kManagementClassAttribute] = {tape::AttributeFormat::kBinary, Bytes{'M', 'C', 0, 0}};
  EXPECT_EQ(named_constructs(attributes), (NamedConstructs{"SG 1", "MC"}));
  attributes[kStorageGroupAttribute] = {tape::AttributeFormat::kText, Bytes(20, ' ')};
  EXPECT_EQ(named_constructs(attributes).storage_group, "");
}

TEST_F(SettleTest, T5_ASecondPartitionIsContentToo) {
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.drives[0]->cartridge()->format({2U << 20, 2U << 20}));
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(volume().category, Category::kPrivate) << "a new layout is a change";
  const auto before = volume();
  only_read();
  EXPECT_EQ(volume().generation, before.generation);
  ASSERT_TRUE(bench.mount("V00001").value());
  auto& tape = *bench.drives[0]->cartridge();
  ASSERT_TRUE(tape.change_partition(1));
  ASSERT_TRUE(tape.write_record(block(1)));
  ASSERT_TRUE(tape.write_filemarks(1));
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(volume().generation, before.generation + 1);
  EXPECT_EQ(bench.files().size(), 2U);
}

}  // namespace
}  // namespace tapewarden::engine::testing
