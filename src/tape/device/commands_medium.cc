// READ BLOCK LIMITS, ERASE(6) and REPORT DENSITY SUPPORT.
#include <algorithm>

#include "scsi/position.h"
#include "scsi/tape_cdb.h"
#include "tape/device/density.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::uint64_t kMegabyte = 1'000'000;

// Everything from the position on vanishes, in its partition. Both lengths of ERASE do the same: behind a
// short erase nothing could be read either.
scsi::Outcome<scsi::Response> erase_from_here(DriveState& drive) {
  TRY(check_writable(drive));
  if (drive.cartridge->identity().worm && !drive.cartridge->at_end_of_data())
    return scsi::check(codes::kWormOverwrite);
  if (drive.cartridge->at_end_of_data()) return scsi::good();
  TRY(check_overwrite(drive));
  // The running session ends with what it wrote.
  drive.session.reset();
  if (const auto erased = drive.cartridge->erase_from_here(); !erased)
    return std::unexpected(write_sense(erased.error()));
  return scsi::good();
}

std::uint32_t megabytes(std::uint64_t bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / kMegabyte, 0xffffffffU));
}

std::vector<DensityDescriptor> densities_of_drive(const DriveState& drive) {
  std::vector<DensityDescriptor> out;
  if (drive.identity->facts().kind != MediumKind::kLto) return out;
  const auto own = drive.options.density != 0 ? drive.options.density : lto_densities().back().code;
  for (const auto& density : lto_densities()) {
    const auto access = density_access(drive.options.density, density.code);
    if (access == DensityAccess::kNone) continue;
    out.push_back(
        {density.code, access == DensityAccess::kReadWrite, density.code == own, density.capacity_megabytes});
  }
  return out;
}

// The mounted medium with its own capacity, whatever its density is meant to hold.
DensityDescriptor density_of_medium(const DriveState& drive) {
  const auto identity = drive.cartridge->identity();
  return {identity.density, !drive.mounted_read_only, true, megabytes(identity.capacity_bytes)};
}

}  // namespace

scsi::Outcome<scsi::Response> read_block_limits(DriveState&, const scsi::Command& command) {
  TRY(scsi::checked_cdb(command.cdb, scsi::Opcode::kReadBlockLimits));
  return scsi::good(scsi::BlockLimits{0, kMaxBlockBytes, 1}.encode());
}

scsi::Outcome<scsi::Response> erase(DriveState& drive, const scsi::Command& command) {
  TRY(scsi::Erase6::decode(command.cdb));
  return erase_from_here(drive);
}

scsi::Outcome<scsi::Response> report_density_support(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReportDensitySupport::decode(command.cdb));
  if (cdb.medium_type) return scsi::invalid_in_cdb(1, 1);  // types of media are not told apart
  if (cdb.mounted && !drive.cartridge)
    return scsi::check(drive.cartridge_path.empty() ? codes::kMediumNotPresent
                                                    : codes::kInitializingCommandRequired);
  auto densities = cdb.mounted ? std::vector{density_of_medium(drive)} : densities_of_drive(drive);
  if (densities.empty() && drive.cartridge) densities.push_back(density_of_medium(drive));
  ByteWriter list;
  for (const auto& density : densities) list.bytes(density.encode());
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(list.size() + 2)).u16(0).bytes(list.view());
  return good_cut(out.take(), cdb.allocation_length);
}

}  // namespace tapewarden::tape
