// A file system of its own for a folder, whose size changes as a test wants it: a tmpfs in a mount namespace
// of the calling thread and the processes that it starts. Needs the right to mount. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace tapewarden::testing {

class SmallDisk {
 public:
  // What lies in `folder` is on the new disk afterwards. kPermissionDenied where no namespace or no file
  // system may be made.
  static Result<std::unique_ptr<SmallDisk>> over(const std::string& folder, std::uint64_t bytes);
  ~SmallDisk();  // nothing is left of it
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // So much is free from now on.
  Status leave_free(std::uint64_t bytes);

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace tapewarden::testing
