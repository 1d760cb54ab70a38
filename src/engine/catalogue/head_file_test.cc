#include "engine/catalogue/head_file.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::engine {
namespace {

using store::CommitMark;
using tapewarden::testing::SimDisk;
using tapewarden::testing::SimRandom;

constexpr const char* kPath = "catalogue.db.heads";

CommitMark mark(std::uint64_t sequence) {
  CommitMark out;
  out.sequence = sequence;
  out.head.fill(static_cast<std::uint8_t>(sequence * 7));
  return out;
}

const std::vector<std::string> kRecords{R"({"commit":1})"};

TEST(HeadFile, T1_ANewOneHasNoMarkAndGoesOnAfterTheLast) {
  SimDisk disk;
  std::vector<Hash256> chains;
  {
    const auto heads = HeadFile::open(disk, kPath).value();
    EXPECT_EQ(heads->last_mark(), std::nullopt);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      ASSERT_TRUE(heads->append(mark(i), kRecords));
      chains.push_back(heads->chain_hash());
    }
    EXPECT_NE(chains[0], chains[1]);
  }
  disk.power_loss();
  const auto heads = HeadFile::open(disk, kPath).value();
  EXPECT_EQ(heads->last_mark(), mark(20));
  EXPECT_EQ(heads->chain_hash(), chains.back());
  ASSERT_TRUE(heads->append(mark(21), kRecords));
  EXPECT_EQ(heads->last_mark(), mark(21));
}

TEST(HeadFile, T1_PowerLossAtEveryWriteLosesNoMarkThatWasTaken) {
  unsigned cut_off = 0;
  for (std::uint64_t after = 0; after < 60; ++after) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SimDisk disk;
      SimRandom torn(seed * 100 + after);
      ASSERT_TRUE(HeadFile::open(disk, kPath));
      disk.fail_after(after);
      std::uint64_t taken = 0;
      {
        const auto heads = HeadFile::open(disk, kPath).value();
        while (heads->append(mark(taken + 1), kRecords)) ++taken;
        EXPECT_EQ(heads->last_mark().value_or(CommitMark{}).sequence, taken);
        // Nothing is appended behind a failure, even when the disk works again.
        disk.clear_faults();
        EXPECT_FALSE(heads->ready());
        EXPECT_EQ(heads->append(mark(taken + 1), kRecords).error().code, ErrorCode::kUnavailable);
      }
      disk.power_loss(&torn);
      const auto heads = HeadFile::open(disk, kPath);
      ASSERT_TRUE(heads) << after;
      const std::uint64_t found = (*heads)->last_mark().value_or(CommitMark{}).sequence;
      EXPECT_GE(found, taken) << after;
      EXPECT_LE(found, taken + 1) << after;
      if (found > taken) ++cut_off;
      EXPECT_TRUE((*heads)->append(mark(found + 1), kRecords));
    }
  }
  EXPECT_GT(cut_off, 0U);  // a write that survived without its sync was among them
}

TEST(HeadFile, T1_AFirstStartThatWasCutOffIsGoneOnWith) {
  for (std::uint64_t after = 0; after < 4; ++after) {
    SimDisk disk;
    SimRandom torn(after);
    disk.fail_after(after);
    (void)HeadFile::open(disk, kPath);
    disk.clear_faults();
    disk.power_loss(&torn);
    const auto heads = HeadFile::open(disk, kPath);
    ASSERT_TRUE(heads) << after << heads.error().text();
    EXPECT_TRUE((*heads)->append(mark(1), kRecords));
  }
}

TEST(HeadFile, T1_AnotherFileOrAPieceOfItIsRefused) {
  SimDisk disk;
  {
    ASSERT_TRUE(HeadFile::open(disk, kPath).value()->append(mark(1), kRecords));
  }
  const Bytes whole = disk.content(kPath);
  disk.content(kPath).resize(whole.size() - 1);
  const auto cut = HeadFile::open(disk, kPath);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(cut.error().message.find(kPath), std::string::npos);
  for (std::size_t byte = 0; byte < 14; ++byte) {
    disk.content(kPath) = whole;
    disk.content(kPath)[byte] ^= 1;
    EXPECT_EQ(HeadFile::open(disk, kPath).error().code, ErrorCode::kCorrupt) << byte;
  }
}

TEST(HeadFile, T1_EveryFlippedBitOfAMarkIsNoticed) {
  SimDisk disk;
  {
    ASSERT_TRUE(HeadFile::open(disk, kPath).value()->append(mark(1), kRecords));
  }
  const Bytes whole = disk.content(kPath);
  constexpr std::size_t kPlace = 512 * 2;  // of the first append
  for (std::size_t byte = kPlace; byte < kPlace + 84; ++byte) {
    disk.content(kPath) = whole;
    disk.content(kPath)[byte] ^= 0x10;
    EXPECT_EQ(HeadFile::open(disk, kPath).value()->last_mark(), std::nullopt) << byte;
  }
}

}  // namespace
}  // namespace tapewarden::engine
