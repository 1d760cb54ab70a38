// Readiness, identity, data and motion. Parameters and security pages are in tape_drive_pages.cc.
#include "tape/initiator/tape_drive.h"

#include <cstdlib>

#include "base/assert.h"
#include "crypto/secret_bytes.h"
#include "scsi/sense_codes.h"
#include "tape/initiator/command_name.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::size_t kMaxTransfer = 0xffffff;
constexpr int kMaxAttentions = 64;

std::int64_t residual(const TransportAnswer& answer) {
  return answer.sense.information.value_or(0);
}

bool is(const TransportAnswer& answer, scsi::SenseCode code) {
  return answer.status == scsi::ScsiStatus::kCheckCondition && answer.sense.code == code;
}

// A check condition that is a normal way for a read to end.
std::optional<ReadOutcome::Kind> read_stop(const TransportAnswer& answer) {
  if (is(answer, codes::kFilemarkDetected)) return ReadOutcome::Kind::kFilemark;
  if (is(answer, codes::kEndOfDataDetected)) return ReadOutcome::Kind::kEndOfData;
  return {};
}

bool is_incorrect_length(const TransportAnswer& answer) {
  return is(answer, codes::kNone) && answer.sense.incorrect_length;
}

bool is_early_warning(const TransportAnswer& answer) {
  return is(answer, codes::kEndOfMediumReached) && answer.sense.end_of_medium && residual(answer) == 0;
}

std::unexpected<TapeError> failed(const TransportAnswer& answer, ByteView cdb) {
  return std::unexpected(tape_error(answer.status, answer.sense, command_name(cdb)));
}

}  // namespace

TapeResult<TransportAnswer> TapeDrive::run(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                           std::chrono::milliseconds timeout) {
  auto answer = transport_.execute(cdb, data_out, data_in_limit, timeout);
  if (!answer) return std::unexpected(transport_error(std::move(answer).error(), command_name(cdb)));
  return *std::move(answer);
}

TapeStatus TapeDrive::plain(ByteView cdb, std::chrono::milliseconds timeout) {
  const auto answer = TRY(run(cdb, {}, 0, timeout));
  if (answer.status != scsi::ScsiStatus::kGood) return failed(answer, cdb);
  return {};
}

TapeResult<Bytes> TapeDrive::fetch(ByteView cdb, std::size_t limit) {
  auto answer = TRY(run(cdb, {}, limit, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood) return failed(answer, cdb);
  return std::move(answer.data_in);
}

TapeStatus TapeDrive::test_ready() {
  return plain(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), timeouts_.quick);
}

TapeResult<std::vector<scsi::SenseCode>> TapeDrive::drain_attentions() {
  std::vector<scsi::SenseCode> codes_seen;
  for (int i = 0; i < kMaxAttentions; ++i) {
    const auto ready = test_ready();
    if (ready) return codes_seen;
    if (ready.error().fault == TapeFault::kTransport) return std::unexpected(ready.error());
    if (ready.error().fault != TapeFault::kUnitAttention) return codes_seen;
    codes_seen.push_back(ready.error().sense.code);
  }
  return codes_seen;
}

TapeStatus TapeDrive::load() {
  return plain(scsi::LoadUnload{.load = true}.encode(), timeouts_.motion);
}

TapeStatus TapeDrive::unload() {
  return plain(scsi::LoadUnload{.load = false}.encode(), timeouts_.motion);
}

TapeStatus TapeDrive::prevent_removal(bool prevent) {
  return plain(scsi::PreventAllow{prevent}.encode(), timeouts_.quick);
}

TapeStatus TapeDrive::reserve() {
  return plain(scsi::plain_cdb(scsi::Opcode::kReserve6), timeouts_.quick);
}

TapeStatus TapeDrive::release() {
  return plain(scsi::plain_cdb(scsi::Opcode::kRelease6), timeouts_.quick);
}

TapeResult<ReadOutcome> TapeDrive::read_block(std::size_t limit) {
  TW_ASSERT(limit > 0 && limit <= kMaxTransfer);
  const auto cdb = scsi::Read6{false, false, static_cast<std::uint32_t>(limit)}.encode();
  auto answer = TRY(run(cdb, {}, limit, timeouts_.data));
  if (const auto stop = read_stop(answer)) return ReadOutcome{.kind = *stop};
  const bool other_length = is_incorrect_length(answer);
  if (answer.status != scsi::ScsiStatus::kGood && !other_length) {
    crypto::wipe(answer.data_in);  // what came of it before it failed
    return failed(answer, cdb);
  }
  ReadOutcome outcome{.data = std::move(answer.data_in)};
  outcome.block_bytes = outcome.data.size();
  if (!other_length) return outcome;
  const auto length = static_cast<std::int64_t>(limit) - residual(answer);
  if (length < 0) return failed(answer, cdb);
  outcome.block_bytes = static_cast<std::size_t>(length);
  // An adapter that counts no residual hands over its whole buffer: what lies behind the block is none of it.
  if (outcome.block_bytes < outcome.data.size()) outcome.data.resize(outcome.block_bytes);
  return outcome;
}

TapeResult<ReadOutcome> TapeDrive::read_fixed(std::uint32_t blocks, std::uint32_t block_length) {
  TW_ASSERT(blocks > 0 && block_length > 0);
  const auto cdb = scsi::Read6{true, false, blocks}.encode();
  auto answer = TRY(run(cdb, {}, std::size_t{blocks} * block_length, timeouts_.data));
  ReadOutcome outcome;
  const auto stop = read_stop(answer);
  if (stop) outcome.kind = *stop;
  outcome.incorrect_length = is_incorrect_length(answer);
  if (answer.status != scsi::ScsiStatus::kGood && !stop && !outcome.incorrect_length)
    return failed(answer, cdb);
  outcome.data = std::move(answer.data_in);
  outcome.block_bytes = block_length;
  return outcome;
}

TapeResult<WriteOutcome> TapeDrive::write(ByteView cdb, ByteView data) {
  const auto answer = TRY(run(cdb, data, 0, timeouts_.data));
  if (answer.status == scsi::ScsiStatus::kGood) return WriteOutcome{};
  if (is_early_warning(answer)) return WriteOutcome{.early_warning = true};
  return failed(answer, cdb);
}

TapeResult<WriteOutcome> TapeDrive::write_block(ByteView block) {
  TW_ASSERT(block.size() <= kMaxTransfer);
  return write(scsi::Write6{false, static_cast<std::uint32_t>(block.size())}.encode(), block);
}

TapeResult<WriteOutcome> TapeDrive::write_fixed(ByteView data, std::uint32_t block_length) {
  TW_ASSERT(block_length > 0 && data.size() % block_length == 0 &&
            data.size() / block_length <= kMaxTransfer);
  return write(scsi::Write6{true, static_cast<std::uint32_t>(data.size() / block_length)}.encode(), data);
}

TapeResult<WriteOutcome> TapeDrive::write_filemarks(std::uint32_t count, bool immediate) {
  return write(scsi::WriteFilemarks{immediate, count}.encode(), {});
}

TapeStatus TapeDrive::sync() {
  TRY(write_filemarks(0));
  return {};
}

TapeStatus TapeDrive::erase() {
  return plain(scsi::Erase6{.whole_medium = true}.encode(), timeouts_.erase);
}

TapeStatus TapeDrive::rewind() {
  return plain(scsi::Rewind{}.encode(), timeouts_.motion);
}

TapeResult<SpaceOutcome> TapeDrive::space(scsi::SpaceCode code, std::int64_t count) {
  const auto cdb = scsi::Space{code, count}.encode();
  const auto answer = TRY(run(cdb, {}, 0, timeouts_.motion));
  const auto wanted = static_cast<std::uint64_t>(count < 0 ? -count : count);
  if (answer.status == scsi::ScsiStatus::kGood) return SpaceOutcome{.moved = wanted};
  SpaceOutcome outcome;
  if (is(answer, codes::kFilemarkDetected)) {
    outcome.stop = SpaceOutcome::Stop::kFilemark;
  } else if (is(answer, codes::kEndOfDataDetected)) {
    outcome.stop = SpaceOutcome::Stop::kEndOfData;
  } else if (is(answer, codes::kBeginningOfMediumReached)) {
    outcome.stop = SpaceOutcome::Stop::kBeginningOfTape;
  } else {
    return failed(answer, cdb);
  }
  // Some drives give the residual of a backward motion as a negative number.
  const auto left = static_cast<std::uint64_t>(std::abs(residual(answer)));
  outcome.moved = left > wanted ? 0 : wanted - left;
  return outcome;
}

TapeResult<SpaceOutcome> TapeDrive::space_blocks(std::int64_t count) {
  return space(scsi::SpaceCode::kBlocks, count);
}

TapeResult<SpaceOutcome> TapeDrive::space_filemarks(std::int64_t count) {
  return space(scsi::SpaceCode::kFilemarks, count);
}

TapeStatus TapeDrive::to_end_of_data() {
  return plain(scsi::Space{scsi::SpaceCode::kEndOfData, 0}.encode(), timeouts_.motion);
}

TapeStatus TapeDrive::locate(std::uint64_t logical_object) {
  return plain(scsi::Locate{.identifier = logical_object}.encode(), timeouts_.motion);
}

TapeStatus TapeDrive::locate_file(std::uint64_t file_number) {
  return plain(scsi::Locate{.target = scsi::LocateTarget::kFile, .identifier = file_number}.encode(),
               timeouts_.motion);
}

TapeResult<scsi::PositionData> TapeDrive::position() {
  const auto cdb = scsi::ReadPosition{scsi::PositionForm::kLong, 0}.encode();
  constexpr std::size_t kLongForm = 32;
  const auto data = TRY(fetch(cdb, kLongForm));
  auto position = scsi::PositionData::decode(data, scsi::PositionForm::kLong);
  if (!position) return std::unexpected(malformed(std::move(position).error(), command_name(cdb)));
  return *position;
}

}  // namespace tapewarden::tape
