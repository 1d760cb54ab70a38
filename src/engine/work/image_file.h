// A logical volume's file in the cache as the parts of its image: PATH, and PATH.partition1 when it is there.
// Not thread-safe; the disk outlives it. What it reads is wiped when it goes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/wiped_bytes.h"
#include "engine/catalogue/volume.h"
#include "engine/stack/stack_format.h"

namespace tapewarden::engine {

class ImageSource {
 public:
  static Result<ImageSource> open(Disk& disk, const std::string& path);
  // What the volume's image says of it; where it stands is filled in by whoever writes it.
  ImageHeader header(const LogicalVolume& volume, CopyNumber copy) const;
  // The next bytes; empty: all have come. kIo.
  Result<ByteView> next();

 private:
  struct Part {
    std::unique_ptr<File> file;
    std::uint64_t bytes = 0;
  };
  std::vector<Part> parts_;
  std::size_t part_ = 0;
  std::uint64_t offset_ = 0;
  crypto::WipedBytes buffer_;
};

class ImageTarget {
 public:
  // New files at `path`, for the parts that the header tells. kCorrupt for a header that is no volume's.
  static Result<ImageTarget> create(Disk& disk, const std::string& path, const ImageHeader& header);
  // REQUIRES: no more than the header told.
  Status append(ByteView bytes);
  // Everything is on stable storage. kCorrupt when bytes are missing.
  Status sync();

 private:
  struct Part {
    std::unique_ptr<File> file;
    std::uint64_t bytes = 0;
  };
  std::vector<Part> parts_;
  std::size_t part_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace tapewarden::engine
