#include "engine/cache/sealed_disk.h"

#include "base/assert.h"
#include "engine/cache/sealed_file.h"

namespace tapewarden::engine {
namespace {

// The header of a new file is durable before anything is written behind it.
Result<SealedHeader> make_header(File& file, const crypto::SecretBytes& key, Random& random) {
  SealedHeader header;
  random.fill(header.salt);
  header.check_value = sealed_check_value(key, header.salt);
  TRY(file.truncate(0));
  TRY(file.write_at(0, encode_sealed_header(header)));
  TRY(file.sync());
  return header;
}

Result<SealedHeader> read_header(File& file, const std::string& path) {
  Bytes bytes(kSealedHeaderBytes);
  bytes.resize(TRY(file.read_at(0, bytes)));
  auto header = decode_sealed_header(bytes);
  if (!header) return in_context(path, header.error());
  return header;
}

}  // namespace

void SealedDisk::give_key(const std::string& path, crypto::SecretBytes key) {
  TW_ASSERT(key.size() == kCacheKeyBytes);
  const MutexLock lock(mutex_);
  keys_.insert_or_assign(path, std::move(key));
}

void SealedDisk::forget_key(const std::string& path) {
  const MutexLock lock(mutex_);
  keys_.erase(path);
}

Result<crypto::SecretBytes> SealedDisk::key_of(const std::string& path) const {
  const MutexLock lock(mutex_);
  // The name itself, then what is left of it before each dot, from the end.
  for (std::string name = path;;) {
    if (const auto found = keys_.find(name); found != keys_.end()) return found->second.clone();
    const auto dot = name.rfind('.');
    const auto slash = name.rfind('/');
    if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) break;
    name.resize(dot);
  }
  return fail(ErrorCode::kWrongKey, "no key was given for " + path);
}

Result<std::unique_ptr<File>> SealedDisk::open(const std::string& path, OpenMode mode, unsigned permissions) {
  const auto key = TRY(key_of(path));
  auto file = TRY(below_.open(path, mode, permissions));
  const bool may_make = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
  // Shorter than its header: new, or its making was cut off and nothing was in it.
  const bool unmade = may_make && TRY(file->size()) < kSealedHeaderBytes;
  const auto header = unmade ? TRY(make_header(*file, key, random_)) : TRY(read_header(*file, path));
  if (header.check_value != sealed_check_value(key, header.salt))
    return fail(ErrorCode::kWrongKey, path + " is sealed under another key");
  return SealedFile::open(std::move(file), sealed_cipher(key, header.salt));
}

}  // namespace tapewarden::engine
