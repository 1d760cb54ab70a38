// The whole memory of another process, searched for byte strings. Needs the right to trace it.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::testing {

struct MemoryHit {
  std::size_t needle = 0;  // which one was found
  std::uint64_t address = 0;
  std::string mapping;  // the line of /proc/PID/maps
};
struct MemorySearch {
  std::vector<MemoryHit> hits;
  std::uint64_t bytes = 0;       // read
  std::uint64_t unreadable = 0;  // bytes of mappings marked readable that could not be read
};
// Every needle has the same length, 8 bytes or more. kPermissionDenied when the memory may not be read.
Result<MemorySearch> search_memory(pid_t pid, const std::vector<ByteView>& needles);

}  // namespace tapewarden::testing
