// The PDUs by which both sides look after a session (RFC 7143 sections 11.5, 11.6, 11.9
// to 11.11, 11.14, 11.15, 11.17 to 11.19). Values; pure, thread-safe.
#pragma once

#include "iscsi/scsi_pdu.h"

namespace tapewarden::iscsi {

struct NopOutPdu {
  bool immediate = false;
  std::uint64_t lun = 0;
  std::uint32_t task_tag = kNoTag;      // kNoTag: no answer is wanted
  std::uint32_t transfer_tag = kNoTag;  // of the NOP-In that this answers
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;

  static NopOutPdu decode(const Header& header);
  Header encode() const;
};

struct NopInPdu {
  std::uint64_t lun = 0;
  std::uint32_t task_tag = kNoTag;      // of the NOP-Out that this answers
  std::uint32_t transfer_tag = kNoTag;  // kNoTag: no answer is wanted
  Numbers numbers{};

  static NopInPdu decode(const Header& header);
  Header encode() const;
};

enum class TaskFunction : std::uint8_t {
  kAbortTask = 1,
  kAbortTaskSet = 2,
  kClearAca = 3,
  kClearTaskSet = 4,
  kLogicalUnitReset = 5,
  kTargetWarmReset = 6,
  kTargetColdReset = 7,
  kTaskReassign = 8,
};

enum class TaskAnswer : std::uint8_t {
  kComplete = 0,
  kNoSuchTask = 1,
  kNoSuchLun = 2,
  kStillAllegiant = 3,
  kReassignNotSupported = 4,
  kNotSupported = 5,
  kNotAllowed = 6,
  kRejected = 255,
};

struct TaskRequestPdu {
  bool immediate = true;
  std::uint8_t function = 0;
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t referenced_tag = kNoTag;
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;
  std::uint32_t referenced_cmd_sn = 0;

  static TaskRequestPdu decode(const Header& header);
  Header encode() const;
};

struct TaskResponsePdu {
  TaskAnswer answer = TaskAnswer::kComplete;
  std::uint32_t task_tag = 0;
  Numbers numbers{};

  static TaskResponsePdu decode(const Header& header);
  Header encode() const;
};

struct TextRequestPdu {
  bool immediate = false;
  bool final = true;
  bool more_text = false;
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t transfer_tag = kNoTag;
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;

  static TextRequestPdu decode(const Header& header);
  Header encode() const;
};

struct TextResponsePdu {
  bool final = true;
  bool more_text = false;
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t transfer_tag = kNoTag;
  Numbers numbers{};

  static TextResponsePdu decode(const Header& header);
  Header encode() const;
};

enum class LogoutReason : std::uint8_t { kSession = 0, kConnection = 1, kRecovery = 2 };
enum class LogoutAnswer : std::uint8_t {
  kSuccess = 0,
  kNoSuchConnection = 1,
  kRecoveryNotSupported = 2,
  kCleanupFailed = 3
};

struct LogoutRequestPdu {
  bool immediate = false;
  std::uint8_t reason = 0;
  std::uint32_t task_tag = 0;
  std::uint16_t connection = 0;
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;

  static LogoutRequestPdu decode(const Header& header);
  Header encode() const;
};

struct LogoutResponsePdu {
  LogoutAnswer answer = LogoutAnswer::kSuccess;
  std::uint32_t task_tag = 0;
  Numbers numbers{};

  static LogoutResponsePdu decode(const Header& header);
  Header encode() const;
};

enum class AsyncEvent : std::uint8_t {
  kScsi = 0,
  kLogoutRequested = 1,
  kConnectionDropped = 2,
  kSessionDropped = 3,
  kNegotiationRequested = 4,
};

struct AsyncPdu {
  AsyncEvent event = AsyncEvent::kLogoutRequested;
  std::uint64_t lun = 0;
  Numbers numbers{};
  std::uint16_t parameter1 = 0;
  std::uint16_t parameter2 = 0;
  std::uint16_t parameter3 = 0;  // seconds, with kLogoutRequested

  static AsyncPdu decode(const Header& header);
  Header encode() const;
};

enum class RejectReason : std::uint8_t {
  kDataDigest = 0x02,
  kSnack = 0x03,
  kProtocolError = 0x04,
  kNotSupported = 0x05,
  kTooManyImmediate = 0x06,
  kTaskInProgress = 0x07,
  kInvalidField = 0x09,
  kWaitingForLogout = 0x0c,
};

// Its data segment is the header of what is rejected.
struct RejectPdu {
  RejectReason reason = RejectReason::kProtocolError;
  Numbers numbers{};

  static RejectPdu decode(const Header& header);
  Header encode() const;
};

}  // namespace tapewarden::iscsi
