#include "apps/accept_cache_loss.h"

#include "apps/engine_id.h"
#include "base/counted.h"
#include "base/text.h"

namespace tapewarden::apps {
namespace {

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// A catalogue that is not there would be made anew.
Result<std::unique_ptr<engine::Catalogue>> open_catalogue(Env env, const TapedConfig& config) {
  const auto& engine_config = *config.engine;
  if (!env.disk->exists(engine_config.catalogue_path()))
    return fail(
        ErrorCode::kNotFound, "there is no catalogue " + engine_config.catalogue_path(), "engine.data",
        "mount its disk; when it is lost for good, put it together again: tapewarden catalogue rebuild");
  const auto id = TRY(read_engine_id(*env.disk, engine_config.id_path()));
  if (!id)
    return fail(ErrorCode::kNotFound, "there is no " + engine_config.id_path(), "engine.data",
                "put the file back as it was");
  const auto master = TRY(unlock_engine_store(env, config.https->store));
  auto opened = engine::Catalogue::open(env, {engine_config.catalogue_path(), *id}, master);
  if (!opened && opened.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict, opened.error().message, opened.error().field,
                "stop tapewarden-taped, then do this again");
  return opened;
}

void add_list(std::string& out, const std::vector<std::string>& names, const std::string& things,
              const std::string& what) {
  if (names.empty()) return;
  out += "\n" + counted(names.size(), things) + ": " + what + "\n";
  for (const auto& name : names) out += "  " + escape_unprintable(name) + "\n";
}

}  // namespace

Result<ToldCacheLoss> accept_cache_loss(Env env, const TapedConfig& config, const std::string& folder) {
  if (!config.engine || !config.https)
    return fail(ErrorCode::kInvalidArgument, "the configuration has no [engine]", "engine",
                "name the taped.toml of a tape engine");
  const auto& cache = config.engine->cache;
  if (!folder.empty() && without_slash(folder) != without_slash(cache))
    return fail(ErrorCode::kInvalidArgument, folder + " is not the cache of this configuration", "--folder",
                "say --folder " + cache);
  const auto catalogue = TRY(open_catalogue(env, config));
  ToldCacheLoss told{.loss = TRY(engine::look_at_cache_loss(env, *catalogue, cache))};
  if (folder.empty() || !told.loss.anything()) return told;
  TRY(engine::accept_cache_loss(env, *catalogue, told.loss));
  told.accepted = true;
  return told;
}

std::string text_of(const ToldCacheLoss& told) {
  const auto& loss = told.loss;
  std::string out = "The cache " + loss.folder + ": " +
                    (loss.why.empty() ? "the folder is the one that the catalogue knows" : loss.why) + ".\n" +
                    counted(loss.kept, "volume") + " with its file there.\n";
  add_list(out, loss.nowhere, "volume",
           "LOST. The newest content was in the cache only; there is no copy of it on tape");
  add_list(out, loss.changed, "volume",
           "was in a drive. What a host wrote since it was put in is LOST; the copy on tape is of before");
  add_list(out, loss.on_tape, "volume", "on tape; nothing is lost, and it is recalled when it is wanted");
  if (!loss.why.empty())
    add_list(out, loss.nobodys, "file",
             "of the folder, sealed with a key that the catalogue does not have; removed at the next start");
  out += "\n";
  if (!loss.anything()) return out + "Nothing is missing, and nothing was changed.\n";
  if (told.accepted)
    return out + "This is accepted: the folder is the engine's cache now, and the engine can be started.\n";
  return out +
         "Nothing was changed. Mount the cache's disk, or put the files back. Only when they are lost for "
         "good, say so: --folder " +
         loss.folder + "\n";
}

}  // namespace tapewarden::apps
