#include "engine/cache/volume_cache.h"

#include <set>

namespace tapewarden::engine {
namespace {

constexpr std::string_view kWhole = ".twc";
constexpr std::string_view kPartial = ".part";
// What may stand beside a cartridge file under its name (tape/medium/partition_set.h).
constexpr std::string_view kSecondPartition = ".partition1";

}  // namespace

VolumeCache::VolumeCache(Env env, std::string folder)
    : env_(env), folder_(std::move(folder)), disk_(*env.disk, *env.random) {}

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

Result<VolumeCache::Opened> VolumeCache::open(Env env, std::string folder, std::vector<Known> known) {
  TRY(env.disk->make_directories(folder));
  Opened opened;
  opened.cache.reset(new VolumeCache(env, std::move(folder)));
  auto& cache = *opened.cache;
  for (auto& entry : known) {
    const auto path = cache.path_of(entry.content);
    if (!env.disk->exists(path)) {
      opened.missing.push_back(entry.content);
      continue;
    }
    cache.disk_.give_key(cache.stem_of(entry.content), std::move(entry.key));
    {
      const MutexLock lock(cache.mutex_);
      cache.bytes_[entry.content] = 0;
    }
    (void)TRY(cache.measure(entry.content));
  }
  opened.removed = TRY(cache.remove_strays());
  return opened;
}

Result<std::vector<std::string>> VolumeCache::remove_strays() {
  std::set<std::string> wanted;
  {
    const MutexLock lock(mutex_);
    for (const auto& [content, bytes] : bytes_)
      wanted.insert(content.volser + "-" + std::to_string(content.number) + std::string(kWhole));
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
  auto& counted = bytes_[content];
  used_ += size - counted;
  counted = size;
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
