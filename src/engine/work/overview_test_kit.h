// Data in a pool in clear that is to be moved to one that encrypts, for the tests of the overview's section
// "Moving data to encrypted storage pools". Not part of the library.
#pragma once

#include <algorithm>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {

using std::chrono::hours;

inline std::string volser(unsigned number) {
  return "VOL00" + std::to_string(number);
}
constexpr hours days(unsigned count) {
  return hours(24 * count);
}

// Four scratch cartridges in pool 0, from which every pool borrows. Pool 1 is the old one, in clear; pool 2
// encrypts and is new.
struct MovingData : ::testing::Test {
  WorkBench bench;
  void SetUp() override {
    for (const auto* barcode : {"A00003L9", "A00004L9"}) bench.add_scratch(barcode);
    bench.encrypt_pool(2);
    bench.edit_pool(1, [](Pool& pool) { pool.reclaim = {.threshold_percent = 0}; });
  }
  // Volumes of one size, one behind the other, on tape and out of the cache.
  void migrated(unsigned from, unsigned to, std::uint8_t pool = 1, std::uint8_t second_pool = 0) {
    for (unsigned i = from; i <= to; ++i) {
      bench.write(volser(i), volume_content(100'000, static_cast<std::uint8_t>(i)), pool, second_pool);
      bench.back.sim.clock.advance(std::chrono::seconds(1));
    }
    bench.steps();
    for (unsigned i = from; i <= to; ++i) ASSERT_EQ(bench.evict(volser(i)), 1U);
  }
  void fill(const std::string& barcode) {
    bench.edit_cartridge(barcode, [&](PhysicalVolume& cartridge) {
      cartridge.state = CartridgeState::kFull;
      cartridge.full_since = bench.back.sim.clock.wall_now();
    });
  }
  // The old pool's properties as the overview wants them changed.
  void change_properties(std::uint8_t old_pool = 1, std::uint8_t new_pool = 2) {
    bench.edit_pool(old_pool, [&](Pool& pool) {
      pool.reclaim_pool = new_pool;
      pool.borrow = Borrow::kBorrowAndReturn;
    });
  }
  void policy(const ReclaimPolicies& policies, std::uint8_t number = 1) {
    bench.edit_pool(number, [&](Pool& pool) { pool.reclaim = policies; });
  }
  void move(const std::string& barcode, MoveRequest::When when, std::uint8_t target = 2) {
    bench.edit_cartridge(
        barcode, [&](PhysicalVolume& cartridge) { cartridge.move = {.when = when, .target_pool = target}; });
  }
  void after(hours time) {
    bench.back.sim.clock.advance(time);
    bench.steps();
  }
  PhysicalVolume cartridge_of(unsigned number, CopyNumber copy = CopyNumber::kPrimary) {
    const auto volume = bench.volume(volser(number));
    EXPECT_TRUE(volume.active(copy)) << volser(number);
    return bench.cartridge(volume.copy(copy)->cartridge);
  }
  int pool_of(unsigned number, CopyNumber copy = CopyNumber::kPrimary) {
    return cartridge_of(number, copy).pool;
  }
  void expect_moved(unsigned from, unsigned to) {
    for (unsigned i = from; i <= to; ++i) {
      EXPECT_EQ(pool_of(i), 2) << volser(i);
      EXPECT_EQ(cartridge_of(i).encryption, MediumEncryption::kIdentified) << volser(i);
    }
    bench.expect_everything_readable();
  }
  void expect_returned(const std::string& barcode) {
    EXPECT_EQ(bench.cartridge(barcode).state, CartridgeState::kScratch) << barcode;
    EXPECT_EQ(bench.cartridge(barcode).pool, kCommonPool) << barcode;
  }
  bool on_old_tape(unsigned number) { return pool_of(number) == 1; }
};

}  // namespace tapewarden::engine::test
