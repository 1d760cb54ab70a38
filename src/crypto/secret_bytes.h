// Bytes that must not leak: kept in OpenSSL's secure heap (locked in memory, guarded, left out of core
// dumps), wiped on destruction, compared in constant time. Cannot be printed, copied by accident or
// formatted. The one way to the raw bytes is reveal(): grep for it to audit every use. A value; one thread at
// a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace tapewarden::crypto {

class SecretBytes {
 public:
  SecretBytes() = default;
  static SecretBytes zeros(std::size_t size);
  // The source is not wiped: wipe it with wipe() when it was a plain buffer.
  static SecretBytes copy_of(ByteView bytes);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes clone() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Valid while this object lives and is not moved from.
  ByteView reveal() const { return {data_, size_}; }
  MutableByteView reveal_mutable() { return {data_, size_}; }
  // Constant time in the content.
  bool operator==(const SecretBytes& other) const;

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites a plain buffer in a way that the compiler keeps.
void wipe(MutableByteView bytes);
void wipe(std::string& text);  // its length stays
// Equal length and content; constant time in the content.
bool equal_constant_time(ByteView a, ByteView b);

// Sets up the secure heap (`bytes`, a power of two) and switches core dumps off for this process. Call once,
// first thing in main(). Without it SecretBytes uses a small default heap. The text is empty, or a warning
// for the operator when the memory could not be locked (raise RLIMIT_MEMLOCK).
std::string harden_process(std::size_t bytes);

// How many bytes of secrets, since the start, were put beside the full secure heap in pages that could not be
// locked in memory: 0, or they may reach the swap space (raise RLIMIT_MEMLOCK). Thread-safe.
std::uint64_t secrets_not_locked();
// `notice` is called when that happens next, once, on the thread that allocates: it may log and nothing else.
void on_secrets_not_locked(void (*notice)());

}  // namespace tapewarden::crypto
