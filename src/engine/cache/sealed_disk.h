// Files of the cache, sealed at rest (feature row T5): a disk that stands before another one and keeps the
// files whose key it was given as AES-256-XTS ciphertext (docs/formats/cache-file.md). Whoever uses such a
// file sees a plain one, with the same promises of durability: what was synced is there after a crash, and a
// write that was cut off harms nothing beside it. XTS notices no change of the ciphertext; the cartridge
// format inside does.
//
// Without its key a file is noise, so forgetting the key shreds the file, also where the disk below keeps
// copies of what was overwritten.
//
// Thread-safe as Disk and File are.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::engine {

inline constexpr std::size_t kCacheKeyBytes = 32;

class SealedDisk final : public Disk {
 public:
  // Borrows both.
  SealedDisk(Disk& below, Random& random) : below_(below), random_(random) {}

  // The file `path` and those whose names go on with a dot behind it (PATH.new, PATH.partition1) are sealed
  // under `key` from now on. REQUIRES: key.size() == kCacheKeyBytes.
  void give_key(const std::string& path, crypto::SecretBytes key) TW_EXCLUDES(mutex_);
  // Files that are open stay readable to whoever holds them.
  void forget_key(const std::string& path) TW_EXCLUDES(mutex_);

  // kWrongKey when no key was given for the file, or another one; kCorrupt for a damaged header.
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     unsigned permissions = 0600) override TW_EXCLUDES(mutex_);

  Status rename(const std::string& from, const std::string& to) override { return below_.rename(from, to); }
  Status remove(const std::string& path) override { return below_.remove(path); }
  Status make_directories(const std::string& path, unsigned permissions = 0700) override {
    return below_.make_directories(path, permissions);
  }
  Status sync_directory(const std::string& path) override { return below_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return below_.list(path); }
  bool exists(const std::string& path) override { return below_.exists(path); }
  Result<unsigned> permissions(const std::string& path) override { return below_.permissions(path); }
  Result<std::uint64_t> file_system(const std::string& path) override { return below_.file_system(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return below_.lock(path); }

 private:
  Result<crypto::SecretBytes> key_of(const std::string& path) const TW_EXCLUDES(mutex_);

  Disk& below_;
  Random& random_;
  mutable Mutex mutex_;
  std::map<std::string, crypto::SecretBytes, std::less<>> keys_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine
