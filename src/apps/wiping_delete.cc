// Memory that a program gives back is overwritten first. Keys and plain data of hosts live in SecretBytes or
// in buffers that are wiped where they end; what still escapes — text of a message on its way through a
// library, the old block of a buffer that grew — must not lie in free memory until chance overwrites it.
//
// Linked into a program it replaces operator delete, which the standard lets a program do ([new.delete]).
// What C code frees by itself (OpenSSL clears its own secrets; SQLite sees sealed rows alone) is not touched.
// Costs a memset a block. Not linked under sanitizers, whose own operators these would hide.
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

namespace {

// Up to what malloc gave, not what was asked for: a string or a vector uses only what it asked for, and the
// rest is malloc's to give to the next one with what lay there.
void wipe_and_free(void* block) noexcept {
  if (block == nullptr) return;
  ::explicit_bzero(block, ::malloc_usable_size(block));
  std::free(block);
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): the library's operator new is malloc and aligned_alloc.
void operator delete(void* block) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  wipe_and_free(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  wipe_and_free(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  wipe_and_free(block);
}
// NOLINTEND(misc-new-delete-overloads)
