#include "engine/cache/volume_cache.h"

#include <set>

#include "engine/cache/cache_identity.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kWhole = kCacheFileEnding;
constexpr std::string_view kPartial = ".part";
// What may stand beside a cartridge file under its name (tape/medium/partition_set.h).
constexpr std::string_view kSecondPartition = ".partition1";

}  // namespace

std::string name_of_file(const CachedContent& content) {
  return content.volser + "-" + std::to_string(content.number) + std::string(kWhole);
}

VolumeCache::VolumeCache(Env env, std::string folder, const Uuid& identity)
    : env_(env), folder_(std::move(folder)), identity_(identity), disk_(*env.disk, *env.random) {}

std::string VolumeCache::stem_of(const CachedContent& content) const {
  return folder_ + "/" + content.volser + "-" + std::to_string(content.number);
}
std::string VolumeCache::path_of(const CachedContent& content) const {
  return stem_of(content) + std::string(kWhole);
}
std::string VolumeCache::partial_path_of(const CachedContent& content) const {
  return stem_of(content) + std::string(kPartial);
}

Env VolumeCache::env() {
  Env sealed = env_;
  sealed.disk = &disk_;
  return sealed;
}

Result<VolumeCache::Opened> VolumeCache::open(Env env, std::string folder, const Uuid& identity,
                                              std::vector<Known> known) {
  Opened opened;
  opened.cache.reset(new VolumeCache(env, std::move(folder), identity));
  auto& cache = *opened.cache;
  TRY(cache.check_there());
  for (auto& entry : known) {
    cache.disk_.give_key(cache.stem_of(entry.content), std::move(entry.key));
    {
      const MutexLock lock(cache.mutex_);
      cache.bytes_[entry.content] = 0;
    }
    if (TRY(cache.holds(entry.content))) {
      (void)TRY(cache.measure(entry.content));
    } else {
      opened.missing.push_back(entry.content);
    }
  }
  TRY(cache.check_there());
  opened.removed = TRY(cache.remove_strays());
  return opened;
}

Status VolumeCache::check_there() {
  return check_cache_identity(*env_.disk, folder_, identity_);
}

Result<bool> VolumeCache::holds(const CachedContent& content) {
  const auto path = path_of(content);
  const auto there = [&]() -> Result<bool> {
    const auto file = env_.disk->open(path, OpenMode::kRead);
    if (file) return true;
    if (file.error().code == ErrorCode::kNotFound) return false;
    return std::unexpected(file.error());
  };
  if (TRY(there())) return true;
  // It may have been mounted, or taken away, between any two looks.
  TRY(check_there());
  if (TRY(there())) return true;
  TRY(check_there());
  return false;
}

Result<std::vector<std::string>> VolumeCache::remove_strays() {
  std::set<std::string> wanted;
  {
    const MutexLock lock(mutex_);
    for (const auto& [content, bytes] : bytes_) wanted.insert(name_of_file(content));
  }
  std::vector<std::string> removed;
  for (const auto& name : TRY(env_.disk->list(folder_))) {
    const auto whole = name.find(kWhole);
    if (whole == std::string::npos && name.find(kPartial) == std::string::npos) continue;
    // Its file, and what stands beside it under the same name.
    if (whole != std::string::npos && wanted.contains(name.substr(0, whole + kWhole.size()))) continue;
    TRY(env_.disk->remove(folder_ + "/" + name));
    removed.push_back(name);
  }
  return removed;
}

Status VolumeCache::remove_if_there(const std::string& path) {
  if (!env_.disk->exists(path)) return {};
  return env_.disk->remove(path);
}

Status VolumeCache::expect(const CachedContent& content, crypto::SecretBytes key) {
  TRY(check_there());
  TRY(remove_if_there(partial_path_of(content)));
  TRY(remove_if_there(partial_path_of(content) + std::string(kSecondPartition)));
  disk_.give_key(stem_of(content), std::move(key));
  const MutexLock lock(mutex_);
  bytes_.try_emplace(content, 0);
  return {};
}

Status VolumeCache::adopt(const CachedContent& content) {
  const auto partial = partial_path_of(content);
  const auto whole = path_of(content);
  // The file by which the content counts as whole comes last.
  const std::string second(kSecondPartition);
  if (env_.disk->exists(partial + second)) TRY(env_.disk->rename(partial + second, whole + second));
  TRY(env_.disk->rename(partial, whole));
  TRY(env_.disk->sync_directory(folder_));
  // Where the cache was taken away meanwhile, all this was written beneath it.
  TRY(check_there());
  const auto measured = measure(content);
  if (!measured) return std::unexpected(measured.error());
  return {};
}

Result<std::uint64_t> VolumeCache::measure(const CachedContent& content) {
  // Of the file below: the room that it takes.
  const auto path = path_of(content);
  std::uint64_t size = TRY(TRY(env_.disk->open(path, OpenMode::kRead))->size());
  if (const auto second = path + std::string(kSecondPartition); env_.disk->exists(second))
    size += TRY(TRY(env_.disk->open(second, OpenMode::kRead))->size());
  const MutexLock lock(mutex_);
  const auto counted = bytes_.find(content);
  if (counted == bytes_.end())
    return fail(ErrorCode::kNotFound, "the file " + path + " was shredded meanwhile");
  used_ += size - counted->second;
  counted->second = size;
  return size;
}

Status VolumeCache::shred(const CachedContent& content) {
  disk_.forget_key(stem_of(content));
  {
    const MutexLock lock(mutex_);
    if (const auto found = bytes_.find(content); found != bytes_.end()) {
      used_ -= found->second;
      bytes_.erase(found);
    }
  }
  for (const auto& path : {partial_path_of(content), path_of(content)}) {
    TRY(remove_if_there(path));
    TRY(remove_if_there(path + std::string(kSecondPartition)));
  }
  return env_.disk->sync_directory(folder_);
}

std::uint64_t VolumeCache::used_bytes() const {
  const MutexLock lock(mutex_);
  return used_;
}

}  // namespace tapewarden::engine
