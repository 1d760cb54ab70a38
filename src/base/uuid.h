// A 16-byte identifier (RFC 9562): a random one (version 4) for volumes, servers and requests, or one that
// begins with the time (version 7) for rows of which there may be millions: those that are made together lie
// together, in the table and in the indexes that name them.
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
  // 48 bits of milliseconds since 1970, and 74 that are random (RFC 9562 section 5.7). It tells when it was
  // made. Two are as unlikely to be the same when the clock has stepped back.
  static Uuid time_ordered(WallTime now, Random& random);
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
