// FORMAT MEDIUM, SET CAPACITY and ALLOW OVERWRITE: what settles where may be written.
#include "scsi/tape_cdb.h"
#include "tape/device/medium_access.h"
#include "tape/device/partition_page.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using Permission = scsi::AllowOverwrite::Permission;

constexpr std::uint8_t kOnePartition = 0;  // FORMAT: the default format
constexpr std::uint16_t kWholeCapacity = 0xffff;

bool at_beginning_of_medium(const Cartridge& cartridge) {
  return cartridge.at_beginning() && cartridge.position().partition == 0;
}

// As check_writable(), but a lost partition does not stand in the way of what makes it anew.
scsi::Outcome<void> check_formattable(DriveState& drive) {
  if (!drive.cartridge->lost_partition()) TRY(check_writable(drive));
  if (drive.mounted_read_only) return scsi::check(codes::kWriteProtected);
  if (!at_beginning_of_medium(*drive.cartridge)) return scsi::check(codes::kPositionPastBeginning);
  const bool allowed = !drive.append_only || drive.overwrite.permission == Permission::kFormat;
  return allowed ? scsi::Outcome<void>{} : scsi::check(codes::kWriteAppendPosition);
}

PartitionSizes present_sizes(const Cartridge& cartridge) {
  PartitionSizes out{.first = cartridge.capacity(0).capacity_bytes, .second = {}};
  if (cartridge.partitions() == 2 && !cartridge.lost_partition())
    out.second = cartridge.capacity(1).capacity_bytes;
  return out;
}

scsi::Outcome<PartitionSizes> wanted_sizes(const DriveState& drive, std::uint8_t format) {
  const auto medium = drive.cartridge->identity().capacity_bytes;
  if (format == kOnePartition) return PartitionSizes{.first = medium, .second = {}};
  const auto& request = drive.partition_request;
  if (request && request->mode != PartitionRequest::Mode::kNone) return sizes_asked_for(*request, medium);
  if (drive.cartridge->lost_partition()) return scsi::invalid_in_cdb(2, 3);  // how large is not known
  return present_sizes(*drive.cartridge);
}

// An empty WORM cartridge with one partition is what the format would make of it.
bool is_formatted_so(const Cartridge& cartridge, const PartitionSizes& sizes) {
  return cartridge.identity().worm && cartridge.at_end_of_data() && !sizes.second;
}

scsi::Sense format_sense(const Error& error) {
  if (error.code == ErrorCode::kConflict) return {.code = codes::kFormatFailed};
  return write_sense(error);
}

}  // namespace

scsi::Outcome<scsi::Response> format_medium(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::FormatMedium::decode(command.cdb));
  if (cdb.transfer_length != 0) return scsi::invalid_in_cdb(3);  // no vendor-specific data
  TRY(check_formattable(drive));
  const auto sizes = TRY(wanted_sizes(drive, cdb.format));
  if (is_formatted_so(*drive.cartridge, sizes)) return scsi::good();
  if (drive.cartridge->identity().worm) return scsi::check(codes::kWormOverwrite);
  // The cartridge lets go of the keys; the next write brings them again.
  drive.session.reset();
  drive.read_key.reset();
  if (const auto formatted = drive.cartridge->format(sizes); !formatted)
    return std::unexpected(format_sense(formatted.error()));
  drive.partition_request.reset();
  drive.overwrite = {};
  return scsi::good();
}

scsi::Outcome<scsi::Response> set_capacity(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::SetCapacity::decode(command.cdb));
  // A cartridge always offers all that it has, so asking for all of it changes nothing.
  if (cdb.proportion != kWholeCapacity) return scsi::invalid_in_cdb(3);
  if (!at_beginning_of_medium(*drive.cartridge)) return scsi::check(codes::kPositionPastBeginning);
  return scsi::good();
}

scsi::Outcome<scsi::Response> allow_overwrite(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::AllowOverwrite::decode(command.cdb));
  if (!drive.append_only) return scsi::check(codes::kNotInAppendOnlyMode);
  const auto position = drive.cartridge->position();
  const bool here = cdb.partition == position.partition && cdb.logical_object == position.logical_object;
  if (cdb.permission == Permission::kCurrentPosition && !here)
    return scsi::check(codes::kSequentialPositioningRefused);
  if (cdb.permission == Permission::kFormat && !at_beginning_of_medium(*drive.cartridge))
    return scsi::check(codes::kPositionPastBeginning);
  drive.overwrite = {cdb.permission, position};
  return scsi::good();
}

scsi::Outcome<void> check_overwrite(const DriveState& drive) {
  if (!drive.append_only || drive.cartridge->at_end_of_data()) return {};
  const bool allowed = drive.overwrite.permission == Permission::kCurrentPosition &&
                       drive.overwrite.position == drive.cartridge->position();
  return allowed ? scsi::Outcome<void>{} : scsi::check(codes::kWriteAppendPosition);
}

}  // namespace tapewarden::tape
