// What mounts say to whoever counts them.
#include <gmock/gmock.h>

#include "engine/host/host_test_kit.h"
#include "engine/meter_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using std::chrono::milliseconds;
using tape::test::block;
using ::testing::ElementsAre;

struct HostMeter : ::testing::Test {
  HostMeter() {
    bench.options.meter = &tally;
    bench.detach();
    bench.attach();
  }
  HostBench bench;
  TallyMeter tally;
};

TEST_F(HostMeter, T10_MountsAreCountedByHowTheirVolumeCame) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  EXPECT_THAT(tally.host_mounts[HostMount::kFastReady], ElementsAre(milliseconds(0)));
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(tally.host_mounts[HostMount::kHit].size(), 1U);
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  ASSERT_FALSE(bench.mount("V00001").value());
  bench.sim.clock.advance(milliseconds(3000));
  EXPECT_TRUE(tally.host_mounts[HostMount::kMiss].empty()) << "it waits";
  bench.recall();
  EXPECT_THAT(tally.host_mounts[HostMount::kMiss], ElementsAre(milliseconds(3000)));
  EXPECT_EQ(tally.host_mounts[HostMount::kHit].size(), 1U);
  EXPECT_EQ(tally.host_mounts[HostMount::kFastReady].size(), 1U);
}

TEST_F(HostMeter, T10_ARecallInVainIsNoMount) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  bench.images.clear();
  ASSERT_FALSE(bench.mount("V00001").value());
  bench.recall();
  EXPECT_TRUE(tally.host_mounts[HostMount::kMiss].empty());
}

TEST_F(HostMeter, T10_ContentThatAScratchMountEndsIsCounted) {
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  EXPECT_EQ(tally.deleted, 0U) << "there was none";
  auto volume = bench.volume("V00001");
  volume.category = Category::kScratch;
  ASSERT_TRUE(bench.put(volume));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(tally.deleted, 1U);
}

}  // namespace
}  // namespace tapewarden::engine::testing
