#include "engine/stack/stack_format.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "engine/stack/stack_test_kit.h"
#include "engine/stack/tlv_block.h"

namespace tapewarden::engine::test {
namespace {

ImageTrailer sample_trailer() {
  return {.identity = sample_header(5).identity,
          .bytes = 5,
          .sha256 = crypto::sha256(content(5)),
          .is_void = true,
          .tombstones = {{"LV0007", 2}, {"LV0008", 1}}};
}

// The checksum made to fit again, as anybody can.
Bytes summed(Bytes block) {
  const auto size = block.size() - 4;
  ByteWriter sum;
  sum.u32(crc32c(ByteView(block).first(size)));
  copy_bytes(MutableByteView(block).subspan(size), sum.view());
  return block;
}

// With one field more, behind the others.
Bytes with_field(const Bytes& block, std::uint16_t tag, std::string_view value) {
  ByteWriter out;
  out.bytes(ByteView(block).first(block.size() - 4)).u16(tag).bytes32(as_bytes(value)).u32(0);
  out.patch_u32(kMagicBytes + 2, static_cast<std::uint32_t>(out.size()));
  return summed(out.take());
}

template <typename T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

TEST(StackFormat, T12_WhatIsWrittenIsRead) {
  EXPECT_EQ(take(CartridgeLabel::decode(sample_label().encode())), sample_label());
  const auto header = sample_header(123);
  EXPECT_EQ(take(ImageHeader::decode(header.encode())), header);
  EXPECT_EQ(take(ImageTrailer::decode(sample_trailer().encode())), sample_trailer());
  auto two_parts = sample_header(123);
  two_parts.parts.push_back({.index = 1, .name = "LV0001.partition1", .bytes = 77});
  EXPECT_EQ(take(ImageHeader::decode(two_parts.encode())).total_bytes(), 200U);
}

// The page docs/formats/stacked-cartridge.md shows these bytes.
TEST(StackFormat, T12_LabelIsTheOneOfThePage) {
  EXPECT_EQ(to_hex(sample_label().encode()),
            "545753544b4c424c000100000059000600000010070707070707070707070707070707070007000000084130303030"
            "314c390008000000080000000000000003000a0000000101000b00000008000001a0c4506c00dda3cbb7");
}

TEST(StackFormat, T12_UnknownFieldsAreSkippedUnlessTheyMustBeKnown) {
  const auto block = sample_header(9).encode();
  EXPECT_EQ(take(ImageHeader::decode(with_field(block, 0x0777, "of another day"))), sample_header(9));
  EXPECT_EQ(code(ImageHeader::decode(with_field(block, 0x8001, "it means something else"))),
            ErrorCode::kUnsupported);
}

TEST(StackFormat, T12_DamageIsFound) {
  const auto block = sample_trailer().encode();
  for (std::size_t at = 0; at < block.size(); ++at) {
    auto changed = block;
    changed[at] ^= 0x10U;
    EXPECT_FALSE(ImageTrailer::decode(changed)) << at;
  }
  for (std::size_t size = 0; size < block.size(); ++size)
    EXPECT_FALSE(ImageTrailer::decode(ByteView(block).first(size))) << size;
}

TEST(StackFormat, T12_WhatCannotBeRightIsDamage) {
  const auto block = sample_header(9).encode();
  EXPECT_EQ(code(ImageHeader::decode(with_field(block, 2, "LV0002"))), ErrorCode::kCorrupt);  // twice
  EXPECT_EQ(code(ImageHeader::decode(with_field(block, 18, std::string("\0\xff", 2)))), ErrorCode::kCorrupt);
  EXPECT_EQ(code(ImageHeader::decode(with_field(block, 18, std::string(9, '\xff')))), ErrorCode::kCorrupt);
  const auto trailer = sample_trailer().encode();
  EXPECT_EQ(code(ImageTrailer::decode(with_field(trailer, 22, std::string(8, '\0') + "LV\n"))),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code(ImageHeader::decode(sample_label().encode())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(CartridgeLabel::decode({})), ErrorCode::kInvalidArgument);
}

TEST(StackFormat, T12_ALaterVersionIsNotGuessedAt) {
  auto block = sample_label().encode();
  block[kMagicBytes + 1] = 2;
  EXPECT_EQ(code(CartridgeLabel::decode(summed(block))), ErrorCode::kUnsupported);
}

TEST(StackFormat, T12_LimitsAreNamed) {
  auto label = sample_label();
  label.barcode.clear();
  EXPECT_EQ(label.check().error().field, "barcode");
  label = sample_label();
  label.pool = 33;
  EXPECT_EQ(label.check().error().field, "pool");
  auto header = sample_header(1);
  header.identity.volser = "LV\n";
  EXPECT_EQ(header.check().error().field, "volser");
  header = sample_header(1);
  header.parts.clear();
  EXPECT_EQ(header.check().error().field, "parts");
  header = sample_header(kMaxPartBytes + 1);
  EXPECT_EQ(header.check().error().field, "parts");
  auto trailer = sample_trailer();
  trailer.tombstones.assign(kMaxTombstones + 1, {"LV0001", 1});
  EXPECT_EQ(trailer.check().error().field, "tombstones");
  trailer.tombstones.assign(kMaxTombstones, {"LV000001", 1});
  EXPECT_LE(trailer.encode().size(), kStackBlockBytes);
}

}  // namespace
}  // namespace tapewarden::engine::test
