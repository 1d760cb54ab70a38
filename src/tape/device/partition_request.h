// What MODE SELECT of page 11h asks of the next FORMAT MEDIUM. A value. Internal to tape/device/.
#pragma once

#include <array>
#include <cstdint>

namespace tapewarden::tape {

struct PartitionRequest {
  enum class Mode : std::uint8_t {
    kNone,         // nothing asked for: the layout that the cartridge has
    kByDrive,      // FDP or SDP: the drive chooses the sizes
    kByInitiator,  // IDP
  };
  Mode mode = Mode::kNone;
  std::uint8_t flags = 0;  // FDP, SDP, IDP and PSUM as they came
  std::uint8_t additional = 0;
  std::uint8_t power = 0;  // PARTITION UNITS
  std::array<std::uint16_t, 2> sizes{};
  bool operator==(const PartitionRequest&) const = default;
};

}  // namespace tapewarden::tape
