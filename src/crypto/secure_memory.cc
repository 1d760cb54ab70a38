#include "crypto/secure_memory.h"

#include <atomic>
#include <bit>
#include <cstdlib>
#include <malloc.h>
#include <mutex>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kDefaultHeapBytes = 1U << 20;
constexpr std::size_t kSmallestBlock = 16;

enum class HeapState : std::uint8_t { kMissing, kLocked, kNotLocked };

struct Heap {
  std::once_flag once;
  HeapState state = HeapState::kMissing;
  std::size_t bytes = 0;
};
Heap& heap() {
  static Heap instance;
  return instance;
}

void make_heap(std::size_t bytes) {
  std::call_once(heap().once, [bytes] {
    heap().bytes = bytes;
    const int made = CRYPTO_secure_malloc_init(bytes, kSmallestBlock);
    heap().state = made == 1 ? HeapState::kLocked : made == 2 ? HeapState::kNotLocked : HeapState::kMissing;
  });
}

std::size_t whole_pages(std::size_t size) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

std::atomic<std::uint64_t>& unlocked_bytes() {
  static std::atomic<std::uint64_t> bytes{0};
  return bytes;
}

std::atomic<void (*)()>& unlocked_notice() {
  static std::atomic<void (*)()> notice{nullptr};
  return notice;
}

void note_unlocked(std::size_t bytes) {
  unlocked_bytes().fetch_add(bytes, std::memory_order_relaxed);
  if (auto* const notice = unlocked_notice().exchange(nullptr)) notice();
}

// OpenSSL itself keeps private keys and MAC keys in the heap and fails without room, so the last quarter is
// left to it.
bool heap_has_room(std::size_t size) {
  return CRYPTO_secure_malloc_initialized() == 1 &&
         CRYPTO_secure_used() + size <= heap().bytes - heap().bytes / 4;
}

// A full heap must not stop a server under load, and must not push secrets into ordinary memory either.
std::uint8_t* map_own_pages(std::size_t size) {
  const std::size_t bytes = whole_pages(size);
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TW_ASSERT(pages != MAP_FAILED);
  // Locking can fail at the limit of locked memory; the pages still stay out of dumps and children, and the
  // operator is told.
  if (mlock(pages, bytes) != 0) note_unlocked(bytes);
  static_cast<void>(madvise(pages, bytes, MADV_DONTDUMP));
  static_cast<void>(madvise(pages, bytes, MADV_WIPEONFORK));
  return static_cast<std::uint8_t*>(pages);
}

// OpenSSL frees some buffers that held a secret (the padded block of RSA-OAEP, base64 states, TLS records)
// without wiping them. With these three in place of malloc, realloc and free it cannot.
void* wiping_malloc(std::size_t size, const char*, int) {
  return size == 0 ? nullptr : std::malloc(size);
}
void wiping_free(void* block, const char*, int) {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}
void* wiping_realloc(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) return wiping_malloc(size, file, line);
  if (size == 0) {
    wiping_free(block, file, line);
    return nullptr;
  }
  const std::size_t had = malloc_usable_size(block);
  if (size <= had) return block;
  void* grown = std::malloc(size);
  if (grown == nullptr) return nullptr;
  copy_bytes({static_cast<std::uint8_t*>(grown), size}, {static_cast<const std::uint8_t*>(block), had});
  wiping_free(block, file, line);
  return grown;
}

bool switch_core_dumps_off() {
  const rlimit none{0, 0};
  return prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

}  // namespace

void ensure_secure_heap() {
  make_heap(kDefaultHeapBytes);
}

MutableByteView secure_allocate(std::size_t size) {
  ensure_secure_heap();
  void* block = heap_has_room(size) ? OPENSSL_secure_zalloc(size) : nullptr;
  if (block == nullptr) block = map_own_pages(size);
  return {static_cast<std::uint8_t*>(block), size};
}

void secure_release(MutableByteView block) {
  if (CRYPTO_secure_allocated(block.data()) == 1) {
    OPENSSL_secure_clear_free(block.data(), block.size());
    return;
  }
  OPENSSL_cleanse(block.data(), block.size());
  TW_ASSERT(munmap(block.data(), whole_pages(block.size())) == 0);
}

std::uint64_t secrets_not_locked() {
  return unlocked_bytes().load(std::memory_order_relaxed);
}

void on_secrets_not_locked(void (*notice)()) {
  unlocked_notice() = notice;
}

std::string harden_process(std::size_t bytes) {
  TW_ASSERT(std::has_single_bit(bytes));
  std::string warning;
  if (CRYPTO_set_mem_functions(wiping_malloc, wiping_realloc, wiping_free) != 1)
    warning += "memory was used before it could be set to be wiped when freed; ";
  make_heap(bytes);
  if (heap().bytes != bytes) warning += "the secure heap was in use before its size was set; ";
  if (heap().state != HeapState::kLocked)
    warning += "keys cannot be locked in memory and may reach the swap space (raise RLIMIT_MEMLOCK); ";
  if (!switch_core_dumps_off()) warning += "core dumps could not be switched off; ";
  if (!warning.empty()) warning.resize(warning.size() - 2);
  return warning;
}

}  // namespace tapewarden::crypto
