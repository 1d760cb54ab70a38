// Drives that wait for a recall or for room in the cache.
#include "engine/host/host_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using tape::test::block;

TEST(HostWaiting, T5_AMountWaitsForRoomAndGoesOnWhenThereIsSome) {
  const std::uint64_t most = most_file_bytes(kVolumeCapacity);
  HostBench bench(1, 2 * most);
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_TRUE(bench.mount("V00002").value());
  EXPECT_FALSE(bench.mount("V00003", 1).value());
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"});
  EXPECT_EQ(bench.host->retry_waiting(), 0U);
  ASSERT_EQ(bench.migrate(), 1U);
  EXPECT_EQ(bench.host->retry_waiting(), 1U);
  EXPECT_EQ(bench.brought, Names{"V00003 in 1000000002"});
  EXPECT_EQ(bench.interventions(), Names());
  EXPECT_FALSE(bench.volume("V00001").cached) << "it made room";
  EXPECT_FALSE(bench.mount("V00001", 2).value()) << "now it is the one that waits";
  bench.recall();
  EXPECT_EQ(bench.brought.size(), 2U);
  EXPECT_NE(bench.brought[1].find("no room for the recall"), std::string::npos);
  bench.volumes->release("V00001");
  bench.expect_sound();
}

TEST(HostWaiting, T5_AWaitForRoomThatIsGivenUpLeavesNoIntervention) {
  HostBench bench(1, most_file_bytes(kVolumeCapacity));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_FALSE(bench.mount("V00002", 1).value());
  EXPECT_FALSE(bench.mount("V00003", 2).value());
  bench.host->give_up("V00002", bench.serial(1));
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"});
  bench.host->give_up("V00003", bench.serial(2));
  EXPECT_EQ(bench.interventions(), Names());
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(bench.host->retry_waiting(), 0U);
  EXPECT_EQ(bench.brought, Names());
}

TEST(HostWaiting, T5_ThoseThatWaitForRoomGetItInTheirOrder) {
  HostBench bench(1, most_file_bytes(kVolumeCapacity));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_FALSE(bench.mount("V00003", 2).value());
  EXPECT_FALSE(bench.mount("V00002", 1).value());
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(bench.host->retry_waiting(), 1U);
  EXPECT_EQ(bench.brought, Names{"V00003 in 1000000003"});
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"});
}

TEST(HostWaiting, T5_AVolumeLargerThanTheCacheIsRefused) {
  HostBench bench(1, 1U << 20);
  const auto refused = bench.mount("V00001");
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_EQ(bench.files(), Names());
}

TEST(HostWaiting, T5_WhenNobodyListensAnyMoreNothingIsMounted) {
  HostBench bench(1, most_file_bytes(kVolumeCapacity));
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.mount("V00002", 1).value());
  EXPECT_FALSE(bench.mount("V00003", 2).value());
  bench.host->tell_when_brought({});
  ASSERT_TRUE(bench.unmount("V00002", 1));
  EXPECT_EQ(bench.host->retry_waiting(), 0U);
  bench.recall();
  EXPECT_EQ(bench.brought, Names());
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  bench.host->give_up("V00001", bench.serial(0));
  bench.host->give_up("V00003", bench.serial(2));
  EXPECT_EQ(bench.interventions(), Names());
}

TEST(HostWaiting, T5_AnEndWhileDrivesWaitLeavesNoAskBehind) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  bench.host.reset();
  EXPECT_TRUE(bench.desk->wanted().empty());
}

TEST(HostWaiting, T5_WhoGivesUpIsToldNothing) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  bench.host->give_up("V00001", bench.serial(1));  // another drive's word
  EXPECT_EQ(bench.desk->wanted().size(), 1U);
  bench.host->give_up("V00001", bench.serial(0));
  EXPECT_TRUE(bench.desk->wanted().empty());
  EXPECT_EQ(bench.mount("V00001", 1).value(), false) << "another drive may have it";
  bench.recall();
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000002"});
  // It came, and the library did not load it.
  bench.drives[1]->force_eject().value();
  bench.host->give_up("V00001", bench.serial(1));
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_TRUE(bench.desk->begin_copy("V00001"));
}

TEST(HostWaiting, T5_ARecallThatFailsIsToldAndTheDriveIsFree) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  bench.images.clear();
  EXPECT_FALSE(bench.mount("V00001").value());
  bench.recall();
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000001: the copy cannot be read"});
  EXPECT_EQ(bench.unmount("V00001").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(bench.mount("V00002").value());
}

TEST(HostWaiting, T5_WhatBecameScratchWhileItsDriveWaitedIsGivenWithItsContent) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  auto volume = bench.volume("V00001");
  volume.category = Category::kScratch;
  volume.delete_after = bench.env().clock->wall_now() + std::chrono::hours(1);
  ASSERT_TRUE(bench.put(volume));
  bench.recall();
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000001"});
  EXPECT_EQ(bench.read_back(), block(1));
  EXPECT_EQ(bench.volume("V00001").category, Category::kPrivate) << "a host has it";
  EXPECT_FALSE(bench.volume("V00001").delete_after);
  EXPECT_EQ(bench.deletions(), 0U);
  bench.crash(false, {{"V00001", bench.serial(0)}});
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.read_back(), block(1));
  ASSERT_TRUE(bench.unmount("V00001"));
  bench.expect_sound();
}

TEST(HostWaiting, T5_ContentThatWasDeletedWhileItsDriveWaitedIsNoBlankFile) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  auto volume = bench.volume("V00001");
  volume.category = Category::kScratch;
  volume.delete_after = bench.env().clock->wall_now();
  ASSERT_TRUE(bench.put(volume));
  ASSERT_EQ(bench.delete_expired(*volume.delete_after), 1U);
  ASSERT_TRUE(bench.desk->begin_recall("V00001"));
  bench.desk->finish_recall("V00001", {});
  ASSERT_EQ(bench.brought.size(), 1U);
  EXPECT_NE(bench.brought[0].find("was deleted while the drive waited for it"), std::string::npos);
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_TRUE(bench.mount("V00001").value()) << "asked for anew it is a scratch volume";
  bench.expect_sound();
}

TEST(HostWaiting, T5_WhatWasEvictedBeforeItsDriveGotItIsAskedForAgain) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_FALSE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.desk->begin_recall("V00001"));
  ASSERT_TRUE(bench.bring_back("V00001"));
  bench.evict("V00001");
  bench.desk->finish_recall("V00001", {});
  EXPECT_EQ(bench.brought, Names());
  ASSERT_EQ(bench.desk->wanted().size(), 1U);
  bench.recall();
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000001"});
  EXPECT_EQ(bench.read_back(), block(1));
}

}  // namespace
}  // namespace tapewarden::engine::testing
