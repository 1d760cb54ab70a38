// What the tests of the library share: a simulated system with a small library of two LTO drives and a 3592
// drive. Not part of the library.
#pragma once

#include "scsi/sense_codes.h"
#include "tape/device/changer.h"
#include "tape/device/drive_test_kit.h"
#include "tape/library/barcode.h"
#include "tape/library/library.h"
#include "tape/library/library_actions.h"

namespace tapewarden::tape::test {

inline constexpr std::uint16_t kPort = 10;    // element addresses
inline constexpr std::uint16_t kDrive = 500;  // LTO, LTO, 3592
inline constexpr std::uint16_t kSlot = 1000;

inline const std::shared_ptr<const DriveIdentity>& identity_of(std::size_t index) {
  static const std::vector<std::shared_ptr<const DriveIdentity>> identities = {
      Site::get().identity(MediumKind::kLto, "1000000001"),
      Site::get().identity(MediumKind::kLto, "1000000002"),
      Site::get().identity(MediumKind::k3592, "1000000003")};
  return identities.at(index);
}

inline LibrarySpec small_spec(std::uint16_t slots = 8) {
  LibrarySpec spec;
  spec.folder = "library";
  spec.identities = "drives";
  spec.changer.serial = "TWL0000001";
  spec.drives = {{.serial = "1000000001"},
                 {.serial = "1000000002"},
                 {.serial = "1000000003", .kind = MediumKind::k3592}};
  spec.layout = {.transport = {0, 1},
                 .storage = {kSlot, slots},
                 .import_export = {kPort, 2},
                 .data_transfer = {kDrive, 3}};
  return spec;
}

inline CartridgeSpec small_cartridge(MediumKind kind = MediumKind::kLto) {
  CartridgeSpec spec;
  spec.kind = kind;
  spec.capacity_bytes = 64U << 20;
  return spec;
}

// A library in a simulated system, once start() was called.
struct RobotBench {
  testing::SimEnv sim{11};
  LibrarySpec spec = small_spec();
  std::vector<std::string> notes;
  BayKeys* keys = nullptr;  // the drives are library-managed then; to be set before start()
  DriveExchange* key_side = nullptr;
  VolumeKeeper* keeper = nullptr;
  std::optional<Env> drive_env{};  // of the drives; nothing: the same as the library's
  std::unique_ptr<Library> library;

  // As the daemon does it.
  void start() {
    std::vector<std::shared_ptr<DriveBay>> bays;
    DriveOptions options;
    if (keys != nullptr) options.management = KeyManagement::kLibrary;
    for (std::size_t i = 0; i < spec.drives.size(); ++i)
      bays.push_back(std::make_shared<DriveBay>(
          std::make_unique<Drive>(drive_env ? *drive_env : sim.env(), identity_of(i), options, key_side),
          keys));
    notes.clear();
    library = take(Library::open(
        take(LibraryFolder::open(sim.env(), spec)), std::move(bays),
        [this](const std::string& text) { notes.push_back(text); }, keeper));
  }
  void kill() {
    library.reset();
    sim.disk.clear_faults();
    sim.disk.power_loss();
  }
  std::optional<scsi::SenseCode> move(std::uint16_t source, std::uint16_t destination) {
    const auto moved = library->move(source, destination);
    return moved ? std::nullopt : std::optional(moved.error().code);
  }
  std::optional<scsi::SenseCode> exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) {
    const auto moved = library->exchange(source, first, second);
    return moved ? std::nullopt : std::optional(moved.error().code);
  }
  // Barcode at the address; empty: none.
  std::string at(std::uint16_t address) const { return library->describe(address).volume_tag; }
  scsi::Response run(std::size_t drive, const Bytes& cdb, const Bytes& data_out = {}) {
    auto response = library->bays()[drive]->execute({.cdb = cdb, .nexus = kHost, .data_out = data_out});
    while (response.sense.code.key == scsi::SenseKey::kUnitAttention)
      response = library->bays()[drive]->execute({.cdb = cdb, .nexus = kHost, .data_out = data_out});
    return response;
  }
};

// Slot 1 to 4 hold A00001L9 to A00004L9, slot 5 the 3592 cartridge J00001.
struct LibraryBench : RobotBench {
  LibraryBench() {
    EXPECT_TRUE(take(LibraryFolder::create(sim.env(), spec)));
    {
      auto folder = take(LibraryFolder::open(sim.env(), spec));
      add(*folder, "A00001L9-A00004L9", MediumKind::kLto);
      add(*folder, "J00001", MediumKind::k3592);
    }
    start();
  }
  static void add(LibraryFolder& folder, const std::string& range, MediumKind kind) {
    (void)take(
        add_cartridges(folder, {.barcodes = take(barcode_range(range)), .spec = small_cartridge(kind)}));
  }
  // Every cartridge is in one place of the library, and drives hold what the inventory says.
  void expect_whole() const {
    std::multiset<std::string> seen;
    const auto& layout = library->layout();
    for (const auto type :
         {scsi::ElementType::kStorage, scsi::ElementType::kImportExport, scsi::ElementType::kDataTransfer}) {
      const auto& range = layout.range_of(type);
      for (std::uint16_t i = 0; i < range.count; ++i) {
        const auto element = library->describe(static_cast<std::uint16_t>(range.first + i));
        EXPECT_EQ(element.full, !element.volume_tag.empty());
        EXPECT_FALSE(element.exception) << element.address;
        if (element.full) seen.insert(element.volume_tag);
        if (type == scsi::ElementType::kDataTransfer) {
          EXPECT_EQ(library->bays()[i]->holds_cartridge(), element.full) << element.address;
        }
      }
    }
    EXPECT_EQ(seen, (std::multiset<std::string>{"A00001L9", "A00002L9", "A00003L9", "A00004L9", "J00001"}));
  }
};

}  // namespace tapewarden::tape::test
