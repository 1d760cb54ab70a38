// What operators do with logical volumes.
#include "engine/operator/volume_orders.h"

#include <gmock/gmock.h>

#include "engine/operator/names.h"
#include "engine/operator/operator_test_kit.h"
#include "engine/operator/recall_orders.h"

namespace tapewarden::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::hours;
using ::testing::IsEmpty;
using testing::OperatorBench;
using testing::outcomes;
using testing::told;

NewVolumes some(const std::string& range) {
  NewVolumes wanted;
  wanted.volsers = *named_range(range, "volsers");
  return wanted;
}

TEST(VolumeOrders, T1_ARangeIsInsertedIntoCatalogueAndLibrary) {
  OperatorBench bench;
  auto wanted = some("A00001-A00003");
  wanted.size_mib = 4000;
  wanted.kind = tape::MediumKind::k3592;
  const auto done = insert_volumes(bench.parts(), wanted);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->inserted, 3U);
  const auto volume = bench.volume("A00002");
  EXPECT_EQ(volume.category, Category::kScratch);
  EXPECT_EQ(volume.capacity_bytes, 4000ULL << 20);
  EXPECT_EQ(volume.residence(), Residence::kEmpty);
  EXPECT_EQ(bench.shelf.shelved.at("A00002").volume, volume.volume);
  EXPECT_EQ(bench.shelf.shelved.at("A00002").kind, tape::MediumKind::k3592);
  EXPECT_NE(volume.volume, bench.volume("A00003").volume);
  EXPECT_EQ(told(insert_volumes(bench.parts(), some("A00003-A00004"))), "already-exists volsers");
  EXPECT_EQ(told(bench.box->volume("A00004")), "not-found volser");
}

TEST(VolumeOrders, T1_SizesAreThoseOfTheTs7700) {
  OperatorBench bench;
  auto wanted = some("A00001");
  wanted.size_mib = 500;
  const auto refused = insert_volumes(bench.parts(), wanted);
  EXPECT_EQ(told(refused), "invalid-argument size_mib");
  EXPECT_THAT(refused.error().remedy, HasSubstr("400, 800, 1000, 2000, 4000, 6000, 25000, 65000"));
  wanted.size_mib = 400;
  wanted.storage_group = "NONE";
  EXPECT_EQ(told(insert_volumes(bench.parts(), wanted)), "not-found storage group");
  EXPECT_THAT(bench.shelf.shelved, IsEmpty());
}

TEST(VolumeOrders, T1_WhatFindsNoSlotIsInNeither) {
  OperatorBench bench;
  bench.shelf.slots = 2;
  EXPECT_EQ(told(insert_volumes(bench.parts(), some("A00001-A00003"))), "exhausted volsers");
  EXPECT_EQ(told(bench.box->volume("A00001")), "not-found volser");
  EXPECT_THAT(bench.shelf.shelved, IsEmpty());
}

TEST(VolumeOrders, T1_AnInterruptedInsertionIsFinishedByTheSameOrder) {
  OperatorBench bench;
  ASSERT_TRUE(insert_volumes(bench.parts(), some("A00001-A00002")));
  bench.shelf.shelved.erase("A00002");
  bench.shelf.places.erase("A00002");
  EXPECT_EQ(told(insert_volumes(bench.parts(), some("A00001-A00002"))), "already-exists volsers");
  const auto uuid = bench.volume("A00002").volume;
  const auto done = insert_volumes(bench.parts(), some("A00002-A00003"));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->inserted, 1U);
  EXPECT_EQ(done->found, 1U);
  EXPECT_EQ(bench.shelf.shelved.at("A00002").volume, uuid);
}

TEST(VolumeOrders, T1_ScratchAndPrivateGoBackAndForthWhileTheContentIsThere) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  const auto parts = bench.parts();
  ASSERT_TRUE(return_to_scratch(parts, {"A00001"}, 24));
  EXPECT_EQ(bench.volume("A00001").category, Category::kScratch);
  EXPECT_EQ(bench.volume("A00001").delete_after, bench.box.now() + hours(24));
  EXPECT_TRUE(bench.volume("A00001").has_content());
  ASSERT_TRUE(make_private(parts, {"A00001"}));
  EXPECT_EQ(bench.volume("A00001").category, Category::kPrivate);
  EXPECT_FALSE(bench.volume("A00001").delete_after);

  ASSERT_TRUE(return_to_scratch(parts, {"A00001"}, 0));
  bench.box.clock().advance(hours(1));
  ASSERT_TRUE(delete_expired(parts));
  const auto refused = make_private(parts, {"A00001"});
  EXPECT_EQ(told(refused), "conflict volser");
  EXPECT_THAT(refused.error().remedy, HasSubstr("deleted for good"));
  bench.box.expect_sound();
}

TEST(VolumeOrders, T1_AllOfARangeOrNothing) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  auto held = testing::written_volume("A00002");
  held.mounted = "1000000001";
  ASSERT_TRUE(bench.box.put_cached(held));
  const auto refused = return_to_scratch(bench.parts(), {"A00001", "A00002"}, {});
  EXPECT_EQ(told(refused), "conflict volser");
  EXPECT_THAT(refused.error().message, HasSubstr("A00002 is in the drive 1000000001"));
  EXPECT_EQ(bench.volume("A00001").category, Category::kPrivate);
  EXPECT_EQ(told(return_to_scratch(bench.parts(), {"A00001", "A00009"}, {})), "not-found volser");
  EXPECT_EQ(told(return_to_scratch(bench.parts(), {"A00001"}, kMaximumExpireHours + 1)),
            "invalid-argument expire_hours");
}

TEST(VolumeOrders, T1_WhatADriveWaitsForStaysWhatItIs) {
  OperatorBench bench;
  bench.put_migrated("A00001", "P00001L9", 1);
  bench.put_migrated("A00002", "P00001L9", 2);
  bench.shelf.places["A00001"] = "slot 1";
  bench.shelf.places["A00002"] = "drive 1000000001";
  const auto refused = return_to_scratch(bench.parts(), {"A00001", "A00002"}, 1);
  EXPECT_EQ(told(refused), "conflict volser");
  EXPECT_THAT(refused.error().message, HasSubstr("A00002 is in the drive 1000000001"));
  EXPECT_EQ(told(make_private(bench.parts(), {"A00002"})), "conflict volser");
  EXPECT_EQ(bench.volume("A00001").category, Category::kPrivate);
  EXPECT_EQ(bench.volume("A00002").category, Category::kPrivate);
  bench.shelf.places["A00002"] = "slot 2";
  EXPECT_TRUE(return_to_scratch(bench.parts(), {"A00001", "A00002"}, 1));
}

TEST(VolumeOrders, T1_ExpiredContentIsDeletedAndItsFileShredded) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_migrated("A00002", "P00001L9", 2);
  bench.put_premigrated("A00003", "P00001L9", 3);
  bench.put_premigrated("A00004", "P00001L9", 4);
  const auto parts = bench.parts();
  ASSERT_TRUE(return_to_scratch(parts, {"A00001", "A00002"}, 10));
  ASSERT_TRUE(return_to_scratch(parts, {"A00003"}, {}));
  bench.box.clock().advance(hours(9));
  EXPECT_EQ(delete_expired(parts)->volumes, 0U);
  bench.box.clock().advance(hours(1));
  const auto done = delete_expired(parts);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->volumes, 2U);
  EXPECT_EQ(done->cached_bytes, 1000U);
  EXPECT_EQ(done->tape_bytes, 2000U);
  EXPECT_EQ(bench.shredded, (std::vector<CachedContent>{{"A00001", 4}}));
  EXPECT_EQ(told(bench.box->cache_key("A00001")), "not-found volser");
  EXPECT_FALSE(bench.volume("A00001").has_content());
  EXPECT_TRUE(bench.volume("A00003").has_content());
  EXPECT_TRUE(bench.volume("A00004").has_content());
  EXPECT_EQ(bench.physical("P00001L9").active_volumes, 2U);
  bench.box.expect_sound();
}

TEST(VolumeOrders, T1_APrivateVolumeIsNeverDeletedWhateverTimeItBears) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  auto volume = bench.volume("A00001");
  volume.delete_after = bench.box.now() - hours(1);
  ASSERT_TRUE(bench.box.put(volume));
  const auto done = delete_expired(bench.parts());
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->volumes, 0U);
  EXPECT_TRUE(bench.volume("A00001").has_content());
  EXPECT_FALSE(bench.volume("A00001").delete_after);
}

TEST(VolumeOrders, T2_OtherConstructsCountFromTheNextUnmount) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  ASSERT_TRUE(bench.box.put(StorageGroup{"FINANCE", 2, ""}));
  ASSERT_TRUE(change_volumes(bench.parts(), {"A00001"}, {.storage_group = "FINANCE", .preference = 0}));
  EXPECT_EQ(bench.volume("A00001").storage_group, "FINANCE");
  EXPECT_EQ(bench.volume("A00001").preference, 0);
  EXPECT_FALSE(bench.volume("A00001").primary_due);
  EXPECT_EQ(told(change_volumes(bench.parts(), {"A00001"}, {.storage_group = "NONE"})),
            "not-found storage group");
  EXPECT_EQ(told(change_volumes(bench.parts(), {"A00001"}, {.preference = 2})),
            "invalid-argument preference");
  EXPECT_EQ(told(change_volumes(bench.parts(), {"A00001"}, {})), "invalid-argument storage_group");
}

TEST(VolumeOrders, T1_WithdrawnVolumesLeaveLibraryCatalogueAndCache) {
  OperatorBench bench;
  ASSERT_TRUE(insert_volumes(bench.parts(), some("A00001-A00002")));
  bench.put_premigrated("A00003", "P00001L9", 1);
  bench.put_premigrated("A00004", "P00001L9", 2);
  ASSERT_TRUE(return_to_scratch(bench.parts(), {"A00003"}, {}));
  bench.shelf.places["A00002"] = "drive 1000000001";
  const auto lines = withdraw_volumes(bench.parts(), {"A00001", "A00002", "A00003", "A00004", "A00005"});
  EXPECT_THAT(outcomes(lines),
              ElementsAre("A00001: withdrawn", "A00002 NOT: A00002 is in drive 1000000001",
                          "A00003: withdrawn", "A00004 NOT: the logical volume A00004 is private",
                          "A00005 NOT: there is no logical volume A00005"));
  EXPECT_FALSE(bench.shelf.shelved.contains("A00001"));
  EXPECT_EQ(told(bench.box->volume("A00001")), "not-found volser");
  EXPECT_TRUE(bench.box->volume("A00002"));
  EXPECT_EQ(bench.shredded, (std::vector<CachedContent>{{"A00003", 4}}));
  bench.box.expect_sound();
}

TEST(VolumeOrders, T1_WhatCannotLeaveTheCatalogueStaysInTheLibrary) {
  OperatorBench bench;
  ASSERT_TRUE(insert_volumes(bench.parts(), some("A00001")));
  bench.shelf.meanwhile = [&bench] {  // it became private while it left its slot
    auto volume = testing::written_volume("A00001");
    volume.volume = bench.volume("A00001").volume;
    ASSERT_TRUE(bench.box.put_cached(volume));
  };
  const auto lines = withdraw_volumes(bench.parts(), {"A00001"});
  EXPECT_THAT(outcomes(lines), ElementsAre("A00001 NOT: the logical volume A00001 is private"));
  EXPECT_TRUE(bench.shelf.shelved.contains("A00001"));
  EXPECT_EQ(bench.volume("A00001").category, Category::kPrivate);
}

TEST(RecallOrders, T7_EachVolumeIsAskedForOnceAndItsOutcomeKept) {
  OperatorBench bench;
  bench.put_migrated("A00001", "P00001L9", 1);
  bench.put_migrated("A00002", "P00001L9", 2);
  bench.put_premigrated("A00003", "P00001L9", 3);
  ASSERT_TRUE(bench.box.put(testing::scratch_volume("A00004")));
  RecallOrders recalls(bench.box.clock(), bench.desk);
  EXPECT_THAT(outcomes(recalls.ask(*bench.box, {"A00001", "A00001", "A00003", "A00004", "A00005"})),
              ElementsAre("A00001: wanted", "A00001: wanted already", "A00003: in the cache",
                          "A00004 NOT: the logical volume A00004 has no content",
                          "A00005 NOT: there is no logical volume A00005"));
  EXPECT_THAT(outcomes(*recalls.ask_all_on(*bench.box, "P00001L9")),
              ElementsAre("A00001: wanted already", "A00002: wanted"));
  ASSERT_EQ(bench.desk.wanted().size(), 2U);
  ASSERT_TRUE(bench.desk.begin_recall("A00001"));
  bench.desk.finish_recall("A00001", {});
  ASSERT_TRUE(bench.desk.begin_recall("A00002"));
  bench.desk.finish_recall("A00002", fail(ErrorCode::kIo, "the cartridge cannot be read"));
  const auto views = recalls.list();
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].volser + " " + views[0].state, "A00002 failed");
  EXPECT_EQ(views[0].problem, "the cartridge cannot be read");
  EXPECT_EQ(views[1].volser + " " + views[1].state, "A00001 done");
  EXPECT_THAT(outcomes(recalls.ask(*bench.box, {"A00002"})), ElementsAre("A00002: wanted"));
  EXPECT_EQ(recalls.list().at(0).state, "wanted");
  EXPECT_EQ(recalls.list().size(), 2U);
}

TEST(RecallOrders, T7_AnOutcomeThatComesWhenItIsGoneHarmsNobody) {
  OperatorBench bench;
  bench.put_migrated("A00001", "P00001L9", 1);
  {
    RecallOrders recalls(bench.box.clock(), bench.desk);
    EXPECT_THAT(outcomes(recalls.ask(*bench.box, {"A00001"})), ElementsAre("A00001: wanted"));
  }
  ASSERT_TRUE(bench.desk.begin_recall("A00001"));
  bench.desk.finish_recall("A00001", {});
  EXPECT_THAT(bench.desk.wanted(), IsEmpty());
}

// FINANCE is pool 2's, which encrypts; the default is pool 1's, which was never set.
TEST(VolumeOrders, T3_AVolumeOfAPoolThatEncryptsGetsNoConstructOfOneInClear) {
  OperatorBench bench;
  const auto parts = bench.parts();
  bench.encrypt_pool(2);
  ASSERT_TRUE(bench.box.put(StorageGroup{.name = "FINANCE", .pool = 2, .description = {}},
                            ManagementClass{.name = "CLEAR2ND", .pool = 9, .description = {}}));
  ASSERT_TRUE(insert_volumes(parts, {.volsers = {"A00001"}, .storage_group = "FINANCE"}));
  const auto refused = change_volumes(parts, {"A00001"}, {.storage_group = "--------"});
  EXPECT_EQ(told(refused), "conflict storage_group");
  EXPECT_THAT(refused.error().remedy, HasSubstr("--allow-clear"));
  EXPECT_EQ(told(change_volumes(parts, {"A00001"}, {.management_class = "CLEAR2ND"})),
            "conflict management_class");
  EXPECT_EQ(bench.volume("A00001").storage_group, "FINANCE");
  EXPECT_EQ(told(change_volumes(parts, {"A00001"}, {.preference = 0})), "");
  EXPECT_EQ(told(change_volumes(parts, {"A00001"}, {.storage_group = "--------", .leave = ClearLeave::kYes})),
            "");
  EXPECT_EQ(bench.volume("A00001").storage_group, "--------");
}

}  // namespace
}  // namespace tapewarden::engine
