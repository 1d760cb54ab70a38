#include "engine/residence/cached_volumes.h"

#include "engine/cache/sealed_header.h"
#include "engine/meter_test_kit.h"
#include "engine/residence/limits.h"
#include "engine/residence/residence_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;

const Bytes kContent(1000, 0x5a);
constexpr std::uint64_t kFileBytes = kSealedHeaderBytes + 1008;  // what kContent takes

// V00001 to V00009, each with its content on P00001.
struct CachedVolumesTest : ::testing::Test {
  ResidenceBench bench;
  CachedVolumesTest() { fill(); }
  void fill() {
    ASSERT_TRUE(bench.put(filling_cartridge("P00001")));
    for (std::uint32_t i = 1; i <= 9; ++i)
      ASSERT_TRUE(bench.put(migrated_volume("V0000" + std::to_string(i), "P00001", i)));
  }
  void limit(std::uint64_t bytes, std::uint64_t margin = 0) {
    bench.limits = {.bytes = bytes, .margin_bytes = margin};
    bench.start();
  }
  LogicalVolume volume(const std::string& volser) { return bench.catalogue->volume(volser).value(); }
};

TEST_F(CachedVolumesTest, T5_WhatArrivedIsCachedWithItsContentAlsoAfterAStart) {
  bench.sim.clock.advance(std::chrono::hours(5));
  ASSERT_TRUE(bench.bring("V00001", kContent));
  for (int start = 0; start < 2; ++start, bench.start()) {
    EXPECT_EQ(volume("V00001").residence(), Residence::kPremigrated);
    EXPECT_EQ(volume("V00001").cached_bytes, kFileBytes);
    EXPECT_EQ(volume("V00001").accessed, bench.sim.clock.wall_now());
    EXPECT_EQ(bench.read("V00001").value(), kContent);
    EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes - kFileBytes);
  }
  EXPECT_EQ(bench.files(), Names{"V00001-1.twc"});
  EXPECT_EQ(bench.volumes->begin_arrival("V00001").error().code, ErrorCode::kConflict);
  EXPECT_EQ(bench.volumes->begin_arrival("NOBODY").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(bench.volumes->path_of(volume("V00002")).error().code, ErrorCode::kNotFound);
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_OnlyTheNewestArrivalOfAVolumeIsUsed) {
  const auto first = bench.volumes->begin_arrival("V00001").value();
  ASSERT_TRUE(bench.write_partial(first, Bytes(500, 1)));
  const auto second = bench.volumes->begin_arrival("V00001").value();
  EXPECT_NE(first.path, second.path);
  ASSERT_TRUE(bench.write_partial(second, kContent));
  const auto late = bench.volumes->finish_arrival(first, 1);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(volume("V00001").cached);
  ASSERT_TRUE(bench.volumes->finish_arrival(second, 1));
  EXPECT_EQ(bench.read("V00001").value(), kContent);
  bench.volumes->abandon_arrival(first);
  EXPECT_EQ(bench.read("V00001").value(), kContent) << "given up long ago";
  EXPECT_EQ(bench.files(), Names{"V00001-2.twc"});
  bench.start();
  EXPECT_EQ(bench.read("V00001").value(), kContent);
}

TEST_F(CachedVolumesTest, T5_AFileOfAnotherGenerationIsShredded) {
  const auto coming = bench.volumes->begin_arrival("V00001").value();
  ASSERT_TRUE(bench.write_partial(coming, kContent));
  auto newer = volume("V00001");
  newer.generation = 2;
  newer.primary->generation = 2;
  ASSERT_TRUE(bench.put(newer));
  EXPECT_EQ(bench.volumes->finish_arrival(coming, 1).error().code, ErrorCode::kConflict);
  EXPECT_EQ(bench.files(), Names());
  EXPECT_FALSE(volume("V00001").cached);
  EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes);
}

TEST_F(CachedVolumesTest, T5_AnArrivalThatIsGivenUpLeavesNeitherKeyNorFileNorPromise) {
  ASSERT_TRUE(bench.volumes->reserve("V00001", 5000).value());
  EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes - 5000 - kSealingBytes);
  const auto coming = bench.volumes->begin_arrival("V00001").value();
  ASSERT_TRUE(bench.write_partial(coming, kContent));
  EXPECT_TRUE(volume("V00001").has_cache_key);
  bench.volumes->abandon_arrival(coming);
  EXPECT_FALSE(volume("V00001").has_cache_key);
  EXPECT_EQ(bench.files(), Names());
  EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes);
  EXPECT_FALSE(bench.volumes->finish_arrival(coming, 1)) << "there is no file";
}

TEST_F(CachedVolumesTest, T5_RoomIsMadeByThoseThatMayLeaveAndNoFurtherThanNeeded) {
  limit(4 * kFileBytes + kSealingBytes);
  for (const auto* volser : {"V00003", "V00001", "V00002"}) {
    ASSERT_TRUE(bench.bring(volser, kContent));
    bench.sim.clock.advance(std::chrono::hours(1));
  }
  ASSERT_TRUE(bench.volumes->reserve("V00004", kFileBytes).value());
  EXPECT_TRUE(volume("V00003").cached);
  ASSERT_TRUE(bench.volumes->reserve("V00004", 2 * kFileBytes).value());
  EXPECT_FALSE(volume("V00003").cached) << "not used for longest";
  EXPECT_FALSE(volume("V00003").has_cache_key);
  EXPECT_TRUE(volume("V00001").cached);
  EXPECT_EQ(bench.files(), (Names{"V00001-1.twc", "V00002-1.twc"}));
  EXPECT_EQ(bench.interventions(), Names());
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_AVolumeWhoseCartridgeLeftKeepsNoOtherInTheCache) {
  limit(4 * kFileBytes + kSealingBytes);
  auto ejected = filling_cartridge("P00002");
  ASSERT_TRUE(bench.put(ejected));
  ASSERT_TRUE(bench.put(migrated_volume("V00020", "P00002")));
  for (const auto* volser : {"V00020", "V00001", "V00002"}) {
    ASSERT_TRUE(bench.bring(volser, kContent));
    bench.sim.clock.advance(std::chrono::hours(1));
  }
  ejected.state = CartridgeState::kEjected;
  ASSERT_TRUE(bench.put(ejected));
  const auto promised = bench.volumes->reserve("V00004", 2 * kFileBytes);
  ASSERT_TRUE(promised) << promised.error().text();
  EXPECT_TRUE(*promised);
  EXPECT_TRUE(volume("V00020").cached) << "it is nowhere else";
  EXPECT_FALSE(volume("V00001").cached);
  EXPECT_TRUE(volume("V00002").cached);
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_AWholePageThatMustStayHidesNoneThatMayLeave) {
  const auto name = [](std::size_t i) { return "W" + std::to_string(10'000 + i); };
  auto ejected = filling_cartridge("P00002");
  ASSERT_TRUE(bench.put(ejected));
  for (std::size_t i = 0; i < kEvictedAtOnce; ++i) {
    ASSERT_TRUE(bench.put(migrated_volume(name(i), "P00002", static_cast<std::uint32_t>(i + 1))));
    ASSERT_TRUE(bench.bring(name(i), kContent));
  }
  bench.sim.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ejected.state = CartridgeState::kEjected;
  ASSERT_TRUE(bench.put(ejected));
  limit((kEvictedAtOnce + 1) * kFileBytes + kSealingBytes);
  const auto promised = bench.volumes->reserve("V00002", kFileBytes);
  ASSERT_TRUE(promised) << promised.error().text();
  EXPECT_TRUE(*promised);
  EXPECT_FALSE(volume("V00001").cached);
  EXPECT_TRUE(volume(name(0)).cached) << "it is nowhere else";
  EXPECT_TRUE(volume(name(0)).primary_due) << "so it gets a copy that can be read";
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_WithoutRoomAnInterventionStandsUntilNobodyWaits) {
  limit(2 * kFileBytes + kSealingBytes);
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.bring("V00002", kContent));
  auto held = volume("V00002");
  held.mounted = "DRIVE1";
  ASSERT_TRUE(bench.put(held));
  EXPECT_FALSE(bench.volumes->reserve("V00003", 2 * kFileBytes).value());
  EXPECT_TRUE(volume("V00001").cached) << "its room alone would not do";
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"});
  EXPECT_FALSE(bench.volumes->reserve("V00004", 2 * kFileBytes).value());
  held.mounted.clear();
  ASSERT_TRUE(bench.put(held));
  ASSERT_TRUE(bench.volumes->reserve("V00003", 2 * kFileBytes).value());
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"}) << "V00004 waits";
  bench.volumes->release("V00004");
  EXPECT_EQ(bench.interventions(), Names());
  EXPECT_EQ(bench.volumes->reserve("V00005", 1U << 30).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(bench.interventions(), Names()) << "it would wait for ever";
}

TEST_F(CachedVolumesTest, T5_TheDiskUnderTheCacheIsNotPromisedTwiceNorBeyondWhatItHas) {
  std::optional<std::uint64_t> free = kDiskSpareBytes + 3 * kFileBytes;
  bench.limits = {.bytes = 1ULL << 40, .margin_bytes = 0, .free_on_disk = [&free] { return free; }};
  bench.start();
  EXPECT_EQ(bench.volumes->free_bytes(), 3 * kFileBytes) << "whatever the limit would allow";
  EXPECT_NE(bench.volumes->disk_warning().value_or("").find("cache_limit"), std::string::npos);
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.volumes->reserve_growth("V00002", 2 * kFileBytes).value());
  EXPECT_EQ(bench.volumes->free_bytes(), kFileBytes);
  free = kDiskSpareBytes;  // others filled it
  EXPECT_EQ(bench.volumes->free_bytes(), 0U);
  EXPECT_FALSE(bench.volumes->reserve("V00003", kFileBytes).value());
  EXPECT_TRUE(volume("V00001").cached) << "its room alone would not do";
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"});
  EXPECT_NE(bench.notices->open().front().text.find("the disk of the cache is full"), std::string::npos);
  EXPECT_NE(bench.volumes->waits_for_room("V00003").value_or("").find("the disk of the cache is full"),
            std::string::npos);
  EXPECT_EQ(bench.volumes->waits_for_room("V00004"), std::nullopt);
  free = std::nullopt;  // it cannot be told: the limit counts
  EXPECT_TRUE(bench.volumes->reserve("V00003", kFileBytes).value());
  EXPECT_EQ(bench.interventions(), Names());
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_WhatAHostHasWrittenIsPromisedNoMore) {
  constexpr std::uint64_t kCapacity = 1U << 20;
  const std::uint64_t most = most_file_bytes(kCapacity);
  std::uint64_t free = kDiskSpareBytes + most + 4 * kFileBytes;
  bench.limits = {.bytes = 1ULL << 40, .margin_bytes = kFileBytes, .free_on_disk = [&free] { return free; }};
  bench.start();
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.bring("V00002", kContent));
  auto mounted = volume("V00001");
  mounted.mounted = "1000000001";
  mounted.capacity_bytes = kCapacity;
  ASSERT_TRUE(bench.put(mounted));
  ASSERT_TRUE(bench.volumes->reserve_growth("V00001", most - kFileBytes).value());
  const auto before = bench.volumes->free_bytes();
  const auto written = most / 2;
  {
    const auto path = bench.volumes->path_of(mounted).value();
    const auto file = bench.volumes->env().disk->open(path, OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->write_at(0, Bytes(written, 0x33)));
    ASSERT_TRUE(file->sync());
  }
  const auto taken = bench.volumes->measure(mounted).value();
  free -= taken - kFileBytes;
  EXPECT_EQ(bench.volumes->keep_margin().value(), 0U) << "nothing leaves for what is there already";
  EXPECT_TRUE(volume("V00002").cached);
  EXPECT_EQ(bench.volumes->free_bytes(), before);
  EXPECT_EQ(bench.volumes->promised_bytes(), most - taken);
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_ForADiskThatGivesBackLateNoMoreLeavesThanWasLacking) {
  std::optional<std::uint64_t> free = 1ULL << 40;
  bench.limits = {
      .bytes = 1ULL << 40, .margin_bytes = 2 * kFileBytes, .free_on_disk = [&free] { return free; }};
  bench.start();
  for (const auto* volser : {"V00001", "V00002", "V00003", "V00004"}) {
    ASSERT_TRUE(bench.bring(volser, kContent));
    bench.sim.clock.advance(std::chrono::hours(1));
  }
  free = kDiskSpareBytes + kFileBytes;
  EXPECT_EQ(bench.volumes->keep_margin().value(), 1U);
  EXPECT_FALSE(volume("V00001").cached);
  free = kDiskSpareBytes;
  EXPECT_FALSE(bench.volumes->reserve_growth("V00005", kFileBytes).value());
  EXPECT_FALSE(volume("V00002").cached) << "a second one left, and its room is not free yet";
  EXPECT_TRUE(volume("V00003").cached);
  free = kDiskSpareBytes + kFileBytes;
  EXPECT_TRUE(bench.volumes->reserve_growth("V00005", kFileBytes).value());
  EXPECT_TRUE(volume("V00003").cached);
  EXPECT_EQ(bench.interventions(), Names());
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T5_WhoDoesNotAskAgainWaitsNoLonger) {
  limit(2 * kFileBytes + kSealingBytes);
  ASSERT_TRUE(bench.volumes->reserve_growth("V00001", 2 * kFileBytes).value());
  EXPECT_FALSE(bench.volumes->reserve("V00002", kFileBytes).value());
  EXPECT_FALSE(bench.volumes->reserve("V00003", kFileBytes).value());
  bench.sim.clock.advance(kRefusalForgotten - std::chrono::minutes(1));
  EXPECT_FALSE(bench.volumes->reserve("V00003", kFileBytes).value());
  bench.sim.clock.advance(std::chrono::minutes(1));
  ASSERT_TRUE(bench.volumes->keep_margin());
  EXPECT_EQ(bench.interventions(), Names{"TWE006A cache"}) << "V00003 asked a minute ago";
  bench.sim.clock.advance(kRefusalForgotten);
  ASSERT_TRUE(bench.volumes->keep_margin());
  EXPECT_EQ(bench.interventions(), Names());
}

TEST_F(CachedVolumesTest, T5_WhatWaitsForRoomDoesNotEvictItself) {
  limit(2 * kFileBytes);
  ASSERT_TRUE(bench.bring("V00001", kContent));
  EXPECT_FALSE(bench.volumes->reserve_growth("V00001", 2 * kFileBytes).value());
  EXPECT_TRUE(volume("V00001").cached);
  ASSERT_TRUE(bench.volumes->reserve_growth("V00001", kFileBytes).value());
  EXPECT_EQ(bench.volumes->free_bytes(), 0U);
  ASSERT_TRUE(bench.volumes->reserve_growth("V00001", 10).value());
  EXPECT_EQ(bench.volumes->free_bytes(), kFileBytes - 10);
  bench.volumes->release("V00001");
  EXPECT_EQ(bench.volumes->free_bytes(), kFileBytes - 10) << "that is the arrivals'";
  bench.volumes->release_growth("V00001");
  EXPECT_EQ(bench.volumes->free_bytes(), kFileBytes);
}

TEST_F(CachedVolumesTest, T5_TheMarginIsKeptAsFarAsVolumesMayLeave) {
  limit(10 * kFileBytes, 9 * kFileBytes);
  for (const auto* volser : {"V00001", "V00002", "V00003"}) {
    ASSERT_TRUE(bench.bring(volser, kContent));
    bench.sim.clock.advance(std::chrono::hours(1));
  }
  EXPECT_EQ(bench.volumes->keep_margin().value(), 2U);
  EXPECT_EQ(bench.files(), Names{"V00003-1.twc"});
  EXPECT_EQ(bench.volumes->keep_margin().value(), 0U);
  auto due = volume("V00003");
  due.primary_due = true;
  ASSERT_TRUE(bench.put(due));
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.volumes->reserve_growth("V00003", 5 * kFileBytes).value());
  EXPECT_EQ(bench.volumes->keep_margin().value(), 1U) << "too little, and all there is";
  EXPECT_EQ(bench.interventions(), Names()) << "nobody waits";
}

TEST_F(CachedVolumesTest, T5_AnEditThatFailsTakesNothingOutOfTheCache) {
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.bring("V00002", kContent));
  const auto refuse = [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
    if (volume.volser == "V00002") return fail(ErrorCode::kConflict, "not that one");
    return true;
  };
  EXPECT_FALSE(bench.volumes->drop({"V00001", "V00002"}, refuse));
  EXPECT_EQ(bench.read("V00001").value(), kContent);
  const auto first = [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
    return volume.volser == "V00001";
  };
  EXPECT_EQ(bench.volumes->drop({"V00001", "V00002"}, first).value(), 1U);
  EXPECT_FALSE(volume("V00001").cached);
  EXPECT_EQ(bench.read("V00002").value(), kContent);
  const auto all = [](CatalogueChange&, LogicalVolume&) -> Result<bool> { return true; };
  EXPECT_EQ(bench.volumes->drop({"V00002", "NOBODY"}, all).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(bench.read("V00002").value(), kContent);
  EXPECT_EQ(bench.files(), Names{"V00002-1.twc"});
}

TEST_F(CachedVolumesTest, T5_AMissingFileIsToldAndNothingIsHidden) {
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.bring("V00002", kContent));
  ASSERT_TRUE(bench.bring("V00003", kContent));
  ASSERT_TRUE(bench.bring("V00004", kContent));
  ASSERT_TRUE(bench.bring("V00005", kContent));
  auto changed = volume("V00002");
  changed.generation = 2;
  changed.primary_due = true;
  auto held = volume("V00003");
  held.mounted = "DRIVE1";
  auto due = volume("V00005");
  due.secondary_due = true;
  ASSERT_TRUE(bench.put(changed, held, due));
  bench.stop();
  for (const auto* volser : {"V00001", "V00002", "V00003", "V00005"})
    ASSERT_TRUE(bench.sim.disk.remove(kCacheFolder + "/" + volser + "-1.twc"));
  bench.start();
  EXPECT_EQ(bench.opened.corrected, (Names{"V00001", "V00005"}));
  EXPECT_EQ(bench.opened.due_without_file, Names{"V00005"});
  EXPECT_EQ(bench.opened.held, Names{"V00003"});
  EXPECT_TRUE(volume("V00003").cached) << "what a host wrote in the drive is not given up";
  EXPECT_EQ(bench.opened.lost, Names{"V00002"});
  EXPECT_EQ(bench.interventions(), (Names{"TWE008A V00002", "TWE008A V00003"}));
  EXPECT_EQ(volume("V00001").residence(), Residence::kMigrated);
  EXPECT_EQ(bench.volumes->path_of(volume("V00002")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(bench.read("V00004").value(), kContent);
  ASSERT_TRUE(bench.bring("V00001", kContent));
  bench.expect_sound();
}

TEST_F(CachedVolumesTest, T13_AFileIsLookedAtBeforeTheCacheIsReliedOn) {
  for (const auto* volser : {"V00001", "V00002", "V00003", "V00004"})
    ASSERT_TRUE(bench.bring(volser, kContent));
  const auto told = [&](const std::string& volser) {
    const auto looked = bench.volumes->look_at_file(volume(volser));
    return looked ? std::string() : std::string(to_string(looked.error().code));
  };
  EXPECT_EQ(told("V00001"), "");
  const auto path = [](const std::string& volser) { return kCacheFolder + "/" + volser + "-1.twc"; };
  ASSERT_TRUE(bench.sim.disk.remove(path("V00001")));
  const auto open = [&](const std::string& volser) {
    return bench.sim.disk.open(path(volser), OpenMode::kReadWrite, 0600).value();
  };
  ASSERT_TRUE(open("V00002")->truncate(4096 + 16));
  ASSERT_TRUE(open("V00003")->write_at(20, Bytes(1, 0x77)));
  Bytes other(4096);
  ASSERT_TRUE(open("V00004")->read_at(0, other));
  EXPECT_EQ(told("V00001"), "corrupt");
  EXPECT_EQ(told("V00002"), "corrupt") << "cut off";
  EXPECT_EQ(told("V00003"), "corrupt") << "its header";
  EXPECT_EQ(told("V00004"), "");
  ASSERT_TRUE(open("V00003")->write_at(0, other));
  EXPECT_EQ(told("V00003"), "wrong-key") << "the file of another volume";
  bench.disk.take_away(kCacheFolder);
  EXPECT_EQ(told("V00004"), "io") << "its disk is not mounted";
}

TEST_F(CachedVolumesTest, T5_ALateShredTakesNotTheFileOfAVolserThatCameBack) {
  ASSERT_TRUE(bench.bring("V00001", kContent));
  auto scratch = volume("V00001");
  scratch.category = Category::kScratch;
  ASSERT_TRUE(bench.put(scratch));
  ASSERT_TRUE(
      bench.catalogue->change([](CatalogueChange& change) { return change.withdraw_volume("V00001"); }));
  ASSERT_TRUE(bench.put(migrated_volume("V00001", "P00001", 1, 2)));
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.opened.cache->shred({"V00001", 1})) << "of the one that was withdrawn";
  EXPECT_EQ(bench.read("V00001").value(), kContent);
  EXPECT_EQ(bench.files(), Names{"V00001-2.twc"});
  bench.expect_sound();
}

// Volumes come and go until the disk fails at some write; then the power goes. Whatever the catalogue says
// is in the cache is there, whole; nothing else is.
TEST(CachedVolumesCrash, T5_PowerLossAtEveryWriteLosesNoContent) {
  std::size_t cut_off = 0;
  for (std::uint64_t after = 0;; ++after) {
    ResidenceBench bench(after + 1, {.bytes = 3 * kFileBytes + kSealingBytes});
    ASSERT_TRUE(bench.put(filling_cartridge("P00001")));
    for (std::uint32_t i = 1; i <= 4; ++i)
      ASSERT_TRUE(bench.put(migrated_volume("V0000" + std::to_string(i), "P00001", i)));
    bench.sim.disk.fail_after(after);
    const auto work = [&]() -> Status {
      for (const auto* volser : {"V00001", "V00002", "V00003", "V00004", "V00001"}) {
        if (!TRY(bench.volumes->reserve(volser, kContent.size())))
          return fail(ErrorCode::kExhausted, "no room");
        TRY(bench.bring(volser, kContent));
        bench.sim.clock.advance(std::chrono::hours(1));
      }
      return {};
    };
    const bool whole = work().has_value();
    bench.lose_power();
    EXPECT_EQ(bench.opened.lost, Names());
    EXPECT_EQ(bench.opened.corrected, Names()) << after;
    bench.expect_sound();
    std::size_t cached = 0;
    for (std::uint32_t i = 1; i <= 4; ++i) {
      const auto volser = "V0000" + std::to_string(i);
      const auto volume = bench.catalogue->volume(volser).value();
      EXPECT_TRUE(volume.active(CopyNumber::kPrimary));
      if (!volume.cached) continue;
      ++cached;
      EXPECT_EQ(bench.read(volser).value(), kContent) << volser << " after " << after;
    }
    EXPECT_EQ(bench.files().size(), cached) << after;
    if (whole) break;
    ++cut_off;
    ASSERT_LT(cached, 4U);
    for (const auto* volser : {"V00001", "V00002", "V00003", "V00004"}) {
      if (bench.catalogue->volume(volser)->cached) continue;
      ASSERT_TRUE(bench.bring(volser, kContent)) << "goes on after " << after;
    }
  }
  EXPECT_GT(cut_off, 40U);
}

TEST_F(CachedVolumesTest, T10_WhatIsEvictedIsCounted) {
  TallyMeter tally;
  CachedVolumes counted(bench.env(), *bench.catalogue, *bench.opened.cache, *bench.notices,
                        {.bytes = 3 * kFileBytes, .margin_bytes = 2 * kFileBytes}, tally);
  ASSERT_TRUE(bench.bring("V00001", kContent));
  ASSERT_TRUE(bench.bring("V00002", kContent));
  ASSERT_EQ(counted.keep_margin().value(), 1U);
  EXPECT_EQ(tally.evicted, 1U);
  EXPECT_EQ(tally.evicted_bytes, kFileBytes);
}

TEST_F(CachedVolumesTest, T10_AFileIsReplacedWholeOrNotAtAll) {
  ASSERT_TRUE(bench.bring("V00001", kContent));
  const auto before = volume("V00001");
  const Bytes other(500, 7);
  const auto fill = [&](const std::string& path) -> Status {
    const auto file = TRY(bench.volumes->env().disk->open(path, OpenMode::kCreateNew));
    TRY(file->write_at(0, other));
    return file->sync();
  };
  const auto keep = [](CatalogueChange&, LogicalVolume&) -> Status { return {}; };
  const auto refuse = [](CatalogueChange&, LogicalVolume&) -> Status {
    return fail(ErrorCode::kConflict, "no", "volser");
  };
  EXPECT_FALSE(bench.volumes->replace(before, fill, refuse));
  EXPECT_FALSE(bench.volumes->replace(
      before, [](const std::string&) -> Status { return fail(ErrorCode::kIo, "no", "disk"); }, keep));
  auto stale = before;
  stale.cache_file += 1;
  EXPECT_EQ(bench.volumes->replace(stale, fill, keep).error().code, ErrorCode::kConflict);
  EXPECT_EQ(bench.read("V00001").value(), kContent);
  EXPECT_EQ(bench.files(), Names{"V00001-1.twc"});
  ASSERT_TRUE(bench.volumes->replace(before, fill, keep));
  for (int start = 0; start < 2; ++start, bench.start()) {
    EXPECT_EQ(bench.read("V00001").value(), other);
    EXPECT_EQ(bench.files(), Names{"V00001-2.twc"});
    EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes - volume("V00001").cached_bytes);
  }
  bench.expect_sound();
}

}  // namespace
}  // namespace tapewarden::engine::testing
