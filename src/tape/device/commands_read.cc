// READ(6) and VERIFY(6). Residuals are those of SSC-4 on the INFORMATION field (sections 6.4 and 6.9): with
// fixed blocks what was not transferred, a block of wrong length counting as not; with variable blocks the
// length asked for less the block's own, negative for a longer one.
#include <algorithm>

#include "scsi/tape_cdb.h"
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

// An object as the initiator sees it: with its guard when blocks are protected on reading.
struct WireBlock {
  BlockKind kind = BlockKind::kEndOfData;
  std::size_t length = 0;
};

// Reads one object into `into`, as much of it as fits. The sense is without residual.
scsi::Outcome<WireBlock> read_block(DriveState& drive, scsi::NexusId nexus, MutableByteView into) {
  const auto record = TRY(read_object(drive, nexus, into));
  if (record.kind != BlockKind::kData) return WireBlock{record.kind, 0};
  const auto size = record.data.size();
  const auto fits = std::min(size, into.size());
  // The record may lie in `into` already.
  if (into.data() != record.data.data()) copy_bytes(into.first(fits), record.data.first(fits));
  if (!drive.protection.read()) return WireBlock{record.kind, size};
  const auto guard = guard_of(record.data);
  const auto left = std::min(into.size() - fits, guard.size());
  if (left != 0) copy_bytes(into.subspan(fits, left), ByteView(guard).first(left));
  return WireBlock{record.kind, size + guard.size()};
}

// The same into `data`, which takes as much as fits into `room` and is as long as that then.
scsi::Outcome<WireBlock> read_ready(DriveState& drive, scsi::NexusId nexus, std::size_t room, Bytes& data) {
  const auto record = TRY(read_object(drive, nexus, {}));
  if (record.kind != BlockKind::kData) return WireBlock{record.kind, 0};
  data = to_bytes(record.data.first(std::min(record.data.size(), room)));
  return WireBlock{record.kind, record.data.size()};
}

scsi::Outcome<scsi::Response> read_variable(DriveState& drive, const scsi::Command& command,
                                            const scsi::Read6& cdb) {
  const std::size_t wanted = cdb.transfer_length;
  const auto signed_wanted = static_cast<std::int64_t>(wanted);
  // What was read ahead is copied once; what is not is opened right where it goes out.
  const bool ahead = drive.cartridge->has_read_ahead() && !drive.protection.read();
  Bytes data(ahead ? 0 : wanted);
  const auto block =
      ahead ? read_ready(drive, command.nexus, wanted, data) : read_block(drive, command.nexus, data);
  if (!block) return scsi::check_condition(block.error().with_information(signed_wanted));
  if (block->kind != BlockKind::kData) return scsi::check_condition(stop_sense(block->kind, signed_wanted));
  data.resize(std::min(wanted, block->length));
  const bool longer = block->length > wanted;
  // SILI hides a short block, and a long one only while the block length of the mode parameters is zero.
  const bool hidden = cdb.suppress_incorrect_length && (!longer || drive.block_length == 0);
  if (block->length == wanted || hidden) return scsi::good(std::move(data));
  return scsi::check_condition(length_sense(signed_wanted - static_cast<std::int64_t>(block->length)),
                               std::move(data));
}

scsi::Outcome<scsi::Response> read_fixed(DriveState& drive, const scsi::Command& command,
                                         const scsi::Read6& cdb) {
  const std::size_t length = drive.block_length;
  if (cdb.transfer_length * std::uint64_t{length} > kMaxTransferBytes) return scsi::invalid_in_cdb(2);
  Bytes data(cdb.transfer_length * length);
  for (std::uint32_t done = 0; done < cdb.transfer_length; ++done) {
    const std::size_t at = done * length;
    const std::int64_t left = std::int64_t{cdb.transfer_length} - done;
    const auto block = read_block(drive, command.nexus, MutableByteView(data).subspan(at, length));
    if (!block || block->kind != BlockKind::kData) {
      data.resize(at);
      const auto sense = block ? stop_sense(block->kind, left) : block.error().with_information(left);
      return scsi::check_condition(sense, std::move(data));
    }
    if (block->length == length) continue;
    data.resize(at + std::min(length, block->length));
    return scsi::check_condition(length_sense(left), std::move(data));
  }
  return scsi::good(std::move(data));
}

// VTE: to the end of data, whatever the lengths; VBF: that many filemarks. Nothing is known of residual
// bytes.
scsi::Outcome<scsi::Response> verify_objects(DriveState& drive, scsi::NexusId nexus,
                                             const scsi::Verify6& cdb) {
  std::uint32_t files = 0;
  Bytes scratch;
  while (cdb.to_end_of_data || files < cdb.length) {
    const auto left = cdb.to_end_of_data ? std::int64_t{0} : std::int64_t{cdb.length} - files;
    const auto block = read_block(drive, nexus, scratch);
    if (!block) return scsi::check_condition(block.error().with_information(left));
    if (block->kind == BlockKind::kFilemark) ++files;
    if (block->kind != BlockKind::kEndOfData) continue;
    if (cdb.to_end_of_data) break;
    return scsi::check_condition(stop_sense(block->kind, left));
  }
  return scsi::good();
}

// One block at the position against `expected` bytes of the initiator, or against nothing.
scsi::Outcome<void> verify_block(DriveState& drive, const scsi::Command& command, const scsi::Verify6& cdb,
                                 std::size_t length, std::size_t at, std::int64_t residual) {
  Bytes scratch(length);
  const auto block = read_block(drive, command.nexus, scratch);
  if (!block) return std::unexpected(block.error().with_information(residual));
  if (block->kind != BlockKind::kData) return std::unexpected(stop_sense(block->kind, residual));
  if (block->length != length) {
    const auto difference = static_cast<std::int64_t>(length) - static_cast<std::int64_t>(block->length);
    return std::unexpected(length_sense(cdb.fixed ? residual : difference));
  }
  if (!cdb.compare || equal(scratch, command.data_out.subspan(at, length))) return {};
  scsi::Sense differs{.code = codes::kMiscompared};
  return std::unexpected(differs.with_information(residual));
}

// What VERIFY(6) does not offer, or what does not go together.
scsi::Outcome<void> check_verify(const DriveState& drive, const scsi::Verify6& cdb) {
  // The guard of a block is made anew at each reading: none is on the medium that could be verified.
  if (cdb.protection_method) return scsi::invalid_in_cdb(1, 4);
  if (cdb.immediate && cdb.compare) return scsi::invalid_in_cdb(1, 2);
  const bool objects = cdb.to_end_of_data || cdb.by_filemarks;
  if (objects && cdb.compare) return scsi::invalid_in_cdb(1, 1);
  if (cdb.to_end_of_data && cdb.by_filemarks) return scsi::invalid_in_cdb(1, 3);
  if (!objects && cdb.fixed && drive.block_length == 0) return scsi::invalid_in_cdb(1, 0);
  return {};
}

}  // namespace

bool reads_at_once(const DriveState& drive, const scsi::Command& command) {
  const auto cdb = scsi::Read6::decode(command.cdb);
  return cdb && cdb->transfer_length != 0 && (!cdb->fixed || cdb->transfer_length == 1) && drive.cartridge &&
         drive.cartridge->has_read_ahead();
}

scsi::Outcome<scsi::Response> read(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Read6::decode(command.cdb));
  if (cdb.fixed && drive.block_length == 0) return scsi::invalid_in_cdb(1, 0);
  if (cdb.transfer_length == 0) return scsi::good();
  return cdb.fixed ? read_fixed(drive, command, cdb) : read_variable(drive, command, cdb);
}

scsi::Outcome<scsi::Response> verify(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Verify6::decode(command.cdb));
  TRY(check_verify(drive, cdb));
  if (cdb.to_end_of_data || cdb.by_filemarks) return verify_objects(drive, command.nexus, cdb);
  if (cdb.length == 0) return scsi::good();
  const std::size_t length = cdb.fixed ? drive.block_length : cdb.length;
  const std::uint32_t blocks = cdb.fixed ? cdb.length : 1;
  const auto compared = cdb.compare ? blocks * std::uint64_t{length} : 0;
  if (compared > kMaxTransferBytes) return scsi::invalid_in_cdb(2);
  if (command.data_out.size() < compared) return scsi::check(codes::kTransferTooShort);
  for (std::uint32_t done = 0; done < blocks; ++done) {
    const auto left = cdb.fixed ? std::int64_t{blocks} - done : static_cast<std::int64_t>(length);
    TRY(verify_block(drive, command, cdb, length, done * length, left));
  }
  return took(static_cast<std::size_t>(compared));
}

}  // namespace tapewarden::tape
