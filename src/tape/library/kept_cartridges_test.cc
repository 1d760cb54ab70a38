// The inventory of cartridges that are no files of the library's folder.
#include "tape/library/fake_volume_keeper.h"

namespace tapewarden::tape::test {
namespace {

struct Folder {
  testing::SimEnv sim{5};
  LibrarySpec spec = small_spec(4);
  std::unique_ptr<LibraryFolder> folder;

  Folder() {
    spec.kept = true;
    EXPECT_TRUE(take(LibraryFolder::create(sim.env(), spec)));
    folder = take(LibraryFolder::open(sim.env(), spec));
  }
  ErrorCode put(const std::vector<NewKeptCartridge>& cartridges) {
    const auto before = folder->inventory();
    const auto put = put_kept_cartridges(*folder, cartridges);
    if (put) return ErrorCode::kInternal;
    EXPECT_EQ(folder->inventory(), before) << "all or none";
    return put.error().code;
  }
  std::string place(const std::string& barcode) {
    const auto* holding = folder->inventory().find(barcode);
    return holding == nullptr ? "nowhere" : holding->place.text();
  }
};

TEST(KeptCartridges, T5_CartridgesGoIntoNamedSlotsAndTheOthersIntoFreeOnes) {
  Folder bench;
  done(put_kept_cartridges(*bench.folder, {{.barcode = "A00001"},
                                           {.barcode = "A00002", .slot = 0},
                                           {.barcode = "J00001", .kind = MediumKind::k3592}}));
  EXPECT_EQ(bench.place("A00001"), "slot 2");
  EXPECT_EQ(bench.place("A00002"), "slot 1");
  EXPECT_EQ(bench.place("J00001"), "slot 3");
  EXPECT_EQ(bench.folder->inventory().find("J00001")->kind, MediumKind::k3592);
  EXPECT_EQ(bench.put({{.barcode = "A00003"}, {.barcode = "A00001"}}), ErrorCode::kAlreadyExists);
  EXPECT_EQ(bench.put({{.barcode = "A00003"}, {.barcode = "A00003"}}), ErrorCode::kExhausted);
  EXPECT_EQ(bench.put({{.barcode = "A00003", .slot = 1}}), ErrorCode::kConflict);
  EXPECT_EQ(bench.put({{.barcode = "A00003", .slot = 4}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bench.put({{.barcode = "no barcode"}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bench.put({{.barcode = "a00003"}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bench.put({{.barcode = ""}}), ErrorCode::kInvalidArgument);
  done(put_kept_cartridges(*bench.folder, {{.barcode = "A00003", .slot = 3}}));
  EXPECT_EQ(bench.put({{.barcode = "A00004"}}), ErrorCode::kExhausted);
}

TEST(KeptCartridges, T5_CartridgesAreTakenOffUnlessADriveHasThem) {
  KeptBench bench;
  ASSERT_EQ(bench.move(kSlot, kDrive), std::nullopt);
  const auto take_off = [&bench](const std::vector<std::string>& barcodes) {
    const auto off =
        bench.library->act([&](LibraryFolder& folder) { return take_off_kept_cartridges(folder, barcodes); });
    return off ? ErrorCode::kInternal : off.error().code;
  };
  EXPECT_EQ(take_off({"A00002L9", "A00001L9"}), ErrorCode::kConflict);
  EXPECT_EQ(take_off({"A00002L9", "A00009L9"}), ErrorCode::kNotFound);
  EXPECT_EQ(bench.at(kSlot + 1), "A00002L9");
  EXPECT_EQ(take_off({"A00002L9", "A00003L9"}), ErrorCode::kInternal);
  EXPECT_EQ(bench.at(kSlot + 1), "");
  bench.start_again();
  EXPECT_EQ(bench.at(kSlot + 2), "");
  EXPECT_EQ(bench.at(kSlot + 3), "A00004L9");
}

TEST(KeptCartridges, T5_NothingIsMissingAndNothingIsAStray) {
  KeptBench bench;
  EXPECT_TRUE(bench.notes.empty());
  EXPECT_TRUE(bench.library->audit());
  done(bench.library->act([](LibraryFolder& folder) -> Status {
    EXPECT_TRUE(folder.missing().empty());
    EXPECT_TRUE(folder.strays().empty());
    return {};
  }));
  for (std::uint16_t slot = 0; slot < 5; ++slot) {
    EXPECT_TRUE(bench.library->describe(kSlot + slot).full);
    EXPECT_FALSE(bench.library->describe(kSlot + slot).exception);
  }
  EXPECT_TRUE(take(bench.sim.disk.list("library/cartridges")).empty());
}

TEST(KeptCartridges, T5_OneThatIsOutsideIsRemovedWithoutAFile) {
  KeptBench bench;
  ASSERT_EQ(bench.move(kSlot, kPort), std::nullopt);
  done(bench.library->act([](LibraryFolder& folder) -> Status {
    TRY(export_cartridge(folder, "A00001L9"));
    TRY(folder.remove("A00001L9"));
    return {};
  }));
  bench.start_again();
  EXPECT_EQ(bench.at(kPort), "");
}

TEST(KeptCartridges, T5_ALibraryIsOfOneKind) {
  KeptBench kept;
  EXPECT_FALSE(kept.library->act([](LibraryFolder& folder) -> Status {
    (void)TRY(add_cartridges(folder, {.barcodes = {"A00009L9"}, .spec = small_cartridge()}));
    return {};
  }));
  LibraryBench bench;
  bench.library.reset();
  bench.spec.kept = true;
  const auto opened = LibraryFolder::open(bench.sim.env(), bench.spec);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
  const auto files = bench.sim.disk.list(bench.spec.folder + "/cartridges");
  ASSERT_TRUE(files && !files->empty());
  EXPECT_NE(opened.error().text().find("(" + files->front()), std::string::npos) << opened.error().text();
  EXPECT_NE(opened.error().text().find("tapewarden engine init"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::tape::test
