// For fuzzers of what keeps threads with generators of their own. LeakSanitizer follows pointers from stacks,
// thread-local storage, globals and blocks of malloc. OpenSSL keeps the state of its generators (three a
// thread) in its secure heap, a mapping that the check does not look into, so that what hangs on that state
// would count as lost while its thread still runs. And a thread that ends after OpenSSL has cleaned up at
// exit frees nothing of its own: what has threads must be made after OpenSSL was first used.
#pragma once

#include <charconv>
#include <fstream>
#include <string>

#include "base/assert.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"

#if defined(__SANITIZE_ADDRESS__)
#define TW_FUZZ_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TW_FUZZ_LEAKS 1
#endif
#endif
#ifdef TW_FUZZ_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

namespace tapewarden::fuzz {

// Lets the leak check look into the secure heap as well. Once, before anything is made that ends at exit: by
// then OpenSSL is in use.
inline void look_for_pointers_in_secure_heap() {
#ifdef TW_FUZZ_LEAKS
  crypto::SystemRandom random;
  const auto inside = crypto::random_secret(random, 1);
  const auto address = reinterpret_cast<std::uintptr_t>(inside.reveal().data());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {  // "7f12…-7f34… rw-p …"
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    const auto dash = std::from_chars(line.data(), line.data() + line.size(), from, 16).ptr + 1;
    std::from_chars(dash, line.data() + line.size(), to, 16);
    if (address < from || address >= to) continue;
    __lsan_register_root_region(reinterpret_cast<const void*>(from), to - from);
    return;
  }
  TW_ASSERT(false);  // it is mapped somewhere
#endif
}

}  // namespace tapewarden::fuzz
