#include "base/uuid.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden {

namespace {

Uuid marked(Uuid uuid, unsigned version) {
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | (version << 4U));
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
  return uuid;
}

}  // namespace

Uuid Uuid::random(Random& random) {
  Uuid out;
  random.fill(out.bytes);
  return marked(out, 4);
}

Uuid Uuid::time_ordered(WallTime now, Random& random) {
  constexpr std::size_t kTimeBytes = 6;
  Uuid out;
  random.fill(out.bytes);
  auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(to_millis(now), 0));
  for (std::size_t i = kTimeBytes; i-- > 0; millis >>= 8U) out.bytes[i] = static_cast<std::uint8_t>(millis);
  return marked(out, 7);
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
