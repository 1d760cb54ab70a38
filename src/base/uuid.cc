#include "base/uuid.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden {

Uuid Uuid::random(Random& random) {
  Uuid out;
  random.fill(out.bytes);
  out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0F) | 0x40);
  out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3F) | 0x80);
  return out;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  static constexpr std::array<std::size_t, 4> kDashes = {8, 13, 18, 23};
  std::string hex;
  bool good = text.size() == 36;
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    if (std::ranges::find(kDashes, i) != kDashes.end()) {
      good = text[i] == '-';
    } else {
      hex.push_back(text[i]);
    }
  }
  if (good) {
    if (const auto bytes = from_hex(hex)) return from(*bytes);
  }
  return fail(ErrorCode::kInvalidArgument, "not a UUID", {},
              "write it as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

Uuid Uuid::from(ByteView view) {
  TW_ASSERT(view.size() == 16);
  Uuid out;
  copy_bytes(out.bytes, view);
  return out;
}

std::string Uuid::text() const {
  std::string out = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
  return out;
}

bool Uuid::is_nil() const {
  return *this == Uuid{};
}

}  // namespace tapewarden
