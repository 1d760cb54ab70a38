// What the work with tape says to whoever counts it.
#include <algorithm>
#include <gmock/gmock.h>

#include "engine/meter_test_kit.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using ::testing::ElementsAre;
using testing::TallyMeter;

TEST(WorkMeter, T10_ImagesMountsKeysAndRecallsAreCounted) {
  WorkBench bench;
  TallyMeter tally;
  bench.tell(tally);
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1), 1, 2);
  bench.steps();
  ASSERT_EQ(tally.images.size(), 2U);
  const auto volume = bench.volume("VOL001");
  ASSERT_TRUE(volume.primary && volume.secondary);
  EXPECT_THAT(tally.images, ::testing::UnorderedElementsAre(
                                TallyMeter::Image{1, true, volume.primary->bytes, ImageFrom::kCache},
                                TallyMeter::Image{2, false, volume.secondary->bytes, ImageFrom::kCache}));
  EXPECT_EQ(tally.mounts.size(), 2U);
  EXPECT_EQ(tally.failed_mounts, 0U);
  EXPECT_EQ(tally.exchanges[KeyExchange::kGenerated], 1U);
  EXPECT_EQ(tally.exchanges[KeyExchange::kFetched], 0U);
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.ask("VOL001");
  bench.steps();
  EXPECT_THAT(tally.recalled, ElementsAre(volume.primary->bytes));
  EXPECT_EQ(tally.mounts.size(), 3U);
  EXPECT_EQ(tally.exchanges[KeyExchange::kFetched], 1U);
}

TEST(WorkMeter, T10_WhatReclaimWritesIsCountedApart) {
  WorkBench bench;
  TallyMeter tally;
  bench.tell(tally);
  for (unsigned i = 1; i <= 4; ++i)
    bench.write("VOL00" + std::to_string(i), volume_content(100'000, static_cast<std::uint8_t>(i)));
  bench.steps();
  ASSERT_EQ(tally.images.size(), 4U);
  bench.edit_cartridge("A00001L9", [&](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kFull;
    cartridge.full_since = bench.back.sim.clock.wall_now();
  });
  ASSERT_EQ(bench.evict("VOL004"), 1U);
  for (unsigned i = 1; i <= 3; ++i)
    bench.write("VOL00" + std::to_string(i), volume_content(100'000, static_cast<std::uint8_t>(i)));
  bench.steps();
  ASSERT_TRUE(bench.on("VOL004").starts_with("A00002L9/")) << bench.on("VOL004");
  ASSERT_EQ(tally.images.size(), 8U);
  EXPECT_THAT(tally.images,
              ::testing::Contains(
                  TallyMeter::Image{1, false, bench.volume("VOL004").primary->bytes, ImageFrom::kTape})
                  .Times(1));
  EXPECT_EQ(std::ranges::count(tally.images, ImageFrom::kTape, &TallyMeter::Image::from), 1);
  EXPECT_EQ(tally.reclaimed, 1U);
  EXPECT_EQ(tally.recalled.size(), 0U) << "no file came into the cache";
}

TEST(WorkMeter, T10_MountsAndExchangesInVainAreCounted) {
  WorkBench bench;
  TallyMeter tally;
  bench.tell(tally);
  bench.encrypt_pool(1);
  bench.back.keys.away = true;
  bench.write("VOL001", volume_content(1000, 1));
  bench.steps();
  EXPECT_GE(tally.exchanges[KeyExchange::kMissed], 1U);
  EXPECT_TRUE(tally.images.empty());
  bench.back.keys.away = false;
  for (const auto& drive : bench.back.to_drives)
    drive->meet = fail_from(scsi::Opcode::kTestUnitReady, 0, scsi::sense_codes::kInternalTargetFailure);
  bench.wait_and_step();
  EXPECT_GE(tally.failed_mounts, 1U);
}

}  // namespace
}  // namespace tapewarden::engine::test
