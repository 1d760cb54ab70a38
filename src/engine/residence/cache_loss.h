// A cache that is lost for good, or some of its files (feature row T5): what that means, told before anything
// is done, and then what an operator has asked for. For an engine that does not run.
//
// Invariants
//  1. look_at_cache_loss() changes nothing.
//  2. accept_cache_loss() first gives the folder an identity, then the catalogue, then settles volumes: cut
//     off at any point, the engine refuses the folder as before, or the rest is done by calling it again.
//  3. Volumes whose files are in the folder stay as they are.
#pragma once

#include <string>
#include <vector>

#include "engine/catalogue/catalogue.h"

namespace tapewarden::engine {

struct CacheLoss {
  std::string folder;
  std::string why;                   // the folder is not the cache that the catalogue knows; empty: it is
  std::size_t kept = 0;              // volumes in the cache whose files are there
  std::vector<std::string> on_tape;  // without their files, and their content is on tape: nothing is lost
  std::vector<std::string> changed;  // the same, but in a drive: what a host wrote since it was put in
  std::vector<std::string> nowhere;  // whose content was in the cache only
  std::vector<std::string> nobodys;  // files in the folder without a key: removed at the next start

  bool anything() const { return !why.empty() || !on_tape.empty() || !changed.empty() || !nowhere.empty(); }
};

// Errors of the disk and of the catalogue.
Result<CacheLoss> look_at_cache_loss(Env env, Catalogue& catalogue, const std::string& folder);

// The folder is the catalogue's cache when this returns: it is made where it is missing, and gets a new
// identity unless it bears the one that the catalogue has. Volumes of `loss` that are on tape leave the cache
// and are recalled when they are wanted; of the others the catalogue says as before that they are cached, so
// that nobody takes them for saved, and every start raises kVolumeUnreadable; none is in a drive any more.
// Errors of the disk and of the catalogue.
Status accept_cache_loss(Env env, Catalogue& catalogue, const CacheLoss& loss);

}  // namespace tapewarden::engine
