#include "engine/residence/cache_loss.h"

#include <set>

#include "engine/cache/cache_identity.h"
#include "engine/residence/known_files.h"

namespace tapewarden::engine {
namespace {

bool is_on_tape(const LogicalVolume& volume) {
  return !volume.has_content() || volume.active(CopyNumber::kPrimary) ||
         volume.active(CopyNumber::kSecondary);
}

Status enter(Catalogue& catalogue, const std::string& volser, CacheLoss& loss) {
  const auto volume = TRY(catalogue.volume(volser));
  auto& list = !is_on_tape(volume) ? loss.nowhere : volume.mounted.empty() ? loss.on_tape : loss.changed;
  list.push_back(volser);
  return {};
}

}  // namespace

Result<CacheLoss> look_at_cache_loss(Env env, Catalogue& catalogue, const std::string& folder) {
  CacheLoss loss;
  loss.folder = folder;
  const auto cache = TRY(known_identity(catalogue));
  if (!cache) {
    loss.why = "the catalogue does not know yet which folder is its cache";
  } else if (const auto there = check_cache_identity(*env.disk, folder, *cache); !there) {
    loss.why = there.error().message;
  }
  const auto files = TRY(whole_files_in(*env.disk, folder));
  std::set<std::string> nobodys(files.begin(), files.end());
  for (const auto& known : TRY(known_files(catalogue))) {
    if (nobodys.erase(name_of_file(known.content)) != 0) {
      ++loss.kept;
    } else {
      TRY(enter(catalogue, known.content.volser, loss));
    }
  }
  loss.nobodys.assign(nobodys.begin(), nobodys.end());
  return loss;
}

Status accept_cache_loss(Env env, Catalogue& catalogue, const CacheLoss& loss) {
  if (!loss.why.empty()) {
    const auto cache = Uuid::random(*env.random);
    TRY(write_cache_identity(*env.disk, loss.folder, cache));
    TRY(note_identity(catalogue, cache));
  }
  for (const auto* volsers : {&loss.on_tape, &loss.changed, &loss.nowhere})
    for (const auto& volser : *volsers) (void)TRY(give_up_file(catalogue, volser, FromDrive::kYes));
  return {};
}

}  // namespace tapewarden::engine
