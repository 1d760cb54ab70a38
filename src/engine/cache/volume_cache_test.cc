#include "engine/cache/volume_cache.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "engine/cache/cache_identity.h"
#include "engine/cache/sealed_header.h"

namespace tapewarden::engine {
namespace {

const std::string kFolder = "cache";

crypto::SecretBytes key(std::uint8_t fill) {
  return crypto::SecretBytes::copy_of(Bytes(kCacheKeyBytes, fill));
}

const Uuid kIdentity = Uuid::from(Bytes(16, 0x1d));

std::unique_ptr<VolumeCache> fresh(testing::SimEnv& sim) {
  EXPECT_TRUE(write_cache_identity(sim.disk, kFolder, kIdentity));
  return std::move(VolumeCache::open(sim.env(), kFolder, kIdentity, {}).value().cache);
}

void bring(VolumeCache& cache, const CachedContent& content, std::size_t bytes) {
  ASSERT_TRUE(cache.expect(content, key(static_cast<std::uint8_t>(content.number))));
  {
    const auto file = cache.env().disk->open(cache.partial_path_of(content), OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, Bytes(bytes, 0x5a)));
    ASSERT_TRUE(file->sync());
  }
  ASSERT_TRUE(cache.adopt(content));
}

std::vector<VolumeCache::Known> knowing(std::initializer_list<CachedContent> contents) {
  std::vector<VolumeCache::Known> out;
  for (const auto& content : contents)
    out.push_back({content, key(static_cast<std::uint8_t>(content.number))});
  return out;
}

TEST(VolumeCache, T5_AContentIsCountedFromWhenItIsWholeUntilItIsShredded) {
  testing::SimEnv sim(1);
  const auto cache = fresh(sim);
  EXPECT_EQ(cache->used_bytes(), 0U);
  bring(*cache, {"VOL001", 1}, 1000);
  bring(*cache, {"VOL002", 7}, 16);
  const std::uint64_t first = kSealedHeaderBytes + 1008;
  const std::uint64_t second = kSealedHeaderBytes + 32;
  EXPECT_EQ(cache->used_bytes(), first + second);
  {
    const auto file = cache->env().disk->open(cache->path_of({"VOL001", 1}), OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->write_at(1000, Bytes(1000, 1)));
  }
  EXPECT_EQ(cache->measure({"VOL001", 1}).value(), kSealedHeaderBytes + 2016U);
  EXPECT_EQ(cache->used_bytes(), kSealedHeaderBytes + 2016U + second);
  ASSERT_TRUE(cache->shred({"VOL001", 1}));
  EXPECT_EQ(cache->used_bytes(), second);
  EXPECT_FALSE(sim.disk.exists(cache->path_of({"VOL001", 1})));
  EXPECT_FALSE(cache->env().disk->open(cache->path_of({"VOL001", 1}), OpenMode::kCreate))
      << "its key is forgotten";
  EXPECT_TRUE(cache->shred({"VOL001", 1})) << "once more";
}

TEST(VolumeCache, T5_ASecondPartitionComesAndGoesWithItsVolume) {
  testing::SimEnv sim(5);
  const auto cache = fresh(sim);
  const CachedContent content{"VOL001", 1};
  ASSERT_TRUE(cache->expect(content, key(1)));
  for (const auto* ending : {"", ".partition1"}) {
    const auto file =
        cache->env().disk->open(cache->partial_path_of(content) + ending, OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, Bytes(100, 0x5a)));
    ASSERT_TRUE(file->sync());
  }
  ASSERT_TRUE(cache->adopt(content));
  EXPECT_EQ(cache->used_bytes(), 2 * (kSealedHeaderBytes + 112U));
  const auto second = cache->path_of(content) + ".partition1";
  EXPECT_EQ(cache->env().disk->open(second, OpenMode::kRead).value()->size().value(), 100U);
  ASSERT_TRUE(cache->shred(content));
  EXPECT_FALSE(sim.disk.exists(second));
  EXPECT_EQ(cache->used_bytes(), 0U);
}

TEST(VolumeCache, T5_OpenedAnewItFindsWhatTheCatalogueKnows) {
  testing::SimEnv sim(2);
  std::uint64_t used = 0;
  {
    const auto cache = fresh(sim);
    bring(*cache, {"VOL001", 1}, 1000);
    bring(*cache, {"VOL002", 7}, 2000);
    used = cache->used_bytes();
  }
  auto opened =
      VolumeCache::open(sim.env(), kFolder, kIdentity, knowing({{"VOL001", 1}, {"VOL002", 7}})).value();
  EXPECT_TRUE(opened.missing.empty());
  EXPECT_TRUE(opened.removed.empty());
  EXPECT_EQ(opened.cache->used_bytes(), used);
  const auto file =
      opened.cache->env().disk->open(opened.cache->path_of({"VOL002", 7}), OpenMode::kRead).value();
  EXPECT_EQ(file->size().value(), 2000U);
}

TEST(VolumeCache, T5_FilesOfNobodyGoAndMissingOnesAreNamed) {
  testing::SimEnv sim(3);
  {
    const auto cache = fresh(sim);
    bring(*cache, {"VOL001", 1}, 10);
    bring(*cache, {"VOL001", 2}, 10);
    ASSERT_TRUE(cache->expect({"VOL003", 1}, key(1)));
    (void)cache->env().disk->open(cache->partial_path_of({"VOL003", 1}), OpenMode::kCreateNew).value();
    (void)sim.disk.open(kFolder + "/VOL001-2.twc.partition1", OpenMode::kCreateNew, 0600).value();
    (void)sim.disk.open(kFolder + "/README", OpenMode::kCreateNew, 0600).value();
  }
  auto opened =
      VolumeCache::open(sim.env(), kFolder, kIdentity, knowing({{"VOL001", 2}, {"VOL009", 4}})).value();
  ASSERT_EQ(opened.missing.size(), 1U);
  EXPECT_EQ(opened.missing[0], (CachedContent{"VOL009", 4}));
  EXPECT_EQ(opened.removed, (std::vector<std::string>{"VOL001-1.twc", "VOL003-1.part"}));
  EXPECT_TRUE(sim.disk.exists(kFolder + "/VOL001-2.twc.partition1")) << "it belongs to a file that is known";
  EXPECT_TRUE(sim.disk.exists(kFolder + "/README")) << "not ours";
}

TEST(VolumeCache, T5_AShreddedContentIsNotCountedAgain) {
  testing::SimEnv sim(6);
  const auto cache = fresh(sim);
  bring(*cache, {"VOL001", 1}, 1000);
  const auto path = cache->path_of({"VOL001", 1});
  const Bytes file = sim.disk.content(path);
  ASSERT_TRUE(cache->shred({"VOL001", 1}));
  // It could not be removed, or was being looked at meanwhile.
  ASSERT_TRUE(sim.disk.open(path, OpenMode::kCreateNew, 0600).value()->write_at(0, file));
  EXPECT_EQ(cache->measure({"VOL001", 1}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cache->used_bytes(), 0U);
}

TEST(VolumeCache, T5_AFolderThatIsNotThisCacheIsRefusedUntouched) {
  testing::SimEnv sim(7);
  bring(*fresh(sim), {"VOL001", 1}, 10);
  const auto refused = VolumeCache::open(sim.env(), kFolder, Uuid::from(Bytes(16, 0x2e)), {});
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_NE(refused.error().message.find(kFolder), std::string::npos);
  ASSERT_TRUE(sim.disk.remove(kFolder + "/" + std::string(kCacheIdentityFile)));
  EXPECT_FALSE(VolumeCache::open(sim.env(), kFolder, kIdentity, {}));
  ASSERT_TRUE(
      write_file_atomically(sim.disk, kFolder + "/" + std::string(kCacheIdentityFile), Bytes(9, 'x')));
  EXPECT_FALSE(VolumeCache::open(sim.env(), kFolder, kIdentity, {}));
  EXPECT_TRUE(sim.disk.exists(kFolder + "/VOL001-1.twc"));
}

TEST(VolumeCache, T5_APartialFileDoesNotPassForAWholeOne) {
  testing::SimEnv sim(4);
  {
    const auto cache = fresh(sim);
    ASSERT_TRUE(cache->expect({"VOL001", 3}, key(3)));
    const auto file =
        cache->env().disk->open(cache->partial_path_of({"VOL001", 3}), OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->write_at(0, Bytes(500, 1)));
    sim.disk.power_loss();
  }
  const auto opened = VolumeCache::open(sim.env(), kFolder, kIdentity, knowing({{"VOL001", 3}})).value();
  ASSERT_EQ(opened.missing.size(), 1U);
  EXPECT_EQ(opened.removed, (std::vector<std::string>{"VOL001-3.part"}));
  EXPECT_EQ(opened.cache->used_bytes(), 0U);
}

}  // namespace
}  // namespace tapewarden::engine
