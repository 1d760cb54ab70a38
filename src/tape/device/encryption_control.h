// The data encryption parameters of an application-managed drive (SSC-4 section 4.2.21): which key and modes
// hold for which initiator. Not thread-safe; belongs to one drive.
//
// Invariants
//  1. A data key exists only inside a DataKeyHandle, and only while a set of parameters refers to it.
//  2. There is one shared set, set by the nexus whose scope is ALL I_T NEXUS, and one local set for each
//     nexus of scope LOCAL. A nexus of scope PUBLIC uses the shared set.
//  3. At most one nexus has the scope ALL I_T NEXUS.
//  4. The key instance counter grows with every change of any set; a set remembers its value.
//  5. A nexus that locked itself to a key instance reads and writes with no other until it sets again.
//  6. A set made with CKORP or CKORL remembers the hold on the device that it hangs on
//     (Reservations::hold_of), also when the nexus that made it is gone: the hold may outlive the session.
//
//   PUBLIC --set(LOCAL)--> LOCAL --set(PUBLIC)--> PUBLIC
//   any --set(ALL)--> ALL; the nexus that had it before --> PUBLIC
//   ALL --set(LOCAL | PUBLIC)--> …; the shared set is cleared
#pragma once

#include <map>
#include <vector>

#include "scsi/logical_unit.h"
#include "scsi/set_data_encryption.h"
#include "tape/device/reservations.h"
#include "tape/medium/data_key.h"

namespace tapewarden::tape {

struct EncryptionParameters {
  scsi::KeyScope scope = scsi::KeyScope::kPublic;
  scsi::EncryptionMode encryption = scsi::EncryptionMode::kDisable;
  scsi::DecryptionMode decryption = scsi::DecryptionMode::kDisable;
  scsi::ExternalModeCheck check = scsi::ExternalModeCheck::kVendorSpecific;
  scsi::RawControl raw = scsi::RawControl::kDefault;
  scsi::KadFormat kad_format = scsi::KadFormat::kUnspecified;
  bool clear_on_demount = false;
  bool clear_on_preempt = false;           // CKORP
  bool clear_on_reservation_loss = false;  // CKORL
  std::uint64_t hold = 0;                  // of the nexus that made it, when that had one
  bool held = false;                       // it still has
  std::uint32_t key_instance = 0;
  DataKeyHandle key{};
  Bytes akad{};
  Bytes ukad{};

  bool encrypts() const { return encryption == scsi::EncryptionMode::kEncrypt; }
  bool decrypts() const {
    return decryption == scsi::DecryptionMode::kDecrypt || decryption == scsi::DecryptionMode::kMixed;
  }
};

// What a key can hang on when a nexus sets it; what is not there cannot end either.
struct KeyTies {
  bool mounted = false;                // a volume, for CKOD
  bool persistently_reserved = false;  // by the nexus, for CKORP
  bool reserved = false;               // by the nexus in whatever way, for CKORL
};

class EncryptionControl {
 public:
  // What this drive offers of a page that parse() found well formed; 05/26/00 pointing at what it does not.
  static scsi::Outcome<void> check_offered(const scsi::SetDataEncryption& page, const KeyTies& ties);

  // Takes over a checked page. `key` is empty exactly when the page needs none. Returns the nexuses that must
  // be told that their parameters changed (2A/11). `hold`: of the nexus on the device, if it has one.
  std::vector<scsi::NexusId> set(scsi::NexusId nexus, const scsi::SetDataEncryption& page, DataKeyHandle key,
                                 std::optional<std::uint64_t> hold);

  const EncryptionParameters& effective(scsi::NexusId nexus) const;
  scsi::KeyScope nexus_scope(scsi::NexusId nexus) const;
  std::uint32_t key_instance() const { return counter_; }
  // Whether any set still refers to it.
  bool has(const DataKeyHandle& key) const;
  // Invariant 5: this nexus may not touch the medium (2A/13).
  bool lock_broken(scsi::NexusId nexus) const;

  // After anything that `cause` did. Drops the sets whose hold ended by it when they asked for that: CKORP
  // when the hold was taken by a preemption, CKORL when it ended otherwise, or when after a preemption nobody
  // holds the device any more. Returns the nexuses that must be told (2A/11), `cause` never.
  std::vector<scsi::NexusId> follow(const Reservations& now, bool preempted, scsi::NexusId cause);

  void meet(scsi::NexusId nexus) { nexuses_[nexus]; }
  void demount();  // drops sets that asked for it
  void reset();    // drops everything: power-on, reset
  // A local set ends with its initiator; the shared set stays, its owner becomes nobody. Whether a key went.
  bool nexus_lost(scsi::NexusId nexus);

 private:
  struct Nexus {
    scsi::KeyScope scope = scsi::KeyScope::kPublic;
    bool locked = false;
    std::uint32_t locked_instance = 0;
    EncryptionParameters local{};
  };
  std::vector<scsi::NexusId> public_nexuses_except(scsi::NexusId nexus) const;
  std::vector<scsi::NexusId> drop_shared(scsi::NexusId cause);

  EncryptionParameters shared_{};
  std::map<scsi::NexusId, Nexus> nexuses_;
  std::uint32_t counter_ = 0;
  bool reserved_ = false;  // by anybody, at the last follow()
};

}  // namespace tapewarden::tape
