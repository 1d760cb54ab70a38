// Fields at fixed offsets of CDBs and parameter data, where the standards give tables by byte number. Every
// access asserts its bound: callers check the length of what came from outside first. Pure, thread-safe.
#pragma once

#include "base/assert.h"
#include "base/bytes.h"

namespace tapewarden::scsi {

inline std::uint8_t u8_at(ByteView view, std::size_t at) {
  TW_ASSERT(at < view.size());
  return view[at];
}

inline std::uint64_t big_endian_at(ByteView view, std::size_t at, std::size_t width) {
  TW_ASSERT(width <= 8 && at <= view.size() && view.size() - at >= width);
  std::uint64_t value = 0;
  for (const auto byte : view.subspan(at, width)) value = (value << 8U) | byte;
  return value;
}

inline std::uint16_t u16_at(ByteView view, std::size_t at) {
  return static_cast<std::uint16_t>(big_endian_at(view, at, 2));
}
inline std::uint32_t u24_at(ByteView view, std::size_t at) {
  return static_cast<std::uint32_t>(big_endian_at(view, at, 3));
}
inline std::uint32_t u32_at(ByteView view, std::size_t at) {
  return static_cast<std::uint32_t>(big_endian_at(view, at, 4));
}
inline std::uint64_t u64_at(ByteView view, std::size_t at) {
  return big_endian_at(view, at, 8);
}
inline bool bit_at(ByteView view, std::size_t at, unsigned bit) {
  return ((unsigned{u8_at(view, at)} >> bit) & 1U) != 0;
}
// `width` bits whose lowest is `bit`.
inline std::uint8_t bits_at(ByteView view, std::size_t at, unsigned bit, unsigned width) {
  return static_cast<std::uint8_t>((unsigned{u8_at(view, at)} >> bit) & ((1U << width) - 1U));
}

// One byte put together from flags and small numbers; `value` must fit what its callers shift it by.
inline std::uint8_t shifted(unsigned value, unsigned bit) {
  return static_cast<std::uint8_t>((value << bit) & 0xffU);
}
inline std::uint8_t flag(bool set, unsigned bit) {
  return shifted(set ? 1U : 0U, bit);
}
template <typename... Part>
std::uint8_t joined(Part... parts) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(parts) | ... | 0U));
}

}  // namespace tapewarden::scsi
