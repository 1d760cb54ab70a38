#include "base/disk_space.h"

#include <sys/statvfs.h>

namespace tapewarden {

std::optional<std::uint64_t> free_disk_bytes(const std::string& path) {
  struct statvfs told{};
  if (::statvfs(path.c_str(), &told) != 0) return {};
  return std::uint64_t{told.f_bavail} * told.f_frsize;
}

}  // namespace tapewarden
