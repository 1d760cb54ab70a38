#include <algorithm>

#include "base/counted.h"
#include "engine/cache/cache_identity.h"
#include "engine/residence/cached_volumes.h"
#include "engine/residence/known_files.h"
#include "engine/residence/limits.h"

namespace tapewarden::engine {
namespace {

// Whether a catalogue that knows no identity may take the folder for its cache: then files of nobody go.
Status may_adopt(const std::vector<VolumeCache::Known>& known, const std::vector<std::string>& files,
                 bool has_identity, const std::string& folder) {
  const bool knows_one = std::ranges::any_of(known, [&](const VolumeCache::Known& entry) {
    return std::ranges::binary_search(files, name_of_file(entry.content));
  });
  if (knows_one) return {};
  const std::string remedy =
      "mount the cache's disk there; only when that is lost for good: tapewarden-taped accept-cache-loss";
  if (!known.empty())
    return fail(ErrorCode::kIo,
                "the folder " + folder + " holds none of the " + std::to_string(known.size()) +
                    " files that the catalogue has in its cache: nothing is touched, and nothing is given up",
                "engine.cache", remedy);
  if (!files.empty())
    return fail(ErrorCode::kIo,
                "the folder " + folder + " " +
                    (has_identity ? "is the cache of another catalogue, with " : "holds ") +
                    counted(files.size(), "file") + " that this catalogue has no key of",
                "engine.cache",
                "name this engine's own folder; only when these files are to go: tapewarden-taped "
                "accept-cache-loss");
  return {};
}

// First the folder, then the catalogue: a folder that bears an identity which no catalogue has is taken at
// the next start.
Result<Uuid> adopt(Env env, Catalogue& catalogue, const std::string& folder,
                   const std::vector<VolumeCache::Known>& known) {
  const auto found = TRY(read_cache_identity(*env.disk, folder));
  TRY(may_adopt(known, TRY(whole_files_in(*env.disk, folder)), found.has_value(), folder));
  const Uuid cache = found ? *found : Uuid::random(*env.random);
  if (!found) TRY(write_cache_identity(*env.disk, folder, cache));
  TRY(note_identity(catalogue, cache));
  return cache;
}

Result<Uuid> identity_of_cache(Env env, Catalogue& catalogue, const std::string& folder,
                               const std::vector<VolumeCache::Known>& known) {
  const auto cache = TRY(known_identity(catalogue));
  if (!cache) return adopt(env, catalogue, folder, known);
  TRY(check_cache_identity(*env.disk, folder, *cache));
  return *cache;
}

std::string held_text(const LogicalVolume& volume) {
  return "the file of the volume " + volume.volser + " in the cache is missing, and it was in the drive " +
         volume.mounted +
         ": what a host wrote there is nowhere else. Put the file back; when it is lost for good, stop the "
         "engine and give it up: tapewarden-taped accept-cache-loss";
}

Status settle_missing(Catalogue& catalogue, Notices& notices, const CachedContent& content,
                      OpenedCache& opened) {
  const auto& volser = content.volser;
  const LogicalVolume volume = TRY(catalogue.volume(volser));
  if (!volume.mounted.empty()) {
    opened.held.push_back(volser);
    notices.raise(NoticeKind::kVolumeUnreadable, volser, held_text(volume));
    return {};
  }
  if (!TRY(give_up_file(catalogue, volser, FromDrive::kNo))) {
    opened.lost.push_back(volser);
    notices.raise(
        NoticeKind::kVolumeUnreadable, volser,
        "the file of the volume " + volser + " in the cache is missing, and its content is nowhere else");
    return {};
  }
  opened.corrected.push_back(volser);
  if (volume.primary_due || volume.secondary_due) opened.due_without_file.push_back(volser);
  return opened.cache->shred(content);
}

}  // namespace

Result<OpenedCache> open_cache(Env env, Catalogue& catalogue, Notices& notices, const std::string& folder) {
  auto known = TRY(known_files(catalogue));
  const auto identity = TRY(identity_of_cache(env, catalogue, folder, known));
  auto found = TRY(VolumeCache::open(env, folder, identity, std::move(known)));
  OpenedCache opened;
  opened.cache = std::move(found.cache);
  opened.removed = std::move(found.removed);
  for (const auto& content : found.missing) TRY(settle_missing(catalogue, notices, content, opened));
  return opened;
}

}  // namespace tapewarden::engine
