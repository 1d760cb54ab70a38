#include "base/testing/freed_memory.h"

#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

namespace tapewarden::testing {
namespace {

constexpr std::size_t kSecretRun = 64;  // bytes of it one behind the other
std::atomic<bool> looking = false;
std::atomic<unsigned> freed = 0;

void look_at_freed(const void* memory, std::size_t size) {
  if (!looking || memory == nullptr || size < kSecretRun) return;
  std::size_t run = 0;
  for (const auto byte : std::span(static_cast<const std::uint8_t*>(memory), size)) {
    run = byte == kSecretByte ? run + 1 : 0;
    if (run == kSecretRun) {
      ++freed;
      return;
    }
  }
}

}  // namespace

LooksAtFreedMemory::LooksAtFreedMemory() {
  freed = 0;
  looking = true;
  {
    const std::vector<std::uint8_t> unwiped(2 * kSecretRun, kSecretByte);
    if (unwiped.back() != kSecretByte) throw std::logic_error("it was not written");
  }
  if (freed != 1) throw std::logic_error("nobody looks at freed memory");
  freed = 0;
}

LooksAtFreedMemory::~LooksAtFreedMemory() {
  looking = false;
}

unsigned LooksAtFreedMemory::freed_secrets() const {
  return freed;
}

}  // namespace tapewarden::testing

// In place of the library's: containers free with the size that they took. What was looked at is overwritten,
// so that nobody finds it again in the part of a later block that its container never wrote to.
void* operator new(std::size_t size) {
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t size) noexcept {
  tapewarden::testing::look_at_freed(memory, size);
  operator delete(memory);
}
