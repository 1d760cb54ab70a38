// A cartridge from behind the cache as it comes from a stranger. The first byte says what the rest is: a
// label, header or trailer block (checksum and length are made to fit, since anybody can do that), or a whole
// tape of blocks and filemarks.
#include <algorithm>

#include "base/crc32c.h"
#include "engine/stack/stack_reader.h"
#include "engine/stack/tlv_block.h"
#include "fuzz.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::engine;

constexpr std::size_t kLengthAt = kMagicBytes + 2;
constexpr std::size_t kLeastBytes = kLengthAt + 4 + 4;

Bytes block_of(ByteView input, std::string_view magic) {
  Bytes block = to_bytes(input);
  block.resize(std::clamp(block.size(), kLeastBytes, kStackBlockBytes));
  ByteWriter length;
  length.u32(static_cast<std::uint32_t>(block.size()));
  copy_bytes(block, as_bytes(magic));
  copy_bytes(MutableByteView(block).subspan(kLengthAt), length.view());
  ByteWriter sum;
  sum.u32(crc32c(ByteView(block).first(block.size() - 4)));
  copy_bytes(MutableByteView(block).last(4), sum.view());
  return block;
}

template <typename Value>
void try_block(ByteView block) {
  const auto value = Value::decode(block);
  if (!value) return;
  TW_ASSERT(value->check());
  // Fields that this version does not know may have been in it, so the bytes need not be the same.
  TW_ASSERT(Value::decode(value->encode()) == *value);
}

// Objects one behind the other: a byte for the kind, two for the length. Kinds 2 to 4 are blocks whose
// checksum fits.
class FuzzedTape final : public BlockSource {
 public:
  explicit FuzzedTape(ByteView input) : in_(input) {}
  Result<SourceBlock> read_block() override {
    const auto kind = in_.u8("kind");
    if (!kind) return SourceBlock{};
    if (*kind % 6 == 0) return SourceBlock{SourceBlock::Kind::kFilemark, {}};
    if (*kind % 6 == 5) return fail(ErrorCode::kCorrupt, "unreadable");
    const std::size_t length = in_.u16("length").value_or(0);
    const auto data = *in_.bytes(std::min(length, in_.remaining()), "data");
    if (*kind % 6 == 1) return SourceBlock{SourceBlock::Kind::kBlock, crypto::WipedBytes(to_bytes(data))};
    constexpr std::string_view kMagics[] = {"TWSTKLBL", "TWSTKHDR", "TWSTKTRL"};
    return SourceBlock{SourceBlock::Kind::kBlock, crypto::WipedBytes(block_of(data, kMagics[*kind % 6 - 2]))};
  }

 private:
  ByteReader in_;
};

void try_tape(ByteView input) {
  FuzzedTape tape(input);
  (void)read_label(tape);
  StackReader reader(tape);
  while (const auto header = reader.begin()) {
    std::uint64_t given = 0;
    auto piece = reader.next();
    for (; piece && *piece; piece = reader.next()) given += (*piece)->size();
    if (!piece) return;
    TW_ASSERT(given == header->total_bytes());
    TW_ASSERT(reader.trailer().identity == header->identity);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input = ByteView(data, size).subspan(1);
  switch (data[0] % 4) {
    case 0:
      try_block<CartridgeLabel>(block_of(input, "TWSTKLBL"));
      break;
    case 1:
      try_block<ImageHeader>(block_of(input, "TWSTKHDR"));
      break;
    case 2:
      try_block<ImageTrailer>(block_of(input, "TWSTKTRL"));
      break;
    default:
      try_tape(input);
  }
  return 0;
}
