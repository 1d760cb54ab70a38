// Small values that several messages of the drive key exchange share. Numbers of enumerations are used on the
// wire. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/uuid.h"
#include "eedk/eedk.h"

namespace tapewarden::dkx {

// Minor versions add optional fields only; a server answers in the version of the request.
struct Version {
  std::uint16_t major = 1;
  std::uint16_t minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};
inline constexpr Version kVersion{1, 0};

// Made by one server, good for one signed request on the connection where it was given out.
using Nonce = std::array<std::uint8_t, 32>;
// RFC 9266 tls-exporter of the connection that carries the request.
using ChannelBinding = std::array<std::uint8_t, 32>;
using Wwnn = std::array<std::uint8_t, 8>;

enum class Intent : std::uint8_t {
  kHello = 1,
  kPing = 2,
  kCheckLabels = 3,
  kWriteFromBeginning = 4,
  kAppend = 5,
  kRead = 6,
  kRekey = 7,
  kConfirm = 8,
};
std::string_view to_string(Intent intent);  // "write-from-beginning"

enum class DriveKind : std::uint8_t { kLto = 1, k3592 = 2 };
std::string_view to_string(DriveKind kind);  // "LTO", "3592"

// A row of a server's key ledger. Servers number their own rows (K19).
struct LedgerReference {
  Uuid server;
  std::uint64_t sequence = 0;
  friend bool operator==(const LedgerReference&, const LedgerReference&) = default;
};
void write(ttlv::Writer& out, const LedgerReference& reference);
Result<LedgerReference> read_ledger_reference(ttlv::Cursor& in);

}  // namespace tapewarden::dkx
