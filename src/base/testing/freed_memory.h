// Looks at memory of containers while it is freed: what must have been wiped is seen where it was not. Puts
// operator new and delete in the place of the library's in each program that uses it. Not part of the
// library.
#pragma once

#include <atomic>
#include <cstdint>

namespace tapewarden::testing {

// What a test writes where nothing of it may be left.
inline constexpr std::uint8_t kSecretByte = 0xa5;

// While it lives, somebody looks. One at a time.
class LooksAtFreedMemory {
 public:
  LooksAtFreedMemory();  // shows that it sees what is not wiped
  ~LooksAtFreedMemory();
  LooksAtFreedMemory(const LooksAtFreedMemory&) = delete;
  LooksAtFreedMemory& operator=(const LooksAtFreedMemory&) = delete;
  // How many blocks were freed in which so many of that byte stood one behind the other that it is no chance.
  unsigned freed_secrets() const;
};

}  // namespace tapewarden::testing
