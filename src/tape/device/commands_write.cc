// WRITE(6) and WRITE FILEMARKS(6) (SSC-4 sections 6.12 and 6.13), with what they tell at the end of the
// medium.
#include <algorithm>

#include "tape/device/deferred_write.h"
#include "tape/device/disk_room.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

scsi::Sense told_with_everything_written(scsi::SenseCode code, bool end_of_medium) {
  return {.code = code, .end_of_medium = end_of_medium, .information = 0};
}

// Early warning is told of every write behind it, programmable early warning once, by the write that enters
// its zone (SSC-4 section 4.2.3): NO SENSE with everything written, residual zero.
scsi::Response written(DriveState& drive, std::size_t bytes, bool was_in_zone) {
  auto response = took(bytes);
  const auto capacity = drive.cartridge->capacity();
  const bool early_warning = capacity.early_warning || note_disk_room(drive) != DiskRoom::kEnough;
  const bool enters_zone = capacity.programmable_early_warning && !was_in_zone;
  if (!early_warning && !enters_zone) return response;
  response.status = scsi::ScsiStatus::kCheckCondition;
  response.sense = early_warning ? told_with_everything_written(codes::kEndOfMediumReached, true)
                                 : told_with_everything_written(codes::kProgrammableEarlyWarning, false);
  return response;
}

scsi::Response write_stopped(const scsi::Sense& sense, std::int64_t residual, std::size_t bytes) {
  auto response = scsi::check_condition(sense.with_information(residual));
  response.data_out_used = bytes;
  return response;
}

scsi::Outcome<std::size_t> block_size_of(const DriveState& drive, const scsi::Write6& cdb) {
  if (!cdb.fixed) return cdb.transfer_length;
  if (drive.block_length == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.transfer_length * std::uint64_t{drive.block_length} > kMaxTransferBytes)
    return scsi::invalid_in_cdb(2);
  return drive.block_length;
}

scsi::Outcome<void> write_block(DriveState& drive, ByteView block) {
  if (drive.protection.write()) block = TRY(without_guard(block));
  if (const auto done = drive.cartridge->write_record(block); !done)
    return std::unexpected(write_sense(done.error()));
  return {};
}

// Unbuffered mode: GOOD says that it is on stable storage.
scsi::Outcome<void> sync_when_unbuffered(DriveState& drive) {
  if (drive.buffered_mode != 0) return {};
  if (const auto synced = drive.cartridge->sync(); !synced)
    return std::unexpected(write_sense(synced.error()));
  note_sync(drive);
  return {};
}

}  // namespace

bool writes_at_once(const DriveState& drive, const scsi::Command& command) {
  const auto cdb = scsi::Write6::decode(command.cdb);
  if (!cdb) return false;
  const auto size = block_size_of(drive, *cdb);
  if (!size || cdb->transfer_length == 0) return false;
  const std::size_t blocks = cdb->fixed ? cdb->transfer_length : 1;
  return command.data_out.size() >= blocks * *size && may_defer(drive, command, blocks, blocks * *size);
}

scsi::Outcome<scsi::Response> write(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Write6::decode(command.cdb));
  const auto size = TRY(block_size_of(drive, cdb));
  if (cdb.transfer_length == 0) return scsi::good();
  const std::size_t blocks = cdb.fixed ? cdb.transfer_length : 1;
  if (command.data_out.size() < blocks * size) return scsi::check(codes::kTransferTooShort);
  const auto residual = [&](std::size_t done) {
    return static_cast<std::int64_t>(cdb.fixed ? blocks - done : size);
  };
  TRY(check_writable(drive));
  const bool deferrable = may_defer(drive, command, blocks, blocks * size);
  if (!deferrable && disk_room(drive) == DiskRoom::kNone)
    return write_stopped({.code = codes::kVolumeFull, .end_of_medium = true}, residual(0), 0);
  TRY(prepare_write(drive, command.nexus));
  if (deferrable && defer(drive, command, size, blocks * size)) return took(blocks * size);
  const bool from_beginning = drive.cartridge->begins_cartridge();
  const bool was_in_zone = drive.cartridge->capacity().programmable_early_warning;
  for (std::size_t done = 0; done < blocks; ++done) {
    const auto put = write_block(drive, command.data_out.subspan(done * size, size));
    if (!put) return write_stopped(put.error(), residual(done), done * size);
    if (done == 0) note_write(drive, from_beginning);
  }
  if (const auto synced = sync_when_unbuffered(drive); !synced)
    return write_stopped(synced.error(), residual(0), 0);
  return written(drive, blocks * size, was_in_zone);
}

scsi::Outcome<scsi::Response> write_filemarks(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::WriteFilemarks::decode(command.cdb));
  // SSC-4 section 6.13: without a buffer there is nothing to answer early from.
  if (cdb.immediate && drive.buffered_mode == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.count == 0) {
    if (cdb.immediate) return scsi::good();
    if (const auto synced = drive.cartridge->sync(); !synced)
      return std::unexpected(write_sense(synced.error()));
    note_sync(drive);
    return scsi::good();
  }
  // Each takes room on the disk and in memory; no program writes so many at once.
  if (cdb.count > kMaxFilemarks) return scsi::invalid_in_cdb(2);
  TRY(prepare_write(drive, command.nexus));
  const bool from_beginning = drive.cartridge->begins_cartridge();
  const bool was_in_zone = drive.cartridge->capacity().programmable_early_warning;
  const auto before = drive.cartridge->position().file_number;
  const auto status = drive.cartridge->write_filemarks(cdb.count, cdb.immediate);
  if (!status) {
    const auto done = drive.cartridge->position().file_number - before;
    return write_stopped(write_sense(status.error()),
                         std::int64_t{cdb.count} - static_cast<std::int64_t>(done), 0);
  }
  note_write(drive, from_beginning);
  if (!cdb.immediate) note_sync(drive);
  return written(drive, 0, was_in_zone);
}

}  // namespace tapewarden::tape
