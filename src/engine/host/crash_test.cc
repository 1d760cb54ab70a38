// Kills and power losses while hosts have volumes: what was synced stays, and is found.
#include <atomic>
#include <thread>

#include "engine/host/host_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using tape::test::block;

TEST(HostCrash, T1_WhatAHostWroteIntoAScratchVolumeBeforeTheEndIsItsOwn) {
  for (const bool power : {false, true}) {
    HostBench bench;
    ASSERT_TRUE(bench.mount("V00001").value());
    ASSERT_TRUE(bench.write(block(1)));
    bench.crash(power);
    EXPECT_EQ(bench.reconciled.out, Names{"V00001"});
    EXPECT_EQ(bench.reconciled.changed, Names{"V00001"});
    EXPECT_EQ(bench.reconciled.faults, Names());
    const auto volume = bench.volume("V00001");
    EXPECT_EQ(volume.category, Category::kPrivate);
    EXPECT_EQ(volume.mounted, "");
    EXPECT_TRUE(volume.primary_due);
    EXPECT_EQ(volume.residence(), Residence::kCached);
    ASSERT_TRUE(bench.mount("V00001", 1).value());
    EXPECT_EQ(bench.read_back(1), block(1));
    bench.expect_sound();
  }
}

TEST(HostCrash, T5_WhatTheInventoryHasInItsDriveStaysMountedAndIsFetchedAgain) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  const auto before = bench.volume("V00001");
  ASSERT_TRUE(bench.mount("V00001", 0).value());
  ASSERT_TRUE(bench.mount("V00002", 1).value());
  ASSERT_TRUE(bench.mount("V00003", 2).value());
  ASSERT_TRUE(bench.write(block(2), 0));
  ASSERT_TRUE(bench.write(block(3), 1));
  // The third one stands in another drive by the inventory.
  bench.crash(true, {{"V00001", bench.serial(0)}, {"V00002", bench.serial(1)}, {"V00003", "elsewhere"}});
  EXPECT_EQ(bench.reconciled.kept, (Names{"V00001", "V00002"}));
  EXPECT_EQ(bench.reconciled.out, Names{"V00003"});
  EXPECT_EQ(bench.reconciled.changed, (Names{"V00001", "V00002"}));
  EXPECT_EQ(bench.volume("V00001").generation, before.generation + 1);
  EXPECT_EQ(bench.volume("V00001").mounted, bench.serial(0));
  EXPECT_EQ(bench.volume("V00003").residence(), Residence::kEmpty);
  EXPECT_EQ(bench.migrate(), 0U) << "drives have them";
  ASSERT_TRUE(bench.mount("V00001", 0).value());
  EXPECT_EQ(bench.read_back(0), block(2));
  ASSERT_TRUE(bench.mount("V00002", 1).value());
  EXPECT_EQ(bench.read_back(1), block(3));
  ASSERT_TRUE(bench.unmount("V00001", 0));
  EXPECT_EQ(bench.volume("V00001").generation, before.generation + 1) << "counted once";
  ASSERT_TRUE(bench.mount("V00003", 2).value());
  bench.expect_sound();
}

TEST(HostCrash, T5_AFileThatCannotBeReadAtStartIsAFaultAndStaysMounted) {
  HostBench bench;
  ASSERT_TRUE(bench.mount("V00001").value());
  ASSERT_TRUE(bench.write(block(1)));
  const auto path = kCacheFolder + "/" + bench.files().at(0);
  const Bytes whole = bench.sim.disk.content(path);
  std::ranges::fill(MutableByteView(bench.sim.disk.content(path)).subspan(4096, 8192), std::uint8_t{0});
  bench.crash(false);
  ASSERT_EQ(bench.reconciled.faults.size(), 1U);
  EXPECT_NE(bench.reconciled.faults[0].find("V00001"), std::string::npos);
  EXPECT_EQ(bench.volume("V00001").mounted, bench.serial(0));
  bench.sim.disk.content(path) = whole;
  bench.crash(false);
  EXPECT_EQ(bench.reconciled.changed, Names{"V00001"});
  EXPECT_EQ(bench.interventions(), Names());
}

// A host mounts scratch volumes, writes, unmounts, mounts again; copies are made, files evicted. The disk of
// cache and catalogue marks fails at some write; then the program is killed, or the power goes.
struct Story {
  HostBench& bench;
  std::map<std::string, std::uint32_t> synced = {};  // the block that a host was told is safe
  std::map<std::string, std::uint32_t> tried = {};   // the last one that it began to write

  bool write(const std::string& volser, std::uint32_t number) {
    const auto in = bench.mount(volser);
    if (!in || !*in) return false;
    tried[volser] = number;
    if (!bench.write(block(number))) return false;
    synced[volser] = number;
    return bench.unmount(volser).has_value();
  }
  bool tell() {
    if (!write("V00001", 1) || !write("V00002", 2)) return false;
    if (bench.migrate() != 2) return false;
    if (!write("V00001", 3)) return false;
    const auto left = bench.volumes->drop(
        {"V00002"},
        [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> { return volume.may_leave_cache(); });
    if (!left) return false;
    auto again = bench.mount("V00002");
    if (!again) return false;
    bench.recall();
    if (bench.read_back() != block(2)) return false;
    return bench.unmount("V00002").has_value();
  }
};

TEST(HostCrash, T5_AnEndAtAnyWriteLosesNothingThatAHostWasToldIsSafe) {
  std::size_t cut_off = 0;
  for (std::uint64_t after = 0;; after += 1 + after % 3) {
    HostBench bench(after + 1);
    Story story{bench};
    bench.sim.disk.fail_after(after);
    bench.disk_fails = true;
    const bool whole = story.tell();
    bench.disk_fails = false;
    bench.crash(after % 2 == 0);
    EXPECT_EQ(bench.opened.lost, Names()) << after;
    EXPECT_EQ(bench.reconciled.faults, Names()) << after;
    bench.expect_sound();
    for (const auto& [volser, number] : story.synced) {
      const auto volume = bench.volume(volser);
      ASSERT_EQ(volume.category, Category::kPrivate) << volser << " after " << after;
      ASSERT_TRUE(volume.has_content()) << volser << " after " << after;
      auto in = bench.mount(volser);
      ASSERT_TRUE(in) << volser << " after " << after << ": " << in.error().text();
      if (!*in) bench.recall();
      const auto found = bench.read_back();
      // A write that was never acknowledged may stand there all the same, or have taken the place of the one
      // before: the host overwrote it.
      const bool overwritten = story.tried[volser] != number;
      EXPECT_TRUE(found == block(number) || overwritten) << volser << " after " << after;
      ASSERT_TRUE(bench.unmount(volser));
    }
    std::size_t cached = 0;
    for (const auto* volser : {"V00001", "V00002", "V00003"}) cached += bench.volume(volser).cached ? 1U : 0U;
    EXPECT_EQ(bench.files().size(), cached) << after;
    if (whole) break;
    ++cut_off;
  }
  EXPECT_GT(cut_off, 60U);
}

// The library hears nothing of a cartridge after it gave it up, also when it is being told at that moment.
TEST(HostCrash, T5_GivingUpWaitsForTheLibraryToBeTold) {
  HostBench bench;
  ASSERT_TRUE(bench.write_volume("V00001", block(1)));
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  std::atomic<bool> telling{false};
  std::atomic<bool> may_end{false};
  std::atomic<bool> given_up{false};
  std::atomic<int> order{0};
  int told_at = 0;
  bench.host->tell_when_brought([&](const std::string&, const std::string&, const Result<std::string>& path) {
    EXPECT_TRUE(path);
    telling = true;
    while (!may_end) std::this_thread::yield();
    EXPECT_FALSE(given_up);
    told_at = ++order;
  });
  EXPECT_FALSE(bench.mount("V00001").value());
  std::jthread worker([&] { bench.recall(); });
  while (!telling) std::this_thread::yield();
  std::jthread library([&] {
    bench.host->give_up("V00001", bench.serial(0));
    given_up = true;
    EXPECT_EQ(++order, 2);
  });
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  may_end = true;
  worker.join();
  library.join();
  EXPECT_EQ(told_at, 1);
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_EQ(bench.mount("V00001", 1).value(), true);
}

}  // namespace
}  // namespace tapewarden::engine::testing
