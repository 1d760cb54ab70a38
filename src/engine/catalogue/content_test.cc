// Where volumes lie, what is asked of them, and how the catalogue follows.
#include <filesystem>
#include <fstream>
#include <functional>

#include "engine/catalogue/catalogue_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;

// A private volume in the cache whose primary copy is due to pool 1.
LogicalVolume due_volume(const std::string& volser) {
  LogicalVolume volume = written_volume(volser);
  volume.primary_due = true;
  volume.primary_pool = 1;
  return volume;
}

TEST(CatalogueContent, T5_TheCacheKeyIsSealedAndShreddedOnEviction) {
  Box box;
  const auto key = crypto::SecretBytes::copy_of(as_bytes("0123456789abcdef0123456789abcdef"));
  ASSERT_TRUE(box.put(scratch_volume("VOL001"), scratch_volume("VOL002")));
  EXPECT_EQ(box->cache_key("VOL001").error().code, ErrorCode::kNotFound);
  LogicalVolume uncached = box->volume("VOL002").value();
  uncached.cached = true;
  EXPECT_EQ(box.put(uncached).error().field, "cached") << "without a key";
  ASSERT_TRUE(box->change([&](CatalogueChange& change) -> Status {
    TRY(change.set_cache_key("VOL001", key));
    LogicalVolume volume = TRY(change.volume("VOL001"));
    volume.cached = true;
    return change.put(volume);
  }));
  ASSERT_TRUE(box.open());
  EXPECT_TRUE(equal(box->cache_key("VOL001").value().reveal(), key.reveal()));
  EXPECT_EQ(box->change([](auto& change) { return change.forget_cache_key("VOL001"); }).error().code,
            ErrorCode::kConflict);
  ASSERT_TRUE(box->change([](CatalogueChange& change) -> Status {
    LogicalVolume volume = TRY(change.volume("VOL001"));
    volume.cached = false;
    TRY(change.put(volume));
    return change.forget_cache_key("VOL001");
  }));
  EXPECT_EQ(box->cache_key("VOL001").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(box->keystore().wait_scrubbed(std::chrono::seconds(30)));
  box.close();
  for (const auto& file : std::filesystem::directory_iterator(box.folder())) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(content.find("0123456789abcdef"), std::string::npos) << file.path();
  }
  EXPECT_EQ(box.open(8).error().code, ErrorCode::kWrongKey);
}

TEST(CatalogueContent, T5_NoChangeLeavesContentNowhere) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001")));
  LogicalVolume volume = due_volume("VOL001");
  ASSERT_TRUE(box.put_cached(volume));
  volume.primary_due = false;
  EXPECT_EQ(box.put(volume).error().code, ErrorCode::kConflict) << "out of the cache before it is on tape";
  volume.primary = copy_on("P00001", 1);
  volume.primary->medium = 2;
  EXPECT_EQ(box.put(volume).error().field, "cached") << "on a medium that is not there";
  volume.primary->medium = 1;
  ASSERT_TRUE(box.put(volume));
  EXPECT_EQ(box->volume("VOL001")->residence(), Residence::kMigrated);
  volume.primary.reset();
  EXPECT_EQ(box.put(volume).error().code, ErrorCode::kConflict);
  EXPECT_EQ(box->volume("VOL002").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(box.put(written_volume("VOL002")).error().code, ErrorCode::kConflict) << "new, and nowhere";
  box.expect_sound();
}

TEST(CatalogueContent, T5_OnABadCartridgeAVolumeIsMissingAndCanStillBeChanged) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001"), cartridge("P00002")));
  LogicalVolume volume = written_volume("VOL001");
  volume.primary = copy_on("P00001", 1);
  volume.secondary = copy_on("P00002", 1);
  ASSERT_TRUE(box.put(volume));
  ASSERT_TRUE(box.put(cartridge("P00001", 1, CartridgeState::kDamaged)));
  LogicalVolume without = volume;
  without.secondary.reset();
  EXPECT_FALSE(box.put(without)) << "the secondary copy is the last one";
  ASSERT_TRUE(box.put(cartridge("P00002", 1, CartridgeState::kDamaged)));
  ASSERT_TRUE(box.put(without)) << "nothing is lost that was not lost already";
  without.primary.reset();
  ASSERT_TRUE(box.put(without));
  EXPECT_EQ(box->volume("VOL001")->residence(), Residence::kMissing);
  box.expect_sound();
}

TEST(CatalogueContent, T5_CopiesAreDueInTheOrderOfWriting) {
  Box box;
  for (const int age : {1, 3, 2}) {
    LogicalVolume volume = due_volume("VOL00" + std::to_string(age));
    volume.written = from_millis(1000 - age);
    volume.primary_pool = static_cast<std::uint8_t>(age);
    volume.secondary_due = age == 2;
    ASSERT_TRUE(box.put_cached(volume));
  }
  LogicalVolume mounted = due_volume("VOL009");
  mounted.mounted = "DRIVE1";
  ASSERT_TRUE(box.put_cached(mounted));
  const auto due = [&](CopyNumber copy, std::optional<std::uint8_t> pool) {
    return names(box.look([&](auto& view) { return view.due(copy, pool, 10); }));
  };
  EXPECT_EQ(due(CopyNumber::kPrimary, {}), (Names{"VOL003", "VOL002", "VOL001"}));
  EXPECT_EQ(due(CopyNumber::kPrimary, 2), Names{"VOL002"});
  EXPECT_EQ(due(CopyNumber::kSecondary, {}), Names{"VOL002"});
}

TEST(CatalogueContent, T5_WhatIsDueIsAskedForByWhetherItIsInTheCacheAndBehindWhatWasSeen) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001L9")));
  for (const int number : {1, 2, 3, 4}) {
    LogicalVolume volume = due_volume("VOL00" + std::to_string(number));
    volume.written = from_millis(1000 + number / 2);  // two of one moment
    volume.primary_pool = 2;
    volume.primary = copy_on("P00001L9", static_cast<std::uint32_t>(number));
    ASSERT_TRUE(number == 1 ? box.put(volume) : box.put_cached(volume));
  }
  const auto due = [&](const DueWhich& which) {
    return names(
        box.look([&](auto& view) { return view.due(CopyNumber::kPrimary, std::uint8_t{2}, 10, which); }));
  };
  EXPECT_EQ(due({}), (Names{"VOL001", "VOL002", "VOL003", "VOL004"}));
  EXPECT_EQ(due({.cached = true}), (Names{"VOL002", "VOL003", "VOL004"}));
  EXPECT_EQ(due({.cached = false}), Names{"VOL001"});
  const auto second = box->volume("VOL002").value();
  EXPECT_EQ(due({.cached = true, .after = &second}), (Names{"VOL003", "VOL004"}));
}

TEST(CatalogueContent, T5_PreferenceGroup0LeavesTheCacheFirstTheLargestBeforeTheOthers) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001")));
  const auto add = [&](const std::string& volser, std::uint8_t preference, std::uint64_t bytes, int accessed,
                       const std::function<void(LogicalVolume&)>& but = {}) {
    LogicalVolume volume = written_volume(volser);
    volume.preference = preference;
    volume.cached_bytes = bytes;
    volume.accessed = from_millis(accessed);
    volume.primary = copy_on("P00001", static_cast<std::uint32_t>(accessed));
    if (but) but(volume);
    ASSERT_TRUE(box.put_cached(volume));
  };
  add("SMALL0", 0, 10, 1);
  add("LARGE0", 0, 90, 9);
  add("NEW1", 1, 99, 8);
  add("OLD1", 1, 5, 2);
  add("MOUNTED", 0, 100, 3, [](auto& volume) { volume.mounted = "DRIVE1"; });
  add("DUE", 0, 100, 4, [](auto& volume) { volume.secondary_due = true; });
  add("CHANGED", 0, 100, 5, [](auto& volume) { volume.generation = 2; });
  const auto candidates = [&](std::size_t limit) {
    return names(box.look([&](auto& view) { return view.eviction_candidates(limit); }));
  };
  EXPECT_EQ(candidates(10), (Names{"LARGE0", "SMALL0", "OLD1", "NEW1"}));
  EXPECT_EQ(candidates(1), Names{"LARGE0"});
  box.expect_sound();
}

TEST(CatalogueContent, T3_TheFullestIsFilledAndScratchIsBorrowed) {
  Box box;
  const auto add = [&](const std::string& barcode, std::uint8_t pool, CartridgeState state,
                       std::uint64_t written, std::uint64_t medium) {
    PhysicalVolume put = cartridge(barcode, pool, state);
    put.written_bytes = written;
    put.medium = medium;
    ASSERT_TRUE(box.put(put));
  };
  add("F1", 3, CartridgeState::kFilling, 10, 1);
  add("F2", 3, CartridgeState::kFilling, 20, 1);
  add("F3", 4, CartridgeState::kFilling, 30, 1);
  add("FULL", 3, CartridgeState::kFull, 40, 1);
  add("S1", 3, CartridgeState::kScratch, 0, 5);
  add("S2", 3, CartridgeState::kScratch, 0, 2);
  add("C1", 0, CartridgeState::kScratch, 0, 0);
  const auto scratch = [&](std::uint8_t pool, MediumKind kind) {
    return names(box.look([&](auto& view) { return view.scratch_cartridges(pool, kind, 10); }));
  };
  EXPECT_EQ(names(box.look([](auto& view) { return view.filling(3, MediumKind::kLto, 10); })),
            (Names{"F2", "F1"}));
  EXPECT_EQ(scratch(3, MediumKind::kLto), (Names{"S2", "S1", "C1"}));
  EXPECT_EQ(scratch(3, MediumKind::k3592), Names());
  EXPECT_EQ(scratch(5, MediumKind::kLto), Names{"C1"});
  Pool alone = default_pools()[5];
  alone.borrow = Borrow::kNo;
  ASSERT_TRUE(box.put(alone));
  EXPECT_EQ(scratch(5, MediumKind::kLto), Names());
  EXPECT_EQ(scratch(0, MediumKind::kLto), Names{"C1"});
}

TEST(CatalogueContent, T3_ACartridgeWithDataOfNowIsNotBegunAnew) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001")));
  LogicalVolume volume = written_volume("VOL001");
  volume.primary = copy_on("P00001", 1);
  ASSERT_TRUE(box.put(volume));
  const auto refused = [&](PhysicalVolume changed) {
    const auto done = box.put(changed);
    return !done && done.error().code == ErrorCode::kConflict && !done.error().remedy.empty();
  };
  EXPECT_TRUE(refused(cartridge("P00001", 2)));
  EXPECT_TRUE(refused(cartridge("P00001", 1, CartridgeState::kAwaitingErase)));
  PhysicalVolume scratch = cartridge("P00001", 1, CartridgeState::kScratch);
  scratch.medium = 1;
  EXPECT_TRUE(refused(scratch));
  PhysicalVolume anew = cartridge("P00001");
  anew.medium = 2;
  EXPECT_TRUE(refused(anew));
  EXPECT_FALSE(box->change([](auto& change) { return change.withdraw_cartridge("P00001"); }));
  ASSERT_TRUE(box.put(cartridge("P00001", 1, CartridgeState::kEjected)));
  ASSERT_TRUE(box.put(cartridge("P00001")));
  volume.category = Category::kScratch;
  ASSERT_TRUE(box.put(volume));
  volume.deleted_generation = 1;
  ASSERT_TRUE(box.put(volume));
  EXPECT_EQ(box->cartridge("P00001")->last_inactivated, box.now());
  ASSERT_TRUE(box.put(anew));
  EXPECT_EQ(box->cartridge("P00001")->last_inactivated, std::nullopt);
  anew.medium = 1;
  EXPECT_EQ(box.put(anew).error().field, "medium");
  EXPECT_TRUE(box->change([](auto& change) { return change.withdraw_cartridge("P00001"); }));
  box.expect_sound();
}

TEST(CatalogueContent, T10_VolumesAreListedInPagesByCategoryGroupPoolAndPrefix) {
  Box box;
  ASSERT_TRUE(box.put(StorageGroup{"SG1", 1, ""}, cartridge("P00001", 1), cartridge("P00002", 2)));
  Names expected;
  for (int i = 10; i < 35; ++i) {
    LogicalVolume volume = written_volume("VOL0" + std::to_string(i));
    if (i % 5 == 0) volume.storage_group = "SG1";
    volume.primary = copy_on(i % 2 == 0 ? "P00001" : "P00002", static_cast<std::uint32_t>(i));
    volume.secondary = copy_on("P00002", static_cast<std::uint32_t>(100 + i));
    expected.push_back(volume.volser);
    ASSERT_TRUE(box.put(volume));
  }
  ASSERT_TRUE(box.put(scratch_volume("ABC001")));
  const auto list = [&](const VolumeFilter& filter, std::size_t limit) {
    Names all;
    PageRequest page{limit, ""};
    do {
      const auto found = box.look([&](auto& view) { return view.volumes(filter, page); });
      EXPECT_LE(found.items.size(), limit);
      std::ranges::move(names(found.items), std::back_inserter(all));
      page.after = found.next;
    } while (!page.after.empty());
    return all;
  };
  EXPECT_EQ(list({.prefix = "VOL"}, 7), expected);
  EXPECT_EQ(list({.category = Category::kScratch}, 7), Names{"ABC001"});
  EXPECT_EQ(list({.category = Category::kPrivate}, 25), expected);
  EXPECT_EQ(list({.pool = 2}, 6), expected) << "each once, also with both copies there";
  EXPECT_EQ(list({.pool = 1}, 6).size(), 13U);
  EXPECT_EQ(list({.pool = 3}, 6), Names());
  EXPECT_EQ(list({.storage_group = "SG1"}, 2), (Names{"VOL010", "VOL015", "VOL020", "VOL025", "VOL030"}));
  EXPECT_EQ(list({.category = Category::kScratch, .storage_group = "SG1"}, 2), Names());
  EXPECT_EQ(list({.prefix = "VOL02"}, 3).size(), 10U);
  const auto both = box->read([](CatalogueView& view) -> Status {
    (void)TRY(view.volumes({.category = Category::kScratch, .pool = 1}, {}));
    return {};
  });
  EXPECT_EQ(both.error().field, "pool");
}

TEST(CatalogueContent, T10_CartridgesAreFoundByPoolLabelEncryptionAndState) {
  Box box;
  PhysicalVolume first = cartridge("P00001", 1, CartridgeState::kFull);
  first.encryption = MediumEncryption::kWrapped;
  first.labels[0].text = "KEK 1";
  PhysicalVolume second = cartridge("P00002", 2, CartridgeState::kFull);
  second.encryption = MediumEncryption::kWrapped;
  second.labels = {KeyLabel{"KEK 2", LabelMode::kClear}, KeyLabel{"kek 1", LabelMode::kHash}};
  PhysicalVolume third = cartridge("Q00003", 2);
  third.encryption = MediumEncryption::kClear;
  third.alias = "TWK00A1B2C3D400000005";
  ASSERT_TRUE(box.put(first, second, third));
  const auto list = [&](const CartridgeFilter& filter) {
    return names(box.look([&](auto& view) { return view.cartridges(filter, {}); }).items);
  };
  EXPECT_EQ(list({.label = "Kek 1"}), (Names{"P00001", "P00002"}));
  EXPECT_EQ(list({.pool = 2, .label = "KEK 1"}), Names{"P00002"});
  EXPECT_EQ(list({.label = "KEK"}), Names());
  EXPECT_EQ(list({.label = "twk00a1b2c3d400000005"}), Names{"Q00003"}) << "and by the alias of its key";
  EXPECT_EQ(list({.encryption = MediumEncryption::kClear}), Names{"Q00003"});
  EXPECT_EQ(list({.state = CartridgeState::kFull}), (Names{"P00001", "P00002"}));
  EXPECT_EQ(list({.pool = 2}), (Names{"P00002", "Q00003"}));
  EXPECT_EQ(list({.prefix = "Q"}), Names{"Q00003"});
  const auto page = box.look([](auto& view) { return view.cartridges({}, {.limit = 2}); });
  EXPECT_EQ(page.next, "P00002");
  EXPECT_EQ(names(box.look([&](auto& view) { return view.cartridges({}, {2, page.next}); }).items),
            Names{"Q00003"});
}

TEST(CatalogueContent, T10_TheMapOfACartridgeIsInTheOrderOfItsFiles) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001")));
  for (const std::uint32_t file : {3U, 1U, 2U, 5U}) {
    LogicalVolume volume = written_volume("VOL00" + std::to_string(file));
    (file == 2 ? volume.secondary : volume.primary) = copy_on("P00001", file);
    ASSERT_TRUE(box.put(volume));
  }
  LogicalVolume changed = written_volume("VOL005", 2);
  changed.primary = copy_on("P00001", 5);
  ASSERT_TRUE(box.put_cached(changed));  // what lies there is of generation 1
  const auto map = [&](std::uint32_t first, std::size_t limit) {
    Names out;
    for (const auto& placed : box.look([&](auto& view) { return view.volumes_on("P00001", first, limit); }))
      out.push_back(placed.volume.volser + (placed.copy == CopyNumber::kPrimary ? "" : "*"));
    return out;
  };
  EXPECT_EQ(map(0, 10), (Names{"VOL001", "VOL002*", "VOL003"}));
  EXPECT_EQ(map(2, 1), Names{"VOL002*"});
}

TEST(CatalogueContent, T10_TotalsFollowEveryChange) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001", 3)));
  LogicalVolume volume = due_volume("VOL001");
  ASSERT_TRUE(box.put_cached(volume));
  const auto only = [&] {
    const auto totals = box.look([](auto& view) { return view.volume_totals(); });
    EXPECT_EQ(totals.size(), 1U);
    return totals.at(0);
  };
  EXPECT_EQ(only().key.residence, Residence::kCached);
  EXPECT_EQ(only().sums, (VolumeTotal::Sums{1, 1000, 0, 0, 1, 0, 1000, 0}));
  volume.cached = true;
  volume.primary_due = false;
  volume.primary = copy_on("P00001", 1, 1200);
  ASSERT_TRUE(box.put(volume));
  EXPECT_EQ(only().key.residence, Residence::kPremigrated);
  EXPECT_EQ(only().sums, (VolumeTotal::Sums{1, 1000, 1200, 0, 0, 0, 0, 0}));
  volume.cached = false;
  ASSERT_TRUE(box.put(volume));
  EXPECT_EQ(only().key.residence, Residence::kMigrated);
  EXPECT_EQ(only().sums, (VolumeTotal::Sums{1, 0, 1200, 0, 0, 0, 0, 0}));
  const auto cartridges = box.look([](auto& view) { return view.cartridge_totals(); });
  ASSERT_EQ(cartridges.size(), 1U);
  EXPECT_EQ(cartridges[0].key.pool, 3);
  EXPECT_EQ(cartridges[0].sums, (CartridgeTotal::Sums{1, 0, 1200, 1}));
}

}  // namespace
}  // namespace tapewarden::engine::testing
