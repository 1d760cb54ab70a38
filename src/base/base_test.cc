#include <atomic>
#include <gtest/gtest.h>
#include <latch>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "base/text.h"
#include "base/uuid.h"

namespace tapewarden {
namespace {

TEST(Bytes, CursorsRoundTripAndNameTheFieldThatIsCut) {
  ByteWriter writer;
  writer.u8(1).u16(0x0203).u24(0x040506).u32(0x0708090A).u64(0x0B0C0D0E0F101112).bytes16(as_bytes("abc"));
  ByteReader reader(writer.view());
  EXPECT_EQ(*reader.u8("a"), 1);
  EXPECT_EQ(*reader.u16("b"), 0x0203);
  EXPECT_EQ(*reader.u24("c"), 0x040506U);
  EXPECT_EQ(*reader.u32("d"), 0x0708090AU);
  EXPECT_EQ(*reader.u64("e"), 0x0B0C0D0E0F101112U);
  EXPECT_EQ(as_text(*reader.bytes16(3, "f")), "abc");
  EXPECT_TRUE(reader.expect_done("message"));
  const auto cut = reader.u16("sequence number");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(cut.error().field, "sequence number");
}

TEST(Bytes, LengthPrefixBeyondTheLimitIsRefusedBeforeReading) {
  ByteWriter writer;
  writer.bytes16(Bytes(10));
  ByteReader reader(writer.view());
  EXPECT_FALSE(reader.bytes16(9, "name"));
}

TEST(Bytes, HexRejectsOddLengthAndOtherCharacters) {
  EXPECT_EQ(to_hex(*from_hex("00fFa5")), "00ffa5");
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

// By the definition, bit by bit.
std::uint32_t slow_crc32c(ByteView data) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78U : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32c, LongRunsThatGoSideBySideGiveTheSame) {
  Bytes data(40'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  for (const std::size_t size : {6'143U, 6'144U, 6'145U, 12'288U, 12'299U, 39'990U}) {
    const ByteView part = ByteView(data).subspan(3, size);  // begins at no word's beginning
    EXPECT_EQ(crc32c(part), slow_crc32c(part)) << size;
    EXPECT_EQ(crc32c(part.subspan(6'200 % size), crc32c(part.first(6'200 % size))), slow_crc32c(part))
        << size;
  }
}

TEST(Crc32c, MatchesRfc3720Examples) {
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8A9136AAU);
  EXPECT_EQ(crc32c(Bytes(32, 0xFF)), 0x62A8AB43U);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xE3069283U);
}

TEST(Text, EscapesWhatCouldForgeALine) {
  EXPECT_EQ(escape_unprintable("a\nb\\\x1b"), "a\\x0ab\\x5c\\x1b");
  EXPECT_FALSE(is_printable("a\tb"));
  EXPECT_FALSE(parse_number("12x", 0, 99, "count"));
  EXPECT_FALSE(parse_number("100", 0, 99, "count"));
  EXPECT_EQ(*parse_number("99", 0, 99, "count"), 99U);
}

TEST(Uuid, TimeOrderedOnesFollowTheirTimeAndDiffer) {
  testing::SimRandom random(1);
  const auto first = Uuid::time_ordered(from_millis(0x0123456789AB), random);
  EXPECT_EQ(first.text().substr(0, 15), "01234567-89ab-7");  // RFC 9562 section 5.7
  EXPECT_NE(std::string("89ab").find(first.text()[19]), std::string::npos);
  EXPECT_LT(first, Uuid::time_ordered(from_millis(0x0123456789AC), random));
  EXPECT_NE(first, Uuid::time_ordered(from_millis(0x0123456789AB), random));
  EXPECT_EQ(Uuid::time_ordered(from_millis(-1), random).text().substr(0, 15), "00000000-0000-7");
}

TEST(Uuid, TextRoundTrips) {
  testing::SimRandom random(1);
  const Uuid id = Uuid::random(random);
  EXPECT_EQ(*Uuid::parse(id.text()), id);
  EXPECT_FALSE(Uuid::parse("0123"));
  EXPECT_FALSE(Uuid::parse("zzzzzzzz-0000-0000-0000-000000000000"));
}

TEST(Env, TimeIsFormattedInUtc) {
  EXPECT_EQ(format_utc(from_millis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_utc(from_millis(1'790'000'000'123)), "2026-09-21T14:13:20.123Z");
}

TEST(SimDisk, PowerLossForgetsWhatWasNotSynced) {
  testing::SimEnv sim(7);
  auto file = *sim.disk.open("a", OpenMode::kCreate, 0600);
  ASSERT_TRUE(file->write_at(0, as_bytes("kept")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->write_at(4, as_bytes("lost")));
  sim.disk.power_loss();
  EXPECT_EQ(as_text(sim.disk.content("a")), "kept");
}

TEST(ThreadPool, RunsTasksAndTimers) {
  ThreadPool pool(2);
  std::latch done(3);
  pool.post([&] { done.count_down(); });
  pool.post([&] { done.count_down(); });
  pool.post_after(std::chrono::milliseconds(1), [&] { done.count_down(); });
  done.wait();
}

TEST(RealDisk, AtomicWriteReplacesAndLockExcludes) {
  RealDisk disk;
  const std::string folder = ::testing::TempDir() + "/tw_base_disk";
  ASSERT_TRUE(disk.make_directories(folder, 0700));
  const std::string path = folder + "/f";
  ASSERT_TRUE(write_file_atomically(disk, path, as_bytes("one")));
  ASSERT_TRUE(write_file_atomically(disk, path, as_bytes("two")));
  EXPECT_EQ(as_text(*read_file(disk, path, 10)), "two");
  EXPECT_FALSE(read_file(disk, path, 2));
  const auto held = disk.lock(folder + "/lock");
  ASSERT_TRUE(held);
  const auto second = disk.lock(folder + "/lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

// Much more than after which the kernel is told to begin writing, with overwriting and a sync in between.
TEST(RealDisk, ALongStreamOfWritesComesBackWhole) {
  RealDisk disk;
  const std::string path = ::testing::TempDir() + "/tw_base_stream";
  (void)disk.remove(path);
  constexpr std::size_t kPiece = 1U << 20;
  constexpr std::uint64_t kPieces = 40;
  {
    const auto file = disk.open(path, OpenMode::kCreate, 0600);
    ASSERT_TRUE(file) << file.error().text();
    for (std::uint64_t i = 0; i < kPieces; ++i) {
      ASSERT_TRUE((*file)->write_at(i * kPiece, Bytes(kPiece, static_cast<std::uint8_t>(i))));
      if (i == kPieces / 2) {
        ASSERT_TRUE((*file)->sync());
      }
    }
    ASSERT_TRUE((*file)->write_at(3 * kPiece, Bytes(kPiece, 0xee)));
    ASSERT_TRUE((*file)->sync());
    EXPECT_EQ((*file)->size().value(), kPieces * kPiece);
  }
  const auto file = disk.open(path, OpenMode::kRead, 0);
  ASSERT_TRUE(file) << file.error().text();
  Bytes piece(kPiece);
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    ASSERT_EQ((*file)->read_at(i * kPiece, piece).value(), kPiece);
    EXPECT_EQ(piece, Bytes(kPiece, i == 3 ? 0xee : static_cast<std::uint8_t>(i))) << i;
  }
  EXPECT_TRUE(disk.remove(path));
}

}  // namespace
}  // namespace tapewarden
