// Sense data (SPC-4 section 4.5): what a device server says when a command did not end well. A value; encode
// and decode are pure and thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden::scsi {

enum class SenseKey : std::uint8_t {
  kNoSense = 0x0,
  kRecoveredError = 0x1,
  kNotReady = 0x2,
  kMediumError = 0x3,
  kHardwareError = 0x4,
  kIllegalRequest = 0x5,
  kUnitAttention = 0x6,
  kDataProtect = 0x7,
  kBlankCheck = 0x8,
  kVendorSpecific = 0x9,
  kCopyAborted = 0xa,
  kAbortedCommand = 0xb,
  kVolumeOverflow = 0xd,
  kMiscompare = 0xe,
  kCompleted = 0xf,
};

// Sense key, additional sense code and its qualifier.
struct SenseCode {
  SenseKey key = SenseKey::kNoSense;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  friend constexpr bool operator==(const SenseCode&, const SenseCode&) = default;

  // 07/74/03 as 077403h, for Error::detail; never 0 for anything but 00/00/00.
  constexpr std::uint32_t packed() const {
    return (static_cast<std::uint32_t>(key) << 16U) | (static_cast<std::uint32_t>(asc) << 8U) | ascq;
  }
  static constexpr SenseCode unpacked(std::uint32_t packed) {
    return {static_cast<SenseKey>((packed >> 16U) & 0xfU), static_cast<std::uint8_t>((packed >> 8U) & 0xffU),
            static_cast<std::uint8_t>(packed & 0xffU)};
  }
};

// Where the wrong field of an ILLEGAL REQUEST lies (sense key specific bytes, SPC-4 table 33).
struct FieldPointer {
  bool in_cdb = true;  // else in the parameter list
  std::uint16_t byte = 0;
  std::optional<std::uint8_t> bit{};
  friend bool operator==(const FieldPointer&, const FieldPointer&) = default;
};

inline constexpr std::size_t kFixedSenseBytes = 18;

struct [[nodiscard]] Sense {
  SenseCode code{};
  bool filemark = false;
  bool end_of_medium = false;
  bool incorrect_length = false;
  bool deferred = false;
  // The residual or other value of the INFORMATION field; set exactly when the VALID bit is. Blocks,
  // filemarks or bytes as the command says; negative when a block was longer than asked for.
  std::optional<std::int64_t> information{};
  std::optional<FieldPointer> field{};

  friend bool operator==(const Sense&, const Sense&) = default;

  Sense with_information(std::int64_t value) const;

  // Response codes 70h/71h, 18 bytes. An information value beyond 32 bits leaves VALID zero, as SPC-4 says.
  Bytes encode_fixed() const;
  // Response codes 72h/73h with the descriptors that are needed: information, sense key specific, stream
  // commands.
  Bytes encode_descriptor() const;
  // Either format; short data is taken as far as it reaches. kCorrupt for another response code or less than
  // a sense key.
  static Result<Sense> decode(ByteView data);

  // "DATA PROTECT 74/03 incorrect data encryption key, residual 5, filemark".
  std::string text() const;
};

// What a handler of a command gives back: a value, or the sense to report.
template <typename T>
using Outcome = std::expected<T, Sense>;

inline std::unexpected<Sense> check(SenseCode code) {
  return std::unexpected(Sense{.code = code});
}
// 05/24/00 pointing at the CDB byte, and at the bit where one alone is wrong.
std::unexpected<Sense> invalid_in_cdb(std::size_t byte, std::optional<std::uint8_t> bit = {});
// 05/26/00 pointing into the parameter list.
std::unexpected<Sense> invalid_in_parameters(std::size_t byte, std::optional<std::uint8_t> bit = {});

std::string_view name_of(SenseKey key);
// A lower-case text for the codes of sense_codes.h; "additional sense code" for any other.
std::string_view name_of(SenseCode code);

}  // namespace tapewarden::scsi
