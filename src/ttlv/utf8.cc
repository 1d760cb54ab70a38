#include "ttlv/utf8.h"

#include <array>

namespace tapewarden::ttlv {

namespace {

// The rows of RFC 3629 section 4: which second byte may follow a first byte, and how long the sequence is.
struct Row {
  std::uint8_t first_low, first_high, second_low, second_high;
  std::size_t length;
};
constexpr std::array<Row, 8> kRows{{{0xC2, 0xDF, 0x80, 0xBF, 2},
                                    {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                    {0xE1, 0xEC, 0x80, 0xBF, 3},
                                    {0xED, 0xED, 0x80, 0x9F, 3},
                                    {0xEE, 0xEF, 0x80, 0xBF, 3},
                                    {0xF0, 0xF0, 0x90, 0xBF, 4},
                                    {0xF1, 0xF3, 0x80, 0xBF, 4},
                                    {0xF4, 0xF4, 0x80, 0x8F, 4}}};

// Bytes of the sequence at the front of `bytes`, 0 when it is none. REQUIRES: not empty.
std::size_t sequence(ByteView bytes) {
  const std::uint8_t first = bytes[0];
  if (first < 0x80) return 1;
  for (const Row& row : kRows) {
    if (first < row.first_low || first > row.first_high) continue;
    if (bytes.size() < row.length || bytes[1] < row.second_low || bytes[1] > row.second_high) return 0;
    for (std::size_t i = 2; i < row.length; ++i) {
      if ((bytes[i] & 0xC0) != 0x80) return 0;
    }
    return row.length;
  }
  return 0;
}

}  // namespace

bool is_utf8(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence(bytes);
    if (length == 0) return false;
    bytes = bytes.subspan(length);
  }
  return true;
}

}  // namespace tapewarden::ttlv
