// The yardstick of work with encrypted cartridges: records sealed one after the other, without anything that
// a cartridge or an engine adds. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "crypto/aead.h"

namespace tapewarden::bench {

// A file of records under AES-256-GCM and a key of its own.
class BareFile {
 public:
  static constexpr std::size_t kRecordBytes = 256U << 10;

  // A new one, in the place of what is there.
  BareFile(Disk& disk, Random& random, const std::string& path);
  void write(std::uint64_t number, ByteView record);
  void read(std::uint64_t number, MutableByteView record);
  void sync();

 private:
  static constexpr std::uint64_t kStride = kRecordBytes + crypto::kGcmTagBytes;
  crypto::AesGcm cipher_;
  Bytes sealed_ = Bytes(kStride);
  std::unique_ptr<File> file_;
};

// The loop: read, AES-256-GCM both times, write, one sync at the end.
class BareCopy {
 public:
  // What was written before. A file that takes another's place gets pages that are at hand; one that stands
  // beside the others, as a cartridge's newest volume does, gets new ones, which can cost many times as much.
  enum class Earlier { kReplaced, kKept };
  // `bytes`: whole records.
  BareCopy(Disk& disk, Random& random, const std::string& folder, std::uint64_t bytes, Earlier earlier);
  // Copies everything to a new file; seconds until it is synced. `sync_every`: as many bytes are synced
  // together; 0: everything.
  double seconds(std::uint64_t sync_every = 0);

 private:
  Disk& disk_;
  Random& random_;
  const std::string folder_;
  const std::uint64_t records_;
  const Earlier earlier_;
  unsigned written_ = 0;
  BareFile source_;
};

}  // namespace tapewarden::bench
