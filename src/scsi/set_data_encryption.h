// SECURITY PROTOCOL OUT page 0010h, set data encryption (SSC-4 section 8.5.3.2), and the key structures that
// it carries. A plain key is never copied here: parsing gives a view into the parameter list, and encoding
// writes into memory of the caller, which is secure memory where the key is plain. Pure, thread-safe.
#pragma once

#include "scsi/key_associated_data.h"
#include "scsi/tape_encryption.h"

namespace tapewarden::scsi {

struct SetDataEncryption {
  KeyScope scope = KeyScope::kPublic;
  bool lock = false;
  ExternalModeCheck check = ExternalModeCheck::kVendorSpecific;  // CEEM
  RawControl raw = RawControl::kDefault;                         // RDMC
  bool supplemental = false;                                     // SDK
  bool clear_on_demount = false;                                 // CKOD
  bool clear_on_reservation_preempt = false;                     // CKORP
  bool clear_on_reservation_loss = false;                        // CKORL
  EncryptionMode encryption = EncryptionMode::kDisable;
  DecryptionMode decryption = DecryptionMode::kDisable;
  std::uint8_t algorithm_index = 1;
  KeyFormat key_format = KeyFormat::kPlain;
  KadFormat kad_format = KadFormat::kUnspecified;
  ByteView key{};  // borrowed; empty when the modes need none
  KadList kads{};

  // Whether the modes need a key.
  bool needs_key() const;
  std::size_t encoded_size() const;
  // REQUIRES: out.size() == encoded_size().
  void encode_into(MutableByteView out) const;
  // The page as a device checks it: length, reserved bits, values of every enumeration, descriptors. What a
  // device does not offer is its own to refuse. The descriptors are not looked at when no key is needed.
  static Outcome<SetDataEncryption> parse(ByteView parameters);
};

// Offsets in the page, for the field pointers of a device's refusals.
namespace set_data_encryption {
inline constexpr std::size_t kScopeByte = 4;
inline constexpr std::size_t kFlagsByte = 5;
inline constexpr std::size_t kEncryptionModeByte = 6;
inline constexpr std::size_t kDecryptionModeByte = 7;
inline constexpr std::size_t kAlgorithmByte = 8;
inline constexpr std::size_t kKeyFormatByte = 9;
inline constexpr std::size_t kKadFormatByte = 10;
inline constexpr std::size_t kKeyLengthByte = 18;
inline constexpr std::size_t kKeyByte = 20;
}  // namespace set_data_encryption

// Key format 02h: the key wrapped by the device server's public key (docs/formats/scsi-pages.md).
struct WrappedKey {
  static constexpr std::uint16_t kRsa2048Oaep = 0x0000;
  std::uint16_t parameter_set = kRsa2048Oaep;
  Bytes label{};  // the OAEP label; at most kMaxLabel
  Bytes wrapped{};
  Bytes signature{};  // by whoever wrapped it, over what stands before; may be empty

  static constexpr std::size_t kMaxLabel = 128;
  static constexpr std::size_t kMaxWrapped = 1024;
  static constexpr std::size_t kMaxSignature = 512;
  Bytes encode() const;
  // `base`: where the structure begins in the parameter list.
  static Outcome<WrappedKey> parse(ByteView bytes, std::size_t base);
};

// SECURITY PROTOCOL IN page 0031h.
struct WrappingKeyPage {
  static constexpr std::uint32_t kRsa2048 = 0x00000000;
  static constexpr std::uint32_t kSpki = 0x80000001;  // ours: a DER SubjectPublicKeyInfo
  std::uint32_t key_type = kRsa2048;
  std::uint32_t key_format = kSpki;
  Bytes key{};
  Bytes encode() const;
  static Result<WrappingKeyPage> decode(ByteView data);
};

}  // namespace tapewarden::scsi
