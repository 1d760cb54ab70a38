// Data to the initiator with its share of the memory, until all of it was written. Immutable.
#pragma once

#include "iscsi/memory_budget.h"

namespace tapewarden::iscsi {

// What waits for the initiator is charged by what it asked for, and the unit may have made much more: no more
// than twice of what goes out is kept.
class DataIn {
 public:
  // The first `bytes` of `made` go out. REQUIRES: bytes <= made.size().
  DataIn(Bytes made, std::size_t bytes, MemoryShare memory);
  ByteView view() const { return ByteView(bytes_).first(size_); }
  // How much memory it holds.
  std::size_t held() const { return bytes_.capacity(); }

 private:
  Bytes bytes_;
  std::size_t size_;
  MemoryShare memory_;
};

}  // namespace tapewarden::iscsi
