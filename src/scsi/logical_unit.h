// The border between a transport (in-process calls, an iSCSI target) and a device server.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/strong_id.h"
#include "scsi/sense.h"

namespace tapewarden::scsi {

// One initiator seen through one target port. The transport numbers its nexuses and never reuses a number
// while the logical unit lives.
using NexusId = StrongId<struct NexusIdTag, std::uint64_t>;

enum class ScsiStatus : std::uint8_t {
  kGood = 0x00,
  kCheckCondition = 0x02,
  kBusy = 0x08,
  kReservationConflict = 0x18,
};

// Who stands behind a nexus, where the transport has names that outlive a session.
struct NexusNames {
  Bytes transport_id{};       // of the initiator port (transport_id.h); empty: it has no name
  std::string target_port{};  // SCSI name string of the target port, such as "iqn.…,t,0x0001"
};

// Borrowed views; they must live until execute() returns.
struct Command {
  ByteView cdb{};  // may be padded beyond the command's own length (iSCSI sends 16 bytes)
  NexusId nexus;
  ByteView data_out{};  // everything that the initiator sent; empty for other commands
  // Holds what data_out views, for a unit that wants it for longer than execute() lasts; none: it may not.
  std::shared_ptr<const void> keep{};
};

struct Response {
  ScsiStatus status = ScsiStatus::kGood;
  Sense sense{};    // meaningful with kCheckCondition
  Bytes data_in{};  // already cut to the allocation or transfer length of the CDB
  // Bytes of data_out that the command took; more than there are when the CDB asked for more than was sent. A
  // transport reports the difference as residual: underflow, or overflow.
  std::size_t data_out_used = 0;

  bool good() const { return status == ScsiStatus::kGood; }
};

// Commands to one logical unit run one after another: execute() is not re-entrant, and the transport owns the
// queue (one worker a unit).
class LogicalUnit {
 public:
  virtual ~LogicalUnit() = default;
  // Never fails otherwise than by the response's status and sense.
  virtual Response execute(const Command& command) = 0;
  // The same where it waits for nothing: no disk, no network, nobody's lock. Otherwise nothing, and nothing
  // was done. For a transport's thread that serves others too.
  virtual std::optional<Response> execute_at_once(const Command& command) {
    static_cast<void>(command);
    return std::nullopt;
  }
  // After a command, when its answer is on the way and no other waits: what the unit can do before the next.
  // It need not be called; like a command it is not to run beside another.
  virtual void look_ahead() {}
  // No command came for a while: what was made ready for the next one is given up.
  virtual void rest() {}
  // Before the first command of a nexus, by transports that know names: by them a persistent reservation is
  // found again in a later session. A unit without such reservations needs none.
  virtual void nexus_named(NexusId nexus, const NexusNames& names) {
    static_cast<void>(nexus);
    static_cast<void>(names);
  }
  // The initiator is gone: what it alone held (reservation, local key, prevention of removal) ends.
  virtual void nexus_lost(NexusId nexus) = 0;
  // LOGICAL UNIT RESET: reservations, mode parameters and keys go back to what power-on gives; every nexus is
  // told by a unit attention.
  virtual void reset() = 0;
};

inline Response good(Bytes data_in = {}) {
  return {.status = ScsiStatus::kGood, .sense = {}, .data_in = std::move(data_in), .data_out_used = 0};
}
inline Response check_condition(Sense sense, Bytes data_in = {}) {
  return {.status = ScsiStatus::kCheckCondition,
          .sense = sense,
          .data_in = std::move(data_in),
          .data_out_used = 0};
}

}  // namespace tapewarden::scsi
