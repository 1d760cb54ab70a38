// Several images of one volume and generation: which of them count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/rebuild/rebuild_test_kit.h"
#include "engine/rebuild/volume_merge.h"

namespace tapewarden::engine::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_of(const RebuildReport& report, FindingKind kind) {
  for (const auto& finding : report.findings)
    if (finding.kind == kind) return finding.text;
  return {};
}

struct Images : ::testing::Test {
  Site site;

  LogicalVolume volume(const std::string& volser) { return take(site.fresh->volume(volser)); }
};

// The primary copy was moved away, the secondary one came to its cartridge, and the old image is still there.
TEST_F(Images, T12_BothCopiesNeverCountOnOneCartridge) {
  const auto moved = site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  const auto both = site.write("A00001L9", 1, TapeEncryption::kClear,
                               {{.volser = "LV0001"}, {.volser = "LV0001", .copy = 2}});
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, moved[0]);
  EXPECT_EQ(volume("LV0001").secondary, both[1]);
  EXPECT_THAT(subjects(report, FindingKind::kTwoContents), IsEmpty());
  site.expect_readable("LV0001");
}

TEST_F(Images, T12_WithBothCopiesOnOneCartridgeAloneOneCounts) {
  const auto both = site.write("A00001L9", 1, TapeEncryption::kClear,
                               {{.volser = "LV0001"}, {.volser = "LV0001", .copy = 2}});
  (void)site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, both[0]);
  EXPECT_FALSE(volume("LV0001").secondary);
}

TEST_F(Images, T12_WhichOfThemCountsDoesNotLieInTheOrderOfTelling) {
  const auto image = [](std::uint8_t copy, std::uint32_t file) {
    FoundImage out;
    out.volser = "LV0001";
    out.generation = 4;
    out.copy = copy;
    out.file = file;
    return out;
  };
  using Told = std::pair<std::uint32_t, FoundImage>;
  std::vector<Told> told{
      {0, image(1, 3)}, {0, image(2, 2)}, {1, image(1, 1)}, {1, image(2, 5)}, {2, image(1, 7)}};
  std::ranges::sort(told, {}, [](const Told& one) { return std::pair(one.first, one.second.file); });
  do {
    VolumeMerge merge(
        {{true, true, from_millis(9)}, {true, true, from_millis(8)}, {true, true, from_millis(7)}});
    for (const auto& [cartridge, found] : told) ASSERT_TRUE(merge.see_image(cartridge, found));
    const auto places = merge.places(*merge.find("LV0001"));
    EXPECT_EQ(places[0].cartridge, 0U);
    EXPECT_EQ(places[0].file, 3U);
    EXPECT_EQ(places[1].cartridge, 1U);
    EXPECT_EQ(places[1].file, 5U);
  } while (std::ranges::next_permutation(told, {}, [](const Told& one) {
             return std::pair(one.first, one.second.file);
           }).found);
}

// As after a rebuild that could not see a cartridge which was written after an earlier one.
TEST_F(Images, T12_OfTwoContentsOfOneGenerationTheOneWrittenLastCountsAndIsTold) {
  const auto last = site.write(
      "A00001L9", 1, TapeEncryption::kClear,
      {{.volser = "LV0001", .generation = 3, .later_ms = 5'000}, {.volser = "LV0002", .generation = 3}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001", .generation = 3},
                    {.volser = "LV0001", .generation = 3, .copy = 2},
                    {.volser = "LV0002", .generation = 3, .copy = 2}});
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kTwoContents), ElementsAre("LV0001"));
  EXPECT_EQ(volume("LV0001").primary, last[0]);
  EXPECT_FALSE(volume("LV0001").secondary) << "it holds another content";
  EXPECT_TRUE(volume("LV0002").secondary);
}

TEST_F(Images, T12_TheContentThatWasNotTakenIsNotGivenBackAsScratch) {
  const auto taken = site.write("A00001L9", 1, TapeEncryption::kClear,
                                {{.volser = "LV0001", .generation = 3, .later_ms = 5'000}});
  (void)site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = 3}});
  (void)site.write("A00003L9", 1, TapeEncryption::kClear,
                   {{.volser = "LV0001", .generation = 3}, {.volser = "LV0003"}});
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, taken[0]);
  EXPECT_THAT(text_of(report, FindingKind::kTwoContents), HasSubstr("kept are A00002L9, A00003L9 with"));
  for (const auto* barcode : {"A00002L9", "A00003L9"}) {
    const auto kept = take(site.fresh->cartridge(barcode));
    EXPECT_EQ(kept.state, CartridgeState::kClosed) << barcode;
    EXPECT_TRUE(kept.unexamined) << barcode;
    EXPECT_THAT(kept.note, HasSubstr("LV0001")) << barcode;
  }
  EXPECT_FALSE(take(site.fresh->cartridge("A00001L9")).unexamined);
  EXPECT_THAT(site.fresh.look([](CatalogueView& view) { return view.emptied(10); }), IsEmpty());
}

TEST_F(Images, T12_OfTwoContentsTheOneThatCanBeReadIsTaken) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("X00001L9", 4, MediumEncryption::kClear, CartridgeState::kFull);
  auto known = site.known_volume("LV0001", 3);
  known.written += std::chrono::seconds(5);
  known.primary = Copy{"X00001L9", 4, 1, 2, 1000, 3};
  ASSERT_TRUE(site.live.put(known));
  const auto here =
      site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = 3}}, true);
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, here[0]) << "nobody knows when the other cartridge comes";
  EXPECT_EQ(volume("LV0001").written, known.written - std::chrono::seconds(5));
  EXPECT_THAT(text_of(report, FindingKind::kTwoContents), HasSubstr("X00001L9"));
  EXPECT_THAT(subjects(report, FindingKind::kOlderContent), ElementsAre("LV0001"));
  EXPECT_TRUE(take(site.fresh->cartridge("X00001L9")).unexamined);
  site.expect_readable("LV0001");
}

TEST_F(Images, T12_AnOlderContentOfTheGenerationThatTheBackupKnowsIsCalledOlder) {
  auto known = site.known_volume("LV0001", 3);
  const auto older = known.written;
  known.written += std::chrono::seconds(5);
  ASSERT_TRUE(site.live.put_cached(known));
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001", .generation = 3}}, true);
  const auto report = site.rebuild();
  EXPECT_EQ(volume("LV0001").written, older);
  EXPECT_THAT(text_of(report, FindingKind::kOlderContent),
              AllOf(HasSubstr(format_utc(older)), HasSubstr(format_utc(known.written))));
  EXPECT_THAT(subjects(report, FindingKind::kTwoContents), IsEmpty());
}

// The backup has the generation of another content, which is on no cartridge.
TEST_F(Images, T12_WhatTheBackupKnowsOfAnotherContentOfTheGenerationIsNotMixedWithIt) {
  auto known = site.known_volume("LV0001", 3);
  ASSERT_TRUE(site.live.put_cached(known));
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  const auto copies = site.write("A00001L9", 1, TapeEncryption::kClear,
                                 {{.volser = "LV0001", .generation = 3, .later_ms = 5'000}}, true);
  const auto report = site.rebuild();
  EXPECT_THAT(subjects(report, FindingKind::kTwoContents), ElementsAre("LV0001"));
  EXPECT_EQ(volume("LV0001").primary, copies[0]);
  EXPECT_EQ(volume("LV0001").written, known.written + std::chrono::milliseconds(5'000));
  EXPECT_EQ(volume("LV0001").stamp, Bytes()) << "it is that of the other content";
}

TEST_F(Images, T12_ACartridgeThatIsKnownToBeBadGivesWayToOneThatIsNot) {
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  site.know_cartridge("A00002L9", 1, MediumEncryption::kClear);
  const auto good = site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  const auto bad = site.write("A00002L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}});
  auto known = site.known_volume("LV0001", 1);
  known.primary = good[0];
  ASSERT_TRUE(site.live.put(known));
  auto noted = take(site.live->cartridge("A00002L9"));
  noted.note = "damaged: a block cannot be read";
  ASSERT_TRUE(site.live.put(noted));
  (void)site.write("A00003L9", 1, TapeEncryption::kClear, {}, true);
  (void)site.rebuild();
  EXPECT_EQ(volume("LV0001").primary, good[0]) << "and not " << bad[0].cartridge << ", begun later";
}

TEST_F(Images, T12_ABackupTellsWhereGenerationsBegan) {
  constexpr std::uint64_t kLeast = 8'000'000'000'000;  // later than the time of the rebuild
  site.know_cartridge("A00001L9", 1, MediumEncryption::kClear);
  done(site.live->change([](CatalogueChange& change) { return change.begin_generations_at(kLeast); }));
  (void)site.write("A00001L9", 1, TapeEncryption::kClear, {{.volser = "LV0001"}}, true);
  (void)site.rebuild();
  auto changed = volume("LV0001");
  ++changed.generation;
  ASSERT_TRUE(site.fresh.put_cached(changed));
  EXPECT_GT(volume("LV0001").generation, kLeast) << "a cartridge that was away may hold that one";
}

}  // namespace
}  // namespace tapewarden::engine::test
