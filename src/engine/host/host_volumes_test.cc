// Mounts and returns as hosts see them.
#include "engine/host/host_volumes.h"

#include "engine/host/host_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using tape::test::block;

TEST(HostVolumes, T1_AScratchMountGivesABlankFileAndWhatIsWrittenMakesItPrivate) {
  HostBench bench;
  ASSERT_TRUE(bench.mount("V00001").value());
  auto volume = bench.volume("V00001");
  EXPECT_EQ(volume.mounted, bench.serial(0));
  EXPECT_EQ(volume.category, Category::kScratch);
  EXPECT_EQ(bench.drives[0]->cartridge()->identity().volume, uuid_of("V00001"));
  EXPECT_EQ(bench.drives[0]->cartridge()->identity().volser, "V00001");
  EXPECT_EQ(bench.drives[0]->cartridge()->identity().capacity_bytes, kVolumeCapacity);
  EXPECT_EQ(bench.read_back(), Bytes()) << "blank";
  bench.sim.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(bench.write(block(1)));
  ASSERT_TRUE(bench.unmount("V00001"));
  volume = bench.volume("V00001");
  EXPECT_EQ(volume.category, Category::kPrivate);
  EXPECT_EQ(volume.mounted, "");
  EXPECT_EQ(volume.residence(), Residence::kCached);
  EXPECT_TRUE(volume.primary_due);
  EXPECT_EQ(volume.primary_pool, 1);
  EXPECT_FALSE(volume.secondary_due);
  EXPECT_EQ(volume.written, bench.sim.clock.wall_now());
  EXPECT_EQ(volume.accessed, bench.sim.clock.wall_now());
  EXPECT_EQ(volume.cached_bytes, bench.volumes->limits().bytes - bench.volumes->free_bytes())
      << "nothing is promised to it any more";
  ASSERT_TRUE(bench.mount("V00001", 1).value());
  EXPECT_EQ(bench.read_back(1), block(1));
  ASSERT_TRUE(bench.unmount("V00001", 1));
  EXPECT_EQ(bench.volume("V00001").generation, volume.generation) << "only read";
  bench.expect_sound();
}

TEST(HostVolumes, T1_AScratchVolumeThatComesBackBlankIsScratchAsBefore) {
  HostBench bench;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bench.mount("V00001").value());
    ASSERT_TRUE(bench.unmount("V00001"));
    const auto volume = bench.volume("V00001");
    EXPECT_EQ(volume.category, Category::kScratch);
    EXPECT_EQ(volume.residence(), Residence::kEmpty);
    EXPECT_FALSE(volume.primary_due);
    EXPECT_FALSE(volume.has_cache_key);
    EXPECT_EQ(bench.files(), Names());
    EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes);
  }
  bench.expect_sound();
}

TEST(HostVolumes, T1_TheOldContentOfAScratchVolumeGoesWithItsNextMount) {
  for (const bool evicted : {false, true}) {
    HostBench bench;
    ASSERT_TRUE(bench.write_volume("V00001", block(1)));
    ASSERT_EQ(bench.migrate(), 1U);
    if (evicted) bench.evict("V00001");
    auto volume = bench.volume("V00001");
    volume.category = Category::kScratch;
    volume.delete_after = bench.sim.clock.wall_now() + std::chrono::hours(24);
    ASSERT_TRUE(bench.put(volume));
    const auto deletions = bench.deletions();
    ASSERT_TRUE(bench.mount("V00001").value()) << "never recalled";
    EXPECT_EQ(bench.read_back(), Bytes());
    const auto now = bench.volume("V00001");
    EXPECT_EQ(now.deleted_generation, volume.generation);
    EXPECT_EQ(now.delete_after, std::nullopt);
    EXPECT_EQ(bench.catalogue->cartridge("P00001")->active_volumes, 0U);
    EXPECT_EQ(bench.deletions(), deletions + 1);
    ASSERT_TRUE(bench.write(block(2)));
    ASSERT_TRUE(bench.unmount("V00001"));
    EXPECT_EQ(bench.volume("V00001").category, Category::kPrivate);
    EXPECT_EQ(bench.files().size(), 1U);
    bench.expect_sound();
  }
}

TEST(HostVolumes, T1_ScratchContentStaysUntilItsTimeAndCanBeHadBack) {
  HostBench bench;
  for (const auto* volser : {"V00001", "V00002", "V00003"}) ASSERT_TRUE(bench.write_volume(volser, block(7)));
  ASSERT_EQ(bench.migrate(), 3U);
  const auto time = bench.sim.clock.wall_now() + std::chrono::hours(24);
  for (const auto* volser : {"V00001", "V00002", "V00003"}) {
    auto volume = bench.volume(volser);
    volume.category = Category::kScratch;
    volume.delete_after = time;
    ASSERT_TRUE(bench.put(volume));
  }
  auto back = bench.volume("V00002");
  back.category = Category::kPrivate;
  ASSERT_TRUE(bench.put(back));
  const auto run_out = [&](WallTime now) { return bench.delete_expired(now); };
  EXPECT_EQ(run_out(time - std::chrono::milliseconds(1)), 0U);
  EXPECT_TRUE(bench.volume("V00001").has_content());
  EXPECT_EQ(run_out(time), 2U);
  EXPECT_EQ(run_out(time), 0U);
  EXPECT_EQ(bench.volume("V00001").residence(), Residence::kEmpty);
  EXPECT_FALSE(bench.volume("V00001").has_cache_key);
  EXPECT_EQ(bench.deletions(), 2U + 0U);
  EXPECT_EQ(bench.catalogue->cartridge("P00001")->active_volumes, 1U);
  EXPECT_EQ(bench.files(), Names{"V00002-1.twc"});
  EXPECT_EQ(bench.volume("V00002").delete_after, std::nullopt) << "a private volume has none";
  ASSERT_TRUE(bench.mount("V00002").value());
  EXPECT_EQ(bench.read_back(), block(7));
  bench.expect_sound();
}

TEST(HostVolumes, T1_UnderAnExpireHoldContentIsNotMountedAway) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  auto volume = bench.volume("V00001");
  volume.category = Category::kScratch;
  volume.delete_after = bench.sim.clock.wall_now() + std::chrono::hours(24);
  ASSERT_TRUE(bench.put(volume));
  bench.host->set_expire_hold(true);
  const auto held = bench.mount("V00001");
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, ErrorCode::kConflict);
  EXPECT_EQ(held.error().field, "delete after");
  EXPECT_NE(held.error().message.find("V00001"), std::string::npos);
  EXPECT_TRUE(bench.volume("V00001").has_content());
  bench.sim.clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(bench.mount("V00001").value()) << "its time has come";
}

TEST(HostVolumes, T5_WrittenCopiedEvictedRecalledAndReadBack) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(5)));
  ASSERT_EQ(bench.migrate(), 1U);
  EXPECT_EQ(bench.volume("V00001").residence(), Residence::kPremigrated);
  bench.evict("V00001");
  EXPECT_EQ(bench.files(), Names());
  EXPECT_FALSE(bench.mount("V00001").value()) << "it is being brought";
  ASSERT_EQ(bench.desk->wanted().size(), 1U);
  EXPECT_EQ(bench.desk->wanted()[0].reason, RecallReason::kHost);
  EXPECT_EQ(bench.brought, Names());
  bench.recall();
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000001"});
  EXPECT_EQ(bench.volume("V00001").mounted, bench.serial(0));
  EXPECT_EQ(bench.read_back(), block(5));
  ASSERT_TRUE(bench.unmount("V00001"));
  const auto volume = bench.volume("V00001");
  EXPECT_EQ(volume.residence(), Residence::kPremigrated) << "nothing was changed";
  ASSERT_TRUE(bench.write_volume("V00001", block(6)));
  EXPECT_EQ(bench.volume("V00001").generation, volume.generation + 1);
  EXPECT_EQ(bench.volume("V00001").residence(), Residence::kCached);
  EXPECT_EQ(bench.catalogue->cartridge("P00001")->active_volumes, 0U) << "of older content";
  bench.expect_sound();
}

TEST(HostVolumes, T5_ACopyUnderWayIsVoidWhenAHostTakesTheVolume) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  const auto copy = bench.desk->begin_copy("V00001");
  ASSERT_TRUE(copy);
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_FALSE(bench.desk->copy_is_good(*copy));
  EXPECT_FALSE(bench.desk->begin_copy("V00001")) << "a host has it";
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_TRUE(bench.desk->begin_copy("V00001"));
}

TEST(HostVolumes, T1_WhatIsNotRightIsRefusedAndChangesNothing) {
  HostBench bench;
  const auto drive = bench.serial(0);
  EXPECT_EQ(bench.host->fetch("NOBODY", uuid_of("NOBODY"), drive).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(bench.host->fetch("no good", uuid_of("V00001"), drive).error().field, "volser");
  EXPECT_EQ(bench.host->fetch("V00001", uuid_of("V00002"), drive).error().field, "volume");
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.mount("V00002").error().code, ErrorCode::kConflict) << "the drive is full";
  EXPECT_EQ(bench.mount("V00001", 1).error().code, ErrorCode::kConflict) << "it is elsewhere";
  EXPECT_EQ(bench.host->returned("V00001", bench.serial(1)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(bench.host->returned("V00002", drive).error().code, ErrorCode::kNotFound);
  bench.host->give_up("V00002", drive);
  ASSERT_TRUE(bench.write(block(1)));
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(bench.host->returned("V00001", drive).error().code, ErrorCode::kNotFound) << "once more";
  EXPECT_EQ(bench.volume("V00001").category, Category::kPrivate);
}

TEST(HostVolumes, T5_ADriveThatFetchesWhatItHasGetsItAgain) {
  HostBench bench;
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(3)));
  (void)bench.drives[0]->force_eject().value();
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.read_back(), block(3));
  EXPECT_EQ(bench.volume("V00001").category, Category::kPrivate);
  ASSERT_TRUE(bench.unmount("V00001"));
}

TEST(HostVolumes, T5_ContentThatIsNowhereIsSaidSo) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  auto volume = bench.volume("V00001");
  auto cartridge = bench.catalogue->cartridge("P00001").value();
  cartridge.state = CartridgeState::kDamaged;
  volume.primary.reset();
  ASSERT_TRUE(bench.put(cartridge));
  ASSERT_TRUE(bench.put(volume));
  EXPECT_EQ(bench.mount("V00001").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00001"});
}

TEST(HostVolumes, T5_AFileThatVanishedIsRecalledWhenItIsOnTape) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_TRUE(bench.write_volume("V00002", block(2)));
  ASSERT_TRUE(bench.copy("V00001", CopyNumber::kPrimary));
  for (const auto& file : bench.files()) ASSERT_TRUE(bench.sim.disk.remove(kCacheFolder + "/" + file));
  EXPECT_FALSE(bench.mount("V00001").value());
  bench.recall();
  EXPECT_EQ(bench.read_back(), block(1));
  EXPECT_EQ(bench.mount("V00002", 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00002"});
  EXPECT_TRUE(bench.volume("V00002").cached) << "nothing is hidden";
}

TEST(HostVolumes, T5_AFileThatCannotBeReadBackKeepsItsVolumeMounted) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(2)));
  (void)bench.drives[0]->force_eject().value();
  auto& file = bench.sim.disk.content(kCacheFolder + "/" + bench.files().at(0));
  const Bytes whole = file;
  std::ranges::fill(MutableByteView(file).subspan(4096, 8192), std::uint8_t{0});  // both superblocks
  EXPECT_FALSE(bench.host->returned("V00001", bench.serial(0)));
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00001"});
  EXPECT_FALSE(bench.volume("V00001").may_leave_cache());
  EXPECT_EQ(bench.migrate(), 0U);
  EXPECT_FALSE(bench.mount("V00001"));
  bench.sim.disk.content(kCacheFolder + "/" + bench.files().at(0)) = whole;
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.interventions(), Names());
  EXPECT_EQ(bench.read_back(), block(2));
}

TEST(HostVolumes, T5_AnUnmountThatCouldNotBeSettledIsTriedAgain) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(2)));
  (void)bench.drives[0]->force_eject().value();
  const auto before = bench.volume("V00001");
  bench.disk.take_away(kCacheFolder);
  EXPECT_EQ(bench.host->returned("V00001", bench.serial(0)).error().code, ErrorCode::kIo);
  EXPECT_EQ(bench.host->retry_unsettled(), 0U);
  const auto refused = bench.mount("V00001", 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("not settled yet"), std::string::npos);
  EXPECT_EQ(bench.interventions(), (Names{"TWE014A cache", "TWE008A V00001"}));
  EXPECT_EQ(bench.volume("V00001"), before) << "mounted, cached and with its key as before";
  EXPECT_EQ(bench.migrate(), 0U);
  bench.disk.bring_back();
  EXPECT_EQ(bench.host->retry_unsettled(), 1U) << "without a mount and without a restart";
  EXPECT_EQ(bench.host->retry_unsettled(), 0U);
  ASSERT_TRUE(bench.volumes->look_at_folder());
  EXPECT_EQ(bench.interventions(), Names());
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_EQ(bench.volume("V00001").generation, before.generation + 1);
  EXPECT_EQ(bench.migrate(), 1U) << "its copy is due";
  ASSERT_TRUE(bench.mount("V00001", 1).value());
  EXPECT_EQ(bench.read_back(1), block(2));
  bench.expect_sound();
}

TEST(HostVolumes, T5_TheFileOfAMountedVolumeThatIsMissingIsNotGivenUp) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(2)));
  (void)bench.drives[0]->force_eject().value();
  const auto path = kCacheFolder + "/" + bench.files().at(0);
  const Bytes file = bench.sim.disk.content(path);
  ASSERT_TRUE(bench.sim.disk.remove(path));
  EXPECT_EQ(bench.host->returned("V00001", bench.serial(0)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00001"});
  EXPECT_TRUE(bench.volume("V00001").has_cache_key);
  EXPECT_FALSE(bench.mount("V00001", 1)) << "the copy on tape is of before";
  // Nor by a start, and it is looked for as long as it is missing.
  bench.crash(true);
  EXPECT_EQ(bench.opened.held, Names{"V00001"});
  EXPECT_EQ(bench.reconciled.faults.size(), 1U);
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00001"});
  EXPECT_EQ(bench.volume("V00001").mounted, bench.serial(0));
  EXPECT_EQ(bench.host->retry_unsettled(), 0U);
  ASSERT_TRUE(bench.sim.disk.open(path, OpenMode::kCreateNew, 0600).value()->write_at(0, file));
  EXPECT_EQ(bench.host->retry_unsettled(), 1U) << "an operator has put it back";
  EXPECT_EQ(bench.interventions(), Names());
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.read_back(), block(2));
  bench.expect_sound();
}

TEST(HostVolumes, T1_ARecallUnderWayDoesNotReachAVolumeThatWasMountedAsScratch) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  const auto before = bench.volume("V00001");
  const auto coming = bench.volumes->begin_arrival("V00001").value();
  ASSERT_TRUE(bench.write_partial(coming, bench.images.begin()->second));
  auto scratch = bench.volume("V00001");
  scratch.category = Category::kScratch;
  ASSERT_TRUE(bench.put(scratch));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.volumes->finish_arrival(coming, before.generation).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(bench.write(block(2)));
  ASSERT_TRUE(bench.unmount("V00001"));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.read_back(), block(2));
  EXPECT_EQ(bench.files().size(), 1U);
}

TEST(HostVolumes, T12_AVolumeWithoutAStampGetsOneAndIsNotTakenForChanged) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  auto volume = bench.volume("V00001");
  const auto stamp = std::exchange(volume.stamp, {});
  ASSERT_TRUE(bench.put(volume));
  ASSERT_TRUE(bench.mount("V00001").value());
  EXPECT_EQ(bench.volume("V00001").stamp, stamp);
  ASSERT_TRUE(bench.unmount("V00001"));
  EXPECT_EQ(bench.volume("V00001").generation, volume.generation);
  EXPECT_EQ(bench.volume("V00001").residence(), Residence::kPremigrated);
}

}  // namespace
}  // namespace tapewarden::engine::testing
