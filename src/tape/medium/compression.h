// zstd (RFC 8878) for one record at a time, contexts kept between calls. Not thread-safe. Internal to
// tape/medium.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace tapewarden::tape {

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // The compressed bytes, valid until the next call; empty when they would not be smaller. REQUIRES: level
  // >= 1.
  ByteView compress(ByteView plain, unsigned level);
  // Exactly fills `out`. kCorrupt otherwise. For bytes that are already authenticated.
  Status decompress(ByteView packed, MutableByteView out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::tape
