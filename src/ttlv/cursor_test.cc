#include "ttlv/cursor.h"

#include <gtest/gtest.h>

#include "ttlv/writer.h"

namespace tapewarden::ttlv {
namespace {

constexpr Tag kMessage{0x420078};
constexpr Tag kName{0x420053};
constexpr Tag kCount{0x42000D};
constexpr Tag kExtra{0x540042};
enum class Colour : std::uint8_t { kRed = 1, kBlue = 2 };

std::string_view test_names(Tag tag) {
  if (tag == kMessage) return "Request Message";
  return tag == kName ? "Name" : tag == kCount ? "Batch Count" : std::string_view{};
}

class CursorTest : public ::testing::Test {
 protected:
  Cursor cursor_over(Writer& out) {
    bytes_ = out.take();
    document_ = *decode(bytes_, {}, test_names);
    return *Cursor::over(document_.root(), kMessage);
  }

 private:
  Bytes bytes_;
  Document document_;
};

TEST_F(CursorTest, ReadsFieldsInOrder) {
  Writer out;
  out.begin(kMessage).add_text(kName, "a").add_text(kName, "b").add_enumeration(kCount, Colour::kBlue);
  out.begin(kExtra).add_bytes(kExtra, *from_hex("010203")).end().end();
  Cursor in = cursor_over(out);
  std::string names;
  while (const auto item = in.optional(kName)) names += *item->as_text();
  EXPECT_EQ(names, "ab");
  EXPECT_FALSE(*in.optional_text(kName, 10));
  EXPECT_EQ(*in.enumeration(kCount, Colour::kRed, Colour::kBlue), Colour::kBlue);
  EXPECT_FALSE(in.finish());
  auto inner = in.structure(kExtra);
  ASSERT_TRUE(inner);
  EXPECT_TRUE(in.finish());
  EXPECT_EQ(*inner->array<3>(kExtra), (std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_TRUE(inner->done());
}

TEST_F(CursorTest, AMissingFieldIsNamedTogetherWithWhatStandsThere) {
  Writer out;
  out.begin(kMessage).add_integer(kCount, 1).end();
  Cursor in = cursor_over(out);
  const auto missing = in.text(kName, 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().field, "Name (420053)");
  EXPECT_EQ(missing.error().message,
            "Request Message (420078) has Batch Count (42000D) where it needs Name (420053)");
  ASSERT_TRUE(in.integer(kCount));
  EXPECT_EQ(in.text(kName, 10).error().message, "Request Message (420078) lacks Name (420053)");
}

TEST_F(CursorTest, AnUnknownTagIsNamed) {
  Writer out;
  out.begin(kMessage).add_integer(kCount, 1).add_integer(kExtra, 1).end();
  Cursor in = cursor_over(out);
  ASSERT_TRUE(in.integer(kCount));
  const auto status = in.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(status.error().field, "tag 540042");
}

TEST_F(CursorTest, LimitsAndRangesHold) {
  Writer out;
  out.begin(kMessage).add_text(kName, "abc").add_bytes(kName, Bytes(4)).add_bytes(kName, Bytes(4));
  out.add_integer(kCount, 10).add_long_integer(kCount, -1).add_enumeration(kCount, 3).end();
  Cursor in = cursor_over(out);
  EXPECT_EQ(in.text(kName, 2).error().field, "Name (420053)");
  EXPECT_EQ(in.bytes(kName, 3).error().field, "Name (420053)");
  EXPECT_EQ(in.array<5>(kName).error().field, "Name (420053)");
  EXPECT_FALSE(in.integer(kCount, 0, 9));
  EXPECT_FALSE(in.unsigned_integer(kCount));
  EXPECT_FALSE(in.enumeration(kCount, Colour::kRed, Colour::kBlue));
  EXPECT_TRUE(in.done());
}

TEST_F(CursorTest, OnlyAStructureWithTheTagIsEntered) {
  const Bytes bytes = Writer().add_integer(kMessage, 1).take();
  const auto document = decode(bytes, {}, test_names);
  ASSERT_TRUE(document);
  EXPECT_FALSE(Cursor::over(document->root(), kMessage));
  Writer out;
  out.begin(kExtra).end();
  const Bytes other = out.take();
  const auto wrong = decode(other);
  ASSERT_TRUE(wrong);
  EXPECT_EQ(Cursor::over(wrong->root(), kMessage).error().field, "tag 540042");
}

}  // namespace
}  // namespace tapewarden::ttlv
