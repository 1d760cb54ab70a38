#include "net/frames.h"

#include <algorithm>

#include "crypto/secret_bytes.h"

namespace tapewarden::net {

namespace {

constexpr std::uint8_t kTtlvStructure = 0x01;
// Memory follows the bytes that came, not the length that was claimed.
constexpr std::size_t kReserveAtMost = 64U << 10;

}  // namespace

Result<std::size_t> ttlv_frame_size(ByteView header) {
  ByteReader reader(header);
  TRY(reader.skip(3, "tag"));
  if (TRY(reader.u8("type")) != kTtlvStructure)
    return fail(ErrorCode::kCorrupt, "a message must begin with a TTLV structure", "type");
  return kFrameHeader + TRY(reader.u32("length"));
}

FrameCutter::~FrameCutter() {
  crypto::wipe(partial_);
}

Result<std::size_t> FrameCutter::size_of(ByteView header) const {
  const auto size = TRY(framer_(header));
  if (size < kFrameHeader) return fail(ErrorCode::kCorrupt, "a message is shorter than its header", "length");
  if (size > limit_)
    return fail(
        ErrorCode::kExhausted,
        "a message of " + std::to_string(size) + " bytes is beyond the limit of " + std::to_string(limit_),
        "length");
  return size;
}

Result<std::optional<Bytes>> FrameCutter::next(ByteView& input) {
  const auto take = [&](std::size_t wanted) {
    const auto part = input.first(std::min(wanted, input.size()));
    input = input.subspan(part.size());
    return part;
  };
  if (partial_.empty() && input.size() >= kFrameHeader) {
    size_ = TRY(size_of(input.first(kFrameHeader)));
    if (input.size() >= size_) return to_bytes(take(std::exchange(size_, 0)));
    partial_.reserve(std::min(size_, kReserveAtMost));
  }
  while (!input.empty()) {
    const auto goal = size_ == 0 ? kFrameHeader : size_;
    const auto part = take(goal - partial_.size());
    partial_.insert(partial_.end(), part.begin(), part.end());
    if (partial_.size() < goal) break;
    if (size_ == 0) size_ = TRY(size_of(partial_));
    if (partial_.size() < size_) continue;
    size_ = 0;
    return std::exchange(partial_, {});
  }
  return std::nullopt;
}

}  // namespace tapewarden::net
