// Room in the cache: promises to files that come and grow, and eviction.
#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/residence/cached_volumes.h"
#include "engine/residence/limits.h"

namespace tapewarden::engine {
namespace {

std::uint64_t sum(const std::map<std::string, std::uint64_t>& promises) {
  std::uint64_t all = 0;
  for (const auto& [volser, bytes] : promises) all += bytes;
  return all;
}

std::uint64_t above(std::uint64_t bytes, std::uint64_t limit) {
  return bytes > limit ? bytes - limit : 0;
}

bool must_stay(const Error& error) {
  return error.code == ErrorCode::kConflict || error.code == ErrorCode::kNotFound;
}

// Their copies left with their cartridges. New ones are due, and so they are no candidates any more that
// would stand before others.
Status copy_anew(Catalogue& catalogue, const std::vector<std::string>& volsers) {
  return catalogue.change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : volsers) {
      auto volume = TRY(change.find_volume(volser));
      if (!volume || !volume->may_leave_cache() || !volume->has_content()) continue;
      volume->primary_due = true;
      volume->primary_pool = TRY(change.storage_group(volume->storage_group)).pool;
      TRY(change.put(*volume));
    }
    return {};
  });
}

}  // namespace

std::uint64_t CachedVolumes::promised() const {
  return sum(arrivals_) + sum(growths_);
}

std::uint64_t CachedVolumes::taken() const {
  return cache_.used_bytes() + promised();
}

std::uint64_t CachedVolumes::promised_bytes() const {
  const MutexLock lock(mutex_);
  return promised();
}

CachedVolumes::Lacking CachedVolumes::lacking_for(std::uint64_t bytes) const {
  Lacking lacking{.by_limit = above(taken() + bytes, limits_.bytes)};
  const auto free = limits_.free_on_disk ? limits_.free_on_disk() : std::nullopt;
  if (free) lacking.on_disk = above(promised() + bytes + kDiskSpareBytes, *free);
  return lacking;
}

bool CachedVolumes::somebody_waits() const {
  const MutexLock lock(mutex_);
  return !refused_.empty();
}

std::uint64_t CachedVolumes::free_bytes() const {
  const MutexLock lock(mutex_);
  return above(limits_.bytes, lacking_for(limits_.bytes).most());
}

std::optional<std::string> CachedVolumes::waits_for_room(const std::string& volser) const {
  const MutexLock lock(mutex_);
  const auto found = refused_.find(volser);
  if (found == refused_.end()) return std::nullopt;
  return text_of(volser, found->second);
}

std::optional<std::string> CachedVolumes::disk_warning() const {
  const MutexLock lock(mutex_);
  const auto free = limits_.free_on_disk ? limits_.free_on_disk() : std::nullopt;
  if (!free) return std::nullopt;
  const std::uint64_t most = cache_.used_bytes() + *free;
  if (*free >= kDiskSpareBytes && most >= limits_.bytes) return std::nullopt;
  return "the disk of the cache has " + std::to_string(*free) + " bytes free" +
         (*free < kDiskSpareBytes ? ", too few for anything to come" : "") + ": the cache holds " +
         std::to_string(cache_.used_bytes()) + " bytes, and cache_limit allows " +
         std::to_string(limits_.bytes) + "; make room there, or lower cache_limit";
}

bool CachedVolumes::could_hold(std::uint64_t bytes) const {
  return bytes + kSealingBytes <= limits_.bytes;
}

Result<bool> CachedVolumes::reserve(const std::string& volser, std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  return promise(arrivals_, volser, bytes + kSealingBytes);
}

Result<bool> CachedVolumes::reserve_growth(const std::string& volser, std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  return promise(growths_, volser, bytes);
}

void CachedVolumes::release(const std::string& volser) {
  const MutexLock lock(mutex_);
  end_promise(arrivals_, volser);
}

void CachedVolumes::release_growth(const std::string& volser) {
  const MutexLock lock(mutex_);
  end_promise(growths_, volser);
}

Result<bool> CachedVolumes::promise(Promises& promises, const std::string& volser, std::uint64_t bytes) {
  const auto found = promises.find(volser);
  const std::uint64_t before = found == promises.end() ? 0 : found->second;
  if (bytes > before && !TRY(make_room(volser, bytes - before))) return false;
  promises[volser] = bytes;
  no_longer_waits(volser);
  return true;
}

Result<bool> CachedVolumes::make_room(const std::string& volser, std::uint64_t bytes) {
  if (bytes > limits_.bytes) {
    no_longer_waits(volser);
    return fail(ErrorCode::kExhausted,
                "the volume " + volser + " needs " + std::to_string(bytes) +
                    " bytes more, the whole cache has " + std::to_string(limits_.bytes),
                "cache limit", "make the cache larger than its largest volume");
  }
  for (bool evicted_for_disk = false;;) {
    const auto lacking = lacking_for(bytes);
    if (lacking.most() == 0) return true;
    // Some file systems give back what was removed a little later: nothing more leaves the cache for that.
    const bool may_evict = lacking.by_limit > 0 || !evicted_for_disk;
    if (may_evict && TRY(evict(lacking.most(), Enough::kAll, volser)) > 0) {
      evicted_for_disk = evicted_for_disk || lacking.on_disk > 0;
      continue;
    }
    refused_[volser] = {bytes, lacking.on_disk > lacking.by_limit, env_.clock->steady_now()};
    notices_.raise(NoticeKind::kCacheFull, kCacheSubject, full_text());
    return false;
  }
}

void CachedVolumes::end_promise(Promises& promises, const std::string& volser) {
  promises.erase(volser);
  no_longer_waits(volser);
}

void CachedVolumes::no_longer_waits(const std::string& volser) {
  if (refused_.erase(volser) == 0 || !refused_.empty()) return;
  (void)notices_.clear(NoticeKind::kCacheFull, kCacheSubject, "nobody waits for room in the cache any more");
}

// A recall that nobody wants any more is not asked for again.
void CachedVolumes::forget_old_refusals() {
  const SteadyTime now = env_.clock->steady_now();
  std::vector<std::string> old;
  for (const auto& [volser, refusal] : refused_)
    if (now - refusal.at >= kRefusalForgotten) old.push_back(volser);
  for (const auto& volser : old) no_longer_waits(volser);
}

std::string CachedVolumes::text_of(const std::string& volser, const Refusal& refusal) const {
  const auto where = refusal.by_disk ? std::string("the disk of the cache is full: it")
                                     : "the cache of " + std::to_string(limits_.bytes) + " bytes";
  return where + " has no room for " + std::to_string(refusal.bytes) + " bytes of the volume " + volser;
}

std::string CachedVolumes::full_text() const {
  const auto& [volser, refusal] = *refused_.begin();
  auto text = text_of(volser, refusal);
  if (refused_.size() > 1) text += " and for " + std::to_string(refused_.size() - 1) + " others";
  text += ": nothing more may leave the cache before it is on tape";
  return refusal.by_disk ? text + "; make room on that disk" : text;
}

Result<std::size_t> CachedVolumes::evict(std::uint64_t bytes, Enough enough, const std::string& spared) {
  std::vector<LogicalVolume> candidates;
  TRY(catalogue_.read([&](CatalogueView& view) -> Status {
    candidates = TRY(view.eviction_candidates(kEvictedAtOnce));
    return {};
  }));
  const bool more = candidates.size() == kEvictedAtOnce;
  std::erase_if(candidates, [&](const LogicalVolume& volume) { return volume.volser == spared; });
  std::vector<std::string> leaving;
  std::uint64_t gained = 0;
  for (const auto& volume : candidates) {
    if (gained >= bytes) break;
    leaving.push_back(volume.volser);
    gained += volume.cached_bytes;
  }
  // What may leave stays as long as its room would be too little for whoever asks.
  const bool too_little = enough == Enough::kAll && gained < bytes && !more;
  if (leaving.empty() || too_little) return 0;
  const auto together = let_leave(leaving);
  if (together || !must_stay(together.error())) return together;
  const auto alone = TRY(evict_one_by_one(candidates, bytes));
  TRY(copy_anew(catalogue_, alone.stay));
  // Behind those that stay there may be others; each time there are fewer of them.
  if (alone.left == 0 && !alone.stay.empty()) return evict(bytes, enough, spared);
  return alone.left;
}

Result<std::size_t> CachedVolumes::let_leave(const std::vector<std::string>& volsers) {
  std::map<std::string, std::uint64_t> gained;
  const auto left = drop(volsers, [&](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
    if (!volume.may_leave_cache()) return false;
    gained[volume.volser] = volume.cached_bytes;
    return true;
  });
  if (left && *left > 0) meter_.volumes_evicted(*left, sum(gained));
  return left;
}

// One whose copy left with its cartridge, or that was withdrawn meanwhile, keeps no other here.
Result<CachedVolumes::OneByOne> CachedVolumes::evict_one_by_one(const std::vector<LogicalVolume>& candidates,
                                                                std::uint64_t bytes) {
  OneByOne out;
  std::uint64_t gained = 0;
  for (const auto& volume : candidates) {
    if (gained >= bytes) break;
    const auto alone = let_leave({volume.volser});
    if (!alone && !must_stay(alone.error())) return std::unexpected(alone.error());
    if (!alone && alone.error().code == ErrorCode::kConflict) out.stay.push_back(volume.volser);
    if (!alone || *alone == 0) continue;
    out.left += *alone;
    gained += volume.cached_bytes;
  }
  return out;
}

// Else the disk lacks twice what a host has written: once in what it has free, once in the promise.
Status CachedVolumes::look_at_growth() {
  std::vector<LogicalVolume> mounted;
  TRY(catalogue_.read([&](CatalogueView& view) -> Status {
    mounted = TRY(view.mounted(kMaximumPage));
    return {};
  }));
  for (const auto& volume : mounted) {
    if (!volume.cached || volume.capacity_bytes == 0) continue;
    const MutexLock lock(mutex_);
    const auto found = growths_.find(volume.volser);
    if (found == growths_.end()) continue;
    const auto taken = measure(volume);
    const auto most = most_file_bytes(volume.capacity_bytes);
    if (taken) found->second = most - std::min(most, *taken);
  }
  return {};
}

Result<std::size_t> CachedVolumes::keep_margin() {
  TRY(look_at_growth());
  const MutexLock lock(mutex_);
  forget_old_refusals();
  std::size_t left = 0;
  const std::uint64_t least = std::min(limits_.margin_bytes, limits_.bytes);
  for (bool evicted_for_disk = false;;) {
    const auto lacking = lacking_for(least);
    if (lacking.most() == 0 || (lacking.by_limit == 0 && evicted_for_disk)) return left;
    const std::size_t evicted = TRY(evict(lacking.most(), Enough::kAny, {}));
    if (evicted == 0) return left;
    left += evicted;
    evicted_for_disk = evicted_for_disk || lacking.on_disk > 0;
  }
}

}  // namespace tapewarden::engine
