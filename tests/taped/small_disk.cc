#include "taped/small_disk.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

namespace tapewarden::testing {
namespace {

std::unexpected<Error> denied(const std::string& what) {
  return fail(ErrorCode::kPermissionDenied, what + ": " + std::strerror(errno));
}

std::string size_option(std::uint64_t bytes) {
  return "mode=0700,size=" + std::to_string(bytes);
}

}  // namespace

Result<std::unique_ptr<SmallDisk>> SmallDisk::over(const std::string& folder, std::uint64_t bytes) {
  if (::unshare(CLONE_NEWNS) != 0) return denied("no mount namespace may be made here");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return denied("the mount namespace cannot be cut off from the system's");
  const auto aside = folder + "-aside";
  std::error_code error;
  std::filesystem::rename(folder, aside, error);
  if (!error) std::filesystem::create_directory(folder, error);
  if (error) return fail(ErrorCode::kIo, error.message());
  if (::mount("tapewarden-test", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size_option(bytes).c_str()) !=
      0)
    return denied("no file system may be mounted here");
  std::unique_ptr<SmallDisk> made(new SmallDisk(folder));
  std::filesystem::copy(aside, folder, std::filesystem::copy_options::recursive, error);
  if (error) return fail(ErrorCode::kIo, error.message());
  return made;
}

SmallDisk::~SmallDisk() {
  ::umount2(folder_.c_str(), MNT_DETACH);
}

Status SmallDisk::leave_free(std::uint64_t bytes) {
  struct statvfs now{};
  if (::statvfs(folder_.c_str(), &now) != 0) return fail(ErrorCode::kIo, std::strerror(errno));
  const std::uint64_t used = (now.f_blocks - now.f_bfree) * now.f_frsize;
  if (::mount("tapewarden-test", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV,
              size_option(used + bytes).c_str()) != 0)
    return denied("the file system cannot be given another size");
  return {};
}

}  // namespace tapewarden::testing
