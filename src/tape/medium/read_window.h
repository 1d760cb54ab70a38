// A buffer over a file that turns many small reads into few. Not thread-safe. Internal to tape/medium.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace tapewarden::tape {

class ReadWindow {
 public:
  explicit ReadWindow(File& file) : file_(&file) {}

  // `count` bytes at `offset`, valid until the next call; when they must be fetched, up to `ahead` bytes come
  // with the same read. kCorrupt (kTruncated) when the file ends before; kIo.
  Result<ByteView> at(std::uint64_t offset, std::size_t count, std::size_t ahead = 0);
  // After the file changed at a place that may have been read.
  void forget() { length_ = 0; }

 private:
  File* file_;
  Bytes buffer_;
  std::uint64_t start_ = 0;
  std::size_t length_ = 0;
};

}  // namespace tapewarden::tape
