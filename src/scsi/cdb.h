// Command descriptor blocks (SPC-4, SSC-4): one struct a command, with encode and decode side by side in
// cdb.cc. decode() takes a CDB that may be padded beyond its own length; a short one, an operation code that
// is not this command's, or a reserved bit that is set gives 05/24/00 pointing at the byte. Pure,
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "scsi/sense.h"

namespace tapewarden::scsi {

enum class Opcode : std::uint8_t {
  kTestUnitReady = 0x00,
  kRewind = 0x01,
  kRequestSense = 0x03,
  kFormatMedium = 0x04,
  kReadBlockLimits = 0x05,
  kRead6 = 0x08,
  kWrite6 = 0x0a,
  kSetCapacity = 0x0b,
  kWriteFilemarks6 = 0x10,
  kSpace6 = 0x11,
  kInquiry = 0x12,
  kVerify6 = 0x13,
  kModeSelect6 = 0x15,
  kReserve6 = 0x16,
  kRelease6 = 0x17,
  kErase6 = 0x19,
  kModeSense6 = 0x1a,
  kLoadUnload = 0x1b,
  kReceiveDiagnostic = 0x1c,
  kSendDiagnostic = 0x1d,
  kPreventAllow = 0x1e,
  kLocate10 = 0x2b,
  kReadPosition = 0x34,
  kReportDensitySupport = 0x44,
  kLogSelect = 0x4c,
  kLogSense = 0x4d,
  kModeSelect10 = 0x55,
  kReserve10 = 0x56,
  kRelease10 = 0x57,
  kModeSense10 = 0x5a,
  kPersistentReserveIn = 0x5e,
  kPersistentReserveOut = 0x5f,
  kAllowOverwrite = 0x82,
  kReadAttribute = 0x8c,
  kWriteAttribute = 0x8d,
  kSpace16 = 0x91,
  kLocate16 = 0x92,
  kReportLuns = 0xa0,
  kSecurityProtocolIn = 0xa2,
  kMaintenanceIn = 0xa3,
  kMaintenanceOut = 0xa4,
  kSecurityProtocolOut = 0xb5,
};

inline constexpr std::size_t kMaxCdbBytes = 16;

// Length and the bits that a command defines; every other bit must be zero.
struct CdbFormat {
  Opcode opcode;
  std::uint8_t length;
  std::string_view name;
  std::array<std::uint8_t, kMaxCdbBytes> usage;
  // Bits 4-0 of byte 1 where they are a service action; the usage bits of byte 1 are then its value.
  std::optional<std::uint8_t> service_action{};
};
// nullptr for an operation code that this table does not hold. The newer commands stand in tape_cdb.h.
const CdbFormat* find_cdb_format(std::uint8_t opcode);
// The first `length` bytes when the CDB is whole and no reserved bit is set.
Outcome<ByteView> checked_cdb(ByteView cdb, Opcode opcode);
// The same for a command whose format stands elsewhere (changer_cdb.h).
Outcome<ByteView> checked_cdb(ByteView cdb, const CdbFormat& format);

// Commands that carry no field: TEST UNIT READY, READ BLOCK LIMITS, RESERVE(6), RELEASE(6).
Bytes plain_cdb(Opcode opcode);

struct Rewind {
  bool immediate = false;
  static Outcome<Rewind> decode(ByteView cdb);
  Bytes encode() const;
};

struct RequestSense {
  bool descriptor_format = false;
  std::uint8_t allocation_length = 252;
  static Outcome<RequestSense> decode(ByteView cdb);
  Bytes encode() const;
};

struct Read6 {
  bool fixed = false;
  bool suppress_incorrect_length = false;
  std::uint32_t transfer_length = 0;  // blocks when fixed, else bytes; below 2^24
  static Outcome<Read6> decode(ByteView cdb);
  Bytes encode() const;
};

struct Write6 {
  bool fixed = false;
  std::uint32_t transfer_length = 0;
  static Outcome<Write6> decode(ByteView cdb);
  Bytes encode() const;
};

struct WriteFilemarks {
  bool immediate = false;
  std::uint32_t count = 0;  // 0 synchronises; below 2^24
  static Outcome<WriteFilemarks> decode(ByteView cdb);
  Bytes encode() const;
};

enum class SpaceCode : std::uint8_t { kBlocks = 0, kFilemarks = 1, kSequentialFilemarks = 2, kEndOfData = 3 };

// SPACE(6) when decoded from 11h, SPACE(16) from 91h; encode() takes the short form where the count fits.
struct Space {
  SpaceCode code = SpaceCode::kBlocks;
  std::int64_t count = 0;  // towards end of medium when positive
  static Outcome<Space> decode(ByteView cdb);
  Bytes encode() const;
};

struct Inquiry {
  bool vital_product_data = false;
  std::uint8_t page = 0;
  std::uint16_t allocation_length = 0;
  static Outcome<Inquiry> decode(ByteView cdb);
  Bytes encode() const;
};

// MODE SELECT(6) and (10).
struct ModeSelect {
  bool ten = false;
  bool page_format = true;
  bool save_pages = false;
  std::uint16_t parameter_length = 0;
  static Outcome<ModeSelect> decode(ByteView cdb);
  Bytes encode() const;
};

enum class PageControl : std::uint8_t { kCurrent = 0, kChangeable = 1, kDefault = 2, kSaved = 3 };

// MODE SENSE(6) and (10).
struct ModeSense {
  bool ten = false;
  bool disable_block_descriptor = false;
  PageControl control = PageControl::kCurrent;
  std::uint8_t page = 0;
  std::uint8_t subpage = 0;
  std::uint16_t allocation_length = 0;
  static Outcome<ModeSense> decode(ByteView cdb);
  Bytes encode() const;
};

struct Erase6 {
  bool whole_medium = false;  // LONG
  bool immediate = false;
  static Outcome<Erase6> decode(ByteView cdb);
  Bytes encode() const;
};

struct LoadUnload {
  bool immediate = false;
  bool load = false;
  bool hold = false;
  static Outcome<LoadUnload> decode(ByteView cdb);
  Bytes encode() const;
};

struct PreventAllow {
  bool prevent = false;
  static Outcome<PreventAllow> decode(ByteView cdb);
  Bytes encode() const;
};

enum class LocateTarget : std::uint8_t { kObject = 0, kFile = 1, kEndOfData = 3 };

// LOCATE(10) and (16); encode() gives the long form unless it fits the short one.
struct Locate {
  bool immediate = false;
  bool change_partition = false;
  std::uint8_t partition = 0;
  LocateTarget target = LocateTarget::kObject;
  std::uint64_t identifier = 0;
  static Outcome<Locate> decode(ByteView cdb);
  Bytes encode() const;
};

enum class PositionForm : std::uint8_t { kShort = 0x00, kLong = 0x06, kExtended = 0x08 };

struct ReadPosition {
  PositionForm form = PositionForm::kShort;
  std::uint16_t allocation_length = 0;  // extended form only
  static Outcome<ReadPosition> decode(ByteView cdb);
  Bytes encode() const;
};

struct LogSense {
  std::uint8_t control = 1;  // 1: cumulative current values
  std::uint8_t page = 0;
  std::uint8_t subpage = 0;
  std::uint16_t parameter_pointer = 0;
  std::uint16_t allocation_length = 0;
  static Outcome<LogSense> decode(ByteView cdb);
  Bytes encode() const;
};

enum class AttributeAction : std::uint8_t {
  kValues = 0,
  kList = 1,
  kVolumes = 2,
  kPartitions = 3,
  kSupported = 5
};

struct ReadAttribute {
  AttributeAction action = AttributeAction::kValues;
  std::uint8_t partition = 0;
  std::uint16_t first_attribute = 0;
  std::uint32_t allocation_length = 0;
  static Outcome<ReadAttribute> decode(ByteView cdb);
  Bytes encode() const;
};

struct WriteAttribute {
  bool write_through = false;
  std::uint8_t partition = 0;
  std::uint32_t parameter_length = 0;
  static Outcome<WriteAttribute> decode(ByteView cdb);
  Bytes encode() const;
};

struct ReportLuns {
  std::uint8_t select = 0;
  std::uint32_t allocation_length = 0;
  static Outcome<ReportLuns> decode(ByteView cdb);
  Bytes encode() const;
};

// SECURITY PROTOCOL IN and OUT; lengths in bytes (an INC_512 length is turned into bytes by decode()).
struct SecurityProtocolIn {
  std::uint8_t protocol = 0;
  std::uint16_t page = 0;
  std::uint32_t allocation_length = 0;
  static Outcome<SecurityProtocolIn> decode(ByteView cdb);
  Bytes encode() const;
};

struct SecurityProtocolOut {
  std::uint8_t protocol = 0;
  std::uint16_t page = 0;
  std::uint32_t transfer_length = 0;
  // INC_512 was set: zeros may fill the parameter list up to the transfer length.
  bool padded = false;
  static Outcome<SecurityProtocolOut> decode(ByteView cdb);
  Bytes encode() const;
};

}  // namespace tapewarden::scsi
