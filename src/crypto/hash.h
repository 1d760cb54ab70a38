// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (FIPS 198-1).
#pragma once

#include <initializer_list>
#include <memory>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

// Over the concatenation of the parts. Thread-safe.
Hash256 sha256(std::initializer_list<ByteView> parts);
inline Hash256 sha256(ByteView data) {
  return sha256({data});
}

// A running SHA-256. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ByteView data);
  Hash256 finish();  // and start again

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A MAC key prepared once and used many times. mac() may be called from many threads.
class MacKey {
 public:
  explicit MacKey(const SecretBytes& key);
  ~MacKey();
  MacKey(MacKey&&) noexcept;
  MacKey& operator=(MacKey&&) noexcept;
  Hash256 mac(std::initializer_list<ByteView> parts) const;
  Hash256 mac(ByteView data) const { return mac({data}); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::crypto
