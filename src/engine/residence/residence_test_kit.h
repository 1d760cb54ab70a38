// A catalogue with a cache on a simulated disk, for tests of what stands on both. The marks of the
// catalogue's commits lie on that disk too, so a fault may come between any two writes of either.
#pragma once

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "engine/cache/cache_identity.h"
#include "engine/residence/cached_volumes.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::engine::testing {

// Files of `folder` lie on the real disk, as SQLite wants it, but for the catalogue's marks.
class MixedDisk final : public Disk {
 public:
  MixedDisk(Disk& real, Disk& simulated, std::string folder)
      : real_(real), simulated_(simulated), folder_(std::move(folder)) {}

  // The folder's file system is not mounted: what is asked of the folder is asked of the empty directory
  // beneath it.
  void take_away(const std::string& folder) { away_ = folder; }
  void bring_back() { away_.clear(); }
  // As file systems do that have no room left for what a removal changes.
  std::optional<ErrorCode> removals_refused{};

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return of(path).open(at(path), mode, permissions);
  }
  Status rename(const std::string& from, const std::string& to) override {
    TRY(spend_write());
    return of(from).rename(at(from), at(to));
  }
  Status remove(const std::string& path) override {
    if (removals_refused) return fail(*removals_refused, "no room to remove " + path);
    TRY(spend_write());
    return of(path).remove(at(path));
  }
  Status make_directories(const std::string& path, unsigned permissions) override {
    return of(path).make_directories(at(path), permissions);
  }
  Status sync_directory(const std::string& path) override { return of(path).sync_directory(at(path)); }
  Result<std::vector<std::string>> list(const std::string& path) override { return of(path).list(at(path)); }
  bool exists(const std::string& path) override {
    return of(path).exists(at(path)) || (!away_.empty() && path == away_);
  }
  Result<unsigned> permissions(const std::string& path) override { return of(path).permissions(at(path)); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return of(path).lock(at(path)); }

 private:
  // The simulated disk counts and fails writes only; here an end may come before each change of a name too.
  Status spend_write() {
    return TRY(simulated_.open("changes of names", OpenMode::kCreate))->write_at(0, Bytes(1));
  }
  Disk& of(const std::string& path) {
    const bool real = path.starts_with(folder_) && path.find(".heads") == std::string::npos;
    return real ? real_ : simulated_;
  }
  std::string at(const std::string& path) const {
    return !away_.empty() && path.starts_with(away_) ? "beneath " + path : path;
  }

  Disk& real_;
  Disk& simulated_;
  std::string away_;
  const std::string folder_;
};

inline const std::string kCacheFolder = "cache";

struct ResidenceBench {
  explicit ResidenceBench(std::uint64_t seed = 1, CacheLimits with = {.bytes = 1U << 20})
      : limits(with), sim(seed) {
    start();
  }

  Env env() {
    Env out = sim.env();
    out.disk = &disk;
    return out;
  }
  // What the last start found stays to be looked at in `opened`.
  void start() {
    stop();
    open_catalogue();
    notices = std::make_unique<Notices>(sim.clock, nullptr);
    auto cache = open_cache(env(), *catalogue, *notices, kCacheFolder);
    ASSERT_TRUE(cache) << cache.error().text();
    opened = *std::move(cache);
    volumes = std::make_unique<CachedVolumes>(env(), *catalogue, *opened.cache, *notices, limits);
  }
  void open_catalogue() {
    auto found = Catalogue::open(env(), {directory.file("catalogue.db"), Uuid::from(Bytes(16, 1))},
                                 store::first_version(crypto::SecretBytes::copy_of(Bytes(32, 7))));
    ASSERT_TRUE(found) << found.error().text();
    catalogue = *std::move(found);
  }
  void stop() {
    volumes.reset();
    opened = {};
    notices.reset();
    catalogue.reset();
  }
  void lose_power() {
    stop();
    sim.disk.clear_faults();
    sim.disk.power_loss(&sim.random);
    start();
  }

  template <typename... Values>
  Status put(const Values&... values) {
    return catalogue->change([&](CatalogueChange& change) -> Status {
      Status done;
      ((done = done ? change.put(values) : done), ...);
      return done;
    });
  }
  Status write_partial(const CachedVolumes::Coming& coming, ByteView content) {
    const auto file = TRY(volumes->env().disk->open(coming.path, OpenMode::kCreateNew));
    TRY(file->write_at(0, content));
    return file->sync();
  }
  // As a recall does it.
  Status bring(const std::string& volser, ByteView content) {
    const auto generation = TRY(catalogue->volume(volser)).generation;
    const auto coming = TRY(volumes->begin_arrival(volser));
    if (auto written = write_partial(coming, content); !written) {
      volumes->abandon_arrival(coming);
      return written;
    }
    return volumes->finish_arrival(coming, generation);
  }
  Result<Bytes> read(const std::string& volser) {
    const auto path = TRY(volumes->path_of(TRY(catalogue->volume(volser))));
    return read_file(*volumes->env().disk, path, 16U << 20);
  }
  // Of volumes.
  std::vector<std::string> files() {
    auto names = all_files();
    std::erase(names, kCacheIdentityFile);
    return names;
  }
  std::vector<std::string> all_files() { return disk.list(kCacheFolder).value(); }
  std::vector<std::string> interventions() {
    std::vector<std::string> out;
    for (const auto& notice : notices->open())
      out.push_back(std::string(code_of(notice.kind)) + " " + notice.subject);
    return out;
  }
  void expect_sound() {
    const auto faults = catalogue->check();
    ASSERT_TRUE(faults) << faults.error().text();
    EXPECT_EQ(*faults, std::vector<std::string>());
  }

  CacheLimits limits;
  tapewarden::testing::SimEnv sim;
  store::testing::TemporaryDirectory directory{store::testing::Storage::kMemory};
  store::testing::RealEnv real;
  MixedDisk disk{*real.env().disk, sim.disk, directory.path()};
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<Notices> notices;
  OpenedCache opened;
  std::unique_ptr<CachedVolumes> volumes;
};

inline PhysicalVolume filling_cartridge(std::string barcode, std::uint8_t pool = 1) {
  PhysicalVolume cartridge;
  cartridge.barcode = std::move(barcode);
  cartridge.pool = pool;
  cartridge.home_pool = pool;
  cartridge.state = CartridgeState::kFilling;
  cartridge.medium = 1;
  return cartridge;
}

// A private volume whose content of `generation` lies on the cartridge.
inline LogicalVolume migrated_volume(const std::string& volser, const std::string& barcode,
                                     std::uint32_t file = 1, std::uint64_t generation = 1) {
  LogicalVolume volume;
  volume.volser = volser;
  volume.category = Category::kPrivate;
  volume.generation = generation;
  volume.primary = Copy{barcode, 1, file, file * 10ULL, 1000, generation};
  return volume;
}

}  // namespace tapewarden::engine::testing
