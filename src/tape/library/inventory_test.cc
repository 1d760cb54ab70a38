#include "tape/library/inventory.h"

#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

Uuid volume(std::uint8_t seed) {
  Uuid out;
  out.bytes.fill(seed);
  return out;
}

Inventory filled() {
  Inventory inventory;
  done(inventory.add({.barcode = "A00001L9", .volume = volume(1), .place = slot_place(0)}));
  done(inventory.add(
      {.barcode = "A00002L9", .volume = volume(2), .place = drive_place("1000000001"), .home = 7}));
  done(inventory.add(
      {.barcode = "A00003L9", .volume = volume(3), .place = port_place(1), .placed_by_operator = true}));
  done(inventory.add({.barcode = "J00001", .volume = volume(4), .kind = MediumKind::k3592}));
  return inventory;
}

TEST(Inventory, L2_TextAsThePageInTheDocumentationSays) {
  const auto text = std::string(as_text(filled().encode()));
  EXPECT_TRUE(
      text.starts_with("tapewarden library inventory 1\n"
                       "A00001L9 01010101-0101-0101-0101-010101010101 LTO slot:0 - robot\n"
                       "A00002L9 02020202-0202-0202-0202-020202020202 LTO drive:1000000001 7 robot\n"
                       "A00003L9 03030303-0303-0303-0303-030303030303 LTO port:1 - operator\n"
                       "J00001 04040404-0404-0404-0404-040404040404 3592 outside - robot\n"
                       "end 4 crc32c "))
      << text;
  EXPECT_EQ(take(Inventory::decode(as_bytes(text))), filled());
  EXPECT_EQ(take(Inventory::decode(Inventory().encode())), Inventory());
}

TEST(Inventory, L2_EveryChangedOrMissingByteIsFound) {
  const auto whole = filled().encode();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto changed = whole;
    changed[i] ^= 0x01U;
    EXPECT_FALSE(Inventory::decode(changed)) << i;
    EXPECT_FALSE(Inventory::decode(ByteView(whole).first(i))) << i;
  }
}

TEST(Inventory, L2_TwoNeverShareAPlace) {
  auto inventory = filled();
  const auto before = inventory;
  EXPECT_EQ(inventory.add({.barcode = "A00001L9"}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(inventory.add({.barcode = "A00009L9", .place = slot_place(0)}).error().code,
            ErrorCode::kConflict);
  auto first = *inventory.find("A00001L9");
  auto second = *inventory.find("A00002L9");
  first.place = port_place(1);
  EXPECT_EQ(inventory.update({first}).error().code, ErrorCode::kConflict);
  first.place = second.place = slot_place(5);
  EXPECT_EQ(inventory.update({first, second}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(inventory.update({{.barcode = "NOBODY"}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(inventory, before);
  first.place = drive_place("1000000001");
  second.place = slot_place(0);
  done(inventory.update({first, second}));
  EXPECT_EQ(inventory.at(slot_place(0))->barcode, "A00002L9");
  EXPECT_EQ(inventory.at(drive_place("1000000001"))->barcode, "A00001L9");
  done(inventory.remove("A00002L9"));
  EXPECT_EQ(inventory.at(slot_place(0)), nullptr);
  EXPECT_EQ(inventory.remove("A00002L9").error().code, ErrorCode::kNotFound);
}

TEST(Barcode, L2_RangesRunThroughOneNumber) {
  EXPECT_EQ(take(barcode_range("vol001l9")), (std::vector<std::string>{"VOL001L9"}));
  EXPECT_EQ(take(barcode_range("VOL098L9-VOL101L9")),
            (std::vector<std::string>{"VOL098L9", "VOL099L9", "VOL100L9", "VOL101L9"}));
  EXPECT_EQ(take(barcode_range("VOL019-VOL029")).size(), 11U);
  EXPECT_EQ(take(barcode_range("00000001-00060000")).size(), 60000U);
  for (const auto* text :
       {"", "VOL001L9-", "VOL002L9-VOL001L9", "VOL001L9-VOX002L9", "VOL001L8-VOL002L9", "VOL1-VOL10",
        "VOL001-VOL002-VOL003", "VOL0011L99", "VOL 01", "VOLA01-VOLB01", "00000001-99999999", "VOL_01"})
    EXPECT_FALSE(barcode_range(text)) << text;
}

}  // namespace
}  // namespace tapewarden::tape::test
