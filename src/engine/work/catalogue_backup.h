// An image of the catalogue for the end of each filled cartridge (feature row T12), as the work with tape
// asks for it. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tapewarden::engine {

// Names of the image's only part: at the end of a cartridge that is filled, and on one that takes more.
inline constexpr std::string_view kFinalBackupName = "catalogue";
inline constexpr std::string_view kEarlyBackupName = "catalogue, more may follow";

class CatalogueBackup {
 public:
  virtual ~CatalogueBackup() = default;
  // A compressed image of the catalogue as of now, without any key of the cache, in a file of the engine's
  // disk: its path. The caller removes it.
  virtual Result<std::string> make() = 0;
};

}  // namespace tapewarden::engine
