// Memory for secrets, below SecretBytes. Internal to crypto/. Thread-safe.
//
// Invariants:
// 1. Every block lies in OpenSSL's secure heap, or, when that is full, in pages of its own that are locked,
//    left out of core dumps and wiped in a child after fork(). It is never ordinary memory. Where locking
//    fails, secrets_not_locked() says so.
// 2. A block is wiped before its memory can be given out again.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace tapewarden::crypto {

// Makes OpenSSL's secure heap with the default size unless there is one. Call it before OpenSSL code that
// allocates from the secure heap itself: without a heap it would silently take ordinary memory.
void ensure_secure_heap();

// Zeroed. REQUIRES: size > 0. Aborts the program when the system has no memory at all.
MutableByteView secure_allocate(std::size_t size);
void secure_release(MutableByteView block);

}  // namespace tapewarden::crypto
