// An image of the catalogue for the end of each filled cartridge (feature row T12), as the work with tape
// asks for it. Thread-safe.
#pragma once

#include <string>

#include "base/error.h"

namespace tapewarden::engine {

class CatalogueBackup {
 public:
  virtual ~CatalogueBackup() = default;
  // A compressed image of the catalogue as of now, without any key of the cache, in a file of the engine's
  // disk: its path. The caller removes it.
  virtual Result<std::string> make() = 0;
};

}  // namespace tapewarden::engine
