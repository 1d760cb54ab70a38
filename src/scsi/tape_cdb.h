// Command descriptor blocks of tape drives beyond those of cdb.h: verification, formatting, density, logs,
// reservations, diagnostics and the commands that tell what the device offers (SPC-4, SSC-4). The same rules
// as in cdb.h: one struct a command, reserved bits are refused. Pure, thread-safe.
#pragma once

#include <span>

#include "scsi/cdb.h"

namespace tapewarden::scsi {

namespace service_action {
// MAINTENANCE IN and OUT (SPC-4 tables 211 and 213).
inline constexpr std::uint8_t kReportOperationCodes = 0x0c;
inline constexpr std::uint8_t kReportTaskManagement = 0x0d;
inline constexpr std::uint8_t kTimestamp = 0x0f;  // REPORT when in, SET when out
}  // namespace service_action

// The formats of this header.
std::span<const CdbFormat> tape_formats();
// Of either header. Commands with service actions have one format for each.
const CdbFormat* find_tape_format(std::uint8_t opcode, std::optional<std::uint8_t> service_action = {});

// VERIFY(6), SSC-4 section 6.9.
struct Verify6 {
  bool to_end_of_data = false;     // VTE
  bool protection_method = false;  // VLBPM
  bool by_filemarks = false;       // VBF
  bool immediate = false;
  bool compare = false;  // BYTCMP
  bool fixed = false;
  std::uint32_t length = 0;  // blocks when fixed, files by filemarks, else bytes; below 2^24
  static Outcome<Verify6> decode(ByteView cdb);
  Bytes encode() const;
};

// FORMAT MEDIUM, SSC-4 section 7.1.
struct FormatMedium {
  bool verify = false;
  bool immediate = false;
  std::uint8_t format = 0;  // 0 default, 1 partitions of page 11h, 2 both
  std::uint16_t transfer_length = 0;
  static Outcome<FormatMedium> decode(ByteView cdb);
  Bytes encode() const;
};

// SET CAPACITY, SSC-4 section 7.9.
struct SetCapacity {
  bool immediate = false;
  std::uint16_t proportion = 0xffff;  // of the whole, in 65,535ths
  static Outcome<SetCapacity> decode(ByteView cdb);
  Bytes encode() const;
};

// ALLOW OVERWRITE, SSC-4 section 6.2.
struct AllowOverwrite {
  enum class Permission : std::uint8_t { kNone = 0, kCurrentPosition = 1, kFormat = 2 };
  Permission permission = Permission::kNone;
  std::uint8_t partition = 0;
  std::uint64_t logical_object = 0;
  static Outcome<AllowOverwrite> decode(ByteView cdb);
  Bytes encode() const;
};

// REPORT DENSITY SUPPORT, SSC-4 section 7.8.
struct ReportDensitySupport {
  bool medium_type = false;  // MEDIUM TYPE: types of media instead of densities
  bool mounted = false;      // MEDIA: of the mounted medium only
  std::uint16_t allocation_length = 0;
  static Outcome<ReportDensitySupport> decode(ByteView cdb);
  Bytes encode() const;
};

// LOG SELECT, SPC-4 section 6.5.
struct LogSelect {
  bool reset_parameters = false;  // PCR
  bool save_parameters = false;   // SP
  std::uint8_t control = 0;       // PC
  std::uint8_t page = 0;
  std::uint8_t subpage = 0;
  std::uint16_t parameter_length = 0;
  static Outcome<LogSelect> decode(ByteView cdb);
  Bytes encode() const;
};

struct SendDiagnostic {
  bool page_format = false;
  bool self_test = false;
  std::uint16_t parameter_length = 0;
  static Outcome<SendDiagnostic> decode(ByteView cdb);
  Bytes encode() const;
};

struct ReceiveDiagnostic {
  bool page_code_valid = false;
  std::uint8_t page = 0;
  std::uint16_t allocation_length = 0;
  static Outcome<ReceiveDiagnostic> decode(ByteView cdb);
  Bytes encode() const;
};

enum class ReservationReport : std::uint8_t {
  kKeys = 0,
  kReservation = 1,
  kCapabilities = 2,
  kFullStatus = 3
};

struct PersistentReserveIn {
  ReservationReport action = ReservationReport::kKeys;
  std::uint16_t allocation_length = 0;
  static Outcome<PersistentReserveIn> decode(ByteView cdb);
  Bytes encode() const;
};

enum class ReservationAction : std::uint8_t {
  kRegister = 0,
  kReserve = 1,
  kRelease = 2,
  kClear = 3,
  kPreempt = 4,
  kPreemptAndAbort = 5,
  kRegisterAndIgnore = 6,
};

struct PersistentReserveOut {
  ReservationAction action = ReservationAction::kRegister;
  std::uint8_t scope = 0;  // 0: logical unit
  std::uint8_t type = 0;
  std::uint32_t parameter_length = 0;
  static Outcome<PersistentReserveOut> decode(ByteView cdb);
  Bytes encode() const;
};

// REPORT SUPPORTED OPERATION CODES, SPC-4 section 6.33.
struct ReportOperationCodes {
  bool timeouts = false;     // RCTD
  std::uint8_t options = 0;  // 0 all, 1 one without, 2 one with a service action, 3 either
  std::uint8_t opcode = 0;
  std::uint16_t action = 0;
  std::uint32_t allocation_length = 0;
  static Outcome<ReportOperationCodes> decode(ByteView cdb);
  Bytes encode() const;
};

// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, SPC-4 section 6.34.
struct ReportTaskManagement {
  bool extended = false;  // REPD
  std::uint32_t allocation_length = 0;
  static Outcome<ReportTaskManagement> decode(ByteView cdb);
  Bytes encode() const;
};

// REPORT TIMESTAMP and SET TIMESTAMP, SPC-4 sections 6.36 and 6.45: allocation and parameter list length.
struct ReportTimestamp {
  std::uint32_t allocation_length = 0;
  static Outcome<ReportTimestamp> decode(ByteView cdb);
  Bytes encode() const;
};
struct SetTimestamp {
  std::uint32_t parameter_length = 0;
  static Outcome<SetTimestamp> decode(ByteView cdb);
  Bytes encode() const;
};

}  // namespace tapewarden::scsi
