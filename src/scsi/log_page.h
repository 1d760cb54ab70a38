// Log pages (SPC-4 section 7.3). Values; pure, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::scsi {

namespace log_page {
inline constexpr std::uint8_t kSupported = 0x00;
inline constexpr std::uint8_t kWriteErrors = 0x02;
inline constexpr std::uint8_t kReadErrors = 0x03;
inline constexpr std::uint8_t kSequentialAccess = 0x0c;
inline constexpr std::uint8_t kDeviceStatus = 0x11;       // of the data transfer device
inline constexpr std::uint8_t kTapeAlertResponse = 0x12;  // all flags in eight bytes, none cleared
inline constexpr std::uint8_t kDeviceStatistics = 0x14;
inline constexpr std::uint8_t kVolumeStatistics = 0x17;
inline constexpr std::uint8_t kDataCompression = 0x1b;
inline constexpr std::uint8_t kTapeAlert = 0x2e;
inline constexpr std::uint8_t kTapeUsage = 0x30;     // IBM
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
// Text in ASCII.
LogParameter text_parameter(std::uint16_t code, std::string_view text);
// 0 for a value longer than 8 bytes.
std::uint64_t number_of(const LogParameter& parameter);

Bytes encode_supported_log_pages(ByteView codes);
// Subpage FFh of page 00h: each page with its subpage, 00h.
Bytes encode_supported_log_subpages(ByteView codes);

}  // namespace tapewarden::scsi
