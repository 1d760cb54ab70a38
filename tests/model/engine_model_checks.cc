// In quiet: everything is done that can be, and everything is looked at.
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

#include "engine_model.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::size_t kMountPatience = 200;  // rounds of work until a volume must have come

}  // namespace

void EngineModel::settle_and_read() {
  count("round");
  world_.back.keys.away = false;
  for (std::size_t drive = 0; drive < world_.back.to_drives.size(); ++drive) mend_drive(drive);
  for (std::size_t drive = 0; drive < ModelWorld::kHostDrives; ++drive)
    if (const auto inside = volume_in(drive)) unmount(*inside);
  bring_all_back();
  finish_work();
  if (show_) show();
  check_catalogue();
  for (unsigned i = 0; i < ModelWorld::kVolumes && !failed(); ++i) {
    (void)world_.evict(ModelWorld::volser(i));
    if (!volumes_[i].scratch && !volumes_[i].lost) read_at_last(i);
  }
  if (failed()) return;
  mend_bad_copies();
  bring_all_back();
  finish_work();
  check_catalogue();
  check_quiet();
  check_keys();
  check_sealed();
  check_seals();
}

void EngineModel::finish_work() {
  for (int i = 0; i < 3 && !failed(); ++i) {
    world_.back.sim.clock.advance(std::chrono::hours(2));
    world_.work->try_again();
    for (int steps = 0; steps < 1000 && !failed(); ++steps) {
      if (!take(world_.work->step())) break;
      note_bad_copies(false);
    }
    const auto advanced = world_.migrations().advance();
    EXPECT_TRUE(advanced) << advanced.error().text();
  }
}

void EngineModel::read_at_last(unsigned index) {
  mount(index, 0);
  wait_for(index);
  if (!failed()) compare(index);  // M1, M4
  if (!failed()) unmount(index);
}

// Until the volume that was put into a drive has come, the key servers there and the drives whole.
void EngineModel::wait_for(unsigned index) {
  world_.back.keys.away = false;
  for (std::size_t drive = 0; drive < world_.back.to_drives.size(); ++drive) mend_drive(drive);
  look(index);
  for (std::size_t i = 0; i < kMountPatience && !volumes_[index].in_use; ++i) {
    work_steps(1, false);
    world_.back.sim.clock.advance(std::chrono::minutes(1));
    look(index);
    if (failed()) return;
  }
  ASSERT_TRUE(volumes_[index].in_use) << ModelWorld::volser(index) << " does not come; " << state_text();
}

void EngineModel::check_catalogue() {
  world_.expect_sound();  // M2
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    const auto volume = row_of(i);
    if (volumes_[i].lost) continue;
    EXPECT_NE(volume.residence(), Residence::kMissing) << volume.volser;
    if (volumes_[i].scratch) continue;
    ++counts_[std::string(to_string(volume.residence()))];
    EXPECT_TRUE(volume.has_content() && volume.category == Category::kPrivate) << volume.volser;
  }
}

// Its pool has no cartridge left that could take it, and says so. What other pools have borrowed and keep is
// theirs.
bool EngineModel::waits_for_a_cartridge(const LogicalVolume& volume) {
  if (!volume.primary_due && !volume.secondary_due) return false;
  const auto number = volume.primary_due ? volume.primary_pool : volume.secondary_pool;
  Pool pool;
  const auto read = world_.catalogue->read([&](CatalogueView& view) -> Status {
    pool = TRY(view.pool(number));
    return {};
  });
  if (!read) return false;
  for (const auto& barcode : ModelWorld::barcodes()) {
    const auto cartridge = world_.catalogue->cartridge(barcode);
    const bool within_reach = cartridge && (cartridge->pool == number ||
                                            (cartridge->pool == kCommonPool && pool.borrow != Borrow::kNo));
    if (within_reach && cartridge->kind == pool.media && cartridge->state == CartridgeState::kScratch)
      return false;
  }
  return world_.raised(NoticeKind::kNoScratchCartridge, "pool " + std::to_string(number));
}

// M6.
void EngineModel::check_quiet() {
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    const auto volume = row_of(i);
    if (volumes_[i].scratch || volumes_[i].lost) continue;
    if (waits_for_a_cartridge(volume)) {
      count("waits-for-a-cartridge");
      continue;
    }
    EXPECT_FALSE(volume.primary_due || volume.secondary_due) << volume.volser << " is due; " << state_text();
    EXPECT_TRUE(volume.active(CopyNumber::kPrimary)) << volume.volser;
    if (volume.secondary_pool == 0) continue;
    ASSERT_TRUE(volume.active(CopyNumber::kPrimary) && volume.active(CopyNumber::kSecondary))
        << volume.volser;
    EXPECT_NE(volume.primary->cartridge, volume.secondary->cartridge) << volume.volser;
    count("two-copies");
  }
}

// The catalogue counts a cartridge as begun before anything is written on it.
bool EngineModel::begun(const PhysicalVolume& cartridge) {
  return cartridge.medium > 0 && (cartridge.next_file > 1 || cartridge.active_volumes > 0);
}

// M4.
void EngineModel::check_keys() {
  for (const auto& barcode : ModelWorld::barcodes()) {
    const auto found = world_.catalogue->cartridge(barcode);
    if (!found || !readable(found->state) || !begun(*found)) continue;
    if (found->encryption == MediumEncryption::kIdentified) check_mount(*found, "");
    if (found->encryption != MediumEncryption::kWrapped) continue;
    const bool two = !found->labels[1].text.empty();
    for (const auto& label : found->labels) {
      if (label.text.empty()) continue;
      if (two) world_.back.keys.server.lost_labels = {label.text};
      check_mount(*found, two ? "without " + label.text : "by its only label");
      world_.back.keys.server.lost_labels.clear();
    }
  }
}

void EngineModel::check_mount(const PhysicalVolume& cartridge, const std::string& how) {
  count(std::string("served-") + std::string(to_string(cartridge.encryption)));
  auto trace = world_.back.trace();
  const auto drive = cartridge.kind == MediumKind::k3592 ? BackEnd::k3592Drive : BackEnd::kLtoDrive;
  const auto mounted = world_.back.stations[drive]->mount_for_read(
      wanted_of(cartridge.barcode, tape_encryption(cartridge.encryption), cartridge.medium), trace);
  ASSERT_TRUE(mounted) << cartridge.barcode << " " << how << ": " << mounted.error().text();
  const auto away = (*mounted)->demount();
  EXPECT_TRUE(away) << away.error().text();
}

// M3: as the catalogue has it, from before a piece of work to after it.
void EngineModel::note_clear_cartridges() {
  clear_.clear();
  for (const auto& barcode : ModelWorld::barcodes())
    if (const auto row = world_.catalogue->cartridge(barcode)) clear_[barcode] = *row;
  encrypting_.clear();
  for (std::uint8_t pool = 1; pool <= kPools; ++pool)
    if (world_.pool(pool).encryption != PoolEncryption::kOff) encrypting_.insert(pool);
}

void EngineModel::check_clear_cartridges() {
  for (const auto& [barcode, before] : clear_) {
    const auto now = world_.cartridge(barcode);
    if (!encrypting_.contains(now.pool) || now.encryption != MediumEncryption::kClear) continue;
    EXPECT_EQ(now.medium, before.medium) << barcode << " was begun in clear in a pool that encrypts";
    EXPECT_EQ(now.written_bytes, before.written_bytes) << barcode << " was written on in clear";
  }
}

// M3: as the cartridges have it.
void EngineModel::check_sealed() {
  using Sealed = CartridgeFiles::Sealed;
  for (const auto& barcode : ModelWorld::barcodes()) {
    const auto row = world_.catalogue->cartridge(barcode);
    if (!row || row->encryption == MediumEncryption::kUnknown || !begun(*row)) continue;
    const auto sealed = world_.files.sealed(barcode);
    ASSERT_TRUE(sealed) << barcode << ": " << sealed.error().text();
    if (*sealed == Sealed::kNothing) continue;
    EXPECT_EQ(*sealed, row->encryption == MediumEncryption::kClear ? Sealed::kNone : Sealed::kAll) << barcode;
  }
}

// M5.
void EngineModel::check_seals() {
  world_.seals.look_at_cache(world_.back.sim.disk, "cache");
  EXPECT_EQ(world_.seals.faults(), std::vector<std::string>());
}

void EngineModel::show() {
  std::cout << state_text() << "\n";
  for (const auto& barcode : ModelWorld::barcodes()) {
    const auto cartridge = world_.catalogue->cartridge(barcode);
    if (!cartridge) continue;
    std::cout << cartridge->barcode << " pool " << int{cartridge->pool} << " " << to_string(cartridge->state)
              << " " << to_string(cartridge->encryption) << " written " << cartridge->written_bytes
              << " active " << cartridge->active_bytes << " volumes " << cartridge->active_volumes << " "
              << cartridge->note << "\n";
  }
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    const auto volume = row_of(i);
    std::cout << volume.volser << " " << to_string(volume.category) << " " << to_string(volume.residence())
              << " bytes " << volume.cached_bytes << " due " << volume.primary_due << volume.secondary_due
              << " pools " << int{volume.primary_pool} << " " << int{volume.secondary_pool} << " on "
              << world_.on(volume.volser) << " " << world_.on(volume.volser, CopyNumber::kSecondary) << "\n";
  }
}

std::string EngineModel::notes() const {
  std::string text;
  for (const auto& note : world_.notes) text += note + "; ";
  return text;
}

std::string EngineModel::state_text() {
  std::string text;
  text += world_.open_texts();
  for (const auto& wanted : world_.desk->wanted()) text += "wanted " + wanted.volser + "; ";
  return text;
}

}  // namespace tapewarden::engine::test
