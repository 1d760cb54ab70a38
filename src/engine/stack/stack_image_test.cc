// Images written and read back.
#include <gtest/gtest.h>

#include "base/testing/freed_memory.h"
#include "engine/stack/stack_test_kit.h"

namespace tapewarden::engine::test {
namespace {

ImageFit write_image(MemoryTape& tape, const Bytes& data, std::size_t piece = 100'000) {
  StackWriter writer(tape);
  auto fit = take(writer.begin(sample_header(data.size())));
  for (std::size_t at = 0; at < data.size() && fit == ImageFit::kFits; at += piece)
    fit = take(writer.append(ByteView(data).subspan(at, std::min(piece, data.size() - at))));
  return fit == ImageFit::kFits ? take(writer.finish({})) : fit;
}

Bytes read_image(BlockSource& source) {
  StackReader reader(source);
  (void)take(reader.begin());
  Bytes all;
  while (auto piece = take(reader.next())) all.insert(all.end(), piece->begin(), piece->end());
  return all;
}

// The error by which reading ends.
Error error_of(BlockSource& source) {
  StackReader reader(source);
  if (const auto header = reader.begin(); !header) return header.error();
  while (true) {
    const auto piece = reader.next();
    if (!piece) return piece.error();
    if (!*piece) return {};
  }
}

TEST(StackImage, T12_BlocksAreWholeButTheLast) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kStackBlockBytes, kStackBlockBytes + 1,
                                 3 * kStackBlockBytes - 1, 3 * kStackBlockBytes})
    for (const std::size_t piece : {std::size_t{100'000}, kStackBlockBytes - 1, kStackBlockBytes,
                                    kStackBlockBytes + 1, 10 * kStackBlockBytes}) {
      MemoryTape tape;
      const auto data = content(size);
      EXPECT_EQ(write_image(tape, data, piece), ImageFit::kFits);
      const auto data_blocks = (size + kStackBlockBytes - 1) / kStackBlockBytes;
      ASSERT_EQ(tape.objects.size(), data_blocks + 3) << size;
      for (std::size_t i = 1; i < data_blocks; ++i) EXPECT_EQ(tape.objects[i].data.size(), kStackBlockBytes);
      EXPECT_EQ(tape.objects.back().kind, SourceBlock::Kind::kFilemark);
      EXPECT_EQ(read_image(tape), data) << size << " in pieces of " << piece;
    }
}

// Pieces that fill no block, an image that is whole and one that is not, one that is given up.
TEST(StackImage, T4_WhatIsReadAndWrittenIsInNoMemoryThatIsFreed) {
  const Bytes secret(2 * kStackBlockBytes + 1000, tapewarden::testing::kSecretByte);
  MemoryTape tape;
  const tapewarden::testing::LooksAtFreedMemory looks;
  EXPECT_EQ(write_image(tape, secret, 1000), ImageFit::kFits);
  {
    StackReader reader(tape);
    (void)take(reader.begin());
    while (take(reader.next())) {
    }
  }
  tape.position = 0;
  tape.unreadable = 2;
  EXPECT_EQ(error_of(tape).code, ErrorCode::kCorrupt);
  StackWriter writer(tape);
  EXPECT_EQ(take(writer.begin(sample_header(secret.size()))), ImageFit::kFits);
  EXPECT_EQ(take(writer.append(ByteView(secret).first(5000))), ImageFit::kFits);
  writer.abandon();
  EXPECT_EQ(looks.freed_secrets(), 0U);
}

TEST(StackImage, T12_DataThatLooksLikeATrailerIsData) {
  MemoryTape other;
  EXPECT_EQ(write_image(other, content(9)), ImageFit::kFits);
  const auto trailer = other.objects[2].data;
  MemoryTape tape;
  EXPECT_EQ(write_image(tape, trailer), ImageFit::kFits);
  EXPECT_EQ(read_image(tape), trailer);
}

TEST(StackImage, T12_TheLabelIsAFileOfItsOwn) {
  MemoryTape tape;
  done(StackWriter(tape).write_label(sample_label()));
  EXPECT_EQ(write_image(tape, content(10)), ImageFit::kFits);
  EXPECT_EQ(take(read_label(tape)), sample_label());
  EXPECT_EQ(read_image(tape), content(10));
  MemoryTape blank;
  EXPECT_EQ(read_label(blank).error().code, ErrorCode::kInvalidArgument);
  MemoryTape cut;
  cut.objects = {{SourceBlock::Kind::kBlock, sample_label().encode()}};
  EXPECT_EQ(read_label(cut).error().code, ErrorCode::kCorrupt);
}

TEST(StackImage, T12_TheHeaderHoldsTheWriterToItsWord) {
  MemoryTape tape;
  StackWriter writer(tape);
  (void)take(writer.begin(sample_header(10)));
  EXPECT_EQ(writer.append(content(11)).error().code, ErrorCode::kInvalidArgument);
  (void)take(writer.append(content(4)));
  EXPECT_EQ(writer.finish({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(writer.open());
  EXPECT_EQ(take(writer.finish({.is_void = true})), ImageFit::kFits);
  EXPECT_TRUE(writer.trailer().is_void);
  EXPECT_EQ(error_of(tape).code, ErrorCode::kConflict);
}

TEST(StackImage, T6_AnImageThatMovesBringsItsHash) {
  const auto data = content(2 * kStackBlockBytes + 5);
  for (const auto& hash : {crypto::sha256(data), crypto::sha256(content(5))}) {
    MemoryTape tape;
    StackWriter writer(tape);
    (void)take(writer.begin(sample_header(data.size()), StackWriter::Hash::kCaller));
    (void)take(writer.append(data));
    EXPECT_EQ(take(writer.finish({.sha256 = hash})), ImageFit::kFits);
    EXPECT_EQ(writer.trailer().sha256, hash);
    const bool right = hash == crypto::sha256(data);
    EXPECT_EQ(error_of(tape).code, right ? Error{}.code : ErrorCode::kCorrupt) << "the reader makes its own";
  }
}

TEST(StackImage, T4_EarlyWarningInsideAnImageEndsIt) {
  const auto data = content(3 * kStackBlockBytes);
  // Objects: header, three data blocks, trailer, filemark. After the last data block the image is whole.
  for (const std::size_t objects : {0U, 1U, 2U}) {
    MemoryTape tape;
    tape.warning_at = objects;
    EXPECT_EQ(write_image(tape, data), ImageFit::kCartridgeFull) << objects;
    EXPECT_EQ(write_image(tape, data, 10'000'000), ImageFit::kCartridgeFull) << objects;
  }
  for (const std::size_t objects : {3U, 4U, 5U}) {
    MemoryTape tape;
    tape.warning_at = objects;
    EXPECT_EQ(write_image(tape, data), ImageFit::kFits) << objects;
    EXPECT_EQ(read_image(tape), data);
  }
}

TEST(StackImage, T4_AFullCartridgeIsNoError) {
  const auto data = content(2 * kStackBlockBytes + 5);
  for (std::size_t objects = 0; objects < 6; ++objects) {
    MemoryTape tape;
    tape.full_at = objects;
    EXPECT_EQ(write_image(tape, data), ImageFit::kCartridgeFull) << objects;
  }
}

TEST(StackImage, T11_TheCatalogueBackupGoesBehindTheWarning) {
  MemoryTape tape;
  tape.warning_at = 0;
  auto header = sample_header(2 * kStackBlockBytes);
  header.identity.kind = ImageKind::kCatalogueBackup;
  header.identity.volser.clear();
  StackWriter writer(tape);
  EXPECT_EQ(take(writer.begin(header)), ImageFit::kFits);
  EXPECT_EQ(take(writer.append(content(2 * kStackBlockBytes))), ImageFit::kFits);
  EXPECT_EQ(take(writer.finish({})), ImageFit::kFits);
  EXPECT_TRUE(writer.early_warning());
  EXPECT_EQ(read_image(tape), content(2 * kStackBlockBytes));
}

TEST(StackImage, T12_AnErrorOfTheDriveIsPassedOn) {
  MemoryTape tape;
  StackWriter writer(tape);
  (void)take(writer.begin(sample_header(kStackBlockBytes)));
  tape.broken = true;
  EXPECT_EQ(writer.append(content(kStackBlockBytes)).error().code, ErrorCode::kIo);
  writer.abandon();
  EXPECT_FALSE(writer.open());
}

TEST(StackImage, T12_WhatIsNotWholeIsToldAtTheEnd) {
  MemoryTape good;
  EXPECT_EQ(write_image(good, content(2 * kStackBlockBytes + 9)), ImageFit::kFits);
  const auto changed = [&](auto&& change) {
    MemoryTape tape;
    tape.objects = good.objects;
    change(tape.objects);
    return error_of(tape).code;
  };
  EXPECT_EQ(changed([](auto& o) { o[2].data[77] ^= 1U; }), ErrorCode::kCorrupt);     // hash
  EXPECT_EQ(changed([](auto& o) { std::swap(o[1], o[2]); }), ErrorCode::kCorrupt);   // order
  EXPECT_EQ(changed([](auto& o) { o.erase(o.begin() + 1); }), ErrorCode::kCorrupt);  // a block is missing
  EXPECT_EQ(changed([](auto& o) { o.insert(o.begin() + 1, o[1]); }), ErrorCode::kCorrupt);
  EXPECT_EQ(changed([](auto& o) { o[1].data.pop_back(); }), ErrorCode::kCorrupt);    // a short one inside
  EXPECT_EQ(changed([](auto& o) { o.resize(4); }), ErrorCode::kCorrupt);             // cut off
  EXPECT_EQ(changed([](auto& o) { o.erase(o.begin() + 4); }), ErrorCode::kCorrupt);  // no trailer
  EXPECT_EQ(changed([](auto& o) { o.erase(o.begin() + 1, o.begin() + 5); }), ErrorCode::kCorrupt);
  EXPECT_EQ(changed([](auto& o) { o.erase(o.begin()); }), ErrorCode::kInvalidArgument);  // no header
  MemoryTape other;
  other.objects = good.objects;
  other.objects[0].data = sample_header(2 * kStackBlockBytes + 9, 2).encode();
  EXPECT_EQ(error_of(other).message, "the trailer belongs to another image");
  MemoryTape unreadable;
  unreadable.objects = good.objects;
  unreadable.unreadable = 2;
  EXPECT_EQ(error_of(unreadable).message, "unreadable");
}

}  // namespace
}  // namespace tapewarden::engine::test
