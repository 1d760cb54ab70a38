// The recording densities that drives and cartridges name: what REPORT DENSITY SUPPORT tells of them, and
// which drive reads or writes which. Pure, thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden::tape {

// Figures of the format's own publications; media width is that of half-inch tape.
struct Density {
  std::uint8_t code;
  unsigned generation;
  std::string_view name;         // up to 8 characters
  std::string_view description;  // up to 20
  std::uint32_t bits_per_mm;
  std::uint16_t tracks;
  std::uint32_t capacity_megabytes;  // nominal, without compression; 10^6 bytes
};

inline constexpr std::string_view kDensityOrganization = "LTO-CVE";  // it assigned the codes
inline constexpr std::uint16_t kMediaWidth = 127;                    // tenths of a millimetre

// LTO-5 to LTO-9, ascending.
std::span<const Density> lto_densities();
const Density* find_density(std::uint8_t code);

enum class DensityAccess : std::uint8_t { kNone, kRead, kReadWrite };
// What a drive of one density does with media of another. A drive of code 0 takes every medium of its kind.
// LTO: its own and the generation before are written; LTO-5 to LTO-7 read one more.
DensityAccess density_access(std::uint8_t drive, std::uint8_t medium);

// A density support descriptor (SSC-4 table 79), 52 bytes.
struct DensityDescriptor {
  std::uint8_t code = 0;
  bool writable = false;
  bool is_default = false;
  std::uint32_t capacity_megabytes = 0;
  Bytes encode() const;
};

}  // namespace tapewarden::tape
