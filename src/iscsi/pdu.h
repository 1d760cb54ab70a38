// The frame of an iSCSI PDU (RFC 7143 section 11.1 and 11.2): basic header segment, additional header
// segments, digests and padding. The messages themselves lie in login_pdu.h, scsi_pdu.h and session_pdu.h,
// each with encode and decode side by side. Values; pure, thread-safe.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"

namespace tapewarden::iscsi {

inline constexpr std::size_t kHeaderBytes = 48;
inline constexpr std::size_t kDigestBytes = 4;
inline constexpr std::uint32_t kNoTag = 0xffffffff;  // the reserved task tag
inline constexpr std::size_t kMaxSegment = (1U << 24) - 1;

// Initiator opcodes lie below 20h, target opcodes at and above it (section 11.2.1.2).
enum class Opcode : std::uint8_t {
  kNopOut = 0x00,
  kScsiCommand = 0x01,
  kTaskRequest = 0x02,
  kLoginRequest = 0x03,
  kTextRequest = 0x04,
  kDataOut = 0x05,
  kLogoutRequest = 0x06,
  kSnack = 0x10,
  kNopIn = 0x20,
  kScsiResponse = 0x21,
  kTaskResponse = 0x22,
  kLoginResponse = 0x23,
  kTextResponse = 0x24,
  kDataIn = 0x25,
  kLogoutResponse = 0x26,
  kR2t = 0x31,
  kAsync = 0x32,
  kReject = 0x3f,
};

// One basic header segment with its fields by byte number. A fresh one is all zeros.
class Header {
 public:
  Header() = default;
  // REQUIRES: kHeaderBytes bytes.
  explicit Header(ByteView bytes);
  Header(Opcode opcode, bool immediate = false);

  std::uint8_t opcode() const { return static_cast<std::uint8_t>(bytes_[0] & 0x3fU); }
  bool is(Opcode opcode) const { return this->opcode() == static_cast<std::uint8_t>(opcode); }
  bool immediate() const { return (bytes_[0] & 0x40U) != 0; }
  bool final() const { return (bytes_[1] & 0x80U) != 0; }
  std::size_t ahs_bytes() const { return std::size_t{bytes_[4]} * 4; }
  std::size_t data_bytes() const;
  std::uint64_t lun() const { return u64(8); }
  std::uint32_t task_tag() const { return u32(16); }

  std::uint8_t u8(std::size_t at) const { return bytes_[at]; }
  std::uint16_t u16(std::size_t at) const;
  std::uint32_t u32(std::size_t at) const;
  std::uint64_t u64(std::size_t at) const;
  ByteView bytes(std::size_t at, std::size_t count) const { return ByteView(bytes_).subspan(at, count); }

  Header& set_u8(std::size_t at, std::uint8_t value);
  Header& set_bits(std::size_t at, std::uint8_t bits);  // or-ed in
  Header& set_u16(std::size_t at, std::uint16_t value);
  Header& set_u32(std::size_t at, std::uint32_t value);
  Header& set_u64(std::size_t at, std::uint64_t value);
  Header& set_bytes(std::size_t at, ByteView value);
  Header& set_final() { return set_bits(1, 0x80); }
  Header& set_task_tag(std::uint32_t tag) { return set_u32(16, tag); }
  Header& set_data_bytes(std::size_t count);  // REQUIRES: <= kMaxSegment

  ByteView view() const { return bytes_; }

 private:
  std::array<std::uint8_t, kHeaderBytes> bytes_{};
};

// Zeros that fill a data segment up to a multiple of four (section 11.1).
constexpr std::size_t padding_of(std::size_t data_bytes) {
  return (4 - data_bytes % 4) % 4;
}

struct Digests {
  bool header = false;
  bool data = false;
  bool operator==(const Digests&) const = default;
};

// CRC32C as it stands on the wire (section 13.1: the least significant byte first).
std::array<std::uint8_t, kDigestBytes> digest_bytes(std::uint32_t crc);
std::uint32_t digest_value(ByteView bytes);  // REQUIRES: kDigestBytes bytes

// What goes before and after a data segment on the wire. The header's data length is what `data` has.
Bytes encode_head(const Header& header, Digests digests);
Bytes encode_tail(ByteView data, Digests digests);
// A whole PDU in one piece.
Bytes encode_pdu(Header header, ByteView data, Digests digests = {}, ByteView ahs = {});

}  // namespace tapewarden::iscsi
