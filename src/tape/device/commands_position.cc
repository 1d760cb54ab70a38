// REWIND, SPACE(6) and (16), LOCATE(10) and (16), READ POSITION. What was written is synced before the medium
// moves, which stays in its partition unless LOCATE names another one.
#include "scsi/position.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

scsi::Outcome<void> sync_first(DriveState& drive) {
  drive.overwrite = {};
  // Nothing was written to a cartridge whose other partition is lost.
  if (drive.cartridge->lost_partition()) return {};
  if (const auto synced = drive.cartridge->sync(); !synced)
    return std::unexpected(write_sense(synced.error()));
  note_sync(drive);
  return {};
}

scsi::Outcome<scsi::Response> moved(const Status& status) {
  if (!status) return std::unexpected(motion_sense(status.error()));
  return scsi::good();
}

std::uint64_t magnitude(std::int64_t count) {
  return count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
}

// The residual is a magnitude in either direction.
scsi::Outcome<scsi::Response> spaced(const Motion& motion, std::int64_t count) {
  if (motion.stop == Motion::Stop::kDone) return scsi::good();
  scsi::Sense sense;
  sense.information = static_cast<std::int64_t>(magnitude(count) - motion.moved);
  switch (motion.stop) {
    case Motion::Stop::kFilemark:
      sense.code = codes::kFilemarkDetected;
      sense.filemark = true;
      break;
    case Motion::Stop::kBeginningOfTape:
      sense.code = codes::kBeginningOfMediumReached;
      sense.end_of_medium = true;
      break;
    default:
      sense.code = codes::kEndOfDataDetected;
      break;
  }
  return scsi::check_condition(sense);
}

Result<Motion> move_by(Cartridge& cartridge, const scsi::Space& cdb) {
  switch (cdb.code) {
    case scsi::SpaceCode::kBlocks:
      return cartridge.space_records(cdb.count);
    case scsi::SpaceCode::kSequentialFilemarks:
      return cartridge.space_sequential_filemarks(cdb.count);
    default:
      return cartridge.space_filemarks(cdb.count);
  }
}

}  // namespace

scsi::Outcome<scsi::Response> rewind(DriveState& drive, const scsi::Command& command) {
  TRY(scsi::Rewind::decode(command.cdb));
  TRY(sync_first(drive));
  return moved(drive.cartridge->rewind());
}

scsi::Outcome<scsi::Response> space(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Space::decode(command.cdb));
  TRY(sync_first(drive));
  if (cdb.code == scsi::SpaceCode::kEndOfData) return moved(drive.cartridge->to_end_of_data());
  if (cdb.count == 0) return scsi::good();
  const auto motion = move_by(*drive.cartridge, cdb);
  if (!motion) return std::unexpected(motion_sense(motion.error()));
  return spaced(*motion, cdb.count);
}

scsi::Outcome<scsi::Response> locate(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Locate::decode(command.cdb));
  const bool sixteen = command.cdb[0] == static_cast<std::uint8_t>(scsi::Opcode::kLocate16);
  if (cdb.change_partition && cdb.partition >= drive.cartridge->partitions())
    return scsi::invalid_in_cdb(sixteen ? 3 : 8);
  TRY(sync_first(drive));
  if (cdb.change_partition && cdb.partition != drive.cartridge->position().partition) {
    if (const auto changed = drive.cartridge->change_partition(cdb.partition); !changed)
      return std::unexpected(motion_sense(changed.error()));
  }
  switch (cdb.target) {
    case scsi::LocateTarget::kObject:
      return moved(drive.cartridge->locate(cdb.identifier));
    case scsi::LocateTarget::kFile:
      return moved(drive.cartridge->locate_file(cdb.identifier));
    case scsi::LocateTarget::kEndOfData:
      return moved(drive.cartridge->to_end_of_data());
  }
  return scsi::invalid_in_cdb(1, 4);
}

scsi::Outcome<scsi::Response> read_position(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReadPosition::decode(command.cdb));
  const auto position = drive.cartridge->position();
  const auto capacity = drive.cartridge->capacity();
  const scsi::PositionData data{.beginning_of_partition = drive.cartridge->at_beginning(),
                                .end_of_partition = capacity.early_warning,
                                .programmable_early_warning = capacity.programmable_early_warning,
                                .partition = position.partition,
                                .logical_object = position.logical_object,
                                .file_number = position.file_number};
  auto bytes = data.encode(cdb.form);
  if (cdb.form != scsi::PositionForm::kExtended) return scsi::good(std::move(bytes));
  return good_cut(std::move(bytes), cdb.allocation_length);
}

}  // namespace tapewarden::tape
