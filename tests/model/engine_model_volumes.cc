// Operators and logical volumes.
#include <gtest/gtest.h>

#include "engine/operator/construct_orders.h"
#include "engine/operator/evict_orders.h"
#include "engine/operator/volume_orders.h"
#include "engine_model.h"

namespace tapewarden::engine::test {
namespace {

const std::array<std::string, 3> kGroups{std::string(kDefaultConstruct), "GROUPA", "GROUPB"};
const std::array<std::string, 2> kClasses{std::string(kDefaultConstruct), "TWICE"};

}  // namespace

void EngineModel::evict() {
  count("evict");
  const auto index = any_volume();
  const auto lines = evict_volumes(world_.parts(), {ModelWorld::volser(index)});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(!lines[0].error || lines[0].error->code == ErrorCode::kConflict) << lines[0].outcome;
}

void EngineModel::recall() {
  count("recall");
  if (chance(30)) {
    const auto lines = world_.recalls->ask_all_on(*world_.catalogue, any_barcode());
    EXPECT_TRUE(lines || lines.error().code == ErrorCode::kNotFound) << lines.error().text();
    return;
  }
  const auto lines = world_.recalls->ask(*world_.catalogue, {ModelWorld::volser(any_volume())});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(!lines[0].error || lines[0].error->code == ErrorCode::kConflict) << lines[0].outcome;
}

void EngineModel::change_category() {
  const auto index = any_volume();
  const auto volser = ModelWorld::volser(index);
  auto& volume = volumes_[index];
  if (volume.drive) {
    EXPECT_FALSE(return_to_scratch(world_.parts(), {volser}, {})) << volser << " is in a drive";
    return;
  }
  count("category");
  if (!volume.scratch) {
    constexpr std::uint64_t kHours = 48;
    std::optional<std::uint32_t> hours;
    if (chance(40)) hours = static_cast<std::uint32_t>(below(kHours));
    const auto done = return_to_scratch(world_.parts(), {volser}, hours);
    ASSERT_TRUE(done) << volser << ": " << done.error().text();
    volume.scratch = true;
    if (hours && !volume.gone) volume.expires = world_.back.sim.clock.wall_now() + std::chrono::hours(*hours);
    return;
  }
  if (volume.lost) return;
  EXPECT_EQ(row_of(index).has_content(), !volume.gone) << volser;
  const auto done = make_private(world_.parts(), {volser});
  ASSERT_EQ(done.has_value(), !volume.gone) << volser;
  if (!done) return;
  volume.scratch = false;
  volume.expires.reset();
}

void EngineModel::delete_expired_contents() {
  count("delete-expired");
  const auto now = world_.back.sim.clock.wall_now();
  std::size_t expected = 0;
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    auto& volume = volumes_[i];
    if (volume.drive) look(i);
    if (!volume.expires || *volume.expires > now) continue;
    volume.content.clear();
    volume.gone = true;
    volume.lost = false;
    volume.expires.reset();
    ++expected;
  }
  const auto deleted = delete_expired(world_.parts());
  ASSERT_TRUE(deleted) << deleted.error().text();
  EXPECT_EQ(deleted->volumes, expected);
}

void EngineModel::withdraw_and_insert() {
  const auto index = any_volume();
  const auto volser = ModelWorld::volser(index);
  auto& volume = volumes_[index];
  const bool may = volume.scratch && !volume.drive;
  const auto lines = withdraw_volumes(world_.parts(), {volser});
  ASSERT_EQ(lines.size(), 1U);
  ASSERT_EQ(!lines[0].error, may) << volser << ": " << lines[0].outcome;
  if (!may) return;
  count("withdraw");
  volume.content.clear();
  volume.gone = true;
  volume.lost = false;
  volume.expires.reset();
  constexpr std::uint32_t kSize = 400;
  const auto back = insert_volumes(world_.parts(), {.volsers = {volser},
                                                    .size_mib = kSize,
                                                    .storage_group = kGroups.at(below(2)),
                                                    .preference = static_cast<std::uint8_t>(below(2))});
  ASSERT_TRUE(back) << back.error().text();
}

void EngineModel::change_constructs() {
  count("constructs");
  const auto parts = world_.parts();
  if (chance(60)) {
    VolumeChange change;
    change.storage_group = kGroups.at(below(kGroups.size()));
    change.management_class = kClasses.at(below(kClasses.size()));
    change.leave = any_leave();
    const auto done = change_volumes(parts, {ModelWorld::volser(any_volume())}, change);
    if (!done && change.leave == ClearLeave::kNo && done.error().code == ErrorCode::kConflict) {
      return count("volume-into-clear-refused");
    }
    ASSERT_TRUE(done) << done.error().text();
    return;
  }
  order("construct", [&]() -> Status {
    if (chance(50)) {
      (void)TRY(modify_storage_group(parts, kGroups.at(below(kGroups.size())),
                                     {.pool = any_pool(), .leave = any_leave()}));
    } else {
      const auto pool = static_cast<std::uint8_t>(below(kPools + 1U));
      (void)TRY(modify_management_class(parts, kClasses.at(below(kClasses.size())),
                                        {.pool = pool, .leave = any_leave()}));
    }
    return {};
  });
}

}  // namespace tapewarden::engine::test
