// READ BLOCK LIMITS, READ(6), WRITE(6), WRITE FILEMARKS(6), ERASE(6). Residuals are those of SSC-4 tables on
// the INFORMATION field: with fixed blocks what was not transferred, a block of wrong length counting as not;
// with variable blocks the length asked for less the block's own, negative for a longer one.
#include <algorithm>

#include "scsi/position.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

scsi::Sense stop_sense(BlockKind kind, std::int64_t residual) {
  scsi::Sense sense;
  sense.information = residual;
  if (kind == BlockKind::kFilemark) {
    sense.code = codes::kFilemarkDetected;
    sense.filemark = true;
  } else {
    sense.code = codes::kEndOfDataDetected;
  }
  return sense;
}

scsi::Sense length_sense(std::int64_t residual) {
  return {.code = codes::kNone, .incorrect_length = true, .information = residual};
}

// Into `data` at `at`, as much as fits; the record may lie there already.
void place(Bytes& data, std::size_t at, ByteView record, std::size_t limit) {
  const auto size = std::min(record.size(), limit);
  const auto target = MutableByteView(data).subspan(at, size);
  if (target.data() != record.data()) copy_bytes(target, record.first(size));
}

scsi::Outcome<scsi::Response> read_variable(DriveState& drive, const scsi::Command& command,
                                            const scsi::Read6& cdb) {
  const std::size_t wanted = cdb.transfer_length;
  Bytes data(std::min<std::size_t>(wanted, kMaxBlockBytes));
  const auto record = read_object(drive, command.nexus, data);
  if (!record)
    return scsi::check_condition(record.error().with_information(static_cast<std::int64_t>(wanted)));
  if (record->kind != BlockKind::kData)
    return scsi::check_condition(stop_sense(record->kind, static_cast<std::int64_t>(wanted)));
  const auto actual = record->data.size();
  place(data, 0, record->data, data.size());
  data.resize(std::min(wanted, actual));
  const bool longer = actual > wanted;
  // SILI hides a short block, and a long one only while the block length of the mode parameters is zero.
  const bool hidden = cdb.suppress_incorrect_length && (!longer || drive.block_length == 0);
  if (actual == wanted || hidden) return scsi::good(std::move(data));
  return scsi::check_condition(
      length_sense(static_cast<std::int64_t>(wanted) - static_cast<std::int64_t>(actual)), std::move(data));
}

scsi::Outcome<scsi::Response> read_fixed(DriveState& drive, const scsi::Command& command,
                                         const scsi::Read6& cdb) {
  const std::size_t length = drive.block_length;
  if (length == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.transfer_length * std::uint64_t{length} > kMaxTransferBytes) return scsi::invalid_in_cdb(2);
  Bytes data(cdb.transfer_length * length);
  for (std::uint32_t done = 0; done < cdb.transfer_length; ++done) {
    const std::size_t at = done * length;
    const std::int64_t left = std::int64_t{cdb.transfer_length} - done;
    const auto record = read_object(drive, command.nexus, MutableByteView(data).subspan(at, length));
    if (!record || record->kind != BlockKind::kData) {
      data.resize(at);
      const auto sense = record ? stop_sense(record->kind, left) : record.error().with_information(left);
      return scsi::check_condition(sense, std::move(data));
    }
    place(data, at, record->data, length);
    if (record->data.size() == length) continue;
    data.resize(at + std::min(length, record->data.size()));
    return scsi::check_condition(length_sense(left), std::move(data));
  }
  return scsi::good(std::move(data));
}

// Early warning is told with everything written: NO SENSE with EOM, residual zero.
scsi::Response written(const DriveState& drive, std::size_t bytes) {
  auto response = took(bytes);
  if (!drive.cartridge->capacity().early_warning) return response;
  response.status = scsi::ScsiStatus::kCheckCondition;
  response.sense = {.code = codes::kEndOfMediumReached, .end_of_medium = true, .information = 0};
  return response;
}

scsi::Response write_stopped(const Error& error, std::int64_t residual, std::size_t bytes) {
  auto response = scsi::check_condition(write_sense(error).with_information(residual));
  response.data_out_used = bytes;
  return response;
}

scsi::Outcome<std::size_t> block_size_of(const DriveState& drive, const scsi::Write6& cdb) {
  if (!cdb.fixed) {
    if (cdb.transfer_length > kMaxBlockBytes) return scsi::invalid_in_cdb(2);
    return cdb.transfer_length;
  }
  if (drive.block_length == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.transfer_length * std::uint64_t{drive.block_length} > kMaxTransferBytes)
    return scsi::invalid_in_cdb(2);
  return drive.block_length;
}

}  // namespace

scsi::Outcome<scsi::Response> read_block_limits(DriveState&, const scsi::Command& command) {
  TRY(scsi::checked_cdb(command.cdb, scsi::Opcode::kReadBlockLimits));
  return scsi::good(scsi::BlockLimits{0, kMaxBlockBytes, 1}.encode());
}

scsi::Outcome<scsi::Response> read(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Read6::decode(command.cdb));
  if (cdb.fixed && drive.block_length == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.transfer_length == 0) return scsi::good();
  return cdb.fixed ? read_fixed(drive, command, cdb) : read_variable(drive, command, cdb);
}

scsi::Outcome<scsi::Response> write(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Write6::decode(command.cdb));
  const auto size = TRY(block_size_of(drive, cdb));
  if (cdb.transfer_length == 0) return scsi::good();
  const std::size_t blocks = cdb.fixed ? cdb.transfer_length : 1;
  if (command.data_out.size() < blocks * size) return scsi::check(codes::kTransferTooShort);
  TRY(prepare_write(drive, command.nexus));
  const bool from_beginning = drive.cartridge->at_beginning();
  for (std::size_t done = 0; done < blocks; ++done) {
    const auto status = drive.cartridge->write_record(command.data_out.subspan(done * size, size));
    const auto left = cdb.fixed ? blocks - done : size;
    if (!status) return write_stopped(status.error(), static_cast<std::int64_t>(left), done * size);
    if (done == 0) note_write(drive, from_beginning);
  }
  return written(drive, blocks * size);
}

scsi::Outcome<scsi::Response> write_filemarks(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::WriteFilemarks::decode(command.cdb));
  if (cdb.count == 0) {
    if (const auto synced = drive.cartridge->sync(); !synced)
      return std::unexpected(write_sense(synced.error()));
    note_sync(drive);
    return scsi::good();
  }
  TRY(prepare_write(drive, command.nexus));
  const bool from_beginning = drive.cartridge->at_beginning();
  const auto before = drive.cartridge->position().file_number;
  const auto status = drive.cartridge->write_filemarks(cdb.count, cdb.immediate);
  if (!status) {
    const auto done = drive.cartridge->position().file_number - before;
    return write_stopped(status.error(), std::int64_t{cdb.count} - static_cast<std::int64_t>(done), 0);
  }
  note_write(drive, from_beginning);
  if (!cdb.immediate) note_sync(drive);
  return written(drive, 0);
}

scsi::Outcome<scsi::Response> erase(DriveState& drive, const scsi::Command& command) {
  TRY(scsi::Erase6::decode(command.cdb));
  TRY(check_writable(drive));
  if (drive.cartridge->identity().worm && !drive.cartridge->at_end_of_data())
    return scsi::check(codes::kWormOverwrite);
  if (drive.cartridge->at_end_of_data()) return scsi::good();
  // The running session ends with what it wrote.
  drive.session.reset();
  if (const auto erased = drive.cartridge->erase_from_here(); !erased)
    return std::unexpected(write_sense(erased.error()));
  return scsi::good();
}

}  // namespace tapewarden::tape
