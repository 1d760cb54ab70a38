// A catalogue in a folder of its own with a clock that the test moves, and values that fit into it.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "engine/catalogue/catalogue.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::engine::testing {

using std::chrono::hours;

class Box {
 public:
  Box() { EXPECT_TRUE(open()); }

  Status open(std::uint8_t master = 7) {
    catalogue_.reset();
    auto opened = Catalogue::open(env(), {path(), Uuid::from(Bytes(16, 1))},
                                  store::first_version(crypto::SecretBytes::copy_of(Bytes(32, master))));
    if (!opened) return std::unexpected(opened.error());
    catalogue_ = *std::move(opened);
    return {};
  }
  void close() { catalogue_.reset(); }

  Env env() {
    Env out = real_.env();
    out.clock = &clock_;
    return out;
  }
  std::string path() const { return directory_.file("catalogue.db"); }
  const std::string& folder() const { return directory_.path(); }
  Catalogue& operator*() { return *catalogue_; }
  Catalogue* operator->() { return catalogue_.get(); }
  tapewarden::testing::SimClock& clock() { return clock_; }
  WallTime now() { return clock_.wall_now(); }

  // What `ask` finds; an error is a failure of the test.
  template <typename Ask>
  auto look(const Ask& ask) {
    using Found = decltype(ask(std::declval<CatalogueView&>()));
    typename Found::value_type out{};
    const Status done = catalogue_->read([&](CatalogueView& view) -> Status {
      out = TRY(ask(view));
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return out;
  }
  template <typename... Values>
  Status put(const Values&... values) {
    return catalogue_->change([&](CatalogueChange& change) -> Status {
      Status done;
      ((done = done ? change.put(values) : done), ...);
      return done;
    });
  }
  // With a key and a file in the cache.
  Status put_cached(LogicalVolume volume) {
    return catalogue_->change([&](CatalogueChange& change) -> Status {
      if (!TRY(change.find_volume(volume.volser))) {
        LogicalVolume bare;
        bare.volser = volume.volser;
        TRY(change.put(bare));
      }
      TRY(change.set_cache_key(volume.volser, crypto::SecretBytes::copy_of(Bytes(32, 9))));
      volume.cached = true;
      return change.put(volume);
    });
  }
  void expect_sound() {
    const auto faults = catalogue_->check();
    ASSERT_TRUE(faults) << faults.error().text();
    EXPECT_EQ(*faults, std::vector<std::string>());
  }

 private:
  store::testing::TemporaryDirectory directory_{store::testing::Storage::kMemory};
  store::testing::RealEnv real_;
  tapewarden::testing::SimClock clock_;
  std::unique_ptr<Catalogue> catalogue_;
};

inline LogicalVolume scratch_volume(std::string volser) {
  LogicalVolume volume;
  volume.volser = std::move(volser);
  return volume;
}
// Written once, and nowhere yet.
inline LogicalVolume written_volume(std::string volser, std::uint64_t generation = 1) {
  LogicalVolume volume = scratch_volume(std::move(volser));
  volume.category = Category::kPrivate;
  volume.generation = generation;
  volume.cached_bytes = 1000;
  return volume;
}
inline PhysicalVolume cartridge(std::string barcode, std::uint8_t pool = 1,
                                CartridgeState state = CartridgeState::kFilling) {
  PhysicalVolume out;
  out.barcode = std::move(barcode);
  out.pool = pool;
  out.home_pool = pool;
  out.state = state;
  out.medium = state == CartridgeState::kScratch ? 0 : 1;
  return out;
}
inline Copy copy_on(const std::string& barcode, std::uint32_t file, std::uint64_t bytes = 1000,
                    std::uint64_t generation = 1) {
  return {barcode, 1, file, file * 10, bytes, generation};
}

inline std::vector<std::string> names(const std::vector<LogicalVolume>& volumes) {
  std::vector<std::string> out;
  for (const auto& volume : volumes) out.push_back(volume.volser);
  return out;
}
inline std::vector<std::string> names(const std::vector<PhysicalVolume>& cartridges) {
  std::vector<std::string> out;
  for (const auto& cartridge : cartridges) out.push_back(cartridge.barcode);
  return out;
}
inline std::vector<std::string> names(const std::vector<ReclaimCandidate>& candidates) {
  std::vector<std::string> out;
  for (const auto& candidate : candidates) out.push_back(candidate.cartridge.barcode);
  return out;
}

}  // namespace tapewarden::engine::testing
