// Pages 0020h (data encryption status) and 0021h (next block encryption status) of protocol 20h (SSC-4
// sections 8.5.2.7 and 8.5.2.8). Values; pure, thread-safe.
#pragma once

#include "scsi/key_associated_data.h"
#include "scsi/tape_encryption.h"

namespace tapewarden::scsi {

struct EncryptionStatus {
  KeyScope nexus_scope = KeyScope::kPublic;  // of the asking nexus
  KeyScope key_scope = KeyScope::kPublic;    // of the parameters that hold for it
  EncryptionMode encryption = EncryptionMode::kDisable;
  DecryptionMode decryption = DecryptionMode::kDisable;
  std::uint8_t algorithm_index = 0;
  std::uint32_t key_instance = 0;
  ParametersControl control = ParametersControl::kNotReported;
  ExternalModeCheck check = ExternalModeCheck::kVendorSpecific;  // CEEMS
  bool raw_blocked = false;                                      // RDMD
  bool volume_holds_encrypted = false;                           // VCELB
  KadFormat kad_format = KadFormat::kUnspecified;
  KadList kads{};

  Bytes encode() const;
  static Result<EncryptionStatus> decode(ByteView data);
};

enum class BlockStatus : std::uint8_t {
  kUnknown = 0,
  kNotNow = 1,     // end of data, an error, or not read yet
  kNotABlock = 2,  // a filemark
  kNotEncrypted = 3,
  kOtherAlgorithm = 4,
  kReadable = 5,
  kKeyMissing = 6,  // no key, or another one
};
enum class CompressionStatus : std::uint8_t {
  kUnknown = 0,
  kNotNow = 1,
  kNotABlock = 2,
  kNotCompressed = 3,
  kCompressed = 4
};

struct NextBlockStatus {
  std::uint64_t logical_object = 0;
  CompressionStatus compression = CompressionStatus::kUnknown;
  BlockStatus status = BlockStatus::kUnknown;
  std::uint8_t algorithm_index = 0;
  bool external_mode = false;  // EMES
  bool raw_blocked = false;    // RDMDS
  KadFormat kad_format = KadFormat::kUnspecified;
  KadList kads{};

  Bytes encode() const;
  static Result<NextBlockStatus> decode(ByteView data);
};

}  // namespace tapewarden::scsi
