// LOAD UNLOAD and PREVENT ALLOW MEDIUM REMOVAL.
#include "tape/device/density.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::uint64_t kMegabyte = 1'000'000;

// The session, the keys and what else belongs to one mount.
void end_mount(DriveState& drive) {
  drive.counters.unmounted(*drive.cartridge);
  drive.cartridge.reset();
  drive.session.reset();
  drive.read_key.reset();
  drive.partition_request.reset();
  drive.overwrite = {};
  drive.encryption.demount();
  drive.key_path.unload(drive.options.default_policy);
}

bool is_newer(const Error& error) {
  return error.code == ErrorCode::kUnsupported && error.detail == detail(MediumFault::kNewerFormat);
}

// What a later version wrote is not written behind or over, but what this one knows of it can be read.
Result<std::unique_ptr<Cartridge>> open_cartridge(const DriveState& drive) {
  if (!drive.write_protected) {
    auto opened = Cartridge::open(drive.env, drive.cartridge_path, CartridgeMode::kReadWrite);
    if (opened || !is_newer(opened.error())) return opened;
  }
  return Cartridge::open(drive.env, drive.cartridge_path, CartridgeMode::kRead);
}

}  // namespace

Status load(DriveState& drive) {
  auto cartridge = TRY(open_cartridge(drive));
  const auto access = density_access(drive.options.density, cartridge->identity().density);
  if (access == DensityAccess::kNone)
    return fail(ErrorCode::kConflict, "the drive does not read the density of the cartridge", "density",
                "use a drive of the cartridge's generation or the next");
  if (cartridge->identity().kind != drive.identity->facts().kind)
    return fail(ErrorCode::kConflict, "the cartridge does not fit this drive", "kind",
                "LTO cartridges go into LTO drives, 3592 cartridges into 3592 drives");
  if (cartridge->writable()) TRY(cartridge->count_load());
  // One whose second partition is lost takes no writes either, but a format.
  const bool only_readable = !cartridge->writable() && !cartridge->lost_partition();
  drive.mounted_read_only = drive.write_protected || only_readable || access == DensityAccess::kRead;
  cartridge->set_programmable_early_warning(drive.programmable_early_warning * kMegabyte);
  if (drive.options.seal_observer) cartridge->set_seal_observer(drive.options.seal_observer);
  drive.cartridge = std::move(cartridge);
  drive.counters.mounted();
  drive.alerts.clear();
  drive.attentions.tell_all(codes::kMediumMayHaveChanged);
  return {};
}

Status unload(DriveState& drive) {
  if (!drive.cartridge) return {};
  auto closed = drive.write_protected ? Status{} : drive.cartridge->unload();
  if (closed) note_sync(drive);
  end_mount(drive);
  return closed;
}

scsi::Outcome<scsi::Response> load_unload(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::LoadUnload::decode(command.cdb));
  if (cdb.load) {
    if (drive.cartridge_path.empty()) return scsi::check(codes::kMediumNotPresent);
    if (!drive.cartridge) {
      if (const auto loaded = load(drive); !loaded)
        return scsi::check(is_newer(loaded.error()) ? codes::kIncompatibleFormat
                                                    : codes::kMediumFormatCorrupted);
      return scsi::good();
    }
    // Loaded already: to the beginning of partition 0.
    drive.overwrite = {};
    if (!drive.cartridge->lost_partition()) {
      if (const auto synced = drive.cartridge->sync(); !synced)
        return std::unexpected(write_sense(synced.error()));
      note_sync(drive);
    }
    if (const auto moved = drive.cartridge->change_partition(0); !moved)
      return std::unexpected(motion_sense(moved.error()));
    return scsi::good();
  }
  if (drive.cartridge_path.empty()) return scsi::check(codes::kMediumNotPresent);
  if (!drive.preventing.empty()) return scsi::check(codes::kMediumRemovalPrevented);
  if (const auto done = unload(drive); !done) return std::unexpected(write_sense(done.error()));
  return scsi::good();
}

scsi::Outcome<scsi::Response> prevent_allow(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::PreventAllow::decode(command.cdb));
  if (cdb.prevent) {
    drive.preventing.insert(command.nexus);
  } else {
    drive.preventing.erase(command.nexus);
  }
  return scsi::good();
}

}  // namespace tapewarden::tape
