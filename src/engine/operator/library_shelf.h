// The hosts' library as a shelf of logical volumes. Borrows it; thread-safe as it is.
#pragma once

#include "engine/operator/parts.h"
#include "tape/library/library.h"

namespace tapewarden::engine {

class LibraryShelf final : public VolumeShelf {
 public:
  // REQUIRES: the library's cartridges are kept (tape/library/volume_keeper.h).
  explicit LibraryShelf(tape::Library& library) : library_(library) {}

  Status put(const std::vector<ShelvedVolume>& volumes) override;
  Result<std::optional<ShelvedVolume>> take(const std::string& volser) override;
  std::string place_of(const std::string& volser) override;

 private:
  tape::Library& library_;
};

}  // namespace tapewarden::engine
