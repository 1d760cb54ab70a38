#include "engine/stack/stack_writer.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace tapewarden::engine {

Status StackWriter::write_label(const CartridgeLabel& label) {
  TW_ASSERT(!open());
  early_warning_ = false;
  (void)TRY(sink_.write_block(label.encode()));
  (void)TRY(sink_.write_filemark());
  return {};
}

// Whether early warning ends the image that is open: not when all of its data is on the tape, for then it is
// whole with the next block or two, and they have their place behind the warning.
ImageFit StackWriter::fit_now() const {
  const bool needs_room =
      header_->identity.kind == ImageKind::kLogicalVolume && written_ < header_->total_bytes();
  return early_warning_ && needs_room ? ImageFit::kCartridgeFull : ImageFit::kFits;
}

Result<ImageFit> StackWriter::put(ByteView block) {
  const auto room = sink_.write_block(block);
  if (!room && room.error().code == ErrorCode::kExhausted) {
    early_warning_ = true;
    return ImageFit::kCartridgeFull;
  }
  if (!room) return std::unexpected(room.error());
  ++blocks_;
  bytes_ += block.size();
  early_warning_ = early_warning_ || *room == SinkRoom::kEarlyWarning;
  return ImageFit::kFits;
}

Result<ImageFit> StackWriter::begin(ImageHeader header, Hash by) {
  TW_ASSERT(!open());
  const auto block = header.encode();
  header_ = std::move(header);
  hashed_by_ = by;
  waiting_ = 0;
  hash_.restart();
  taken_ = 0;
  written_ = 0;
  blocks_ = 0;
  bytes_ = 0;
  early_warning_ = false;
  if (TRY(put(block)) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
  return fit_now();
}

Result<ImageFit> StackWriter::put_data(ByteView block) {
  if (TRY(put(block)) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
  written_ += block.size();
  return fit_now();
}

Result<ImageFit> StackWriter::flush() {
  return put_data(buffer_.view().first(std::exchange(waiting_, 0)));
}

Result<ImageFit> StackWriter::append(ByteView data) {
  TW_ASSERT(open());
  if (data.size() > header_->total_bytes() - taken_)
    return fail(ErrorCode::kInvalidArgument, "the image is longer than its header says", "data",
                "end it as void, and copy it anew");
  if (hashed_by_ == Hash::kWriter) hash_.begin(data);
  auto fit = take(data);
  hash_.settle();  // the caller may do with the bytes what it likes
  return fit;
}

// Into blocks, the whole ones onto the tape.
Result<ImageFit> StackWriter::take(ByteView data) {
  taken_ += data.size();
  while (!data.empty()) {
    const auto take = std::min(kStackBlockBytes - waiting_, data.size());
    if (take == kStackBlockBytes) {  // a whole block, and nothing waits before it
      const auto block = data.first(take);
      data = data.subspan(take);
      if (TRY(put_data(block)) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
      continue;
    }
    buffer_.make_room(kStackBlockBytes);
    copy_bytes(buffer_.view().subspan(waiting_), data.first(take));
    waiting_ += take;
    data = data.subspan(take);
    if (waiting_ < kStackBlockBytes) break;
    if (TRY(flush()) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
  }
  return ImageFit::kFits;
}

Result<ImageFit> StackWriter::finish(Ending ending) {
  TW_ASSERT(open() && ending.sha256.has_value() == (hashed_by_ == Hash::kCaller));
  if (!ending.is_void && taken_ != header_->total_bytes())
    return fail(ErrorCode::kInvalidArgument, "the image is shorter than its header says", "data",
                "end it as void, and copy it anew");
  if (waiting_ != 0 && TRY(flush()) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
  trailer_ = ImageTrailer{.identity = header_->identity,
                          .bytes = taken_,
                          .sha256 = ending.sha256 ? *ending.sha256 : hash_.finish(),
                          .is_void = ending.is_void,
                          .tombstones = std::move(ending.tombstones)};
  if (TRY(put(trailer_.encode())) == ImageFit::kCartridgeFull) return ImageFit::kCartridgeFull;
  const auto room = sink_.write_filemark();
  if (!room && room.error().code == ErrorCode::kExhausted) return ImageFit::kCartridgeFull;
  if (!room) return std::unexpected(room.error());
  early_warning_ = early_warning_ || *room == SinkRoom::kEarlyWarning;
  header_.reset();
  return ImageFit::kFits;
}

}  // namespace tapewarden::engine
