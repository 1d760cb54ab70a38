// The framing of sealed chunks, for the writer and the reader of backup files. Pure.
#pragma once

#include "crypto/aead.h"

namespace tapewarden::keymgr::backup {

// A chunk: u32 frame (this bit: the last chunk; the rest: bytes of ciphertext), ciphertext, tag.
inline constexpr std::uint32_t kFinalChunk = 1U << 31;

Bytes chunk_associated(const Hash256& header_digest, std::uint32_t frame);
crypto::GcmIv chunk_iv(std::uint64_t number, bool final);

}  // namespace tapewarden::keymgr::backup
