#include "tape/medium/read_window.h"

#include <algorithm>
#include <string>

#include "tape/medium/cartridge.h"

namespace tapewarden::tape {

Result<ByteView> ReadWindow::at(std::uint64_t offset, std::size_t count, std::size_t ahead) {
  const bool begins_inside = offset >= start_ && offset <= start_ + length_;
  const std::size_t skip = begins_inside ? static_cast<std::size_t>(offset - start_) : 0;
  const std::size_t kept = begins_inside ? length_ - skip : 0;
  if (kept >= count && begins_inside) return ByteView(buffer_).subspan(skip, count);

  const std::size_t want = std::max(count, ahead);
  if (kept > 0 && skip > 0) copy_bytes(buffer_, ByteView(buffer_).subspan(skip, kept));
  start_ = offset;
  length_ = kept;
  if (buffer_.size() < want) buffer_.resize(want);
  length_ += TRY(file_->read_at(offset + kept, MutableByteView(buffer_).subspan(kept, want - kept)));
  if (length_ < count) {
    return fail(ErrorCode::kCorrupt, "the file ends within the record at offset " + std::to_string(offset),
                {}, {}, detail(MediumFault::kTruncated));
  }
  return ByteView(buffer_).first(count);
}

}  // namespace tapewarden::tape
