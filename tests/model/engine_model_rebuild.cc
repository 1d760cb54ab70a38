// M8: the catalogue is lost, and put together again from the cartridges.
#include <gtest/gtest.h>
#include <iostream>

#include "engine/operator/volume_orders.h"
#include "engine_model.h"

namespace tapewarden::engine::test {

void EngineModel::note_contents() {
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    const auto row = row_of(i);
    if (row.has_content() && !volumes_[i].lost) volumes_[i].contents[row.generation] = volumes_[i].content;
  }
}

// The newest content of the volume that lies on a cartridge of now, as the catalogue has it; 0: none.
std::uint64_t EngineModel::newest_on_tape(const LogicalVolume& row) {
  std::uint64_t newest = 0;
  for (const auto number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    if (!row.copy(number)) continue;
    const auto on = world_.catalogue->cartridge(row.copy(number)->cartridge);
    if (on && on->medium == row.copy(number)->medium && readable(on->state))
      newest = std::max(newest, row.copy(number)->generation);
  }
  return newest > row.deleted_generation ? newest : 0;
}

void EngineModel::lose_catalogue() {
  count("rebuild");
  bring_all_back();
  // Which copies went bad only the catalogue knew; a rebuild reads headers and trailers, and may take one of
  // them, or content that hosts had given up, for what there is.
  const auto mended = world_.files.mend_all();
  EXPECT_TRUE(mended) << mended.error().text();
  note_contents();
  std::vector<std::uint64_t> newest;
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) newest.push_back(newest_on_tape(row_of(i)));
  const auto report = world_.lose_catalogue();
  ASSERT_TRUE(report) << report.error().text();
  if (show_) {
    for (const auto& finding : report->findings)
      std::cout << to_string(finding.kind) << " " << finding.subject << " " << finding.text << "\n";
  }
  EXPECT_EQ(report->count(FindingKind::kUnreadCartridge), 0U);
  EXPECT_EQ(report->count(FindingKind::kDamagedImage), 0U);
  EXPECT_EQ(report->count(FindingKind::kTwoContents), 0U);
  world_.expect_sound();
  for (unsigned i = 0; i < ModelWorld::kVolumes && !failed(); ++i) follow_rebuilt(i, newest[i]);
  if (failed()) return;
  bring_all_back();
  set_up_pools();
  if (!failed()) settle_and_read();
}

void EngineModel::follow_rebuilt(unsigned index, std::uint64_t newest) {
  auto& volume = volumes_[index];
  const auto volser = ModelWorld::volser(index);
  const auto found = world_.catalogue->volume(volser);
  volume.expires.reset();
  if (!found) {
    EXPECT_EQ(newest, 0U) << volser << " is forgotten, and was on tape";
    count("rebuilt-forgotten");
    volume = {};
    constexpr std::uint32_t kSize = 400;
    const auto back = insert_volumes(world_.parts(), {.volsers = {volser}, .size_mib = kSize});
    EXPECT_TRUE(back) << back.error().text();
    return;
  }
  EXPECT_GE(found->generation, newest) << volser;
  if (newest != 0) {
    EXPECT_TRUE(found->has_content()) << volser;
    EXPECT_EQ(found->residence(), Residence::kMigrated) << volser;
  }
  if (found->primary && found->secondary) {
    EXPECT_NE(found->primary->cartridge, found->secondary->cartridge) << volser;
  }
  volume.scratch = found->category == Category::kScratch;
  volume.gone = !found->has_content();
  volume.lost = found->residence() == Residence::kMissing;
  if (found->delete_after && volume.scratch) volume.expires = found->delete_after;
  count(volume.lost ? "rebuilt-lost" : volume.gone ? "rebuilt-empty" : "rebuilt");
  std::erase_if(volume.contents, [&](const auto& one) { return one.first > found->generation; });
  volume.content.clear();
  if (volume.gone || volume.lost) return;
  const auto known = volume.contents.find(found->generation);
  ASSERT_TRUE(known != volume.contents.end())
      << volser << " has generation " << found->generation << ", which nobody wrote";
  volume.content = known->second;
}

}  // namespace tapewarden::engine::test
