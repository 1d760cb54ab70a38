#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tapewarden {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0x82F63B78U : value >> 1;
    table[i] = value;
  }
  return table;
}

std::uint32_t by_table(ByteView data, std::uint32_t crc) {
  static constexpr auto kTable = make_table();
  for (const std::uint8_t byte : data) crc = kTable[(crc ^ byte) & 0xFF] ^ crc >> 8;
  return crc;
}

#if defined(__x86_64__)
// The instruction's result is there three clock ticks after its operands, and one can begin at every tick: so
// three runs of kLaneBytes go side by side and are put together afterwards. The checksum is linear: what the
// first run gives is moved over the bytes of the second as if those were zeros, and what the second gives
// from zero is added.
constexpr std::size_t kLaneBytes = 2048;

std::uint64_t word_at(ByteView data, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, data.subspan(at, sizeof(word)).data(), sizeof(word));
  return word;
}

// A checksum moved over kLaneBytes of zeros, byte by byte of the checksum.
using MoveTable = std::array<std::array<std::uint32_t, 256>, 4>;

__attribute__((target("sse4.2"))) MoveTable make_move_table() {
  MoveTable table{};
  for (std::size_t part = 0; part < table.size(); ++part) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint64_t moved = std::uint64_t{byte} << (8 * part);
      for (std::size_t at = 0; at < kLaneBytes; at += 8) moved = _mm_crc32_u64(moved, 0);
      table[part][byte] = static_cast<std::uint32_t>(moved);
    }
  }
  return table;
}

std::uint64_t move_over_lane(const MoveTable& table, std::uint64_t crc) {
  return table[0][crc & 0xFF] ^ table[1][crc >> 8 & 0xFF] ^ table[2][crc >> 16 & 0xFF] ^
         table[3][crc >> 24 & 0xFF];
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(ByteView data, std::uint32_t crc) {
  static const MoveTable kMove = make_move_table();
  std::uint64_t wide = crc;
  while (data.size() >= 3 * kLaneBytes) {
    const auto first = data.first(kLaneBytes);
    const auto second = data.subspan(kLaneBytes, kLaneBytes);
    const auto third = data.subspan(2 * kLaneBytes, kLaneBytes);
    std::uint64_t of_second = 0;
    std::uint64_t of_third = 0;
    for (std::size_t at = 0; at < kLaneBytes; at += 8) {
      wide = _mm_crc32_u64(wide, word_at(first, at));
      of_second = _mm_crc32_u64(of_second, word_at(second, at));
      of_third = _mm_crc32_u64(of_third, word_at(third, at));
    }
    wide = move_over_lane(kMove, move_over_lane(kMove, wide) ^ of_second) ^ of_third;
    data = data.subspan(3 * kLaneBytes);
  }
  for (; data.size() >= 8; data = data.subspan(8)) wide = _mm_crc32_u64(wide, word_at(data, 0));
  auto narrow = static_cast<std::uint32_t>(wide);
  for (const std::uint8_t byte : data) narrow = _mm_crc32_u8(narrow, byte);
  return narrow;
}
#endif

}  // namespace

std::uint32_t crc32c(ByteView data, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
  if (kHasInstruction) return ~by_instruction(data, ~seed);
#endif
  return ~by_table(data, ~seed);
}

}  // namespace tapewarden
