// Who may use a device: RESERVE/RELEASE (SPC-2) and persistent reservations (SPC-4 section 5.13), for any
// device server. Not thread-safe; belongs to one device.
//
// Invariants
//  1. Either one nexus holds the device by RESERVE, or registrants and at most one persistent reservation
//     exist; never both.
//  2. A persistent reservation has a registrant as its holder; with an "all registrants" type every one is.
//  3. A registrant belongs to an initiator port: it outlives the loss of a nexus that has a name, and is
//     found again by that name; one of a nameless nexus ends with it, since nobody could ever use it again.
//  4. RESERVE ends with a reset, registrants do not. Power-off ends everything, but for what is in the
//     reservation file: all registrants with a name and their reservation while the last REGISTER had APTPL.
//  5. A command is answered with GOOD when the file holds what it changed; otherwise it changed nothing.
//
//   free --RESERVE--> held by one nexus --RELEASE, nexus lost, reset--> free
//   free --REGISTER--> registrants --RESERVE--> reserved --RELEASE, holder unregistered--> registrants
//   registrants | reserved --CLEAR, power-on--> free
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "scsi/logical_unit.h"
#include "scsi/tape_cdb.h"
#include "tape/device/reservation_file.h"
#include "tape/device/unit_attention.h"

namespace tapewarden::tape {

// What a command does to a device, as far as reservations of others go.
enum class ReservationClass : std::uint8_t {
  kNever,          // never stopped: INQUIRY, REPORT LUNS, REQUEST SENSE, LOG SENSE
  kStatus,         // tells about the device: stopped by another's RESERVE alone
  kRead,           // reads, or moves the medium: stopped where access is exclusive
  kWrite,          // changes medium, device or settings: stopped by every reservation of another
  kRemoval,        // PREVENT ALLOW MEDIUM REMOVAL: kNever when it allows, kWrite when it prevents
  kReserve,        // RESERVE: decided by reserve()
  kRelease,        // RELEASE: decided by release()
  kPersistentOut,  // PERSISTENT RESERVE OUT: stopped by any RESERVE, else decided by persistent_out()
};

// One line of the table of conflicts: which reservation of another stops a command of that class. The columns
// for "registrants only" and "all registrants" are those of their exclusive kind, for nexuses that are not
// registered; registered ones are let through.
struct ConflictRow {
  ReservationClass command;
  bool reserve;
  bool write_exclusive;
  bool exclusive_access;
};
const ConflictRow& conflicts_of(ReservationClass command);

enum class ReservationType : std::uint8_t {
  kWriteExclusive = 1,
  kExclusiveAccess = 3,
  kWriteExclusiveRegistrantsOnly = 5,
  kExclusiveAccessRegistrantsOnly = 6,
  kWriteExclusiveAllRegistrants = 7,
  kExclusiveAccessAllRegistrants = 8,
};

class Reservations {
 public:
  // Tells through `attentions`, which must outlive it, what one nexus did to another. `file`: where what
  // survives power-off is and will be; with nullptr APTPL is refused.
  explicit Reservations(UnitAttentions& attentions, std::shared_ptr<ReservationFile> file = nullptr);

  // Before a command runs: whether it must end with RESERVATION CONFLICT.
  bool conflict(scsi::NexusId nexus, ReservationClass command, ByteView cdb) const;

  // RESERVE and RELEASE, (6) and (10). False: RESERVATION CONFLICT. Holders of and registrants under a
  // persistent reservation get GOOD without effect (CRH of REPORT CAPABILITIES).
  bool reserve(scsi::NexusId nexus);
  bool release(scsi::NexusId nexus);

  // `command` and its parameter list, whole. The response is GOOD or RESERVATION CONFLICT.
  scsi::Outcome<scsi::Response> persistent_out(scsi::NexusId nexus, const scsi::PersistentReserveOut& command,
                                               ByteView list);
  // Whom PREEMPT AND ABORT has taken the registration from since the last call: what they prevent ends too.
  std::vector<scsi::NexusId> take_aborted() { return std::exchange(aborted_, {}); }
  // A hold on the device by one nexus: its RESERVE, or its part in a persistent reservation (of an "all
  // registrants" type every registrant has one). Numbers are never used again. A registrant's hold outlives
  // the session, and goes on when its port comes back; one that preempts itself keeps it.
  std::optional<std::uint64_t> hold_of(scsi::NexusId nexus) const;
  bool is_held(std::uint64_t hold) const;
  // That its hold is one of a persistent reservation.
  bool holds_persistently(scsi::NexusId nexus) const;
  bool reserved() const { return reserved_by_ || type_; }
  // Of the reservation, where it is one nexus' that is here.
  std::optional<scsi::NexusId> holder() const;
  // How many PREEMPT and PREEMPT AND ABORT took effect.
  std::uint64_t preemptions() const { return preemptions_; }
  // Not yet cut to the allocation length.
  Bytes persistent_in(scsi::ReservationReport report) const;

  // The initiator port behind a nexus (scsi/transport_id.h).
  void name(scsi::NexusId nexus, const Bytes& transport_id);
  void nexus_lost(scsi::NexusId nexus);
  void reset();     // RESERVE ends
  void power_on();  // everything ends that was not kept

 private:
  struct Registrant {
    std::optional<scsi::NexusId> nexus{};  // none while its port has no session
    Bytes port{};                          // TransportID; empty: nameless
    std::uint64_t key = 0;
    std::uint64_t number = 0;
    bool holder = false;  // of a type that has one holder
  };
  struct Keys {
    std::uint64_t own = 0;      // RESERVATION KEY
    std::uint64_t service = 0;  // SERVICE ACTION RESERVATION KEY
  };
  using Answer = scsi::Outcome<scsi::Response>;

  Answer act(scsi::NexusId nexus, const scsi::PersistentReserveOut& command, ByteView list);
  Answer register_key(scsi::NexusId nexus, const Keys& keys, bool ignore_existing);
  Answer reserve_persistently(Registrant& self, ReservationType type);
  Answer release_persistently(Registrant& self, ReservationType type);
  Answer clear(scsi::NexusId nexus);
  Answer preempt(scsi::NexusId nexus, const Keys& keys, ReservationType type);

  Registrant* find(scsi::NexusId nexus);
  const Registrant* find(scsi::NexusId nexus) const;
  bool holds(const Registrant& registrant) const;
  Bytes port_of(scsi::NexusId nexus) const;
  void unregister(scsi::NexusId nexus);
  void end_reservation();
  KeptReservations to_keep() const;
  void restore(const KeptReservations& kept);
  void tell_registrants(scsi::NexusId except, scsi::SenseCode code);
  void tell_now();
  std::size_t remove_others(scsi::NexusId nexus, std::optional<std::uint64_t> key);
  Bytes full_status() const;
  Bytes reservation() const;

  UnitAttentions& attentions_;
  const std::shared_ptr<ReservationFile> file_;
  bool keeps_ = false;  // APTPL of the last REGISTER
  std::vector<std::pair<scsi::NexusId, scsi::SenseCode>> to_tell_{};
  std::vector<scsi::NexusId> aborted_{};
  std::optional<scsi::NexusId> reserved_by_{};
  std::uint64_t reserve_number_ = 0;  // of the RESERVE, while reserved_by_ is set
  std::uint64_t last_number_ = 0;     // of holds and registrants
  std::uint64_t preemptions_ = 0;
  std::vector<Registrant> registrants_{};
  std::optional<ReservationType> type_{};  // of the persistent reservation, when there is one
  std::uint32_t generation_ = 0;
  std::map<scsi::NexusId, Bytes> ports_{};
};

}  // namespace tapewarden::tape
