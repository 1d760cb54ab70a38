// What the tests of tape/medium share: a simulated system, keys, cartridges with known content. Not part of
// the library.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/sim_env.h"
#include "crypto/secret_bytes.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape::test {

inline const std::string kPath = "tapes/VOL001L9";

inline Bytes key_bytes(std::uint8_t seed) {
  Bytes raw(kDataKeyBytes);
  for (std::size_t i = 0; i < raw.size(); ++i)
    raw[i] = static_cast<std::uint8_t>(std::size_t{seed} * 31 + i * 7 + 5);
  return raw;
}
inline DataKeyHandle key(std::uint8_t seed) {
  return std::make_shared<const DataKey>(crypto::SecretBytes::copy_of(key_bytes(seed)));
}

inline CartridgeSpec small_spec() {
  CartridgeSpec spec;
  spec.volser = "VOL001L9";
  spec.capacity_bytes = 64U << 20;
  spec.compression_level = 0;
  return spec;
}

inline SessionSpec sealed_with(DataKeyHandle handle) {
  SessionSpec spec;
  spec.key = std::move(handle);
  spec.method = KeyMethod::kIdentifiedKey;
  spec.akad = to_bytes("ABC012345678");
  return spec;
}

// Recognisable, not compressible to nothing, different for each number.
inline Bytes record(std::uint32_t number, std::size_t size = 300) {
  const std::string text = "marker-plaintext-" + std::to_string(number) + ";";
  Bytes out;
  std::uint32_t noise = number * 2654435761U + 1;
  while (out.size() < size) {
    out.insert(out.end(), text.begin(), text.end());
    noise = noise * 1664525 + 1013904223;
    out.push_back(static_cast<std::uint8_t>(noise >> 24));
  }
  out.resize(size);
  return out;
}

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
inline void done(const Status& status) {
  if (!status) throw std::runtime_error(status.error().text());
}

inline std::unique_ptr<Cartridge> make(testing::SimEnv& sim, const CartridgeSpec& spec = small_spec(),
                                       const std::string& path = kPath) {
  return take(Cartridge::create(sim.env(), path, spec));
}
inline std::unique_ptr<Cartridge> reopen(testing::SimEnv& sim, CartridgeMode mode = CartridgeMode::kReadWrite,
                                         const std::string& path = kPath) {
  return take(Cartridge::open(sim.env(), path, mode));
}

// Every object from the beginning: data as it is, a filemark as an empty record. Stops at the first error.
inline Result<std::vector<Bytes>> read_all(Cartridge& cartridge) {
  TRY(cartridge.rewind());
  std::vector<Bytes> out;
  while (true) {
    const RecordView view = TRY(cartridge.read_record());
    if (view.kind == BlockKind::kEndOfData) return out;
    out.push_back(to_bytes(view.data));
  }
}

inline bool contains(ByteView haystack, ByteView needle) {
  return as_text(haystack).find(as_text(needle)) != std::string_view::npos;
}

}  // namespace tapewarden::tape::test
