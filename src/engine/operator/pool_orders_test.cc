// What operators do with pools and constructs.
#include "engine/operator/pool_orders.h"

#include <gmock/gmock.h>

#include "engine/operator/construct_orders.h"
#include "engine/operator/operator_test_kit.h"
#include "engine/operator/volume_orders.h"

namespace tapewarden::engine {
namespace {

using testing::cartridge;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorBench;
using testing::told;

PoolChange identified(const std::string& group) {
  return {.encryption = PoolEncryption::kIdentified, .key_group = group};
}
PoolChange wrapped(const std::string& first, const std::string& second = {}) {
  return {.media = MediumKind::k3592,
          .encryption = PoolEncryption::kWrapped,
          .labels = {first, second},
          .modes = {LabelMode::kHash, LabelMode::kClear}};
}

TEST(PoolOrders, T3_NamesAreAskedForBeforeTheyAreAccepted) {
  OperatorBench bench;
  const auto done = set_pool(bench.parts(), 2, wrapped("FINANCE", "ARCHIVE"));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_THAT(bench.names.asked, ElementsAre("FINANCE", "ARCHIVE"));
  EXPECT_EQ(bench.pool(2).labels[1].text, "ARCHIVE");
  EXPECT_EQ(bench.pool(2).labels[0].mode, LabelMode::kHash);
  EXPECT_THAT(done->notes.at(0), HasSubstr("next written from its beginning"));
  EXPECT_GT(bench.woken, 0);

  const auto before = bench.pool(2);
  EXPECT_EQ(told(set_pool(bench.parts(), 2, wrapped("NOBODY"))), "not-found label 1");
  EXPECT_EQ(told(set_pool(bench.parts(), 3, identified("NOBODY"))), "not-found key group");
  auto although = identified("NOBODY");
  although.unchecked = true;
  EXPECT_EQ(told(set_pool(bench.parts(), 3, although)), "not-found key group");
  EXPECT_EQ(bench.pool(2), before);
  EXPECT_EQ(bench.pool(3).encryption, PoolEncryption::kOff);
}

TEST(PoolOrders, T3_UnreachableKeyServersNeedAWord) {
  OperatorBench bench;
  bench.names.reachable = false;
  const auto refused = set_pool(bench.parts(), 2, identified("DAILY"));
  EXPECT_EQ(told(refused), "unavailable key server");
  EXPECT_THAT(refused.error().remedy, HasSubstr("unchecked"));
  EXPECT_EQ(bench.pool(2).encryption, PoolEncryption::kOff);
  auto although = identified("DAILY");
  although.unchecked = true;
  const auto done = set_pool(bench.parts(), 2, although);
  ASSERT_TRUE(done);
  EXPECT_THAT(done->notes.back(), HasSubstr("unchecked"));
  EXPECT_EQ(bench.pool(2).key_group, "DAILY");
}

TEST(PoolOrders, T3_WhatAKeyServerSaysOfALabelThatItTakesIsTold) {
  OperatorBench bench;
  bench.names.notes = {"key label ARCHIVE: its private half is held elsewhere"};
  PoolChange change{.media = MediumKind::k3592, .encryption = PoolEncryption::kWrapped};
  change.labels = {"FINANCE", "ARCHIVE"};
  const auto done = set_pool(bench.parts(), 2, change);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->notes.back(), bench.names.notes.front());
}

TEST(PoolOrders, T3_WhatHasNothingToDoWithKeysAsksNobody) {
  OperatorBench bench;
  bench.names.reachable = false;
  const auto done =
      set_pool(bench.parts(), 2, {.name = "tapes of finance", .reclaim_pool = 3, .threshold_percent = 20});
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_THAT(done->notes, IsEmpty());
  EXPECT_THAT(bench.names.asked, IsEmpty());
  EXPECT_EQ(bench.pool(2).reclaim.threshold_percent, 20);
  EXPECT_EQ(bench.pool(2).reclaim_pool, 3);
}

TEST(PoolOrders, T3_WhatCartridgesWereWrittenWithIsSaid) {
  OperatorBench bench;
  ASSERT_TRUE(bench.box.put(cartridge("P00001L9", 2), cartridge("P00002L9", 2, CartridgeState::kScratch)));
  const auto done = set_pool(bench.parts(), 2, identified("DAILY"));
  ASSERT_TRUE(done);
  EXPECT_THAT(done->notes.at(1), HasSubstr("1 cartridge of the pool stay as they were written"));
}

TEST(PoolOrders, T3_BadSettingsAreNamedAndChangeNothing) {
  OperatorBench bench;
  const auto lto_labels = PoolChange{.encryption = PoolEncryption::kWrapped, .labels = {"FINANCE", {}}};
  EXPECT_EQ(told(set_pool(bench.parts(), 2, lto_labels)), "invalid-argument encryption");
  const auto group_3592 =
      PoolChange{.media = MediumKind::k3592, .encryption = PoolEncryption::kIdentified, .key_group = "DAILY"};
  EXPECT_EQ(told(set_pool(bench.parts(), 2, group_3592)), "invalid-argument encryption");
  EXPECT_EQ(told(set_pool(bench.parts(), 2, wrapped(""))), "invalid-argument label 1");
  EXPECT_EQ(told(set_pool(bench.parts(), 2, {.threshold_percent = 96})),
            "invalid-argument threshold percent");
  EXPECT_EQ(told(set_pool(bench.parts(), 0, identified("DAILY"))), "invalid-argument encryption");
  EXPECT_EQ(told(set_pool(bench.parts(), 33, {.name = "x"})), "invalid-argument pool");
  EXPECT_EQ(bench.pool(2), default_pools().at(2));
  EXPECT_THAT(bench.names.asked, IsEmpty());
}

TEST(PoolOrders, T3_SettingsThatChangedWhileNamesWereCheckedAreNotMixed) {
  OperatorBench bench;
  bench.names.meanwhile = [&bench] {
    bench.names.meanwhile = {};
    ASSERT_TRUE(set_pool(bench.parts(), 2, identified("DAILY")));
  };
  EXPECT_EQ(told(set_pool(bench.parts(), 2, wrapped("FINANCE"))), "conflict encryption");
  EXPECT_EQ(bench.pool(2).key_group, "DAILY");
  EXPECT_EQ(bench.pool(2).media, MediumKind::kLto);
}

TEST(ConstructOrders, T2_GroupsAndClassesAreAddedChangedAndRemoved) {
  OperatorBench bench;
  const auto parts = bench.parts();
  ASSERT_TRUE(add_storage_group(parts, "FINANCE", {.pool = 2, .description = "books"}));
  ASSERT_TRUE(add_management_class(parts, "TWICE", {.pool = 12}));
  EXPECT_EQ(told(add_storage_group(parts, "FINANCE", {.pool = 3})), "already-exists name");
  EXPECT_EQ(told(add_storage_group(parts, "finance", {.pool = 3})), "invalid-argument storage group");
  EXPECT_EQ(told(add_storage_group(parts, "OTHER", {.pool = 0})), "invalid-argument pool");
  EXPECT_EQ(told(add_management_class(parts, "OTHER", {.pool = 33})), "invalid-argument pool");
  EXPECT_EQ(told(modify_storage_group(parts, "NONE", {.pool = 3})), "not-found name");
  const auto changed = modify_storage_group(parts, "FINANCE", {.pool = 3});
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->description, "books");
  EXPECT_EQ(bench.box.look([](CatalogueView& view) { return view.storage_group("FINANCE"); }).pool, 3);
  EXPECT_EQ(told(remove_storage_group(parts, std::string(kDefaultConstruct))), "conflict storage group");
  ASSERT_TRUE(remove_storage_group(parts, "FINANCE"));
  ASSERT_TRUE(remove_management_class(parts, "TWICE"));
  EXPECT_EQ(told(remove_management_class(parts, "TWICE")), "not-found management class");
}

TEST(ConstructOrders, T2_AConstructThatVolumesHaveIsNotRemoved) {
  OperatorBench bench;
  ASSERT_TRUE(add_storage_group(bench.parts(), "FINANCE", {.pool = 2}));
  auto volume = testing::scratch_volume("A00001");
  volume.storage_group = "FINANCE";
  ASSERT_TRUE(bench.box.put(volume));
  EXPECT_EQ(told(remove_storage_group(bench.parts(), "FINANCE")), "conflict storage group");
}

TEST(PoolOrders, T3_WhatAPoolEncryptsIsReclaimedIntoClearOnlyByAWord) {
  OperatorBench bench;
  const auto parts = bench.parts();
  bench.encrypt_pool(2);
  bench.encrypt_pool(4);
  EXPECT_EQ(told(set_pool(parts, 2, {.reclaim_pool = 9})), "conflict reclaim_pool");
  EXPECT_EQ(bench.pool(2).reclaim_pool, 2);
  EXPECT_EQ(told(set_pool(parts, 2, {.reclaim_pool = 4})), "");
  ASSERT_TRUE(set_pool(parts, 2, {.reclaim_pool = 9, .leave = ClearLeave::kYes}));
  EXPECT_EQ(bench.pool(2).clear_reclaim_pool, 9);
  EXPECT_EQ(told(set_pool(parts, 2, {.name = "books"})), "");
  EXPECT_EQ(bench.pool(2).clear_reclaim_pool, 9) << "nothing that it was said for has changed";
  ASSERT_TRUE(set_pool(parts, 2, {.reclaim_pool = 4}));
  EXPECT_EQ(told(set_pool(parts, 2, {.reclaim_pool = 9})), "conflict reclaim_pool") << "said once, for then";
  // One that begins to encrypt.
  ASSERT_TRUE(set_pool(parts, 3, {.reclaim_pool = 9}));
  EXPECT_EQ(told(set_pool(parts, 3, identified("DAILY"))), "conflict reclaim_pool");
  EXPECT_EQ(bench.pool(3).encryption, PoolEncryption::kOff);
  // And one into which others are reclaimed.
  const auto off = set_pool(parts, 4, {.encryption = PoolEncryption::kOff});
  ASSERT_TRUE(off);
  EXPECT_THAT(off->notes, ::testing::Contains(HasSubstr("pool 2 encrypts and is reclaimed into this pool")));
}

TEST(ConstructOrders, T3_AConstructLeavesAPoolThatEncryptsForOneInClearOnlyByAWord) {
  OperatorBench bench;
  const auto parts = bench.parts();
  bench.encrypt_pool(2);
  ASSERT_TRUE(add_storage_group(parts, "FINANCE", {.pool = 2}));
  ASSERT_TRUE(add_management_class(parts, "TWICE", {.pool = 2}));
  EXPECT_EQ(told(modify_storage_group(parts, "FINANCE", {.pool = 9})), "conflict pool");
  EXPECT_EQ(told(modify_management_class(parts, "TWICE", {.pool = 9})), "conflict pool");
  EXPECT_EQ(told(modify_management_class(parts, "TWICE", {.pool = 0})), "") << "no copy at all";
  EXPECT_EQ(told(modify_storage_group(parts, "FINANCE", {.pool = 9, .leave = ClearLeave::kYes})), "");
  EXPECT_EQ(told(modify_storage_group(parts, "FINANCE", {.pool = 2})), "");
}

// A class without second copies has no pool that it could leave.
TEST(ConstructOrders, T3_VolumesOfAPoolThatEncryptsGetNoNewCopiesInClearButByAWord) {
  OperatorBench bench;
  const auto parts = bench.parts();
  bench.encrypt_pool(2);
  ASSERT_TRUE(add_storage_group(parts, "FINANCE", {.pool = 2}));
  ASSERT_TRUE(add_management_class(parts, "LATER", {.pool = 0}));
  ASSERT_TRUE(add_management_class(parts, "OTHERS", {.pool = 0}));
  ASSERT_TRUE(insert_volumes(parts, {.volsers = {"A00001"}, .management_class = "OTHERS"}));
  ASSERT_TRUE(insert_volumes(
      parts, {.volsers = {"A00002"}, .storage_group = "FINANCE", .management_class = "LATER"}));
  const auto refused = modify_management_class(parts, "LATER", {.pool = 9});
  EXPECT_EQ(told(refused), "conflict pool");
  EXPECT_THAT(refused.error().message, HasSubstr("A00002"));
  EXPECT_EQ(told(modify_management_class(parts, "OTHERS", {.pool = 9})), "");
  EXPECT_EQ(told(modify_management_class(parts, "LATER", {.pool = 2})), "");
  EXPECT_EQ(told(modify_management_class(parts, "LATER", {.pool = 0})), "");
  EXPECT_EQ(told(modify_management_class(parts, "LATER", {.pool = 9, .leave = ClearLeave::kYes})), "");
}

TEST(PoolOrders, T12_APoolThatIsHeldStaysSoUntilItsEncryptionIsSaid) {
  OperatorBench bench;
  const auto parts = bench.parts();
  auto held = bench.pool(4);
  held.encryption = PoolEncryption::kHeld;
  ASSERT_TRUE(bench.box.put(held));
  const auto named = set_pool(parts, 4, {.name = "books"});
  ASSERT_TRUE(named) << named.error().text();
  EXPECT_THAT(named->notes, ElementsAre(HasSubstr("the pool is held")));
  EXPECT_EQ(bench.pool(4).encryption, PoolEncryption::kHeld);
  ASSERT_TRUE(set_pool(parts, 4, {.encryption = PoolEncryption::kOff}));
  EXPECT_EQ(bench.pool(4).encryption, PoolEncryption::kOff);
}

TEST(PoolOrders, T3_AGroupWhoseKeysAreYetToComeIsTakenAndTold) {
  OperatorBench bench;
  bench.names.notes = {"key group DAILY: a write with it waits for now"};
  const auto done = set_pool(bench.parts(), 1, identified("DAILY"));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(bench.pool(1).key_group, "DAILY");
  EXPECT_EQ(done->notes.back(), bench.names.notes.front());
}

}  // namespace
}  // namespace tapewarden::engine
