#include "ttlv/item.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "ttlv/testing/rewrite.h"

namespace tapewarden::ttlv {
namespace {

constexpr Tag kOuter{0x540001};
constexpr Tag kInner{0x540002};

std::string_view test_names(Tag tag) {
  return tag == kInner ? "inner" : std::string_view{};
}

Error refused(std::string_view hex, Limits limits = {}) {
  const auto document = decode(*from_hex(hex), limits, test_names);
  EXPECT_FALSE(document) << hex;
  return document ? Error{} : document.error();
}

struct BadCase {
  const char* why;
  const char* hex;
};
class BadEncoding : public ::testing::TestWithParam<BadCase> {};
TEST_P(BadEncoding, IsRefusedNamingTheTag) {
  const Error error = refused(GetParam().hex);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << GetParam().why;
  EXPECT_EQ(error.field, "inner (540002)") << GetParam().why;
}
INSTANTIATE_TEST_SUITE_P(
    Ttlv, BadEncoding,
    ::testing::Values(BadCase{"integer of 8", "54000202000000080000000000000001"},
                      BadCase{"integer of 0", "5400020200000000"},
                      BadCase{"long integer of 4", "54000203000000040000000100000000"},
                      BadCase{"big integer of 0", "5400020400000000"},
                      BadCase{"big integer of 4", "54000204000000040000000100000000"},
                      BadCase{"enumeration of 8", "54000205000000080000000000000001"},
                      BadCase{"boolean of 4", "54000206000000040000000100000000"},
                      BadCase{"boolean 2", "54000206000000080000000000000002"},
                      BadCase{"boolean with high bits", "54000206000000080100000000000001"},
                      BadCase{"date of 4", "54000209000000040000000100000000"},
                      BadCase{"interval of 8", "5400020A000000080000000000000001"},
                      BadCase{"extended date of 4", "5400020B000000040000000100000000"},
                      BadCase{"structure of 4", "54000201000000040000000100000000"},
                      BadCase{"type 0", "54000200000000040000000100000000"},
                      BadCase{"type 12", "5400020C000000040000000100000000"},
                      BadCase{"padding of an integer", "54000202000000040000000100000001"},
                      BadCase{"padding of text", "54000207000000014100000000000001"},
                      BadCase{"padding of bytes", "54000208000000014101000000000000"},
                      BadCase{"no padding", "540002080000000141"},
                      BadCase{"cut padding", "540002080000000141000000"},
                      BadCase{"length beyond the input", "54000208FFFFFFFF4100000000000000"},
                      BadCase{"length that wraps when padded", "54000208FFFFFFF94100000000000000"},
                      BadCase{"text that is overlong UTF-8", "5400020700000002C080000000000000"},
                      BadCase{"text that is a surrogate", "5400020700000003EDA0800000000000"},
                      BadCase{"text that is cut UTF-8", "5400020700000002E282000000000000"},
                      BadCase{"child beyond its parent",
                              "540001010000001054000208000000104100000000000000FFFFFFFFFFFFFFFF"}));

TEST(Ttlv, CutHeadersAndLeftOverBytesAreRefused) {
  EXPECT_EQ(refused("").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused("540002020000").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused("5400020200000004000000010000000000").code, ErrorCode::kInvalidArgument);
  // A structure whose content ends in the middle of a header cannot be: lengths are multiples of 8.
  EXPECT_EQ(refused("54000101000000085400020200000004").code, ErrorCode::kInvalidArgument);
}

TEST(Ttlv, LimitsOfSizeDepthAndCountHold) {
  Writer nested;
  for (int i = 0; i < 10; ++i) nested.begin(kOuter);
  for (int i = 0; i < 10; ++i) nested.end();
  const std::string deep = to_hex(nested.take());
  EXPECT_TRUE(decode(*from_hex(deep), {.depth = 10}));
  EXPECT_EQ(refused(deep, {.depth = 9}).code, ErrorCode::kExhausted);
  EXPECT_EQ(refused(deep, {.bytes = 79}).code, ErrorCode::kExhausted);
  EXPECT_EQ(refused(deep, {.items = 9}).code, ErrorCode::kExhausted);
}

TEST(Ttlv, ValuesOfTheWrongTypeAreRefusedNamingBothTypes) {
  const Bytes bytes = Writer().add_integer(kInner, -5).take();
  const auto document = decode(bytes, {}, test_names);
  ASSERT_TRUE(document);
  EXPECT_EQ(*document->root().as_integer(), -5);
  EXPECT_TRUE(document->root().children().empty());
  const auto wrong = document->root().as_text();
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().field, "inner (540002)");
  EXPECT_EQ(wrong.error().message, "the item is a Integer, not a Text String");
}

TEST(Ttlv, ExtremeValuesSurvive) {
  Writer out;
  out.begin(kOuter).add_integer(kInner, INT32_MIN).add_long_integer(kInner, INT64_MIN);
  out.add_date_time(kInner, -1).add_date_time_extended(kInner, INT64_MAX).add_interval(kInner, UINT32_MAX);
  out.add_enumeration(kInner, UINT32_MAX)
      .add_boolean(kInner, false)
      .add_text(kInner, "")
      .add_bytes(kInner, {});
  out.add_big_integer(kInner, *from_hex("ff")).add_big_integer(kInner, {}).end();
  const Bytes bytes = out.take();
  const auto document = decode(bytes);
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(document->item_count(), 12U);
  EXPECT_EQ(testing::rewritten(*document), bytes);
  auto child = document->root().children().begin();
  EXPECT_EQ(*(*child).as_integer(), INT32_MIN);
  for (int i = 0; i < 9; ++i) ++child;
  EXPECT_EQ(to_hex(*(*child).as_big_integer()), "ffffffffffffffff");  // sign-extended
  ++child;
  EXPECT_EQ(to_hex(*(*child).as_big_integer()), "0000000000000000");
}

TEST(Ttlv, MessageSizeIsReadFromTheFirstEightBytes) {
  EXPECT_EQ(*message_size(*from_hex("4200780100000010"), 64), 24U);
  EXPECT_EQ(message_size(*from_hex("4200780100000010"), 23).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(message_size(*from_hex("42007801FFFFFFF8"), 1U << 20).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(message_size(*from_hex("4200780200000010"), 64).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(message_size(*from_hex("474554202f204854"), 1U << 30).error().code,
            ErrorCode::kInvalidArgument);  // "GET / HT"
}

void random_item(::tapewarden::testing::SimRandom& random, Writer& out, int depth) {
  const Tag tag{static_cast<std::uint32_t>(0x540000 + random.below(16))};
  Bytes bytes(random.below(40));
  random.fill(bytes);
  switch (random.below(depth > 0 ? 12 : 11)) {
    case 0:
      out.add_integer(tag, static_cast<std::int32_t>(random.below(1U << 31)));
      break;
    case 1:
      out.add_long_integer(tag, static_cast<std::int64_t>(random.below(1ULL << 63)));
      break;
    case 2:
      out.add_big_integer(tag, bytes);
      break;
    case 3:
      out.add_enumeration(tag, static_cast<std::uint32_t>(random.below(99)));
      break;
    case 4:
      out.add_boolean(tag, random.below(2) == 1);
      break;
    case 5:
      out.add_text(tag, to_hex(bytes));
      break;
    case 6:
      out.add_bytes(tag, bytes);
      break;
    case 7:
      out.add_date_time(tag, static_cast<std::int64_t>(random.below(1ULL << 40)));
      break;
    case 8:
      out.add_interval(tag, static_cast<std::uint32_t>(random.below(1ULL << 32)));
      break;
    case 9:
      out.add_date_time_extended(tag, 1);
      break;
    default:
      out.begin(tag);
      for (auto left = depth > 0 ? random.below(6) : 0; left > 0; --left) random_item(random, out, depth - 1);
      out.end();
  }
}

// Whatever bytes are changed, a message either is refused or means exactly what its bytes say.
TEST(Ttlv, WhatDecodesIsTheOnlyEncodingOfItsTree) {
  ::tapewarden::testing::SimRandom random(42);
  std::size_t refusals = 0;
  for (int round = 0; round < 3000; ++round) {
    Writer out;
    out.begin(kOuter);
    for (int i = 0; i < 4; ++i) random_item(random, out, 4);
    out.end();
    Bytes bytes = out.take();
    ASSERT_TRUE(decode(bytes));
    for (auto flips = random.below(4); flips > 0; --flips) {
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
    }
    const auto document = decode(bytes);
    if (document) {
      EXPECT_EQ(testing::rewritten(*document), bytes);
    } else {
      ++refusals;
    }
  }
  EXPECT_GT(refusals, 100U);
}

}  // namespace
}  // namespace tapewarden::ttlv
