#include "engine/cache/sealed_disk.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "base/testing/sim_env.h"
#include "engine/cache/sealed_file.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine {
namespace {

const std::string kPath = "cache/VOL001.1";

struct Cache {
  explicit Cache(std::uint64_t seed = 1) : sim(seed), disk(sim.disk, sim.random) {
    sim.disk.set_sector_bytes(512);
    disk.give_key(kPath, key(7));
  }
  static crypto::SecretBytes key(std::uint8_t fill) {
    return crypto::SecretBytes::copy_of(Bytes(kCacheKeyBytes, fill));
  }
  Env env() {
    Env out = sim.env();
    out.disk = &disk;
    return out;
  }
  testing::SimEnv sim;
  SealedDisk disk;
};

Bytes pattern(std::size_t size, std::uint8_t seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 251);
  return out;
}

Bytes whole(File& file) {
  Bytes out(file.size().value());
  EXPECT_EQ(file.read_at(0, out).value(), out.size());
  return out;
}

bool contains(const Bytes& haystack, ByteView needle) {
  return std::ranges::search(haystack, needle).begin() != haystack.end();
}

TEST(SealedDisk, T5_AFileReadsBackAsItWasWritten) {
  Cache cache;
  const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
  EXPECT_EQ(file->size().value(), 0U);
  for (const std::size_t size : {1U, 15U, 16U, 17U, 4096U, 16'384U, 16'385U, 3'000'001U}) {
    const Bytes content = pattern(size, static_cast<std::uint8_t>(size));
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, content));
    EXPECT_EQ(whole(*file), content) << size;
    const auto again = cache.disk.open(kPath, OpenMode::kRead).value();
    EXPECT_EQ(whole(*again), content) << size << ", opened anew";
  }
}

// A plain vector of bytes says what the file must hold, whatever is done to it.
TEST(SealedDisk, T5_RandomWritesAndTruncationsKeepEveryByte) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Cache cache(seed);
    testing::SimRandom choose(seed);
    auto file = cache.disk.open(kPath, OpenMode::kCreate).value();
    Bytes model;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t what = choose.below(10);
      if (what < 7) {
        const std::uint64_t offset = choose.below(model.size() + (what == 0 ? 40'000 : 1));
        const Bytes data =
            pattern(1 + choose.below(choose.below(4) == 0 ? 50'000 : 40), static_cast<std::uint8_t>(step));
        ASSERT_TRUE(file->write_at(offset, data));
        if (model.size() < offset + data.size()) model.resize(offset + data.size());
        copy_bytes(MutableByteView(model).subspan(offset), data);
      } else if (what < 8) {
        model.resize(choose.below(model.size() + 20));
        ASSERT_TRUE(file->truncate(model.size()));
      } else if (what < 9) {
        file = cache.disk.open(kPath, OpenMode::kReadWrite).value();
      } else if (!model.empty()) {
        Bytes part(1 + choose.below(1000));
        const std::uint64_t offset = choose.below(model.size());
        const std::size_t got = file->read_at(offset, part).value();
        ASSERT_EQ(got, std::min<std::size_t>(part.size(), model.size() - offset));
        ASSERT_TRUE(equal(ByteView(part).first(got), ByteView(model).subspan(offset, got)));
      }
      ASSERT_EQ(file->size().value(), model.size()) << "seed " << seed << ", step " << step;
    }
    EXPECT_EQ(whole(*file), model) << "seed " << seed;
  }
}

TEST(SealedDisk, T5_WhatWasSyncedOutlivesAPowerLossAtAnyLength) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Cache cache(seed);
    testing::SimRandom choose(seed);
    const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
    const Bytes synced = pattern(1 + choose.below(40'000), static_cast<std::uint8_t>(seed));
    ASSERT_TRUE(file->write_at(0, synced));
    ASSERT_TRUE(file->sync());
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t end = file->size().value();
      ASSERT_TRUE(file->write_at(end, pattern(1 + choose.below(3000), 0xa5)));
    }
    if (choose.below(3) == 0) {
      ASSERT_TRUE(file->truncate(synced.size()));
    }
    cache.sim.disk.power_loss(&choose);
    const auto again = cache.disk.open(kPath, OpenMode::kReadWrite).value();
    Bytes found(synced.size());
    ASSERT_EQ(again->read_at(0, found).value(), synced.size()) << "seed " << seed;
    ASSERT_EQ(found, synced) << "seed " << seed;
  }
}

TEST(SealedDisk, T5_TheDiskBelowHoldsNoPlaintextAndNoRepetition) {
  Cache cache;
  const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
  ASSERT_TRUE(file->write_at(0, Bytes(100'000, 0x41)));
  const Bytes& below = cache.sim.disk.content(kPath);
  EXPECT_FALSE(contains(below, Bytes(16, 0x41)));
  std::set<Bytes> blocks;
  for (std::size_t at = kSealedHeaderBytes; at + 16 <= below.size(); at += 16)
    EXPECT_TRUE(blocks.insert(to_bytes(ByteView(below).subspan(at, 16))).second) << at;
}

TEST(SealedDisk, T5_TwoFilesUnderOneKeyHaveNothingInCommon) {
  Cache cache;
  const auto a = cache.disk.open(kPath + ".a", OpenMode::kCreateNew).value();
  const auto b = cache.disk.open(kPath + ".b", OpenMode::kCreateNew).value();
  for (File* file : {a.get(), b.get()}) ASSERT_TRUE(file->write_at(0, Bytes(64, 1)));
  EXPECT_NE(to_bytes(ByteView(cache.sim.disk.content(kPath + ".a")).subspan(kSealedHeaderBytes)),
            to_bytes(ByteView(cache.sim.disk.content(kPath + ".b")).subspan(kSealedHeaderBytes)));
}

TEST(SealedDisk, T5_WithoutItsKeyAFileIsGone) {
  Cache cache;
  {
    const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, pattern(100, 1)));
  }
  cache.disk.give_key(kPath, Cache::key(8));
  const auto wrong = cache.disk.open(kPath, OpenMode::kRead);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kWrongKey);
  cache.disk.forget_key(kPath);
  const auto none = cache.disk.open(kPath, OpenMode::kRead);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kWrongKey);
}

TEST(SealedDisk, T5_AKeyIsForAFileAndWhatIsNamedAfterItAlone) {
  Cache cache;
  EXPECT_TRUE(cache.disk.open(kPath + ".new", OpenMode::kCreate));
  EXPECT_TRUE(cache.disk.open(kPath + ".partition1", OpenMode::kCreate));
  EXPECT_FALSE(cache.disk.open("cache/VOL001.2", OpenMode::kCreate));
  EXPECT_FALSE(cache.disk.open("cache/VOL001.10", OpenMode::kCreate));
  EXPECT_FALSE(cache.disk.open("cache/VOL001", OpenMode::kCreate));
  EXPECT_FALSE(cache.disk.open(kPath + "/x", OpenMode::kCreate));
}

TEST(SealedDisk, T5_ADamagedHeaderIsNamed) {
  Cache cache;
  {
    const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, pattern(100, 1)));
  }
  Bytes& below = cache.sim.disk.content(kPath);
  for (const std::size_t at : {0U, 12U, 50U, 75U}) {
    below[at] ^= 0x10;
    const auto damaged = cache.disk.open(kPath, OpenMode::kRead);
    ASSERT_FALSE(damaged) << at;
    EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt) << at;
    EXPECT_NE(damaged.error().message.find(kPath), std::string::npos);
    below[at] ^= 0x10;
  }
  EXPECT_TRUE(cache.disk.open(kPath, OpenMode::kRead));
  below.resize(kSealedHeaderBytes - 1);
  EXPECT_FALSE(cache.disk.open(kPath, OpenMode::kReadWrite));
}

TEST(SealedDisk, T5_AFileWhoseMakingWasCutOffIsMadeAnew) {
  Cache cache;
  (void)cache.sim.disk.open(kPath, OpenMode::kCreateNew, 0600).value()->write_at(0, Bytes(1000, 3));
  const auto file = cache.disk.open(kPath, OpenMode::kCreate).value();
  EXPECT_EQ(file->size().value(), 0U);
  ASSERT_TRUE(file->write_at(0, pattern(50, 9)));
  EXPECT_EQ(whole(*cache.disk.open(kPath, OpenMode::kRead).value()), pattern(50, 9));
}

TEST(SealedDisk, T5_AFailedWriteKeepsWhatWasThere) {
  Cache cache;
  const auto file = cache.disk.open(kPath, OpenMode::kCreateNew).value();
  const Bytes before = pattern(1000, 4);
  ASSERT_TRUE(file->write_at(0, before));
  cache.sim.disk.fail_after(0);
  EXPECT_FALSE(file->write_at(1000, pattern(100, 5)));
  EXPECT_FALSE(file->sync());
  cache.sim.disk.clear_faults();
  EXPECT_EQ(whole(*file), before);
}

// A logical volume is a cartridge file: what the format promises holds in the cache too.
TEST(SealedDisk, T5_ACartridgeLivesInIt) {
  Cache cache;
  tape::CartridgeSpec spec;
  spec.volser = "VOL001";
  {
    const auto cartridge = tape::Cartridge::create(cache.env(), kPath, spec).value();
    ASSERT_TRUE(cartridge->write_record(pattern(300'000, 1)));
    ASSERT_TRUE(cartridge->write_filemarks(1));
    ASSERT_TRUE(cartridge->write_record(pattern(300'000, 2)));
    cache.sim.disk.power_loss();  // never synced
  }
  const auto cartridge = tape::Cartridge::open(cache.env(), kPath, tape::CartridgeMode::kReadWrite).value();
  const auto record = cartridge->read_record().value();
  EXPECT_TRUE(equal(record.data, pattern(300'000, 1)));
  EXPECT_EQ(cartridge->end_of_data().logical_object, 2U);
  EXPECT_FALSE(contains(cache.sim.disk.content(kPath), as_bytes("VOL001"))) << "the volser shows";
}

}  // namespace
}  // namespace tapewarden::engine
