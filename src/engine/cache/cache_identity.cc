#include "engine/cache/cache_identity.h"

#include "base/text.h"

namespace tapewarden::engine {
namespace {

constexpr std::size_t kIdentityLimit = 4096;  // bytes
constexpr std::string_view kForPeople =
    "\nThis folder is the cache of a tape engine, which knows it by the line above. Leave this file here:\n"
    "without it the engine takes the folder for an empty mount point, and does not start.\n";

std::string path_in(const std::string& folder) {
  return folder + "/" + std::string(kCacheIdentityFile);
}

std::unexpected<Error> is_not_it(const std::string& what) {
  return fail(ErrorCode::kIo, what + ": nothing in it is touched, and nothing is given up", "engine.cache",
              "mount the cache's disk there; only when that is lost for good: tapewarden-taped "
              "accept-cache-loss");
}

}  // namespace

Result<std::optional<Uuid>> read_cache_identity(Disk& disk, const std::string& folder) {
  const auto content = read_file(disk, path_in(folder), kIdentityLimit);
  if (!content && content.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!content) return std::unexpected(content.error());
  const std::string_view text = as_text(*content);
  const auto cache = Uuid::parse(trim(text.substr(0, text.find('\n'))));
  if (cache) return *cache;
  return fail(ErrorCode::kCorrupt, path_in(folder) + " holds no id", "engine.cache",
              "put the file back as it was");
}

Status write_cache_identity(Disk& disk, const std::string& folder, const Uuid& cache) {
  if (!disk.exists(folder)) {
    TRY(disk.make_directories(folder));
    TRY(disk.sync_directory(parent_directory(folder)));
  }
  return write_file_atomically(disk, path_in(folder), as_bytes(cache.text() + std::string(kForPeople)));
}

Status check_cache_identity(Disk& disk, const std::string& folder, const Uuid& cache) {
  const auto found = read_cache_identity(disk, folder);
  if (!found)
    return is_not_it("the folder " + folder + " of the cache cannot be read: " + found.error().message);
  if (!*found)
    return is_not_it("the folder " + folder + " is not the engine's cache: it lacks the file " +
                     std::string(kCacheIdentityFile));
  if (**found != cache)
    return is_not_it("the folder " + folder + " is another cache, " + (*found)->text() + ", and not " +
                     cache.text());
  return {};
}

}  // namespace tapewarden::engine
