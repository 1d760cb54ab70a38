// INQUIRY data and vital product data pages (SPC-4 sections 6.6 and 7.8). Values; pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::scsi {

inline constexpr std::uint8_t kTapeDeviceType = 0x01;
inline constexpr std::uint8_t kChangerDeviceType = 0x08;
inline constexpr std::size_t kStandardInquiryBytes = 36;

struct StandardInquiry {
  std::uint8_t device_type = kTapeDeviceType;
  bool removable = true;
  std::string vendor{};    // up to 8 characters
  std::string product{};   // up to 16
  std::string revision{};  // up to 4
  bool protect = false;    // PROTECT: logical block protection

  Bytes encode() const;
  // kCorrupt when shorter than 36 bytes. Texts come back without the blanks at their right end.
  static Result<StandardInquiry> decode(ByteView data);
};

namespace vpd {
inline constexpr std::uint8_t kSupportedPages = 0x00;
inline constexpr std::uint8_t kUnitSerialNumber = 0x80;
inline constexpr std::uint8_t kDeviceIdentification = 0x83;
inline constexpr std::uint8_t kExtendedInquiry = 0x86;
inline constexpr std::uint8_t kSequentialAccess = 0xb0;  // SSC-4: capabilities of a tape device
inline constexpr std::uint8_t kManufacturerSerial = 0xb1;
inline constexpr std::uint8_t kTapeAlertFlags = 0xb2;
inline constexpr std::uint8_t kAutomationSerial = 0xb3;
inline constexpr std::uint8_t kBlockProtection = 0xb5;
}  // namespace vpd

enum class DesignatorCode : std::uint8_t { kBinary = 1, kAscii = 2, kUtf8 = 3 };
enum class DesignatorKind : std::uint8_t {
  kVendorId = 1,
  kEui64 = 2,
  kNaa = 3,
  kRelativePort = 4,
  kScsiName = 8
};

struct Designator {
  DesignatorCode code = DesignatorCode::kBinary;
  DesignatorKind kind = DesignatorKind::kNaa;
  bool of_port = false;  // else of the logical unit
  Bytes value{};
  bool operator==(const Designator&) const = default;
};

// A page with its header: device type, page code, length, content. REQUIRES: content.size() < 65536.
Bytes encode_vpd_page(std::uint8_t device_type, std::uint8_t page, ByteView content);
// The content. kCorrupt when the page is another one or cut short.
Result<ByteView> vpd_page_content(ByteView data, std::uint8_t page);

Bytes encode_designators(const std::vector<Designator>& designators);
Result<std::vector<Designator>> decode_designators(ByteView content);

}  // namespace tapewarden::scsi
