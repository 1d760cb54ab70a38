#include "tape/medium/compression.h"

#include <zstd.h>

#include "base/assert.h"

namespace tapewarden::tape {

struct Compressor::State {
  ZSTD_CCtx* pack = nullptr;
  ZSTD_DCtx* unpack = nullptr;
  Bytes scratch;
};

Compressor::Compressor() : state_(std::make_unique<State>()) {}

Compressor::~Compressor() {
  ZSTD_freeCCtx(state_->pack);
  ZSTD_freeDCtx(state_->unpack);
}

ByteView Compressor::compress(ByteView plain, unsigned level) {
  TW_ASSERT(level >= 1);
  if (state_->pack == nullptr) state_->pack = ZSTD_createCCtx();
  TW_ASSERT(state_->pack != nullptr);
  if (plain.size() < 2) return {};
  // One byte less than the input: zstd gives up by itself where nothing is won.
  const std::size_t room = plain.size() - 1;
  if (state_->scratch.size() < room) state_->scratch.resize(room);
  const std::size_t size = ZSTD_compressCCtx(state_->pack, state_->scratch.data(), room, plain.data(),
                                             plain.size(), static_cast<int>(level));
  if (ZSTD_isError(size) != 0) return {};
  return ByteView(state_->scratch).first(size);
}

Status Compressor::decompress(ByteView packed, MutableByteView out) {
  if (state_->unpack == nullptr) state_->unpack = ZSTD_createDCtx();
  TW_ASSERT(state_->unpack != nullptr);
  const std::size_t size =
      ZSTD_decompressDCtx(state_->unpack, out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != out.size()) {
    return fail(ErrorCode::kCorrupt, "compressed bytes do not unpack to the length of the record");
  }
  return {};
}

}  // namespace tapewarden::tape
