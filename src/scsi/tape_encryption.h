// Security protocol 20h, tape data encryption (SSC-4 sections 4.2.21 and 8.5): page codes and the values that
// the pages share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::scsi {

namespace security_protocol {
inline constexpr std::uint8_t kInformation = 0x00;
inline constexpr std::uint8_t kTapeEncryption = 0x20;
inline constexpr std::uint8_t kKeyPath = 0xf0;  // vendor specific, ours: docs/formats/key-path-pages.md
}  // namespace security_protocol

// SECURITY PROTOCOL IN, protocol 20h.
namespace encryption_in {
inline constexpr std::uint16_t kInSupport = 0x0000;
inline constexpr std::uint16_t kOutSupport = 0x0001;
inline constexpr std::uint16_t kCapabilities = 0x0010;
inline constexpr std::uint16_t kKeyFormats = 0x0011;
inline constexpr std::uint16_t kManagement = 0x0012;
inline constexpr std::uint16_t kStatus = 0x0020;
inline constexpr std::uint16_t kNextBlock = 0x0021;
inline constexpr std::uint16_t kRandomNumber = 0x0030;
inline constexpr std::uint16_t kWrappingKey = 0x0031;
}  // namespace encryption_in

// SECURITY PROTOCOL OUT, protocol 20h.
namespace encryption_out {
inline constexpr std::uint16_t kSetDataEncryption = 0x0010;
}  // namespace encryption_out

enum class KeyScope : std::uint8_t { kPublic = 0, kLocal = 1, kAllNexuses = 2 };
enum class EncryptionMode : std::uint8_t { kDisable = 0, kExternal = 1, kEncrypt = 2 };
enum class DecryptionMode : std::uint8_t { kDisable = 0, kRaw = 1, kDecrypt = 2, kMixed = 3 };
enum class ExternalModeCheck : std::uint8_t {  // CEEM
  kVendorSpecific = 0,
  kNotChecked = 1,
  kErrorIfExternal = 2,
  kErrorIfEncrypted = 3,
};
enum class RawControl : std::uint8_t { kDefault = 0, kEnabled = 2, kDisabled = 3 };  // RDMC
enum class KeyFormat : std::uint8_t { kPlain = 0, kVendorReference = 1, kWrapped = 2, kEspScsi = 3 };
enum class KadFormat : std::uint8_t { kUnspecified = 0, kBinaryName = 1, kAsciiName = 2 };
// Who may set the parameters (PARAMETERS CONTROL of the status page).
enum class ParametersControl : std::uint8_t {
  kNotReported = 0,
  kNotExclusive = 1,
  kDrive = 2,
  kAutomation = 3,
  kManagement = 4,
};

inline constexpr std::uint32_t kAesGcm16 = 0x00010014;  // AES-256-GCM with a MAC of 16 bytes
inline constexpr std::size_t kDataKeyLength = 32;
inline constexpr std::size_t kMaxKadLength = 1024;  // of one descriptor; the device has its own, lower limits

}  // namespace tapewarden::scsi
