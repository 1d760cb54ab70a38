#include "engine/stack/stack_reader.h"

namespace tapewarden::engine {
namespace {

constexpr std::size_t kHashedTogether = 4;  // blocks

std::unexpected<Error> not_whole(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message), "image", "use the other copy, if there is one");
}

}  // namespace

Result<CartridgeLabel> read_label(BlockSource& source) {
  const auto block = TRY(source.read_block());
  if (block.kind != SourceBlock::Kind::kBlock)
    return fail(ErrorCode::kInvalidArgument, "the cartridge has no label: it is blank", "label");
  auto label = TRY(CartridgeLabel::decode(block.data));
  if (TRY(source.read_block()).kind != SourceBlock::Kind::kFilemark)
    return fail(ErrorCode::kCorrupt, "no filemark stands behind the cartridge's label", "label");
  return label;
}

Result<ImageHeader> StackReader::begin() {
  held_.reset();
  hash_.restart();
  unhashed_.clear();
  hashing_.clear();
  given_ = 0;
  short_block_ = false;
  const auto block = TRY(source_.read_block());
  if (block.kind != SourceBlock::Kind::kBlock)
    return fail(ErrorCode::kInvalidArgument, "no image begins here", "header");
  header_ = TRY(ImageHeader::decode(block.data));
  return header_;
}

Result<std::optional<ByteView>> StackReader::next() {
  while (true) {
    auto block = TRY(source_.read_block());
    if (block.kind == SourceBlock::Kind::kEndOfData) return not_whole("the image was not written to its end");
    if (block.kind == SourceBlock::Kind::kFilemark) {
      if (!held_) return not_whole("the image has no trailer");
      TRY(check_end(*held_));
      return std::nullopt;
    }
    auto data = std::exchange(held_, std::move(block.data));
    if (!data) continue;
    if (short_block_ || data->empty()) return not_whole("a block of the image is cut short");
    short_block_ = data->size() < kStackBlockBytes;
    given_ += data->size();
    if (given_ > header_.total_bytes()) return not_whole("the image is longer than its header says");
    const ByteView given = *data;
    unhashed_.push_back(*std::move(data));
    if (unhashed_.size() == kHashedTogether) hash_given();
    return given;
  }
}

void StackReader::hash_given() {
  hash_.settle();
  hashing_ = std::exchange(unhashed_, {});
  hash_.begin(std::vector<ByteView>(hashing_.begin(), hashing_.end()));
}

Status StackReader::check_end(ByteView last) {
  auto trailer = ImageTrailer::decode(last);
  if (!trailer) return not_whole("the image's trailer: " + trailer.error().text());
  trailer_ = *std::move(trailer);
  hash_given();
  if (trailer_.identity != header_.identity) return not_whole("the trailer belongs to another image");
  if (trailer_.bytes != given_ || hash_.finish() != trailer_.sha256)
    return not_whole("the image is not what was written");
  if (trailer_.is_void)
    return fail(ErrorCode::kConflict, "the image is void: it changed while it was copied", "image");
  if (given_ != header_.total_bytes()) return not_whole("the image is shorter than its header says");
  return {};
}

}  // namespace tapewarden::engine
