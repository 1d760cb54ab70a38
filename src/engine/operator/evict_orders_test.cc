#include "engine/operator/evict_orders.h"

#include <gmock/gmock.h>

#include "engine/operator/operator_test_kit.h"

namespace tapewarden::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::OperatorBench;
using testing::outcomes;

TEST(EvictOrders, T5_WhatIsOnTapeLeavesTheCacheAndItsFileIsShredded) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  EXPECT_THAT(outcomes(evict_volumes(bench.parts(), {"A00001"})), ElementsAre("A00001: out of the cache"));
  const auto volume = bench.volume("A00001");
  EXPECT_EQ(volume.residence(), Residence::kMigrated);
  EXPECT_FALSE(volume.has_cache_key);
  EXPECT_EQ(bench.shredded, (std::vector<CachedContent>{{"A00001", 4}}));
}

TEST(EvictOrders, T5_WhatMustStayStaysAndIsToldWhy) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_migrated("A00002", "P00001L9", 2);
  ASSERT_TRUE(bench.box.put_cached(testing::written_volume("A00003")));  // nowhere else
  bench.put_premigrated("A00004", "P00001L9", 4);
  auto mounted = bench.volume("A00004");
  mounted.mounted = "1000000001";
  ASSERT_TRUE(bench.box.put(mounted));
  const auto lines = evict_volumes(bench.parts(), {"A00001", "A00002", "A00003", "A00004", "A00005"});
  EXPECT_THAT(outcomes(lines), ElementsAre("A00001: out of the cache",
                                           HasSubstr("A00002 NOT: volume A00002 is not in the cache"),
                                           HasSubstr("A00003 NOT: "), HasSubstr("is in drive 1000000001"),
                                           HasSubstr("there is no volume A00005")));
  EXPECT_TRUE(bench.volume("A00003").cached);
  EXPECT_TRUE(bench.volume("A00004").cached);
  EXPECT_EQ(bench.shredded.size(), 1U);
}

TEST(EvictOrders, T5_OneThatCannotGoStopsNoneThatCan) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00002L9", 1);
  auto ejected = bench.physical("P00002L9");
  ejected.state = CartridgeState::kEjected;
  ASSERT_TRUE(bench.box.put(ejected));
  EXPECT_THAT(outcomes(evict_volumes(bench.parts(), {"A00001", "A00002"})),
              ElementsAre("A00001: out of the cache",
                          HasSubstr("A00002 NOT: the logical volume A00002 would have its content nowhere")));
  EXPECT_FALSE(bench.volume("A00001").cached);
  EXPECT_TRUE(bench.volume("A00002").cached);
  EXPECT_EQ(bench.shredded, (std::vector<CachedContent>{{"A00001", 4}}));
}

}  // namespace
}  // namespace tapewarden::engine
