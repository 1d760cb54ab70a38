// A logical volume always exists in full in the cache or on a readable cartridge: whatever is written last
// before the power fails.
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::uint64_t kMostWrites = 2000;

// With what the power left, everything is done that is to be done, and every byte is there.
void expect_nothing_lost(WorkBench& bench, std::uint64_t writes) {
  SCOPED_TRACE("after " + std::to_string(writes) + " writes");
  bench.lose_power();
  bench.steps();
  bench.wait_and_step();
  for (const auto& [volser, content] : bench.contents) {
    const auto volume = bench.volume(volser);
    EXPECT_FALSE(volume.primary_due) << volser;
    EXPECT_TRUE(volume.active(CopyNumber::kPrimary)) << volser;
  }
  bench.expect_everything_readable();
}

void work_until_it_fails(WorkBench& bench) {
  for (unsigned tries = 0; tries < 20; ++tries) {
    const auto worked = bench.work->step();
    if (!worked || !*worked) return;
  }
}

// `prepare`, then the power is cut after each number of writes of what the work does, until it is done with
// fewer.
template <typename Prepare>
void cut_everywhere(const Prepare& prepare) {
  for (std::uint64_t writes = 0; writes < kMostWrites; ++writes) {
    WorkBench bench;
    bench.add_scratch("A00003L9");
    bench.add_scratch("A00004L9");
    prepare(bench);
    const auto before = bench.back.sim.disk.writes();
    bench.back.sim.disk.fail_after(writes);
    work_until_it_fails(bench);
    const bool whole = bench.back.sim.disk.writes() - before < writes;
    ASSERT_NO_FATAL_FAILURE(expect_nothing_lost(bench, writes));
    if (whole || ::testing::Test::HasFailure()) return;
  }
  FAIL() << "it never came to its end";
}

TEST(PowerLoss, T5_AMigrationLosesNothingWhereverItIsCutOff) {
  cut_everywhere([](WorkBench& bench) {
    bench.write("VOL001", volume_content(20'000, 1));
    bench.write("VOL002", volume_content(20'000, 2));
  });
}

TEST(PowerLoss, T5_ARecallLosesNothingWhereverItIsCutOff) {
  cut_everywhere([](WorkBench& bench) {
    bench.write("VOL001", volume_content(20'000, 1));
    bench.write("VOL002", volume_content(20'000, 2));
    bench.steps();
    for (const auto* volser : {"VOL001", "VOL002"}) {
      ASSERT_EQ(bench.evict(volser), 1U);
      bench.ask(volser);
    }
  });
}

// The disk fails for a moment; the program goes on.
TEST(PowerLoss, T5_AVolumeThatHasComeBackKeepsItsFileWhateverFailsBehindIt) {
  for (std::uint64_t writes = 0; writes < kMostWrites; ++writes) {
    SCOPED_TRACE("after " + std::to_string(writes) + " writes");
    WorkBench bench;
    bench.write("VOL001", volume_content(20'000, 1));
    bench.steps();
    ASSERT_EQ(bench.evict("VOL001"), 1U);
    bench.ask("VOL001");
    const auto before = bench.back.sim.disk.writes();
    bench.back.sim.disk.fail_after(writes);
    work_until_it_fails(bench);
    const bool whole = bench.back.sim.disk.writes() - before < writes;
    bench.back.sim.disk.clear_faults();
    if (bench.volume("VOL001").cached) {
      EXPECT_EQ(bench.cached_content("VOL001"), bench.contents.at("VOL001"));
    }
    if (whole || ::testing::Test::HasFailure()) return;
  }
  FAIL() << "it never came to its end";
}

TEST(PowerLoss, T6_AMoveLosesNothingWhereverItIsCutOff) {
  cut_everywhere([](WorkBench& bench) {
    bench.write("VOL001", volume_content(20'000, 1));
    bench.write("VOL002", volume_content(20'000, 2));
    bench.steps();
    for (const auto* volser : {"VOL001", "VOL002"}) ASSERT_EQ(bench.evict(volser), 1U);
    bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
      cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
    });
  });
}

}  // namespace
}  // namespace tapewarden::engine::test
