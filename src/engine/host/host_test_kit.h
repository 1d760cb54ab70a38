// A library's host side in a simulated system: catalogue, cache, real virtual drives over the cache's files,
// and the work with tape played by the test.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/host/host_volumes.h"
#include "engine/residence/expiry.h"
#include "engine/residence/residence_test_kit.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::engine::testing {

inline constexpr std::uint64_t kVolumeCapacity = 4U << 20;

inline const std::shared_ptr<const tape::DriveIdentity>& drive_identity(std::size_t index) {
  static const std::vector<std::shared_ptr<const tape::DriveIdentity>> identities = {
      tape::test::Site::get().identity(tape::MediumKind::kLto, "1000000001"),
      tape::test::Site::get().identity(tape::MediumKind::kLto, "1000000002"),
      tape::test::Site::get().identity(tape::MediumKind::kLto, "1000000003")};
  return identities.at(index);
}

inline Uuid uuid_of(const std::string& volser) {
  Bytes bytes(16, 0x11);
  std::ranges::copy(as_bytes(volser), bytes.begin());
  return Uuid::from(bytes);
}

inline LogicalVolume inserted_volume(const std::string& volser) {
  LogicalVolume volume;
  volume.volser = volser;
  volume.volume = uuid_of(volser);
  volume.capacity_bytes = kVolumeCapacity;
  return volume;
}

struct HostBench : ResidenceBench {
  explicit HostBench(std::uint64_t seed = 1, std::uint64_t cache_bytes = 64U << 20)
      : ResidenceBench(seed, {.bytes = cache_bytes}) {
    EXPECT_TRUE(
        put(filling_cartridge("P00001", 1), filling_cartridge("P00002", 2), filling_cartridge("P00003", 3)));
    for (const auto* volser : {"V00001", "V00002", "V00003"}) EXPECT_TRUE(put(inserted_volume(volser)));
    attach();
  }
  ~HostBench() { detach(); }

  // The program starts, with drives that are empty. `in_drives`: what the inventory has in them.
  void attach(const std::map<std::string, std::string>& in_drives = {}) {
    desk = std::make_unique<VolumeDesk>([this] { ++woken; });
    host = std::make_unique<HostVolumes>(env(), *catalogue, *volumes, *desk, *notices, options);
    auto found = host->reconcile(in_drives);
    ASSERT_TRUE(found) << found.error().text();
    reconciled = *std::move(found);
    host->tell_when_brought(
        [this](const std::string& drive, const std::string& barcode, const Result<std::string>& path) {
          brought.push_back(barcode + " in " + drive + (path ? "" : ": " + path.error().message));
          if (!path) return;
          const auto loaded = drive_of(drive).insert(*path);
          EXPECT_TRUE(loaded || disk_fails) << loaded.error().text();
        });
    drives.clear();
    for (std::size_t i = 0; i < 3; ++i)
      drives.push_back(
          std::make_unique<tape::Drive>(volumes->env(), drive_identity(i), tape::DriveOptions{}));
  }
  void detach() {
    drives.clear();
    host.reset();
    desk.reset();
  }
  // kill -9, or the end of the power: what drives and cache had in memory is gone.
  void crash(bool power, const std::map<std::string, std::string>& in_drives = {}) {
    detach();
    stop();
    sim.disk.clear_faults();
    if (power) sim.disk.power_loss(&sim.random);
    start();
    attach(in_drives);
  }

  tape::Drive& drive_of(const std::string& serial) {
    const auto found =
        std::ranges::find(drives, serial, [](const auto& drive) { return drive->identity().serial(); });
    EXPECT_NE(found, drives.end());
    return **found;
  }
  std::string serial(std::size_t drive) { return drives.at(drive)->identity().serial(); }

  // What the library does. True: it is in; false: it is being brought.
  Result<bool> mount(const std::string& volser, std::size_t drive = 0) {
    const auto path = TRY(host->fetch(volser, uuid_of(volser), serial(drive)));
    if (!path) return false;
    TRY(drives.at(drive)->insert(*path));
    return true;
  }
  Status unmount(const std::string& volser, std::size_t drive = 0) {
    if (drives.at(drive)->holds_cartridge()) (void)TRY(drives.at(drive)->force_eject());
    return host->returned(volser, serial(drive));
  }

  // What a host does.
  scsi::Response run(ByteView cdb, ByteView data = {}, std::size_t drive = 0) {
    const auto send = [&] {
      return drives.at(drive)->execute({.cdb = cdb, .nexus = tape::test::kHost, .data_out = data});
    };
    auto response = send();
    while (response.sense.code.key == scsi::SenseKey::kUnitAttention) response = send();
    return response;
  }
  // From the beginning; what is behind it is gone. Synced when this returns.
  bool write(ByteView data, std::size_t drive = 0) {
    const auto good = [](const scsi::Response& response) {
      return response.status == scsi::ScsiStatus::kGood;
    };
    return good(run(scsi::Rewind{}.encode(), {}, drive)) &&
           good(run(scsi::Write6{false, static_cast<std::uint32_t>(data.size())}.encode(), data, drive)) &&
           good(run(scsi::WriteFilemarks{false, 1}.encode(), {}, drive));
  }
  Bytes read_back(std::size_t drive = 0) {
    (void)run(scsi::Rewind{}.encode(), {}, drive);
    return run(scsi::Read6{false, true, 65536}.encode(), {}, drive).data_in;
  }
  bool write_volume(const std::string& volser, ByteView data) {
    const auto in = mount(volser);
    return in && *in && write(data) && unmount(volser);
  }

  // What the work with tape does. Copies what is due; how many copies.
  std::size_t migrate() {
    std::size_t copies = 0;
    for (const CopyNumber number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
      std::vector<LogicalVolume> due;
      EXPECT_TRUE(catalogue->read([&](CatalogueView& view) -> Status {
        due = TRY(view.due(number, {}, 100));
        return {};
      }));
      for (const auto& volume : due) copies += copy(volume.volser, number) ? 1U : 0U;
    }
    return copies;
  }
  bool copy(const std::string& volser, CopyNumber number) {
    auto volume = catalogue->volume(volser).value();
    const bool primary = number == CopyNumber::kPrimary;
    const auto pool = primary ? volume.primary_pool : volume.secondary_pool;
    const auto id = desk->begin_copy(volser);
    if (!id) return false;
    images[{volser, volume.generation}] = read(volser).value();
    const bool good = desk->copy_is_good(*id);
    desk->end_copy(*id);
    (primary ? volume.primary : volume.secondary) =
        Copy{"P0000" + std::to_string(pool), 1, ++last_file, last_file, 1000, volume.generation};
    (primary ? volume.primary_due : volume.secondary_due) = false;
    return good && put(volume).has_value();
  }
  // Plays every recall that is wanted.
  void recall() {
    for (const auto& wanted : desk->wanted()) {
      if (!desk->begin_recall(wanted.volser)) continue;
      desk->finish_recall(wanted.volser, bring_back(wanted.volser));
    }
  }
  Status bring_back(const std::string& volser) {
    const auto volume = TRY(catalogue->volume(volser));
    const auto image = images.find({volser, volume.generation});
    if (image == images.end()) return fail(ErrorCode::kCorrupt, "the copy cannot be read");
    if (!TRY(volumes->reserve(volser, image->second.size())))
      return fail(ErrorCode::kExhausted, "no room for the recall");
    const auto coming = TRY(volumes->begin_arrival(volser));
    TRY(write_partial(coming, image->second));
    return volumes->finish_arrival(coming, volume.generation);
  }
  void evict(const std::string& volser) {
    const auto left = volumes->drop({volser}, [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
      return volume.may_leave_cache();
    });
    ASSERT_TRUE(left) << left.error().text();
    ASSERT_EQ(*left, 1U);
  }
  std::size_t delete_expired(WallTime now) {
    const auto shred = [this](const CachedContent& content) { EXPECT_TRUE(opened.cache->shred(content)); };
    const auto deleted = engine::delete_expired(*catalogue, shred, now, 100);
    EXPECT_TRUE(deleted) << deleted.error().text();
    return deleted->volumes;
  }
  LogicalVolume volume(const std::string& volser) { return catalogue->volume(volser).value(); }
  std::size_t deletions() {
    std::size_t count = 0;
    EXPECT_TRUE(catalogue->read([&](CatalogueView& view) -> Status {
      count = TRY(view.deleted_volumes(100)).size();
      return {};
    }));
    return count;
  }

  HostOptions options;
  int woken = 0;
  bool disk_fails = false;  // so that a drive may not load what comes
  std::vector<std::string> brought;
  Reconciled reconciled;
  std::unique_ptr<VolumeDesk> desk;
  std::unique_ptr<HostVolumes> host;
  std::vector<std::unique_ptr<tape::Drive>> drives;
  std::map<std::pair<std::string, std::uint64_t>, Bytes> images;  // on tape
  std::uint32_t last_file = 0;
};

}  // namespace tapewarden::engine::testing
