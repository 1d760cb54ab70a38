// Security protocol F0h, ours: how a drive that is system- or library-managed asks whoever carries its key
// exchange (the engine, the library, the host command) for a data key, and gets it. Layouts:
// docs/formats/key-path-pages.md. No page carries a data key in clear: the answer holds it wrapped to the
// drive's own key. Values; pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "scsi/sense.h"

namespace tapewarden::scsi {

namespace key_path {
inline constexpr std::uint16_t kSupportedPages = 0x0000;
inline constexpr std::uint16_t kKeyRequest = 0x0010;     // in
inline constexpr std::uint16_t kWritePolicy = 0x0011;    // in and out
inline constexpr std::uint16_t kRekey = 0x0012;          // out
inline constexpr std::uint16_t kChallenge = 0x0020;      // out
inline constexpr std::uint16_t kSignedRequest = 0x0021;  // in
inline constexpr std::uint16_t kAnswer = 0x0030;         // out
inline constexpr std::uint16_t kRefusal = 0x0031;        // out
inline constexpr std::uint16_t kStatus = 0x0040;         // in

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kMaxLabels = 2;
inline constexpr std::size_t kMaxLabelBytes = 64;
inline constexpr std::size_t kMaxNonceBytes = 64;
inline constexpr std::size_t kMaxBindingBytes = 64;
inline constexpr std::size_t kMaxMessageBytes = 32768;  // a signed request or an answer
}  // namespace key_path

enum class KeyIntent : std::uint8_t {
  kNone = 0,
  kWriteFromBeginning = 1,
  kAppend = 2,
  kRead = 3,
  kConfirm = 4,
  kRekey = 5  // new EEDKs for the data key that the cartridge has
};
enum class KeyMethodCode : std::uint8_t { kIdentifiedKey = 1, kWrappedKey = 2 };
enum class LabelModeCode : std::uint8_t { kClear = 1, kHash = 2 };

struct KeyLabel {
  std::string text{};
  LabelModeCode mode = LabelModeCode::kClear;
  bool operator==(const KeyLabel&) const = default;
};

// Page 0011h: how the next write from the beginning of tape is done. Labels for the wrapped-key method, alias
// or group for the identified-key method; without them the key server's own defaults count.
struct WritePolicyPage {
  bool encrypt = false;
  std::vector<KeyLabel> labels{};  // up to kMaxLabels
  std::string alias_or_group{};    // up to kMaxLabelBytes
  bool operator==(const WritePolicyPage&) const = default;
  Bytes encode() const;
  static Result<WritePolicyPage> decode(ByteView data);
  static Outcome<WritePolicyPage> parse(ByteView parameters);
};

// Page 0012h: asks the drive for new EEDKs of the data key that the cartridge in it has, wrapped to the KEKs
// of these labels. The drive then asks for them as it asks for keys.
struct RekeyPage {
  std::vector<KeyLabel> labels{};  // 1 to kMaxLabels
  bool operator==(const RekeyPage&) const = default;
  Bytes encode() const;
  static Result<RekeyPage> decode(ByteView data);
  static Outcome<RekeyPage> parse(ByteView parameters);
};

// Page 0010h: everything that a key server must be told. Nothing here is secret or signed; the signed request
// of page 0021h repeats what matters.
struct KeyRequestPage {
  KeyIntent intent = KeyIntent::kNone;  // kNone: nothing is asked, the rest says who and what
  KeyMethodCode method = KeyMethodCode::kWrappedKey;
  Uuid request{};
  std::string drive_serial{};
  std::uint64_t world_wide_node_name = 0;
  Bytes drive_certificate{};       // DER
  Bytes wrapping_key{};            // DER SubjectPublicKeyInfo, RSA-2048
  Bytes wrapping_key_signature{};  // by the identity key
  std::string volser{};
  Uuid volume{};
  std::vector<Bytes> eedks{};  // on the cartridge
  Bytes eedk_signature{};
  Bytes data_key_identifier{};  // on the cartridge
  Bytes key_check_value{};      // of the data on the cartridge; may be empty
  WritePolicyPage policy{};     // labels asked for: of a write from the beginning, or of new EEDKs
  bool operator==(const KeyRequestPage&) const = default;
  Bytes encode() const;
  static Result<KeyRequestPage> decode(ByteView data);
};

// Page 0020h. `confirm`: build the confirmation that the drive has written with the key of `request`.
struct ChallengePage {
  Uuid request{};
  bool confirm = false;
  Bytes nonce{};  // single use, from the server
  Bytes channel_binding{};
  Uuid server{};
  Bytes server_certificate{};  // DER; the drive checks it against its own trust
  bool operator==(const ChallengePage&) const = default;
  Bytes encode() const;
  static Outcome<ChallengePage> parse(ByteView parameters);
};

// Pages 0021h and 0030h: opaque messages of the key exchange.
struct ExchangeMessagePage {
  Uuid request{};
  Bytes message{};
  bool operator==(const ExchangeMessagePage&) const = default;
  Bytes encode(std::uint16_t page) const;
  static Result<ExchangeMessagePage> decode(ByteView data, std::uint16_t page);
  static Outcome<ExchangeMessagePage> parse(ByteView parameters, std::uint16_t page);
};

// Why no key came, in the terms that sense data can say.
enum class KeyRefusal : std::uint8_t {
  kUnreachable = 1,     // 07/74/61
  kServerError = 2,     // 07/74/62
  kNotFound = 3,        // 07/74/63
  kNotAuthorized = 4,   // 07/74/64
  kTimeout = 5,         // 07/EE/0E
  kServiceFailure = 6,  // 07/EE/0F
};
SenseCode sense_of(KeyRefusal refusal);

// Page 0031h.
struct RefusalPage {
  Uuid request{};
  KeyRefusal reason = KeyRefusal::kServiceFailure;
  std::uint16_t ekm_code = 0;  // as the key server gave it; kept for the status page
  bool operator==(const RefusalPage&) const = default;
  Bytes encode() const;
  static Outcome<RefusalPage> parse(ByteView parameters);
};

enum class KeyPathState : std::uint8_t {
  kIdle = 0,
  kRequested = 1,   // page 0010h holds a request
  kChallenged = 2,  // page 0021h holds the signed request
  kKeyed = 3,       // the drive has a data key
  kRefused = 4,     // the next command that needs the key gets the refusal's sense
};

// Page 0040h.
struct KeyPathStatusPage {
  KeyPathState state = KeyPathState::kIdle;
  bool may_write = false;      // the key was given for writing
  bool confirm_due = false;    // the drive has written with a new key and not yet confirmed it
  Uuid request{};              // the one under way, or the last
  Uuid confirm_request{};      // whose key is to be confirmed; nil when nothing is due
  Bytes key_check_value{};     // of the key held; empty without one
  std::uint16_t ekm_code = 0;  // of the last refusal
  bool operator==(const KeyPathStatusPage&) const = default;
  Bytes encode() const;
  static Result<KeyPathStatusPage> decode(ByteView data);
};

}  // namespace tapewarden::scsi
