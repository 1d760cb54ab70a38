// Mode parameters (SPC-4 section 7.5, SSC-4 section 8.3). Values; pure, thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::scsi {

namespace mode_page {
inline constexpr std::uint8_t kVendor = 0x00;  // asked by Linux' st: header and block descriptor alone
inline constexpr std::uint8_t kErrorRecovery = 0x01;
inline constexpr std::uint8_t kDisconnectReconnect = 0x02;
inline constexpr std::uint8_t kControl = 0x0a;
inline constexpr std::uint8_t kDataCompression = 0x0f;
inline constexpr std::uint8_t kDeviceConfiguration = 0x10;
inline constexpr std::uint8_t kMediumPartition = 0x11;
inline constexpr std::uint8_t kInformationalExceptions = 0x1c;
inline constexpr std::uint8_t kMediumConfiguration = 0x1d;
inline constexpr std::uint8_t kReadWriteControl = 0x25;  // IBM: holds the encryption method
inline constexpr std::uint8_t kAll = 0x3f;
}  // namespace mode_page

namespace mode_subpage {
inline constexpr std::uint8_t kDataProtection = 0xf0;          // of the control page
inline constexpr std::uint8_t kConfigurationExtension = 0x01;  // of the device configuration page
inline constexpr std::uint8_t kAll = 0xff;
}  // namespace mode_subpage

struct BlockDescriptor {
  std::uint8_t density = 0;
  std::uint32_t block_count = 0;   // below 2^24
  std::uint32_t block_length = 0;  // 0: variable; below 2^24
  bool operator==(const BlockDescriptor&) const = default;
};

// `body` follows the two header bytes, or the four of a page with a subpage code.
struct ModePage {
  std::uint8_t code = 0;
  Bytes body{};
  std::uint8_t subpage = 0;  // 0: none
  std::size_t header_bytes() const { return subpage != 0 ? 4 : 2; }
  bool operator==(const ModePage&) const = default;
};

// What MODE SENSE gives and MODE SELECT takes: header (4 or 8 bytes), block descriptor, pages.
struct ModeParameters {
  std::uint8_t medium_type = 0;
  bool write_protected = false;    // sense only
  std::uint8_t buffered_mode = 1;  // 0 unbuffered, 1 and 2 buffered
  std::uint8_t speed = 0;
  std::optional<BlockDescriptor> descriptor{};
  std::vector<ModePage> pages{};

  // `ten` chooses the header of MODE SENSE(10). The mode data length is filled in.
  Bytes encode(bool ten) const;
  // The error's `detail` is the offset of the wrong byte. kCorrupt when something is cut short,
  // kUnsupported for more than one block descriptor.
  static Result<ModeParameters> decode(ByteView data, bool ten);
  const ModePage* find(std::uint8_t code, std::uint8_t subpage = 0) const;
};

// SSC-4 table 130 (0Fh).
struct DataCompressionPage {
  bool enabled = true;             // DCE
  bool capable = true;             // DCC
  bool decompression = true;       // DDE
  std::uint32_t algorithm = 0x10;  // IBM ALDC as real drives report; the medium's own algorithm differs
  ModePage encode() const;
  static Result<DataCompressionPage> decode(const ModePage& page);
};

// SSC-4 table 133 (10h); what is not named is zero.
struct DeviceConfigurationPage {
  std::uint16_t write_delay = 0x64;  // in 100 ms
  std::uint8_t gap_size = 0;
  bool synchronize_at_early_warning = false;  // SEW
  std::uint8_t compression = 1;               // SELECT DATA COMPRESSION ALGORITHM
  ModePage encode() const;
  static Result<DeviceConfigurationPage> decode(const ModePage& page);
};

// Who sets the data key (page 25h byte 27, as LTFS reads it from IBM drives).
enum class EncryptionMethod : std::uint8_t {
  kNone = 0x00,
  kSystem = 0x10,
  kController = 0x1f,
  kApplication = 0x50,
  kLibrary = 0x60,
  kInternal = 0x70,
};

struct ReadWriteControlPage {
  EncryptionMethod method = EncryptionMethod::kNone;
  ModePage encode() const;
  static Result<ReadWriteControlPage> decode(const ModePage& page);
};

}  // namespace tapewarden::scsi
