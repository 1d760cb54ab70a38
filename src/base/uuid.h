// A 16-byte random identifier (RFC 9562 version 4 form) for volumes, servers and requests.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/env.h"

namespace tapewarden {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  static Uuid random(Random& random);
  // From the 36-character form, either case; kInvalidArgument otherwise.
  static Result<Uuid> parse(std::string_view text);
  // REQUIRES: view.size() == 16.
  static Uuid from(ByteView view);

  std::string text() const;  // xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, lower case
  ByteView view() const { return bytes; }
  bool is_nil() const;
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace tapewarden
