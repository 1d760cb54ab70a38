// How much room a disk still has. Stands beside Env because only whoever puts a program together asks it, and
// hands it to those that watch their room. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tapewarden {

// Bytes that this process may still write to the file system of `path`; nothing when that cannot be told.
std::optional<std::uint64_t> free_disk_bytes(const std::string& path);

}  // namespace tapewarden
