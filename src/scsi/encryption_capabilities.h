// What a drive can do with keys: pages 0000h, 0001h, 0010h, 0011h and 0012h of protocol 20h (SSC-4 sections
// 8.5.2.1 to 8.5.2.5), and the pages of protocol 00h. Values; pure, thread-safe.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "scsi/tape_encryption.h"

namespace tapewarden::scsi {

// A page of protocol 20h or F0h: u16 code, u16 length, content. REQUIRES: content.size() < 65536.
Bytes encode_security_page(std::uint16_t code, ByteView content);
// The content. kCorrupt when it is another page or cut short.
Result<ByteView> security_page_content(ByteView data, std::uint16_t code);

// Pages 0000h and 0001h: lists of page codes.
Bytes encode_page_list(std::uint16_t page, const std::vector<std::uint16_t>& codes);
Result<std::vector<std::uint16_t>> decode_page_list(ByteView data, std::uint16_t page);

// RDMC_C: whether decryption mode RAW is offered, and whether blocks may be read by it when RDMC is 0.
inline constexpr std::uint8_t kRawNotOffered = 1;
inline constexpr std::uint8_t kRawBlockedByDefault = 4;
inline constexpr std::uint8_t kRawByDefault = 5;

// One descriptor of page 0010h (table 190). Fields that are not here are zero.
struct AlgorithmDescriptor {
  std::uint8_t index = 1;
  bool valid_for_mounted_volume = false;  // AVFMV
  bool mac_capable = true;                // MAC_C
  bool distinguishes_encrypted = true;    // DELB_C
  std::uint8_t decrypt_capability = 2;    // DECRYPT_C: 2 in hardware
  std::uint8_t encrypt_capability = 2;
  std::uint8_t valid_for_position = 0;  // AVFCLP: 0 no volume, 1 not valid, 2 valid for writing
  std::uint8_t nonce_capability = 1;    // NONCE_C: 1 the device makes it
  bool kad_format_capable = true;       // KADF_C
  bool tells_encrypted_volume = true;   // VCELB_C
  bool unauthenticated_fixed = false;   // UKADF: U-KAD has exactly the maximum length
  bool authenticated_fixed = false;     // AKADF
  std::uint16_t max_unauthenticated = 0;
  std::uint16_t max_authenticated = 0;
  std::uint16_t key_size = kDataKeyLength;
  std::uint8_t descriptor_capability = 3;     // DKAD_C: 3 descriptors may come with a key for decryption
  std::uint8_t external_mode_capability = 1;  // EEMC_C: 1 encryption mode EXTERNAL is not offered
  std::uint8_t raw_control_capability = 1;    // RDMC_C: kRawNotOffered, kRawByDefault, …
  bool records_mode = true;                   // EAREM
  std::uint8_t max_eedks = 0;
  std::uint16_t max_eedk_size = 0;
  std::uint32_t algorithm = kAesGcm16;
  bool operator==(const AlgorithmDescriptor&) const = default;
};

struct EncryptionCapabilities {
  std::uint8_t external_control = 1;       // EXTDECC: 1 not capable of external control, 2 capable
  std::uint8_t configuration_prevent = 1;  // CFG_P: 1 changes allowed, 2 prevented
  std::vector<AlgorithmDescriptor> algorithms{};

  Bytes encode() const;
  static Result<EncryptionCapabilities> decode(ByteView data);
};

// Page 0011h: one byte a format.
Bytes encode_key_formats(const std::vector<KeyFormat>& formats);
Result<std::vector<KeyFormat>> decode_key_formats(ByteView data);

// Page 0012h.
struct EncryptionManagement {
  bool lock = true;
  bool clear_on_demount = true;              // CKOD_C
  bool clear_on_reservation_preempt = true;  // CKORP_C
  bool clear_on_reservation_loss = true;     // CKORL_C
  bool all_nexuses = true;                   // AITN_C
  bool local = true;
  bool shared = true;  // PUBLIC_C
  bool operator==(const EncryptionManagement&) const = default;
  Bytes encode() const;
  static Result<EncryptionManagement> decode(ByteView data);
};

// Page 0030h: a random number of 32 bytes.
inline constexpr std::size_t kRandomNumberBytes = 32;

// Protocol 00h, page 0000h: six reserved bytes, u16 length, one byte a protocol.
Bytes encode_protocol_list(const std::vector<std::uint8_t>& protocols);
Result<std::vector<std::uint8_t>> decode_protocol_list(ByteView data);
// Protocol 00h, page 0001h: two reserved bytes, u16 length, certificate (DER; empty: none).
Bytes encode_certificate_page(ByteView certificate);
Result<Bytes> decode_certificate_page(ByteView data);

}  // namespace tapewarden::scsi
