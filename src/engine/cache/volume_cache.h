// The cache's folder (feature row T5): one sealed file for each logical volume that is here,
// VOLSER-NUMBER.twc, how much room they take, and the file that says which cache it is (cache_identity.h).
// What is in it and under which keys, the catalogue knows; this keeps files and sums.
//
// Thread-safe.
//
// Invariants
//  1. A file has its name only when it is whole: while it is being brought here it is called
//     VOLSER-NUMBER.part, and adopt() gives it its name after it was synced.
//  2. Every file that has a key here is counted in used_bytes(), with the length that it last had when it was
//     looked at; a file that was shredded is not counted any more.
//  3. A file is said to be missing, and a file of nobody removed, only when the folder has just shown that it
//     is this cache. One that is not mounted is an error, and changes nothing.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "base/uuid.h"
#include "crypto/secret_bytes.h"
#include "engine/cache/sealed_disk.h"

namespace tapewarden::engine {

// A file that holds a volume's content.
struct CachedContent {
  std::string volser;        // 1 to 8 of A-Z and 0-9
  std::uint64_t number = 0;  // of the file: each that is made for the volume has a new one
  auto operator<=>(const CachedContent&) const = default;
};

inline constexpr std::string_view kCacheFileEnding = ".twc";  // of a whole file
std::string name_of_file(const CachedContent& content);

class VolumeCache {
 public:
  // What a file of the folder is kept by: its content's key.
  struct Known {
    CachedContent content;
    crypto::SecretBytes key;
  };
  // What open() found that is not as it should be.
  struct Opened {
    std::unique_ptr<VolumeCache> cache;
    // Known, and there is no file. They keep their keys here, and count for nothing, until shred().
    std::vector<CachedContent> missing;
    std::vector<std::string> removed;  // files of nobody: without a key they were noise
  };

  // REQUIRES: the folder bears `identity`, or this is refused (kIo). Files that none of `known` names are
  // removed. Errors of the disk.
  static Result<Opened> open(Env env, std::string folder, const Uuid& identity, std::vector<Known> known);

  // Whether the folder is still this cache. kIo naming it: it is not mounted, or cannot be read.
  Status check_there();

  // An Env whose disk opens the files here; for tape::Cartridge and drives. Lives as long as the cache.
  Env env();
  std::string path_of(const CachedContent& content) const;
  std::string partial_path_of(const CachedContent& content) const;

  // Whether the content's whole file is there. kIo when the folder is not this cache now, or cannot be read.
  Result<bool> holds(const CachedContent& content);
  // From now on the content's files, partial and whole, are sealed under `key`. An old partial file is
  // removed. kIo as of check_there().
  Status expect(const CachedContent& content, crypto::SecretBytes key) TW_EXCLUDES(mutex_);
  // The partial file, synced by its writer, becomes the content's. Durable when it returns. kIo also when the
  // folder is not this cache any more.
  Status adopt(const CachedContent& content) TW_EXCLUDES(mutex_);
  // Looks at the file's length again: after a host has written it. kNotFound, also when it was shredded
  // meanwhile.
  Result<std::uint64_t> measure(const CachedContent& content) TW_EXCLUDES(mutex_);
  // Forgets the key and removes the files. What is not there is no error.
  Status shred(const CachedContent& content) TW_EXCLUDES(mutex_);

  std::uint64_t used_bytes() const TW_EXCLUDES(mutex_);

 private:
  VolumeCache(Env env, std::string folder, const Uuid& identity);
  std::string stem_of(const CachedContent& content) const;
  Status remove_if_there(const std::string& path);
  Result<std::vector<std::string>> remove_strays() TW_EXCLUDES(mutex_);

  const Env env_;
  const std::string folder_;
  const Uuid identity_;
  SealedDisk disk_;
  mutable Mutex mutex_;
  std::map<CachedContent, std::uint64_t> bytes_ TW_GUARDED_BY(mutex_);
  std::uint64_t used_ TW_GUARDED_BY(mutex_) = 0;  // their sum
};

}  // namespace tapewarden::engine
