// An EEDK: a data key wrapped to a KEK, as it stands on a cartridge and in the ledger (docs/formats/dkx.md).
// Values; thread-safe.
#pragma once

#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/uuid.h"
#include "ttlv/cursor.h"
#include "ttlv/writer.h"

namespace tapewarden::eedk {

// Limits of everything in this component.
inline constexpr std::size_t kMaxEedkBytes = 4096;        // one encoded EEDK
inline constexpr std::size_t kMaxWrappedKeyBytes = 3072;  // room for ML-KEM-1024 with a classical key
inline constexpr std::size_t kMaxLabelBytes = 64;
inline constexpr std::size_t kMaxEedks = 2;
inline constexpr std::size_t kMaxSignatureBytes = 80;  // DER ECDSA on P-256 has at most 72
inline constexpr std::size_t kMaxEedkSetBytes = 2 * kMaxEedkBytes + 1024;

// How a data key is wrapped. Every value from 1 to 65535 can be carried and kept; only those named here can
// be opened, so that a cartridge of a newer server passes through an older one unharmed (K25).
enum class WrapAlgorithm : std::uint16_t {
  kRsaOaepSha256 = 1,  // RSAES-OAEP, SHA-256, MGF1-SHA-256 (RFC 8017)
  kMlKem768Rsa = 2,    // reserved: ML-KEM-768 with RSA-OAEP, keys combined by HKDF
  kMlKem1024P384 = 3,  // reserved: ML-KEM-1024 with ECDH P-384
};

// How an EEDK names its KEK. The numbers are used on the wire.
enum class LabelMode : std::uint8_t { kClear = 1, kHash = 2 };
std::string_view to_string(LabelMode mode);  // "clear", "hash"

// A clear label: 1 to 64 printable ASCII characters; compares without case.
struct ClearLabel {
  std::string text;
  friend bool operator==(const ClearLabel&, const ClearLabel&) = default;
};
// A hash label: SHA-256 of the KEK's SubjectPublicKeyInfo (K5).
struct HashLabel {
  Hash256 spki{};
  friend bool operator==(const HashLabel&, const HashLabel&) = default;
};
using KekLabel = std::variant<ClearLabel, HashLabel>;

LabelMode mode_of(const KekLabel& label);
// The text, or "sha256:" and lower-case hex.
std::string to_string(const KekLabel& label);
// kInvalidArgument unless it is 1 to 64 printable ASCII characters without blanks at its ends. `field` names
// it in the error.
Status check_label(std::string_view text, std::string_view field);

struct Eedk {
  WrapAlgorithm algorithm = WrapAlgorithm::kRsaOaepSha256;
  KekLabel label;
  Bytes wrapped;  // the data key, wrapped to the KEK with oaep_label(volume)
  friend bool operator==(const Eedk&, const Eedk&) = default;
};

// The OAEP label that ties an EEDK to its volume: "tapewarden eedk" || volume UUID. Copied to another
// cartridge it does not open.
Bytes oaep_label(const Uuid& volume);

// REQUIRES: label and wrapped key within their limits.
Bytes encode(const Eedk& eedk);
// kInvalidArgument naming the field.
Result<Eedk> decode_eedk(ByteView bytes);

// As a part of a larger message.
void write(ttlv::Writer& out, const Eedk& eedk);
Result<Eedk> read_eedk(ttlv::Cursor& in);

}  // namespace tapewarden::eedk
