// Several threads at one cache, on a real disk.
#include <atomic>
#include <filesystem>
#include <thread>

#include "engine/residence/residence_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kVolumes = 5;  // of each thread
constexpr unsigned kRounds = 6;
const Bytes kContent(60'000, 0x5a);

std::string volser_of(unsigned thread, unsigned number) {
  return "T" + std::to_string(thread) + "V" + std::to_string(number);
}

// As a recall: reserve, arrive; whoever finds no room goes on with another volume.
Status bring(CachedVolumes& volumes, const std::string& volser) {
  if (!TRY(volumes.reserve(volser, kContent.size()))) {
    volumes.release(volser);
    return {};
  }
  const auto coming = volumes.begin_arrival(volser);
  if (!coming) {
    volumes.release(volser);
    return coming.error().code == ErrorCode::kConflict ? Status() : std::unexpected(coming.error());
  }
  {
    const auto file = TRY(volumes.env().disk->open(coming->path, OpenMode::kCreateNew));
    TRY(file->write_at(0, kContent));
    TRY(file->sync());
  }
  return volumes.finish_arrival(*coming, 1);
}

TEST(CachedVolumesThreads, T5_TheLimitHoldsAndNothingIsLostWhoeverComes) {
  store::testing::TemporaryDirectory directory{store::testing::Storage::kMemory};
  store::testing::RealEnv real;
  const auto env = real.env();
  const auto catalogue = Catalogue::open(env, {directory.file("catalogue.db"), Uuid::from(Bytes(16, 1))},
                                         store::first_version(crypto::SecretBytes::copy_of(Bytes(32, 7))))
                             .value();
  ASSERT_TRUE(catalogue->change([](CatalogueChange& change) -> Status {
    TRY(change.put(filling_cartridge("P00001")));
    for (unsigned t = 0; t < kThreads; ++t)
      for (unsigned v = 0; v < kVolumes; ++v)
        TRY(change.put(migrated_volume(volser_of(t, v), "P00001", t * kVolumes + v + 1)));
    return {};
  }));
  Notices notices(*env.clock, nullptr);
  const auto folder = directory.file("cache");
  const auto opened = open_cache(env, *catalogue, notices, folder).value();
  // Half of them find room at once.
  CachedVolumes volumes(
      env, *catalogue, *opened.cache, notices,
      {.bytes = kThreads * kVolumes * kContent.size() / 2, .margin_bytes = kContent.size()});
  std::atomic<unsigned> failed{0};
  std::atomic<bool> over{false};
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < kRounds * kVolumes; ++i) {
          if (!bring(volumes, volser_of(t, i % kVolumes))) ++failed;
          if (opened.cache->used_bytes() > volumes.limits().bytes) over = true;
          if (i % 7 == 0 && !volumes.keep_margin()) ++failed;
        }
      });
  }
  EXPECT_EQ(failed, 0U);
  EXPECT_FALSE(over);
  EXPECT_TRUE(notices.open().empty()) << "nobody waits";
  const auto faults = catalogue->check().value();
  EXPECT_TRUE(faults.empty());
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().extension() == ".twc") bytes += file.file_size();
  EXPECT_EQ(opened.cache->used_bytes(), bytes);
  EXPECT_EQ(volumes.free_bytes(), volumes.limits().bytes - bytes) << "no promise is left";
  std::uint64_t arrivals = 0;
  for (unsigned t = 0; t < kThreads; ++t)
    for (unsigned v = 0; v < kVolumes; ++v) {
      const auto volume = catalogue->volume(volser_of(t, v)).value();
      arrivals += volume.cache_file;
      if (!volume.cached) continue;
      const auto path = volumes.path_of(volume).value();
      EXPECT_EQ(read_file(*volumes.env().disk, path, kContent.size()).value(), kContent);
    }
  EXPECT_GT(arrivals, 2U * kThreads * kVolumes) << "they took room from each other";
}

}  // namespace
}  // namespace tapewarden::engine::testing
