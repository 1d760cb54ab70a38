// What operators do with the cartridges behind the engine, and what they see of them.
#include "engine/operator/cartridge_orders.h"

#include <gmock/gmock.h>

#include "engine/catalogue/damage_note.h"
#include "engine/operator/evict_orders.h"
#include "engine/operator/operator_test_kit.h"
#include "engine/operator/volume_sheet.h"

namespace tapewarden::engine {
namespace {

using testing::cartridge;
using testing::copy_on;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorBench;
using testing::outcomes;
using testing::told;
using When = MoveRequest::When;

TEST(CartridgeOrders, T13_OnlyWhatStandsInTheLibraryComesIn) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.in_library("J00001", MediumKind::k3592);
  const auto lines = insert_cartridges(bench.parts(), {"P00001L9", "P00002L9", "J00001"}, 2);
  ASSERT_TRUE(lines);
  EXPECT_THAT(outcomes(*lines),
              ElementsAre("P00001L9: in pool 2, scratch", "P00002L9 NOT: no library has P00002L9",
                          "J00001 NOT: J00001 is a cartridge of kind 3592, and pool 2 is for LTO"));
  const auto one = bench.physical("P00001L9");
  EXPECT_EQ(one.state, CartridgeState::kScratch);
  EXPECT_EQ(one.home_pool, 2);
  EXPECT_EQ(one.library, "lib1");
  EXPECT_THAT(
      outcomes(*insert_cartridges(bench.parts(), {"J00001", "P00001L9"}, 0)),
      ElementsAre("J00001: in pool 0, scratch", "P00001L9 NOT: it is there already, in pool 2 and scratch"));
  EXPECT_EQ(told(insert_cartridges(bench.parts(), {"J00001"}, 33)), "invalid-argument pool");
  EXPECT_EQ(bench.back_end.holds, 0);
}

TEST(CartridgeOrders, T13_WhatWasEjectedComesBackWithItsVolumes) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  const auto out = eject_cartridge(bench.parts(), "P00001L9", false, false);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(*out, "import/export slot 1");
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kEjected);
  bench.in_library("P00001L9");
  EXPECT_THAT(outcomes(*insert_cartridges(bench.parts(), {"P00001L9"}, 5)),
              ElementsAre("P00001L9: back in pool 1, closed: it takes no more"));
  const auto back = bench.physical("P00001L9");
  EXPECT_EQ(back.active_volumes, 1U);
  EXPECT_FALSE(back.full_since);
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_OneThatWasFilledComesBackFullAndOneThatTookMoreClosed) {
  OperatorBench bench;
  for (const bool filled : {true, false}) {
    const std::string barcode = filled ? "P00001L9" : "P00002L9";
    bench.in_library(barcode);
    bench.put_premigrated(filled ? "A00001" : "A00002", barcode, 1);
    auto before = bench.physical(barcode);
    before.state = filled ? CartridgeState::kFull : CartridgeState::kFilling;
    if (filled) before.full_since = bench.box.now();
    ASSERT_TRUE(bench.box.put(before));
    ASSERT_TRUE(eject_cartridge(bench.parts(), barcode, !filled, false));
    bench.in_library(barcode);
    ASSERT_TRUE(insert_cartridges(bench.parts(), {barcode}, 1));
    EXPECT_EQ(bench.physical(barcode).state, filled ? CartridgeState::kFull : CartridgeState::kClosed);
    EXPECT_EQ(bench.physical(barcode).full_since, before.full_since);
  }
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_OnlyWhatIsEjectedIsTakenAway) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  ASSERT_TRUE(bench.box.put(cartridge("P00001L9", 1, CartridgeState::kFull)));
  EXPECT_EQ(told(take_away_cartridge(bench.parts(), "P00001L9")), "conflict barcode");
  EXPECT_TRUE(bench.back_end.taken_away.empty());
  ASSERT_TRUE(eject_cartridge(bench.parts(), "P00001L9", false, false));
  EXPECT_EQ(*take_away_cartridge(bench.parts(), "P00001L9"), "outside/P00001L9");
  EXPECT_EQ(*bring_back_cartridge(bench.parts(), "P00001L9"), "import/export slot 1");
  EXPECT_EQ(told(bring_back_cartridge(bench.parts(), "P00009L9")), "not-found barcode");
  EXPECT_EQ(*take_away_cartridge(bench.parts(), "P00009L9"), "outside/P00009L9") << "not the engine's";
  // Ejected, and found damaged where it stands.
  bench.in_library("P00002L9");
  ASSERT_TRUE(bench.box.put(cartridge("P00002L9", 1, CartridgeState::kDamaged)));
  EXPECT_EQ(told(take_away_cartridge(bench.parts(), "P00002L9")), "conflict barcode") << "it is in a slot";
  bench.back_end.cartridges["P00002L9"].place = "import/export slot, element 10";
  EXPECT_EQ(*take_away_cartridge(bench.parts(), "P00002L9"), "outside/P00002L9");
  EXPECT_EQ(bench.back_end.holds, 0);
}

// A rebuild could not read them: whatever is done, they are not scratch.
TEST(CartridgeOrders, T12_WhatWasNotExaminedIsNeverScratchByAnOrder) {
  OperatorBench bench;
  const auto parts = bench.parts();
  for (const std::uint64_t medium : {std::uint64_t{0}, std::uint64_t{3}}) {
    const std::string barcode = medium == 0 ? "P00001L9" : "P00002L9";
    bench.in_library(barcode);
    auto unread = cartridge(barcode, 1, CartridgeState::kDamaged);
    unread.medium = medium;
    unread.unexamined = true;
    unread.note = "not read";
    ASSERT_TRUE(bench.box.put(unread));
    EXPECT_EQ(told(clear_damage(parts, barcode)), medium == 0 ? "conflict barcode" : "");
    EXPECT_EQ(told(request_erase(parts, barcode)), "conflict barcode");
    EXPECT_EQ(bench.physical(barcode).state,
              medium == 0 ? CartridgeState::kDamaged : CartridgeState::kClosed);
    EXPECT_EQ(bench.physical(barcode).note, "not read");
    ASSERT_TRUE(eject_cartridge(parts, barcode, false, false));
    bench.in_library(barcode);
    EXPECT_THAT(
        outcomes(*insert_cartridges(parts, {barcode}, 1)),
        ElementsAre(barcode + ": back in pool 1, " + (medium == 0 ? "damaged" : "closed: it takes no more")));
    EXPECT_EQ(bench.physical(barcode).state,
              medium == 0 ? CartridgeState::kDamaged : CartridgeState::kClosed);
    EXPECT_TRUE(bench.physical(barcode).unexamined);
    EXPECT_THAT(bench.box.look([](CatalogueView& view) { return view.emptied(10); }), IsEmpty());
    ASSERT_TRUE(eject_cartridge(parts, barcode, false, false));
    ASSERT_TRUE(withdraw_cartridge(parts, barcode));
    bench.in_library(barcode);
    EXPECT_THAT(outcomes(*insert_cartridges(parts, {barcode}, 1)),
                ElementsAre(barcode + ": in pool 1, scratch"));
  }
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_AnEraseThatWasAskedForOutlivesEjectAndDamage) {
  OperatorBench bench;
  const auto parts = bench.parts();
  bench.in_library("P00001L9");
  ASSERT_TRUE(bench.box.put(cartridge("P00001L9", 1, CartridgeState::kClosed)));
  ASSERT_TRUE(request_erase(parts, "P00001L9"));
  ASSERT_TRUE(mark_damaged(parts, "P00001L9", "fell down", false));
  ASSERT_TRUE(eject_cartridge(parts, "P00001L9", false, false));
  bench.in_library("P00001L9");
  ASSERT_TRUE(insert_cartridges(parts, {"P00001L9"}, 1));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kClosed);
  EXPECT_TRUE(bench.physical("P00001L9").erase_first) << "what tidies emptied ones up has it erased";
  auto erased = bench.physical("P00001L9");
  erased.state = CartridgeState::kScratch;
  ASSERT_TRUE(bench.box.put(erased));
  EXPECT_FALSE(bench.physical("P00001L9").erase_first);
}

TEST(CartridgeOrders, T13_TheOnlyCopiesAreNamedAndNeedAWord) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_migrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00001L9", 2);
  bench.put_migrated("A00003", "P00001L9", 3);
  ASSERT_TRUE(bench.box.put(cartridge("P00002L9", 12)));
  auto twice = bench.volume("A00003");
  twice.secondary = copy_on("P00002L9", 1);
  ASSERT_TRUE(bench.box.put(twice));
  EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), ElementsAre("A00001"));
  const auto refused = eject_cartridge(bench.parts(), "P00001L9", true, false);
  EXPECT_EQ(told(refused), "conflict force");
  EXPECT_THAT(refused.error().message, HasSubstr("1 volume lies on the physical volume P00001L9: A00001"));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kFilling);
  ASSERT_TRUE(close_cartridge(bench.parts(), "P00002L9"));
  ASSERT_TRUE(mark_damaged(bench.parts(), "P00002L9", "", false));
  EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), ElementsAre("A00001", "A00003"));
  ASSERT_TRUE(eject_cartridge(bench.parts(), "P00001L9", true, true));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kExported);
  EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), IsEmpty());
}

TEST(CartridgeOrders, T13_WhatOnlyTheCacheStillHasIsCopiedAnewWhenItsCartridgeLeaves) {
  OperatorBench bench;
  ASSERT_TRUE(bench.box.put(StorageGroup{"FINANCE", 4, ""}));
  bench.put_premigrated("A00001", "P00001L9", 1);
  auto volume = bench.volume("A00001");
  volume.storage_group = "FINANCE";
  ASSERT_TRUE(bench.box.put(volume));
  bench.put_premigrated("A00002", "P00001L9", 2);
  auto twice = bench.volume("A00002");
  ASSERT_TRUE(bench.box.put(cartridge("P00002L9", 2)));
  twice.secondary = Copy{"P00002L9", 1, 1, 10, 1000, twice.generation};
  ASSERT_TRUE(bench.box.put(twice));
  bench.in_library("P00001L9");
  bench.back_end.door_full = true;
  const auto first = bench.volume("A00001");
  EXPECT_EQ(told(eject_cartridge(bench.parts(), "P00001L9", false, false)), "exhausted barcode");
  EXPECT_EQ(bench.volume("A00001"), first) << "it stays in the library";
  bench.back_end.door_full = false;
  ASSERT_TRUE(eject_cartridge(bench.parts(), "P00001L9", false, false)) << "the cache has them";
  EXPECT_TRUE(bench.volume("A00001").primary_due);
  EXPECT_EQ(bench.volume("A00001").primary_pool, 4);
  EXPECT_FALSE(bench.volume("A00001").may_leave_cache());
  EXPECT_FALSE(bench.volume("A00002").primary_due) << "the other copy is there";
  bench.box.expect_sound();
}

// A cached file under a host may be missing, and held until an operator decides.
TEST(CartridgeOrders, T13_TheCopyOfAVolumeInADriveIsTheOnlyOneUntilItIsGivenBack) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  auto inside = bench.volume("A00001");
  inside.mounted = "1000000001";
  ASSERT_TRUE(bench.box.put(inside));
  const auto parts = bench.parts();
  EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), ElementsAre("A00001"));
  EXPECT_EQ(told(eject_cartridge(parts, "P00001L9", false, false)), "conflict force");
  EXPECT_EQ(told(mark_damaged(parts, "P00001L9", "fell down", false)), "conflict force");
  const auto settled = mark_damaged(parts, "P00001L9", "fell down", true);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->from_cache, 0U);
  EXPECT_EQ(settled->from_other, 0U);
  EXPECT_EQ(settled->only, 1U);
  EXPECT_EQ(bench.volume("A00001").primary, inside.primary) << "it is not forgotten";
  ASSERT_TRUE(clear_damage(parts, "P00001L9"));
  inside.mounted.clear();
  ASSERT_TRUE(bench.box.put(inside));
  EXPECT_TRUE(eject_cartridge(parts, "P00001L9", false, false));
  bench.box.expect_sound();
}

// The catalogue calls it cached, and its file is gone.
TEST(CartridgeOrders, T13_AFileThatIsMissingInTheCacheKeepsTheCartridge) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00001L9", 2);
  bench.cache.missing.insert("A00002");
  const auto parts = bench.parts();
  const auto before = bench.physical("P00001L9");
  EXPECT_THAT(*only_there(parts, "P00001L9"), ElementsAre("A00002"));
  for (const bool exported : {false, true}) {
    const auto refused = eject_cartridge(parts, "P00001L9", exported, false);
    EXPECT_EQ(told(refused), "conflict force");
    if (refused) continue;
    EXPECT_THAT(refused.error().message, HasSubstr("the only copy of 1 volume lies on the physical volume "
                                                   "P00001L9: A00002"));
    EXPECT_THAT(refused.error().message, HasSubstr("the file of the volume A00002 is missing"));
  }
  EXPECT_EQ(told(mark_damaged(parts, "P00001L9", "fell down", false)), "conflict force");
  EXPECT_EQ(bench.physical("P00001L9"), before);
  bench.cache.missing.clear();
  EXPECT_TRUE(eject_cartridge(parts, "P00001L9", false, false)) << "the file was put back";
}

// Force gives up what lies on the cartridge; it does not make a file that is gone.
TEST(CartridgeOrders, T13_ByForceNothingIsDueFromAFileThatIsMissing) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00001L9", 2);
  bench.cache.missing.insert("A00002");
  const auto parts = bench.parts();
  const auto before = bench.physical("P00001L9");
  const auto refused = eject_cartridge(parts, "P00001L9", false, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(told(refused), "conflict barcode");
  EXPECT_THAT(refused.error().message, HasSubstr("the file of the volume A00002 is missing"));
  EXPECT_THAT(refused.error().remedy, HasSubstr("volume evict A00002"));
  EXPECT_EQ(bench.physical("P00001L9"), before);
  EXPECT_FALSE(bench.volume("A00001").primary_due);
  EXPECT_FALSE(bench.volume("A00002").primary_due);
  EXPECT_TRUE(evict_volumes(parts, {"A00002"}).front().error == std::nullopt);
  EXPECT_TRUE(eject_cartridge(parts, "P00001L9", false, true));
  EXPECT_TRUE(bench.volume("A00001").primary_due);
  EXPECT_FALSE(bench.volume("A00002").primary_due);
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_AScratchCartridgeIsEjectedAndNotExported) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  ASSERT_TRUE(bench.box.put(cartridge("P00001L9", 1, CartridgeState::kScratch)));
  const auto refused = eject_cartridge(bench.parts(), "P00001L9", true, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(told(refused), "conflict barcode");
  EXPECT_THAT(refused.error().remedy, HasSubstr("physical-volume eject"));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kScratch);
  EXPECT_TRUE(eject_cartridge(bench.parts(), "P00001L9", false, false));
}

TEST(CartridgeOrders, T13_WhatTheCacheHasLostIsNotWrittenAnewFromThere) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.cache.missing.insert("A00001");
  const auto settled = mark_damaged(bench.parts(), "P00001L9", "fell down", true);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->from_cache, 0U);
  EXPECT_EQ(settled->only, 1U);
  EXPECT_FALSE(bench.volume("A00001").primary_due);
}

TEST(CartridgeOrders, T13_AVolumeWithBothItsCopiesThereIsToldOnce) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_migrated("A00001", "P00001L9", 1);
  auto twice = bench.volume("A00001");
  twice.secondary = copy_on("P00001L9", 2);
  ASSERT_TRUE(bench.box.put(twice));
  EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), ElementsAre("A00001"));
  EXPECT_THAT(eject_cartridge(bench.parts(), "P00001L9", false, false).error().message,
              HasSubstr("the only copy of 1 volume lies"));
}

TEST(CartridgeOrders, T13_WhatCannotBeHandedOutStaysAsItWas) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  const auto before = bench.physical("P00001L9");
  bench.back_end.door_full = true;
  EXPECT_EQ(told(eject_cartridge(bench.parts(), "P00001L9", false, false)), "exhausted barcode");
  EXPECT_EQ(bench.physical("P00001L9"), before);
  bench.back_end.in_use.insert("P00001L9");
  EXPECT_EQ(told(eject_cartridge(bench.parts(), "P00001L9", false, false)), "conflict barcode");
  EXPECT_EQ(told(close_cartridge(bench.parts(), "P00001L9")), "conflict barcode");
  EXPECT_EQ(told(mark_damaged(bench.parts(), "P00001L9", "", true)), "conflict barcode");
  EXPECT_EQ(told(assign_cartridges(bench.parts(), {"P00001L9"}, 2)), "conflict barcode");
  EXPECT_EQ(bench.physical("P00001L9"), before);
  EXPECT_EQ(bench.back_end.holds, 0);
}

TEST(CartridgeOrders, T3_OnlyEmptyCartridgesGetAnotherPool) {
  OperatorBench bench;
  auto borrowed = cartridge("P00001L9", 1, CartridgeState::kScratch);
  borrowed.borrowed = true;
  borrowed.home_pool = 0;
  ASSERT_TRUE(bench.box.put(borrowed));
  bench.put_premigrated("A00001", "P00002L9", 1);
  EXPECT_EQ(told(assign_cartridges(bench.parts(), {"P00001L9", "P00002L9"}, 3)), "conflict state");
  EXPECT_EQ(bench.physical("P00001L9").pool, 1) << "all or none";
  ASSERT_TRUE(assign_cartridges(bench.parts(), {"P00001L9"}, 3));
  EXPECT_EQ(bench.physical("P00001L9").pool, 3);
  EXPECT_EQ(bench.physical("P00001L9").home_pool, 3);
  EXPECT_FALSE(bench.physical("P00001L9").borrowed);
  EXPECT_EQ(told(assign_cartridges(bench.parts(), {"P00009L9"}, 3)), "not-found barcode");
}

TEST(CartridgeOrders, T7_VolumesMoveFromOneCartridgeARangeOrAPool) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00003L9", 1);
  ASSERT_TRUE(bench.box.put(cartridge("P00004L9", 1, CartridgeState::kScratch)));
  const auto parts = bench.parts();
  EXPECT_THAT(
      outcomes(*move_contents(parts, {.barcodes = {"P00001L9", "P00002L9"}, .range = true}, When::kNow, 2)),
      ElementsAre("P00001L9: to pool 2 now"));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kClosed) << "it takes no more";
  EXPECT_EQ(bench.physical("P00001L9").move, (MoveRequest{When::kNow, 2}));
  EXPECT_THAT(
      outcomes(*move_contents(parts, {.pool = 1}, When::kWhenEligible, 3)),
      ElementsAre("P00001L9: to pool 3 when reclaim would take it",
                  "P00003L9: to pool 3 when reclaim would take it", "P00004L9: scratch: nothing lies on it"));
  EXPECT_EQ(bench.physical("P00003L9").state, CartridgeState::kFilling);
  EXPECT_THAT(outcomes(*move_contents(parts, {.barcodes = {"P00003L9"}}, When::kNone, 0)),
              ElementsAre("P00003L9: stays where it is"));
  EXPECT_EQ(bench.physical("P00003L9").move, MoveRequest{});
  EXPECT_EQ(told(move_contents(parts, {.barcodes = {"P00009L9"}}, When::kNow, 2)), "not-found barcode");
  EXPECT_EQ(told(move_contents(parts, {.pool = 9}, When::kNow, 2)), "not-found barcodes");
  EXPECT_EQ(told(move_contents(parts, {.pool = 1}, When::kNow, 0)), "invalid-argument target_pool");
  EXPECT_EQ(told(move_contents(parts, {.pool = 1}, When::kNow, 33)), "invalid-argument pool");
}

TEST(CartridgeOrders, T13_WhatLayOnADamagedCartridgeIsWrittenAnewFromTheCache) {
  OperatorBench bench;
  ASSERT_TRUE(bench.box.put(StorageGroup{"FINANCE", 4, ""}));
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.put_migrated("A00002", "P00001L9", 2);
  auto volume = bench.volume("A00001");
  volume.storage_group = "FINANCE";
  ASSERT_TRUE(bench.box.put(volume));
  const auto parts = bench.parts();
  EXPECT_EQ(told(mark_damaged(parts, "P00001L9", "fell down", false)), "conflict force");
  const auto anew = mark_damaged(parts, "P00001L9", "fell down", true);
  ASSERT_TRUE(anew) << anew.error().text();
  EXPECT_EQ(anew->from_cache, 1U);
  EXPECT_EQ(anew->only, 1U);
  EXPECT_TRUE(bench.volume("A00001").primary_due);
  EXPECT_EQ(bench.volume("A00001").primary_pool, 4);
  EXPECT_EQ(bench.volume("A00001").residence(), Residence::kCached);
  EXPECT_FALSE(bench.volume("A00001").may_leave_cache());
  EXPECT_EQ(bench.physical("P00001L9").note, "fell down");
  ASSERT_EQ(bench.notices.open().size(), 1U);
  EXPECT_EQ(bench.notices.open()[0].subject, "P00001L9");
  bench.box.expect_sound();

  ASSERT_TRUE(clear_damage(parts, "P00001L9"));
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kClosed);
  EXPECT_THAT(bench.notices.open(), IsEmpty());
  EXPECT_EQ(told(clear_damage(parts, "P00001L9")), "conflict barcode");
  EXPECT_EQ(told(mark_damaged(parts, "P00001L9", std::string(257, 'x'), true)), "invalid-argument note");
}

TEST(CartridgeOrders, T13_WhatLayOnADamagedCartridgeIsWrittenAnewFromItsOtherCopy) {
  OperatorBench bench;
  ASSERT_TRUE(bench.box.put(ManagementClass{"TWICE", 5, ""}));
  for (const auto* barcode : {"P00001L9", "P00002L9"}) bench.put_cartridge(barcode);
  for (const auto* volser : {"A00001", "A00002", "A00003", "A00004"})
    bench.put_migrated(volser, "P00001L9", static_cast<std::uint32_t>(volser[5] - '0'));
  for (const auto* volser : {"A00001", "A00002"}) {
    auto volume = bench.volume(volser);
    volume.management_class = "TWICE";
    volume.secondary = copy_on("P00002L9", static_cast<std::uint32_t>(volser[5] - '0'));
    ASSERT_TRUE(bench.box.put(volume));
  }
  auto swapped = bench.volume("A00002");
  std::swap(swapped.primary, swapped.secondary);
  ASSERT_TRUE(bench.box.put(swapped));
  const auto before = bench.woken;
  const auto settled = mark_damaged(bench.parts(), "P00001L9", "fell down", true);
  ASSERT_TRUE(settled) << settled.error().text();
  EXPECT_EQ(settled->from_cache, 0U);
  EXPECT_EQ(settled->from_other, 2U);
  EXPECT_EQ(settled->only, 2U);
  const auto first = bench.volume("A00001");
  EXPECT_TRUE(first.primary_due && first.primary && first.secondary);
  EXPECT_FALSE(first.secondary_due);
  const auto second = bench.volume("A00002");
  EXPECT_TRUE(second.secondary_due && second.secondary && second.primary);
  EXPECT_EQ(second.secondary_pool, 5);
  EXPECT_TRUE(bench.volume("A00003").primary) << "the last copy is never forgotten";
  EXPECT_FALSE(bench.volume("A00003").primary_due);
  EXPECT_EQ(
      bench.notices.open().at(0).text,
      "Physical volume P00001L9 was marked as damaged by an operator; 2 volumes to be written anew from "
      "another cartridge; 2 volumes with no other copy");
  EXPECT_GT(bench.woken, before);
  bench.box.expect_sound();
}

// The other copy may be unreadable, which only its recall shows.
TEST(CartridgeOrders, T13_ACopyOnADamagedCartridgeIsKnownUntilTheNewOneIsWritten) {
  OperatorBench bench;
  bench.put_migrated("A00001", "P00001L9", 1);
  bench.put_premigrated("A00002", "P00001L9", 2);
  bench.put_cartridge("P00002L9");
  auto twice = bench.volume("A00001");
  twice.secondary = copy_on("P00002L9", 1);
  ASSERT_TRUE(bench.box.put(twice));
  const auto parts = bench.parts();
  const auto settled = mark_damaged(parts, "P00001L9", "fell down", false);
  ASSERT_TRUE(settled) << settled.error().text();
  EXPECT_EQ(settled->from_cache, 1U);
  EXPECT_EQ(settled->from_other, 1U);
  EXPECT_EQ(told(withdraw_cartridge(parts, "P00001L9")), "conflict barcode");
  EXPECT_EQ(told(request_erase(parts, "P00001L9")), "conflict barcode");
  ASSERT_TRUE(clear_damage(parts, "P00001L9"));
  for (const auto* volser : {"A00001", "A00002"}) {
    ASSERT_TRUE(bench.volume(volser).active(CopyNumber::kPrimary)) << volser;
    EXPECT_EQ(bench.volume(volser).primary->cartridge, "P00001L9");
  }
  EXPECT_EQ(bench.physical("P00001L9").active_volumes, 2U);
  EXPECT_THAT(bench.box.look([](CatalogueView& view) { return view.emptied(10); }), IsEmpty())
      << "nothing makes it scratch";
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_ASecondCopyThatNoClassWantsAnyMoreIsNotForgottenEither) {
  OperatorBench bench;
  bench.put_migrated("A00001", "P00002L9", 1);
  auto second = cartridge("P00001L9");
  second.pool = 7;
  ASSERT_TRUE(bench.box.put(second));
  auto twice = bench.volume("A00001");
  twice.secondary = copy_on("P00001L9", 1);
  ASSERT_TRUE(bench.box.put(twice));
  ASSERT_TRUE(mark_damaged(bench.parts(), "P00001L9", "fell down", false));
  EXPECT_TRUE(bench.volume("A00001").active(CopyNumber::kSecondary));
  EXPECT_TRUE(bench.volume("A00001").secondary_due);
  EXPECT_EQ(bench.volume("A00001").secondary_pool, 7) << "beside those that its cartridge has";
  bench.box.expect_sound();
}

TEST(CartridgeOrders, T13_ACopyOnADoubtfulCartridgeIsNoOtherCopy) {
  for (const bool unexamined : {true, false}) {
    OperatorBench bench;
    bench.in_library("P00001L9");
    bench.put_migrated("A00001", "P00001L9", 1);
    auto doubtful = cartridge("P00002L9", 1, CartridgeState::kClosed);
    doubtful.unexamined = unexamined;
    doubtful.note = unexamined ? "not read" : std::string(kDamageNote) + "a block could not be read";
    ASSERT_TRUE(bench.box.put(doubtful));
    auto twice = bench.volume("A00001");
    twice.secondary = copy_on("P00002L9", 1);
    ASSERT_TRUE(bench.box.put(twice));
    const auto parts = bench.parts();
    EXPECT_THAT(*only_there(bench.parts(), "P00001L9"), ElementsAre("A00001"));
    EXPECT_EQ(told(eject_cartridge(parts, "P00001L9", false, false)), "conflict force");
    EXPECT_EQ(told(mark_damaged(parts, "P00001L9", "fell down", false)), "conflict force");
    const auto settled = mark_damaged(parts, "P00001L9", "fell down", true);
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->from_other, 1U) << "it is tried";
    EXPECT_TRUE(bench.volume("A00001").primary_due);
    EXPECT_TRUE(bench.volume("A00001").active(CopyNumber::kPrimary));
    bench.box.expect_sound();
  }
}

TEST(CartridgeOrders, T13_WhatADriveNotedOfACartridgeIsTakenBackWhenItWasFoundGood) {
  OperatorBench bench;
  auto noted = cartridge("P00001L9", 1, CartridgeState::kClosed);
  noted.note = std::string(kDamageNote) + "a block could not be read";
  noted.move = {.when = When::kNow, .target_pool = 1};
  ASSERT_TRUE(bench.box.put(noted));
  bench.notices.raise(NoticeKind::kCartridgeDamaged, "P00001L9", "a block could not be read");
  const auto cleared = clear_damage(bench.parts(), "P00001L9");
  ASSERT_TRUE(cleared) << cleared.error().text();
  EXPECT_EQ(bench.physical("P00001L9").note, "");
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kClosed);
  EXPECT_EQ(bench.physical("P00001L9").move.when, When::kNow) << "another order takes that back";
  EXPECT_THAT(bench.notices.open(), IsEmpty());

  noted.note = "its key is not known";  // no damage
  ASSERT_TRUE(bench.box.put(noted));
  EXPECT_EQ(told(clear_damage(bench.parts(), "P00001L9")), "conflict barcode");
}

TEST(CartridgeOrders, T13_OnlyWhatHoldsNothingActiveIsErasedOrForgotten) {
  OperatorBench bench;
  bench.put_premigrated("A00001", "P00001L9", 1);
  ASSERT_TRUE(bench.box.put(cartridge("P00002L9", 1, CartridgeState::kScratch),
                            cartridge("P00003L9", 1, CartridgeState::kFull)));
  const auto parts = bench.parts();
  EXPECT_EQ(told(request_erase(parts, "P00001L9")), "conflict barcode");
  EXPECT_EQ(told(request_erase(parts, "P00002L9")), "conflict barcode") << "it was never written";
  ASSERT_TRUE(request_erase(parts, "P00003L9"));
  EXPECT_EQ(bench.physical("P00003L9").state, CartridgeState::kAwaitingErase);
  EXPECT_EQ(told(withdraw_cartridge(parts, "P00003L9")), "conflict barcode");
  EXPECT_EQ(told(withdraw_cartridge(parts, "P00001L9")), "conflict barcode");
  EXPECT_NE(withdraw_cartridge(parts, "P00001L9").error().remedy.find("physical-volume move"),
            std::string::npos);
  EXPECT_NE(withdraw_cartridge(parts, "P00003L9").error().remedy.find("until it is erased"),
            std::string::npos);
  ASSERT_TRUE(withdraw_cartridge(parts, "P00002L9"));
  EXPECT_EQ(told(bench.box->cartridge("P00002L9")), "not-found barcode");
  EXPECT_EQ(told(close_cartridge(parts, "P00003L9")), "conflict barcode");
}

TEST(VolumeSheet, T10_EachCopyIsShownWithHowItsCartridgeWasWritten) {
  OperatorBench bench;
  auto sealed = cartridge("P00001L9", 2);
  sealed.encryption = MediumEncryption::kIdentified;
  sealed.alias = "ABC000000000000000001";
  ASSERT_TRUE(bench.box.put(sealed));
  bench.put_migrated("A00001", "P00001L9", 7);
  auto sheet = volume_sheet(*bench.box, "A00001");
  ASSERT_TRUE(sheet) << sheet.error().text();
  ASSERT_EQ(sheet->copies.size(), 1U);
  EXPECT_EQ(sheet->copies[0].copy.file, 7U);
  EXPECT_EQ(sheet->copies[0].cartridge->alias, "ABC000000000000000001");
  EXPECT_TRUE(sheet->copies[0].there);
  EXPECT_EQ(sheet->next_primary_pool, 1);
  bench.in_library("P00001L9");
  ASSERT_TRUE(eject_cartridge(bench.parts(), "P00001L9", false, true));
  sheet = volume_sheet(*bench.box, "A00001");
  EXPECT_TRUE(sheet->copies[0].active);
  EXPECT_FALSE(sheet->copies[0].there);
}

TEST(VolumeSheet, T10_CopiesComeInTapeOrderAndInPages) {
  OperatorBench bench;
  for (std::uint32_t file = 1; file <= 5; ++file) {
    bench.put_migrated("A0000" + std::to_string(file), "P00001L9", 6 - file);
    bench.put_migrated("B0000" + std::to_string(file), "P00002L9", file);
  }
  std::vector<std::string> seen;
  std::string after;
  std::size_t pages = 0;
  do {
    const auto page = find_copies(*bench.box, {}, {.limit = 3, .after = after});
    ASSERT_TRUE(page) << page.error().text();
    EXPECT_LE(page->items.size(), 3U);
    for (const auto& found : page->items) seen.push_back(found.volser);
    after = page->next;
  } while (!after.empty() && ++pages < 10);
  EXPECT_EQ(seen, (std::vector<std::string>{"A00005", "A00004", "A00003", "A00002", "A00001", "B00001",
                                            "B00002", "B00003", "B00004", "B00005"}));
  EXPECT_EQ(told(find_copies(*bench.box, {}, {.limit = 3, .after = "P00001L9:x"})), "invalid-argument after");
  EXPECT_EQ(told(find_copies(*bench.box, {}, {.limit = 3, .after = "no:1"})), "invalid-argument after");
}

TEST(VolumeSheet, T10_APoolsCartridgesAreCountedByHowTheyWereWritten) {
  OperatorBench bench;
  auto old_label = cartridge("P00001L9", 2);
  old_label.encryption = MediumEncryption::kWrapped;
  old_label.labels[0] = {"FINANCE", LabelMode::kHash};
  auto same = old_label;
  same.barcode = "P00002L9";
  same.labels[0].text = "finance";
  auto new_label = old_label;
  new_label.barcode = "P00003L9";
  new_label.labels[0].text = "ARCHIVE";
  ASSERT_TRUE(bench.box.put(old_label, same, new_label, cartridge("P00004L9", 3)));
  bench.put_migrated("A00001", "P00002L9", 1);
  const auto uses = pool_use(*bench.box, {.pool = 2});
  ASSERT_TRUE(uses);
  ASSERT_EQ(uses->size(), 2U);
  EXPECT_EQ(uses->at(0).labels[0].text, "ARCHIVE");
  EXPECT_EQ(uses->at(0).cartridges, 1U);
  EXPECT_EQ(uses->at(1).cartridges, 2U);
  EXPECT_EQ(uses->at(1).active_volumes, 1U);
  EXPECT_EQ(pool_use(*bench.box, {.label = "Archive"})->size(), 1U);
  EXPECT_EQ(pool_use(*bench.box, {})->size(), 3U);
}

// Pool 1 encrypts, and pool 9 was never set.
TEST(CartridgeOrders, T3_WhatAPoolEncryptsIsNotMovedIntoClearWithoutLeave) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  bench.encrypt_pool(1);
  bench.encrypt_pool(4);
  const auto parts = bench.parts();
  for (const auto when : {When::kNow, When::kWhenEligible}) {
    for (const auto& choice : {CartridgeChoice{.barcodes = {"P00001L9"}}, CartridgeChoice{.pool = 1}}) {
      const auto lines = move_contents(parts, choice, when, 9);
      ASSERT_TRUE(lines);
      ASSERT_TRUE(lines->front().error);
      EXPECT_EQ(lines->front().error->field, "target_pool");
      EXPECT_THAT(lines->front().error->message, HasSubstr("pool 9 is written in clear"));
      EXPECT_THAT(lines->front().error->remedy, HasSubstr("--allow-clear"));
    }
  }
  EXPECT_EQ(bench.physical("P00001L9").move, MoveRequest{});
  EXPECT_EQ(bench.physical("P00001L9").state, CartridgeState::kFilling);
  EXPECT_EQ(told(move_contents(parts, {.pool = 1}, When::kNow, 4)), "");
  EXPECT_EQ(bench.physical("P00001L9").move, (MoveRequest{When::kNow, 4}));
  ASSERT_THAT(outcomes(*move_contents(parts, {.pool = 1}, When::kNow, 9, ClearLeave::kYes)),
              ElementsAre("P00001L9: to pool 9 now"));
  EXPECT_EQ(bench.physical("P00001L9").move, (MoveRequest{When::kNow, 9, true}));
}

TEST(CartridgeOrders, T3_WhatAPoolThatIsOffHoldsMayGoAnywhere) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  auto encrypted = bench.physical("P00001L9");
  encrypted.encryption = MediumEncryption::kIdentified;
  ASSERT_TRUE(bench.box.put(encrypted));
  EXPECT_THAT(outcomes(*move_contents(bench.parts(), {.pool = 1}, When::kNow, 9)),
              ElementsAre("P00001L9: to pool 9 now"));
  EXPECT_FALSE(bench.physical("P00001L9").move.to_clear);
}

TEST(CartridgeOrders, T7_AMoveUnderWayIsTakenBack) {
  OperatorBench bench;
  bench.in_library("P00001L9");
  bench.put_premigrated("A00001", "P00001L9", 1);
  ASSERT_TRUE(move_contents(bench.parts(), {.pool = 1}, When::kNow, 9));
  bench.back_end.in_use.insert("P00001L9");
  EXPECT_THAT(outcomes(*move_contents(bench.parts(), {.pool = 1}, When::kNone, 0)),
              ElementsAre("P00001L9: stays where it is"));
  EXPECT_EQ(bench.physical("P00001L9").move, MoveRequest{});
}

}  // namespace
}  // namespace tapewarden::engine
