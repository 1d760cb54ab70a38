#include "tape/medium/host_attributes.h"

#include "tape/medium/cartridge_test_kit.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;

Attribute text_of(std::string_view text) {
  return {AttributeFormat::kText, to_bytes(text)};
}

TEST(HostAttributes, T2_WhatHostsWroteIsReadFromTheFileAndNothingElse) {
  SimEnv sim(1);
  auto tape = make(sim);
  const auto made = take(host_attributes(sim.disk, kPath));
  ASSERT_EQ(made.size(), 1U) << "the bar code, which a host may write too";
  EXPECT_EQ(made.begin()->first, attribute::kBarcode);
  const AttributeMap written{{attribute::kUserMediumTextLabel, text_of("payroll")},
                             {attribute::kStorageGroup, text_of("SGDAILY")},
                             {attribute::kManagementClass, text_of("MCTWO   ")}};
  done(tape->set_attributes(written));
  tape.reset();
  auto expected = made;
  expected.insert(written.begin(), written.end());
  const auto seen = take(host_attributes(sim.disk, kPath));
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(attribute_text(seen, attribute::kStorageGroup), "SGDAILY");
  EXPECT_EQ(attribute_text(seen, attribute::kManagementClass), "MCTWO");
}

TEST(HostAttributes, T2_WhatIsNoNameOfAConstructIsNone) {
  const AttributeMap attributes{{1, text_of("")},
                                {2, text_of("        ")},
                                {3, text_of("123456789")},
                                {4, text_of("A\nB")},
                                {5, text_of("12345678")},
                                {6, {AttributeFormat::kBinary, to_bytes("BINARY")}},
                                {7, {AttributeFormat::kAscii, Bytes{'S', 'G', 0, 0}}},
                                {8, text_of("12345678      ")}};
  for (const AttributeId id : std::initializer_list<AttributeId>{1, 2, 3, 4, 6, 9})
    EXPECT_EQ(attribute_text(attributes, id), std::nullopt) << id;
  EXPECT_EQ(attribute_text(attributes, 5), "12345678");
  EXPECT_EQ(attribute_text(attributes, 7), "SG");
  EXPECT_EQ(attribute_text(attributes, 8), "12345678");
  EXPECT_EQ(attribute_text(attributes, 3, 9), "123456789");
}

TEST(HostAttributes, T2_NamesOfConstructs) {
  for (const auto* name : {"A", "SGDAILY1", "$@#", "0"}) EXPECT_TRUE(is_construct_name(name)) << name;
  for (const auto* name : {"", "SGDAILY12", "sg", "A B", "--------", "\xc3\x84"})
    EXPECT_FALSE(is_construct_name(name)) << name;
}

TEST(HostAttributes, T2_TheRangesOfHosts) {
  for (const AttributeId id : std::initializer_list<AttributeId>{0x0800, 0x0bff, 0x1400, 0x1401, 0x17ff})
    EXPECT_TRUE(is_host_attribute(id)) << id;
  for (const AttributeId id :
       std::initializer_list<AttributeId>{0x0000, 0x07ff, 0x0c00, 0x13ff, 0x1800, 0xffff})
    EXPECT_FALSE(is_host_attribute(id)) << id;
}

TEST(HostAttributes, T2_AFileThatIsNoCartridgeHasNone) {
  SimEnv sim(3);
  EXPECT_EQ(host_attributes(sim.disk, kPath).error().code, ErrorCode::kNotFound);
  (void)sim.disk.open(kPath, OpenMode::kCreateNew, 0600).value()->write_at(0, Bytes(100'000, 1));
  EXPECT_EQ(host_attributes(sim.disk, kPath).error().code, ErrorCode::kInvalidArgument);
  make(sim, small_spec(), "tapes/OTHER").reset();
  auto& content = sim.disk.content("tapes/OTHER");
  // Everything behind the superblocks, which stand first.
  std::ranges::fill(content.begin() + 16384, content.end(), std::uint8_t{0x5a});
  EXPECT_EQ(host_attributes(sim.disk, "tapes/OTHER").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tapewarden::tape
