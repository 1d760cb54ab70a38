// A folder on another file system than the site's, so that a backup target there counts. Vanishes with the
// object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tapewarden::testing {

class OtherFileSystem {
 public:
  OtherFileSystem() {
    std::string name = "/dev/shm/tapewarden-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~OtherFileSystem() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OtherFileSystem(const OtherFileSystem&) = delete;
  OtherFileSystem& operator=(const OtherFileSystem&) = delete;
  // Empty when there is none.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tapewarden::testing
