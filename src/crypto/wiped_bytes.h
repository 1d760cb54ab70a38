// A plain buffer that is wiped when it goes: data of hosts in the clear on their way to and from cartridges,
// which are too long for SecretBytes. A value; one thread at a time.
//
// Invariant: its bytes never change place, so that no part is left anywhere.
#pragma once

#include <utility>

#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

class WipedBytes {
 public:
  WipedBytes() = default;
  explicit WipedBytes(Bytes bytes) noexcept : bytes_(std::move(bytes)) {}
  WipedBytes(const WipedBytes&) = default;
  WipedBytes(WipedBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  WipedBytes& operator=(WipedBytes other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~WipedBytes() { wipe(bytes_); }

  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  auto begin() const { return bytes_.begin(); }
  auto end() const { return bytes_.end(); }
  MutableByteView view() { return bytes_; }
  // Longer than `size`, or a new one of that length, with nothing of what it held.
  void make_room(std::size_t size) {
    if (bytes_.size() < size) *this = WipedBytes(Bytes(size));
  }
  // To somebody who wipes it.
  Bytes release() { return std::exchange(bytes_, {}); }

 private:
  Bytes bytes_;
};

}  // namespace tapewarden::crypto
