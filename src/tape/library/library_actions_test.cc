#include "tape/library/library_actions.h"

#include "tape/device/density.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

// A new library that nobody serves.
struct Shelf {
  testing::SimEnv sim{13};
  LibrarySpec spec = small_spec(4);
  std::unique_ptr<LibraryFolder> folder;

  Shelf() {
    (void)take(LibraryFolder::create(sim.env(), spec));
    open();
  }
  void open() { folder = take(LibraryFolder::open(sim.env(), spec)); }
  Result<AddedCartridges> add(const std::string& range) {
    return add_cartridges(*folder, {.barcodes = take(barcode_range(range)), .spec = small_cartridge()});
  }
  std::string place(const std::string& barcode) const {
    const auto* holding = folder->inventory().find(barcode);
    return holding == nullptr ? "nowhere" : holding->place.text();
  }
};

TEST(LibraryActions, L2_ALibraryIsMadeOnce) {
  Shelf shelf;
  EXPECT_FALSE(take(LibraryFolder::create(shelf.sim.env(), shelf.spec)));
  auto elsewhere = shelf.spec;
  elsewhere.folder = "other";
  EXPECT_EQ(LibraryFolder::open(shelf.sim.env(), elsewhere).error().code, ErrorCode::kNotFound);
}

TEST(LibraryActions, L2_NewCartridgesGoIntoFreeSlots) {
  Shelf shelf;
  EXPECT_EQ(take(shelf.add("A00001L9-A00003L9")).made, 3U);
  EXPECT_EQ(shelf.place("A00003L9"), "slot 3");
  EXPECT_EQ(shelf.add("A00003L9-A00004L9").error().code, ErrorCode::kAlreadyExists);
  const auto full = shelf.add("A00004L9-A00005L9");
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  EXPECT_FALSE(shelf.sim.disk.exists(shelf.folder->path_of("A00004L9")));
  const auto cartridge =
      take(Cartridge::open(shelf.sim.env(), shelf.folder->path_of("A00002L9"), CartridgeMode::kRead));
  EXPECT_EQ(cartridge->identity().volser, "A00002L9");
  EXPECT_EQ(cartridge->identity().volume, shelf.folder->inventory().find("A00002L9")->volume);
}

TEST(LibraryActions, L2_ASecondPartitionGoesWithItsCartridge) {
  Shelf shelf;
  ASSERT_EQ(take(shelf.add("A00001L9")).made, 1U);
  const auto path = shelf.folder->path_of("A00001L9");
  auto cartridge = take(Cartridge::open(shelf.sim.env(), path, CartridgeMode::kReadWrite));
  done(cartridge->format({.first = 4U << 20U, .second = 60U << 20U}));
  cartridge.reset();
  const auto volume = shelf.folder->inventory().find("A00001L9")->volume.text();
  take(shelf.sim.disk.open("library/cartridges/B00001L9.twc.partition1", OpenMode::kCreate, 0600));
  done(shelf.folder->rescan());
  EXPECT_EQ(shelf.folder->strays(), std::vector<std::string>{"B00001L9.twc.partition1"})
      << "the part of a cartridge that is known is none";
  done(shelf.folder->commit([](Inventory& inventory) {
    auto holding = *inventory.find("A00001L9");
    holding.place = outside();
    return inventory.update({holding});
  }));
  done(shelf.folder->remove("A00001L9"));
  const auto away = "library/removed/A00001L9-" + volume + ".twc";
  EXPECT_FALSE(shelf.sim.disk.exists(path + ".partition1"));
  cartridge = take(Cartridge::open(shelf.sim.env(), away, CartridgeMode::kRead));
  EXPECT_EQ(cartridge->partitions(), 2);
  EXPECT_FALSE(cartridge->lost_partition());
}

TEST(LibraryActions, L2_ABarcodeNamesTheDensityOfItsMedium) {
  Shelf shelf;
  const std::vector<std::pair<std::string, unsigned>> made = {
      {"A00001L7", 7}, {"A00002LY", 8}, {"A00003M8", 9}, {"A04", 9}};
  for (const auto& [barcode, generation] : made) {
    ASSERT_EQ(take(shelf.add(barcode)).made, 1U);
    const auto cartridge =
        take(Cartridge::open(shelf.sim.env(), shelf.folder->path_of(barcode), CartridgeMode::kRead));
    EXPECT_EQ(find_density(cartridge->identity().density)->generation, generation) << barcode;
  }
}

TEST(LibraryActions, L2_AnInterruptedAdditionIsFinishedByTheSameWords) {
  for (std::uint64_t writes = 0;; ++writes) {
    Shelf shelf;
    shelf.sim.disk.fail_after(writes);
    const bool whole = shelf.add("A00001L9-A00002L9").has_value();
    shelf.folder.reset();
    shelf.sim.disk.clear_faults();
    shelf.sim.disk.power_loss();
    shelf.open();
    ASSERT_LT(writes, 200U);
    if (whole) break;
    for (const auto& [barcode, holding] : shelf.folder->inventory().cartridges())
      EXPECT_TRUE(shelf.sim.disk.exists(shelf.folder->path_of(barcode)));
    // What a torn file left has to go by the operator's hand; whole files are taken.
    for (const auto& name : shelf.folder->strays()) {
      const auto path = "library/cartridges/" + name;
      if (!Cartridge::open(shelf.sim.env(), path, CartridgeMode::kRead)) done(shelf.sim.disk.remove(path));
    }
    for (const auto* barcode : {"A00001L9", "A00002L9"})
      if (shelf.folder->inventory().find(barcode) == nullptr) {
        EXPECT_TRUE(shelf.add(barcode)) << writes;
      }
    EXPECT_EQ(shelf.folder->inventory().cartridges().size(), 2U);
    EXPECT_TRUE(shelf.folder->missing().empty());
    EXPECT_TRUE(shelf.folder->strays().empty());
  }
}

TEST(LibraryActions, L2_AFileOfAnotherCartridgeIsNotTaken) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9"));
  done(write_file_atomically(shelf.sim.disk, shelf.folder->path_of("A00002L9"),
                             shelf.sim.disk.content(shelf.folder->path_of("A00001L9"))));
  EXPECT_EQ(shelf.add("A00002L9").error().code, ErrorCode::kConflict);
  EXPECT_EQ(shelf.place("A00002L9"), "nowhere");
}

TEST(LibraryActions, L2_OutThroughTheImportExportSlotAndInAgain) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9-A00003L9"));
  EXPECT_EQ(export_cartridge(*shelf.folder, "A00001L9").error().code, ErrorCode::kConflict);
  EXPECT_EQ(export_cartridge(*shelf.folder, "B00001").error().code, ErrorCode::kNotFound);
  auto holding = *shelf.folder->inventory().find("A00001L9");
  holding.place = port_place(0);
  done(shelf.folder->commit([&](Inventory& inventory) { return inventory.update({holding}); }));
  done(export_cartridge(*shelf.folder, "A00001L9"));
  EXPECT_EQ(shelf.place("A00001L9"), "outside");
  EXPECT_EQ(import_cartridge(*shelf.folder, "A00002L9").error().code, ErrorCode::kConflict);
  EXPECT_EQ(import_cartridge(*shelf.folder, "B00001").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(take(import_cartridge(*shelf.folder, "A00001L9")), port_place(0));
  EXPECT_TRUE(shelf.folder->inventory().find("A00001L9")->placed_by_operator);
  shelf.open();
  EXPECT_EQ(shelf.place("A00001L9"), "import/export slot 1");
}

TEST(LibraryActions, L2_AFullImportExportStationTakesNoMore) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9-A00003L9"));
  done(shelf.folder->commit([](Inventory& inventory) -> Status {
    for (const auto* barcode : {"A00001L9", "A00002L9", "A00003L9"}) {
      auto holding = *inventory.find(barcode);
      holding.place = outside();
      TRY(inventory.update({holding}));
    }
    return {};
  }));
  EXPECT_TRUE(import_cartridge(*shelf.folder, "A00001L9"));
  EXPECT_TRUE(import_cartridge(*shelf.folder, "A00002L9"));
  EXPECT_EQ(import_cartridge(*shelf.folder, "A00003L9").error().code, ErrorCode::kExhausted);
}

TEST(LibraryActions, L2_OnlyWhatIsOutsideIsRemovedAndItsFileIsKept) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9"));
  EXPECT_EQ(shelf.folder->remove("A00001L9").error().code, ErrorCode::kConflict);
  auto holding = *shelf.folder->inventory().find("A00001L9");
  holding.place = outside();
  done(shelf.folder->commit([&](Inventory& inventory) { return inventory.update({holding}); }));
  done(shelf.folder->remove("A00001L9"));
  EXPECT_EQ(shelf.place("A00001L9"), "nowhere");
  EXPECT_TRUE(shelf.sim.disk.exists("library/removed/A00001L9-" + holding.volume.text() + ".twc"));
  EXPECT_TRUE(shelf.folder->strays().empty());
  EXPECT_EQ(shelf.folder->remove("A00001L9").error().code, ErrorCode::kNotFound);
}

TEST(LibraryActions, L2_ASmallerConfigurationIsRefusedWhileItsPlacesAreTaken) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9-A00004L9"));
  shelf.folder.reset();
  shelf.spec.layout.storage.count = 3;
  const auto opened = LibraryFolder::open(shelf.sim.env(), shelf.spec);
  EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
  EXPECT_NE(opened.error().message.find("slot 4"), std::string::npos);
}

TEST(LibraryActions, L2_ADamagedInventoryIsRefusedByName) {
  Shelf shelf;
  (void)take(shelf.add("A00001L9"));
  shelf.folder.reset();
  shelf.sim.disk.content("library/inventory")[40] ^= 0x20U;
  const auto opened = LibraryFolder::open(shelf.sim.env(), shelf.spec);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("library/inventory"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::tape::test
