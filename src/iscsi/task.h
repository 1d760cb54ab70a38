// One SCSI command from its arrival to its answer.
#pragma once

#include <atomic>
#include <deque>
#include <optional>

#include "iscsi/memory_budget.h"
#include "iscsi/nexus.h"
#include "iscsi/scsi_pdu.h"

namespace tapewarden::iscsi {

// Statuses that a transport gives by itself (SAM-5 section 5.3.1).
inline constexpr auto kTaskSetFull = static_cast<scsi::ScsiStatus>(0x28);
inline constexpr auto kTaskAborted = static_cast<scsi::ScsiStatus>(0x40);

// Data that was asked for with one R2T.
struct Transfer {
  std::uint32_t tag = 0;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t received = 0;
  std::uint32_t data_sn = 0;  // of the next Data-Out
};

// Data from the initiator with its share of the memory.
struct DataOut {
  MemoryShare memory;
  BufferPool::Buffer buffer;
};

// `dropped` may be set from the session's thread while a unit executes the command; everything else is
// touched by the session's thread until the command is handed to its unit, by the unit's worker until it is
// handed back.
struct Task {
  ScsiCommandPdu command;
  std::shared_ptr<Nexus> nexus;
  std::shared_ptr<UnitQueue> queue;
  std::uint64_t epoch = 0;
  MemoryShare memory;                      // of the data to the initiator
  std::shared_ptr<DataOut> data_out{};     // from it; the unit may keep it beyond the command
  std::optional<scsi::Response> answer{};  // known before any unit was asked
  std::optional<scsi::SenseCode> fault{};  // of the transfer; the command is not executed
  std::uint32_t received = 0;              // bytes at the front of the buffer
  std::uint32_t requested = 0;             // up to here by R2T or unsolicited
  std::uint32_t data_sn = 0;               // of the next unsolicited Data-Out
  std::uint32_t data_pdus = 0;             // R2T and Data-In PDUs that were sent
  bool unsolicited = false;                // more comes without being asked for
  std::deque<Transfer> transfers{};
  bool ready = false;  // all data is here
  std::atomic<bool> dropped = false;
};

}  // namespace tapewarden::iscsi
