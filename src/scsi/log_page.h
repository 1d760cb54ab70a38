// Log pages (SPC-4 section 7.3). Values; pure, thread-safe.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace tapewarden::scsi {

namespace log_page {
inline constexpr std::uint8_t kSupported = 0x00;
inline constexpr std::uint8_t kSequentialAccess = 0x0c;
inline constexpr std::uint8_t kTapeAlert = 0x2e;
inline constexpr std::uint8_t kTapeCapacity = 0x31;  // IBM and HP: remaining and maximum MiB
}  // namespace log_page

struct LogParameter {
  std::uint16_t code = 0;
  std::uint8_t control = 0x03;  // binary, not saved
  Bytes value{};                // below 256 bytes
  bool operator==(const LogParameter&) const = default;
};

struct LogPage {
  std::uint8_t code = 0;
  std::vector<LogParameter> parameters{};

  Bytes encode() const;
  // kCorrupt when cut short within a parameter. Not for page 00h, whose content is a list of page codes.
  static Result<LogPage> decode(ByteView data);
  const LogParameter* find(std::uint16_t code) const;
};

// An unsigned number of `width` bytes.
LogParameter number_parameter(std::uint16_t code, std::uint64_t value, std::size_t width);
// 0 for a value longer than 8 bytes.
std::uint64_t number_of(const LogParameter& parameter);

Bytes encode_supported_log_pages(ByteView codes);

}  // namespace tapewarden::scsi
