#include "engine/work/image_file.h"

#include <algorithm>

#include "base/assert.h"
#include "engine/work/limits.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::engine {
namespace {

std::string part_path(const std::string& path, std::size_t index) {
  return index == 0 ? path : tape::partition_path(path);
}

}  // namespace

Result<ImageSource> ImageSource::open(Disk& disk, const std::string& path) {
  ImageSource out;
  for (std::size_t index = 0; index < tape::kMaxMediumPartitions; ++index) {
    const auto name = part_path(path, index);
    if (index > 0 && !disk.exists(name)) break;
    auto file = TRY(disk.open(name, OpenMode::kRead));
    const auto bytes = TRY(file->size());
    out.parts_.push_back({std::move(file), bytes});
  }
  out.buffer_.make_room(kImageChunkBytes);
  return out;
}

ImageHeader ImageSource::header(const LogicalVolume& volume, CopyNumber copy) const {
  ImageHeader out{
      .identity = {.kind = ImageKind::kLogicalVolume,
                   .volser = volume.volser,
                   .volume = volume.volume,
                   .generation = volume.generation,
                   .copy = static_cast<std::uint8_t>(copy)},
      .storage_group = volume.storage_group,
      .management_class = volume.management_class,
      .category = volume.category == Category::kScratch ? ImageCategory::kScratch : ImageCategory::kPrivate,
      .preference = volume.preference,
      .inserted = volume.inserted,
      .written = volume.written};
  for (std::size_t index = 0; index < parts_.size(); ++index)
    out.parts.push_back(
        {static_cast<std::uint8_t>(index), part_path(volume.volser, index), parts_[index].bytes});
  return out;
}

Result<ByteView> ImageSource::next() {
  while (part_ < parts_.size() && offset_ == parts_[part_].bytes) {
    ++part_;
    offset_ = 0;
  }
  if (part_ == parts_.size()) return ByteView();
  const auto& part = parts_[part_];
  const auto wanted = std::min<std::uint64_t>(buffer_.size(), part.bytes - offset_);
  const auto window = buffer_.view().first(static_cast<std::size_t>(wanted));
  if (TRY(part.file->read_at(offset_, window)) != window.size())
    return fail(ErrorCode::kCorrupt, "a file of the cache is shorter than it was");
  offset_ += window.size();
  return ByteView(window);
}

Result<ImageTarget> ImageTarget::create(Disk& disk, const std::string& path, const ImageHeader& header) {
  if (header.parts.size() > tape::kMaxMediumPartitions)
    return fail(ErrorCode::kCorrupt, "the image has more parts than a logical volume");
  ImageTarget out;
  for (std::size_t index = 0; index < header.parts.size(); ++index) {
    if (header.parts[index].index != index)
      return fail(ErrorCode::kCorrupt, "the image's parts are not those of a logical volume");
    out.parts_.push_back(
        {TRY(disk.open(part_path(path, index), OpenMode::kCreateNew)), header.parts[index].bytes});
  }
  return out;
}

Status ImageTarget::append(ByteView bytes) {
  while (!bytes.empty()) {
    TW_ASSERT(part_ < parts_.size());
    const auto& part = parts_[part_];
    const auto room = std::min<std::uint64_t>(bytes.size(), part.bytes - offset_);
    const auto piece = bytes.first(static_cast<std::size_t>(room));
    if (!piece.empty()) TRY(part.file->write_at(offset_, piece));
    offset_ += piece.size();
    bytes = bytes.subspan(piece.size());
    if (offset_ == part.bytes) {
      ++part_;
      offset_ = 0;
    }
  }
  return {};
}

Status ImageTarget::sync() {
  while (part_ < parts_.size() && parts_[part_].bytes == offset_) {
    ++part_;
    offset_ = 0;
  }
  if (part_ != parts_.size()) return fail(ErrorCode::kCorrupt, "bytes of the image are missing");
  for (const auto& part : parts_) TRY(part.file->sync());
  return {};
}

}  // namespace tapewarden::engine
