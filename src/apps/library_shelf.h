// The library that hosts see, as operators' orders know it (engine/operator/parts.h): a shelf with logical
// volumes. Thread-safe.
#pragma once

#include "engine/operator/parts.h"
#include "tape/library/library.h"

namespace tapewarden::apps {

// The hosts' library, whose cartridges a keeper has.
class LibraryShelf final : public engine::VolumeShelf {
 public:
  explicit LibraryShelf(tape::Library& library) : library_(library) {}
  Status put(const std::vector<engine::ShelvedVolume>& volumes) override;
  Result<std::optional<engine::ShelvedVolume>> take(const std::string& volser) override;
  std::string place_of(const std::string& volser) override;

 private:
  tape::Library& library_;
};

}  // namespace tapewarden::apps
