#include "engine/catalogue/pool_migration.h"

#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine::testing {
namespace {

PoolMigration from(std::uint8_t source, std::uint8_t target) {
  PoolMigration migration;
  migration.source = source;
  migration.target = target;
  migration.keys = {PoolEncryption::kWrapped, {KeyLabel{"KEK 2", LabelMode::kHash}, KeyLabel{}}, ""};
  migration.keys_before = {PoolEncryption::kIdentified, {}, "DAILY"};
  migration.requested = WallTime(std::chrono::seconds(1000));
  migration.requested_by = "operator-1";
  migration.counts = {1, 2, 3, 4};
  return migration;
}

class MigrationRows : public ::testing::Test {
 protected:
  Result<std::uint64_t> begin(const PoolMigration& migration) {
    std::uint64_t number = 0;
    TRY(box_->change([&](CatalogueChange& change) -> Status {
      number = TRY(change.begin_pool_migration(migration));
      return {};
    }));
    return number;
  }
  PoolMigration read(std::uint64_t number) {
    return box_.look([&](auto& view) { return view.pool_migration(number); });
  }
  Status end(std::uint64_t number) {
    PoolMigration migration = read(number);
    migration.state = PoolMigrationState::kFinished;
    migration.ended_at = box_.now();
    return box_.put(migration);
  }
  Box box_;
};

TEST_F(MigrationRows, T7_AMigrationIsKeptAsItWasPut) {
  box_.clock().advance(std::chrono::hours(1));
  PoolMigration migration = from(1, 2);
  migration.number = *begin(migration);
  EXPECT_EQ(read(1), migration);
  migration.state = PoolMigrationState::kCancelled;
  migration.when = MoveRequest::When::kWhenEligible;
  migration.keep_settings = true;
  migration.ended_at = box_.now();
  ASSERT_TRUE(box_.put(migration));
  ASSERT_TRUE(box_.open());
  EXPECT_EQ(read(1), migration);
  migration.keep_settings = false;
  EXPECT_EQ(box_.put(migration).error().code, ErrorCode::kConflict) << "it has ended";
  migration.number = 2;
  EXPECT_EQ(box_.put(migration).error().code, ErrorCode::kNotFound);
  box_.expect_sound();
}

TEST_F(MigrationRows, T7_TwoDoNotMeetInOnePool) {
  ASSERT_TRUE(begin(from(1, 2)));
  EXPECT_EQ(begin(from(1, 3)).error().field, "source");
  EXPECT_EQ(begin(from(2, 3)).error().field, "source");
  EXPECT_EQ(begin(from(2, 2)).error().field, "source");
  EXPECT_EQ(begin(from(3, 1)).error().field, "target");
  EXPECT_EQ(begin(from(0, 1)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(begin(from(1, 33)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(*begin(from(3, 2)), 2U);
  ASSERT_TRUE(end(1));
  EXPECT_EQ(*begin(from(1, 2)), 3U);
  box_.expect_sound();
}

TEST_F(MigrationRows, T7_OldOnesGiveWayWithTheirSettings) {
  const MigratedSetting setting{MigratedSetting::Kind::kBorrow, "1", 2, 1};
  ASSERT_TRUE(begin(from(5, 6)));
  ASSERT_TRUE(begin(from(1, 2)));
  ASSERT_TRUE(box_->change([&](CatalogueChange& change) { return change.put(2, setting); }));
  const auto settings = [&](std::uint64_t number) {
    return box_.look([&](auto& view) { return view.migrated_settings(number); });
  };
  EXPECT_EQ(settings(2), std::vector{setting});
  ASSERT_TRUE(end(2));
  std::uint64_t last = 2;
  while (last < kPoolMigrationsKept + 2) {
    const auto next = begin(from(1, 2));
    ASSERT_TRUE(next) << next.error().text();
    last = *next;
    ASSERT_TRUE(end(last));
  }
  EXPECT_EQ(last, kPoolMigrationsKept + 2);
  EXPECT_EQ(settings(last), std::vector<MigratedSetting>());
  EXPECT_EQ(read(1).source, 5) << "it has not ended and keeps its place";
  Status old;
  (void)box_->read([&](CatalogueView& view) -> Status {
    if (const auto found = view.pool_migration(2); !found) old = std::unexpected(found.error());
    return {};
  });
  EXPECT_EQ(old.error().code, ErrorCode::kNotFound);
  box_.expect_sound();
}

TEST_F(MigrationRows, T7_DueCopiesAreCountedByPoolAlsoThoseOfMountedVolumes) {
  const auto add = [&](const std::string& volser, std::uint8_t primary, std::uint8_t secondary,
                       const std::string& drive) {
    LogicalVolume volume = written_volume(volser);
    volume.primary_due = true;
    volume.primary_pool = primary;
    volume.secondary_due = secondary != 0;
    volume.secondary_pool = secondary;
    volume.mounted = drive;
    ASSERT_TRUE(box_.put_cached(volume));
  };
  add("A", 1, 0, "");
  add("B", 1, 2, "DRIVE1");
  add("C", 2, 1, "");
  const auto sums = box_.look([](auto& view) { return view.due_sums(1); });
  EXPECT_EQ(sums.copies, 3U);
  EXPECT_EQ(sums.bytes, 3'000U);
  EXPECT_EQ(sums.mounted, 1U);
  EXPECT_EQ(box_.look([](auto& view) { return view.due_sums(3); }).copies, 0U);
}

}  // namespace
}  // namespace tapewarden::engine::testing
