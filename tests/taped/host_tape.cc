#include "taped/host_tape.h"

#include "base/bytes.h"
#include "scsi/cdb.h"
#include "scsi/sense_codes.h"

namespace tapewarden::testing {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::uint32_t kFileBlocks = 12;  // between two syncs, at most
constexpr std::uint64_t kStep = 6364136223846793005U;

std::uint64_t mixed(std::uint64_t value) {
  value ^= value >> 33U;
  value *= 0xff51afd7ed558ccdU;
  return value ^ (value >> 29U);
}

}  // namespace

Bytes block_content(const TapeObject& block) {
  Bytes bytes(block.size);
  std::uint64_t state = block.number * 2 + 1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) state = state * kStep + 1442695040888963407U;
    const bool noise = (i / 1024) % 2 == 0;
    bytes[i] = static_cast<std::uint8_t>(noise ? mixed(state) >> (i % 8 * 8) : block.number + i / 1024);
  }
  return bytes;
}

std::uint32_t HostTape::below(std::uint32_t limit) {
  random_ = random_ * kStep + 1442695040888963407U;
  return static_cast<std::uint32_t>((mixed(random_) >> 16U) % limit);
}

std::uint64_t HostTape::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& object : objects_) sum += object.size;
  return sum;
}

// True when it is on its way to the tape; otherwise end_ says why not.
Result<bool> HostTape::put(Initiator& host, unsigned lun, const Bytes& cdb, const Bytes& data) {
  const auto answer = host.run_past_attentions(lun, cdb, 0, data);
  if (!answer) {
    end_ = WriteEnd::kGone;
    return false;
  }
  if (answer->good()) return true;
  const auto code = answer->sense.code;
  if (code.key == scsi::SenseKey::kNoSense && code.asc == 0x00 && code.ascq == 0x02) {  // end of medium ahead
    warned_ = true;
    return true;
  }
  end_ = code.key == scsi::SenseKey::kVolumeOverflow ? WriteEnd::kFull : WriteEnd::kRefused;
  refusal_ = answer->sense.text();
  return false;
}

Result<bool> HostTape::block(Initiator& host, unsigned lun) {
  const TapeObject object{.number = next_++, .size = 1 + below(kLargestBlock)};
  objects_.push_back(object);  // whatever happens to it, it may be on the tape
  const auto cdb = scsi::Write6{.transfer_length = object.size}.encode();
  const bool taken = TRY(put(host, lun, cdb, block_content(object)));
  if (!taken && end_ != WriteEnd::kGone) objects_.pop_back();
  if (taken) ++writes_;
  return taken;
}

Result<bool> HostTape::filemarks(Initiator& host, unsigned lun, std::uint32_t count, bool immediate) {
  objects_.insert(objects_.end(), count, TapeObject{.filemark = true});
  const auto cdb = scsi::WriteFilemarks{.immediate = immediate, .count = count}.encode();
  const bool taken = TRY(put(host, lun, cdb, {}));
  if (!taken && end_ != WriteEnd::kGone) objects_.resize(objects_.size() - count);
  if (taken && !immediate) {
    promised_ = objects_.size();
    before_.clear();
    promised_before_ = 0;
  }
  return taken;
}

WriteEnd HostTape::write(Initiator& host, unsigned lun, bool stop_at_warning) {
  warned_ = false;
  while (true) {
    for (auto blocks = below(kFileBlocks) + 1; blocks > 0; --blocks) {
      const auto taken = block(host, lun);
      if (!taken || !*taken) return end_;
      if (warned_ && stop_at_warning) return WriteEnd::kWarned;
    }
    // A filemark, two, or a sync alone; now and then one that promises nothing.
    const auto marked = filemarks(host, lun, below(3), below(5) == 0);
    if (!marked || !*marked) return end_;
  }
}

Status HostTape::write_file(Initiator& host, unsigned lun, int blocks,
                            const std::function<void()>& before_mark) {
  for (int i = 0; i < blocks; ++i)
    if (!TRY(block(host, lun))) return fail(ErrorCode::kConflict, "a block is refused: " + refusal_);
  if (before_mark) before_mark();
  if (!TRY(filemarks(host, lun, 1, false)))
    return fail(ErrorCode::kConflict, "a filemark is refused: " + refusal_);
  return {};
}

Status HostTape::begin_anew(Initiator& host, unsigned lun) {
  if (!TRY(host.run_past_attentions(lun, scsi::Rewind{}.encode())).good())
    return fail(ErrorCode::kConflict, "the tape does not rewind");
  before_ = std::exchange(objects_, {});
  promised_before_ = std::exchange(promised_, 0);
  return {};
}

// Empty when `found` is a part of `written` with all that is promised. A filemark is found as no bytes.
std::string HostTape::misfit(const std::vector<TapeObject>& written, std::size_t promised,
                             const std::vector<Bytes>& found) {
  const auto count = " (" + std::to_string(found.size()) + " found, " + std::to_string(written.size()) +
                     " written, " + std::to_string(promised) + " promised)";
  if (found.size() < promised) return "what was promised is not there" + count;
  if (found.size() > written.size()) return "there is more than was written" + count;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto wanted = written[i].filemark ? Bytes() : block_content(written[i]);
    if (found[i] != wanted) return "object " + std::to_string(i) + " is another" + count;
  }
  return {};
}

Status HostTape::read_all(Initiator& host, unsigned lun) {
  if (!TRY(host.run_past_attentions(lun, scsi::Rewind{}.encode())).good())
    return fail(ErrorCode::kConflict, "the tape does not rewind");
  std::vector<Bytes> found;
  const auto read = scsi::Read6{.suppress_incorrect_length = true, .transfer_length = kLargestBlock}.encode();
  while (true) {
    auto answer = TRY(host.run_past_attentions(lun, read, kLargestBlock));
    if (answer.good()) {
      found.push_back(std::move(answer.data_in));
    } else if (answer.sense.code == codes::kFilemarkDetected) {
      found.emplace_back();
    } else if (answer.sense.code == codes::kEndOfDataDetected) {
      break;
    } else {
      return fail(ErrorCode::kConflict,
                  "object " + std::to_string(found.size()) + " is not read: " + answer.sense.text());
    }
  }
  auto wrong = objects_.empty() && !before_.empty() ? "the tape was not begun anew"
                                                    : misfit(objects_, promised_, found);
  if (!wrong.empty() && promised_ == 0 && !before_.empty() &&
      misfit(before_, promised_before_, found).empty()) {
    objects_ = before_;
    promised_ = promised_before_;
    wrong.clear();
  }
  if (!wrong.empty()) return fail(ErrorCode::kCorrupt, wrong);
  objects_.resize(found.size());
  if (!found.empty()) before_.clear();
  return {};
}

}  // namespace tapewarden::testing
