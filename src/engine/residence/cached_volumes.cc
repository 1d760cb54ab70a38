#include "engine/residence/cached_volumes.h"

#include <algorithm>

#include "engine/residence/limits.h"

namespace tapewarden::engine {
namespace {

CachedContent content_of(const LogicalVolume& volume) {
  return {.volser = volume.volser, .number = volume.cache_file};
}

std::unexpected<Error> overtaken(const std::string& volser, const std::string& why) {
  return fail(ErrorCode::kConflict, "the file that came for the volume " + volser + " is not used: it " + why,
              "volser");
}

crypto::SecretBytes new_key(Random& random) {
  auto key = crypto::SecretBytes::zeros(kCacheKeyBytes);
  random.fill(key.reveal_mutable());
  return key;
}

}  // namespace

std::uint64_t most_file_bytes(std::uint64_t capacity_bytes) {
  return capacity_bytes + capacity_bytes / kFileOverheadDivisor + kFileOverheadBytes;
}

Result<CachedVolumes::Coming> CachedVolumes::begin_arrival(const std::string& volser) {
  const auto key = new_key(*env_.random);
  CachedContent content;
  TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
    LogicalVolume volume = TRY(change.volume(volser));
    if (volume.cached)
      return fail(ErrorCode::kConflict, "the volume " + volser + " is in the cache already", "volser");
    ++volume.cache_file;
    TRY(change.put(volume));
    TRY(change.set_cache_key(volser, key));
    content = content_of(volume);
    return {};
  }));
  TRY(cache_.expect(content, key.clone()));
  return Coming{content, cache_.partial_path_of(content)};
}

Status CachedVolumes::finish_arrival(const Coming& coming, std::uint64_t generation) {
  return finish_arrival(coming, [&](CatalogueChange&, LogicalVolume& volume) -> Status {
    if (volume.generation != generation || !volume.has_content())
      return overtaken(volume.volser, "is of another generation than the volume by now");
    return {};
  });
}

Status CachedVolumes::finish_arrival(const Coming& coming, const Edit& edit) {
  bool unused = true;
  auto done = take_in(coming, edit, unused);
  // Where the catalogue itself failed, nobody knows which of the two it will have after the next start.
  if (!done && unused) (void)cache_.shred(coming.content);
  release(coming.content.volser);
  return done;
}

Status CachedVolumes::take_in(const Coming& coming, const Edit& edit, bool& unused) {
  TRY(cache_.adopt(coming.content));
  const std::uint64_t bytes = TRY(cache_.measure(coming.content));
  const auto enter = [&](CatalogueChange& change) -> Status {
    LogicalVolume volume = TRY(change.volume(coming.content.volser));
    if (volume.cached || volume.cache_file != coming.content.number)
      return overtaken(volume.volser, "was overtaken by another one");
    volume.cached = true;
    volume.cached_bytes = bytes;
    volume.accessed = change.now();
    TRY(edit(change, volume));
    return change.put(volume);
  };
  return catalogue_.change([&](CatalogueChange& change) -> Status {
    auto entered = enter(change);
    unused = !entered;
    return entered;
  });
}

void CachedVolumes::abandon_arrival(const Coming& coming) {
  (void)cache_.shred(coming.content);
  (void)catalogue_.change([&](CatalogueChange& change) -> Status {
    const auto volume = TRY(change.find_volume(coming.content.volser));
    if (!volume || volume->cached || volume->cache_file != coming.content.number) return {};
    return change.forget_cache_key(volume->volser);
  });
  release(coming.content.volser);
}

Status CachedVolumes::replace(const LogicalVolume& volume, const Fill& fill, const Edit& edit) {
  const CachedContent fresh{.volser = volume.volser, .number = volume.cache_file + 1};
  const auto key = new_key(*env_.random);
  TRY(cache_.expect(fresh, key.clone()));
  bool unused = true;
  auto done = fill(cache_.partial_path_of(fresh));
  if (done) done = put_in_place(volume, fresh, key, edit, unused);
  if (!done) {
    if (unused) (void)cache_.shred(fresh);
    return done;
  }
  (void)cache_.shred(content_of(volume));  // what cannot be removed is nobody's: the next start does it
  return {};
}

Status CachedVolumes::put_in_place(const LogicalVolume& volume, const CachedContent& fresh,
                                   const crypto::SecretBytes& key, const Edit& edit, bool& unused) {
  TRY(cache_.adopt(fresh));
  const std::uint64_t bytes = TRY(cache_.measure(fresh));
  const auto enter = [&](CatalogueChange& change) -> Status {
    LogicalVolume now = TRY(change.volume(volume.volser));
    if (!now.cached || now.cache_file != volume.cache_file || now.generation != volume.generation ||
        now.mounted != volume.mounted)
      return overtaken(volume.volser, "was made for what the volume held before");
    now.cache_file = fresh.number;
    now.cached_bytes = bytes;
    TRY(edit(change, now));
    TRY(change.put(now));
    return change.set_cache_key(volume.volser, key);
  };
  return catalogue_.change([&](CatalogueChange& change) -> Status {
    auto entered = enter(change);
    unused = !entered;
    return entered;
  });
}

Status CachedVolumes::look_at_folder() {
  auto there = cache_.check_there();
  if (there)
    (void)notices_.clear(NoticeKind::kCacheAway, kCacheSubject, "the cache's folder is there again");
  else
    notices_.raise(NoticeKind::kCacheAway, kCacheSubject, there.error().text());
  return there;
}

Result<std::string> CachedVolumes::path_of(const LogicalVolume& volume) {
  if (!volume.cached)
    return fail(ErrorCode::kNotFound, "the volume " + volume.volser + " is not in the cache", "volser");
  const auto there = cache_.holds(content_of(volume));
  if (!there) (void)look_at_folder();
  if (TRY(there)) return cache_.path_of(content_of(volume));
  return fail(ErrorCode::kCorrupt, "the file of the volume " + volume.volser + " in the cache is missing",
              "volser",
              "put the file back; when it is lost for good, stop the engine and give it up: tapewarden-taped "
              "accept-cache-loss");
}

Status CachedVolumes::look_at_file(const LogicalVolume& volume) {
  const auto path = TRY(path_of(volume));
  (void)TRY(env().disk->open(path, OpenMode::kRead));
  const auto bytes = TRY(measure(volume));
  if (bytes >= volume.cached_bytes) return {};
  return fail(ErrorCode::kCorrupt,
              "the file of the volume " + volume.volser + " in the cache has " + std::to_string(bytes) +
                  " bytes where there were " + std::to_string(volume.cached_bytes),
              "volser", "put the file back");
}

Result<std::uint64_t> CachedVolumes::measure(const LogicalVolume& volume) {
  return cache_.measure(content_of(volume));
}

Result<std::size_t> CachedVolumes::drop(const std::vector<std::string>& volsers, const EditOne& edit) {
  std::vector<CachedContent> leaving;
  std::size_t edited = 0;
  TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
    leaving.clear();
    edited = 0;
    for (const auto& volser : volsers) {
      LogicalVolume volume = TRY(change.volume(volser));
      const bool was_cached = volume.cached;
      if (!TRY(edit(change, volume))) continue;
      volume.cached = false;
      volume.cached_bytes = 0;
      TRY(change.put(volume));
      TRY(change.forget_cache_key(volser));
      if (was_cached) leaving.push_back(content_of(volume));
      ++edited;
    }
    return {};
  }));
  Status first;
  for (const auto& content : leaving) {
    auto shredded = cache_.shred(content);
    if (!shredded && first) first = std::move(shredded);
  }
  TRY(std::move(first));
  return edited;
}

}  // namespace tapewarden::engine
