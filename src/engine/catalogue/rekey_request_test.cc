// An operator's wish that cartridges get other key labels (row K9).
#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/catalogue/rows.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;

const RekeyRequest kWanted{{KeyLabel{"2027", LabelMode::kClear}, KeyLabel{"DR", LabelMode::kHash}}};

PhysicalVolume wrapped(const std::string& barcode, CartridgeState state = CartridgeState::kFull) {
  PhysicalVolume out = cartridge(barcode, 1, state);
  out.medium = 1;
  out.encryption = MediumEncryption::kWrapped;
  out.labels = {KeyLabel{"2017", LabelMode::kClear}, KeyLabel{}};
  return out;
}

struct RekeyRequests : ::testing::Test {
  void ask(PhysicalVolume cartridge) {
    cartridge.rekey = kWanted;
    ASSERT_TRUE(box.put(cartridge));
  }
  Names wanted(std::size_t limit = 10, const std::string& after = {}) {
    return names(box.look([&](auto& view) { return view.rekey_requests(limit, after); }));
  }
  Box box;
};

TEST_F(RekeyRequests, K9_ThoseThatCanBeReadAreListedInOrder) {
  ask(wrapped("C", CartridgeState::kFilling));
  ask(wrapped("A"));
  ask(wrapped("B", CartridgeState::kClosed));
  ask(wrapped("D", CartridgeState::kEjected));
  ask(wrapped("E", CartridgeState::kDamaged));
  ASSERT_TRUE(box.put(wrapped("F")));
  EXPECT_EQ(wanted(), (Names{"A", "B", "C"}));
  EXPECT_EQ(wanted(1), Names{"A"});
  EXPECT_EQ(wanted(10, "A"), (Names{"B", "C"}));
  const auto all = box.look([&](auto& view) { return view.cartridges({.pool = 1, .rekey = true}, {}); });
  EXPECT_EQ(names(all.items), (Names{"A", "B", "C", "D", "E"})) << "also those that cannot be read now";
  box.expect_sound();
}

TEST_F(RekeyRequests, K9_ARequestOutlivesARestart) {
  ask(wrapped("A"));
  ASSERT_TRUE(box.open());
  EXPECT_EQ(wanted(), Names{"A"});
  EXPECT_EQ(box->cartridge("A")->rekey, kWanted);
  box.expect_sound();
}

TEST_F(RekeyRequests, K9_ItEndsWhenTheCartridgeIsBegunAnewOrGivenBack) {
  ask(wrapped("A"));
  auto again = *box->cartridge("A");
  again.medium = 2;
  again.encryption = MediumEncryption::kClear;
  ASSERT_TRUE(box.put(again));
  EXPECT_EQ(box->cartridge("A")->rekey, RekeyRequest{});
  auto back = wrapped("B");
  back.rekey = kWanted;
  give_back(back, default_pools()[1]);
  EXPECT_EQ(back.rekey, RekeyRequest{});
}

TEST_F(RekeyRequests, K9_WhatCannotBeIsRefused) {
  auto clear = cartridge("A");
  clear.rekey = kWanted;
  for (const auto encryption :
       {MediumEncryption::kUnknown, MediumEncryption::kClear, MediumEncryption::kIdentified}) {
    clear.encryption = encryption;
    EXPECT_EQ(box.put(clear).error().field, "encryption") << to_string(encryption);
  }
  auto bad = wrapped("A");
  bad.rekey.labels[0].text = std::string(65, 'x');
  EXPECT_EQ(box.put(bad).error().field, "rekey label 1");
  bad.rekey.labels[0].text.clear();
  bad.rekey.labels[1].text = "DR";
  EXPECT_EQ(box.put(bad).error().field, "rekey label 1");
  bad.rekey.labels[1].text = " DR";
  EXPECT_EQ(box.put(bad).error().field, "rekey label 2");
}

// A row of before there were requests: the columns that were added hold nothing.
TEST_F(RekeyRequests, K9_RowsWithoutTheColumnsReadAsNoRequest) {
  auto row = to_row(wrapped("A"));
  ASSERT_EQ(row.size(), kCartridgeTable.columns.size());
  const auto value_of = [&row](std::string_view column) -> store::Value& {
    const auto& columns = kCartridgeTable.columns;
    const auto found =
        std::ranges::find(columns, column, [](const auto& one) { return std::string_view(one.name); });
    return row.at(static_cast<std::size_t>(found - columns.begin()));
  };
  value_of("rekey_mode2") = std::int64_t{0};
  value_of("rekey_mode1") = std::int64_t{0};
  const auto read = cartridge_from(row);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, wrapped("A"));
  value_of("rekey_mode2") = std::int64_t{3};
  EXPECT_EQ(cartridge_from(row).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tapewarden::engine::testing
