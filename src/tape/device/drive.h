// A virtual tape drive: an SSC device server over a cartridge file. Two kinds by its identity: LTO
// (identified-key method) and 3592 (wrapped-key method); and by who manages its keys:
//   kApplication        the host, by SECURITY PROTOCOL OUT page 0010h of protocol 20h
//   kSystem, kLibrary   the engine or the library, by the key path (protocol F0h); clear or encrypted is
//                       fixed at the beginning of tape; appending inherits it, and is refused where the
//                       policy or a session on the tape says "encrypted" and the key areas say "clear"
//   kNone               nobody: the drive writes clear
//
// Not thread-safe: one worker runs execute(), insert(), eject(), power_cycle() and the events, one after
// another. Everything of the system comes through Env, which outlives the drive, as does the exchange.
//
// Invariants
//  1. A key lives in the drive only inside DataKeyHandles: of the encryption parameters, the key path, and
//     the cartridge's session; none outlives what its owner's invariants say.
//  2. A command that ends with a key sense (07/EF/xx, 07/74/xx on write) changed nothing and moved nothing.
//  3. What a command left for later is done before anything else happens to the drive.
//  4. Everything written is on stable storage before the cartridge leaves the drive by unload.
//
//   Empty --insert()--> Loaded --LOAD UNLOAD(0)--> Unloaded --LOAD UNLOAD(1)--> Loaded
//   Loaded | Unloaded --eject()--> Empty
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "scsi/logical_unit.h"
#include "tape/device/drive_identity.h"
#include "tape/device/drive_status.h"
#include "tape/device/reservation_file.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape {

struct DriveOptions {
  std::string vendor = "TAPEWARD";
  std::string product{};  // empty: "VIRTUAL LTO" or "VIRTUAL 3592"
  std::string revision = "0001";
  KeyManagement management = KeyManagement::kApplication;
  // What the write policy of the key path is after a load.
  scsi::WritePolicyPage default_policy{};
  bool compression = true;
  // Density code of LTO-5 to LTO-9 (58h, 5Ah, 5Ch, 5Eh, 60h), which settles what cartridges it reads and
  // writes; 0: every cartridge of its kind.
  std::uint8_t density = 0;
  // Room on the disk that holds a cartridge (base/disk_space.h), asked at each write; empty: it is not looked
  // at, and a full disk is a write error.
  std::function<std::optional<std::uint64_t>(const std::string& cartridge_path)> free_bytes{};
  // Where persistent reservations are kept beyond power-off (APTPL); none: that is not offered.
  std::shared_ptr<ReservationFile> reservations{};
  std::string library_serial{};  // of the library that the drive stands in (VPD page B3h); empty: none
  std::string partition{};       // of that library, told to key servers in every request; empty: none
  SealObserver seal_observer{};  // of every cartridge in the drive, for tests; empty: nobody is told
};

struct DriveState;

class Drive final : public scsi::LogicalUnit {
 public:
  // `exchange` may be nullptr for a drive that takes no part in a key exchange.
  Drive(Env env, std::shared_ptr<const DriveIdentity> identity, DriveOptions options,
        DriveExchange* exchange = nullptr);
  ~Drive() override;

  scsi::Response execute(const scsi::Command& command) override;
  // A READ(6) of what was read ahead, or a WRITE(6) whose blocks may be written later.
  std::optional<scsi::Response> execute_at_once(const scsi::Command& command) override;
  // Writes what waits (deferred_write.h), or reads ahead for a host that reads one block after another.
  void look_ahead() override;
  void rest() override;
  void nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) override;
  void nexus_lost(scsi::NexusId nexus) override;
  void reset() override;

  // Puts a cartridge in and loads it. kConflict when there is one; errors of Cartridge::open(); kConflict
  // when the cartridge is of the other kind.
  Status insert(const std::string& cartridge_path, bool write_protected = false);
  // Unloads it if need be and gives the path back. kConflict when empty or when an initiator prevents the
  // removal. kIo when what was buffered could not be written: the cartridge is out all the same.
  Result<std::string> eject();
  // The same whatever initiators prevent: for a robot that must have its cartridge back.
  Result<std::string> force_eject();
  // Power off and on: keys, mode parameters, reservations that are not kept and what was not synced are
  // gone; the cartridge is loaded again.
  Status power_cycle();

  // What the write policy of the key path is from now on after a load: DriveOptions::default_policy. For a
  // library that decides by cartridge; to be called while the drive is empty.
  void set_default_policy(scsi::WritePolicyPage policy);

  // A page of the key path (protocol F0h) for the library that the drive stands in: hosts' reservations do
  // not stand in its way, and it uses up none of their unit attentions. Other commands get 05/20/00.
  scsi::Response execute_key_path(const scsi::Command& command);
  // The key server is to be told of a write (page 0040h of the key path).
  bool confirmation_due() const;
  // The volser of the first such write; empty: none is due.
  std::string cartridge_to_confirm() const;
  // Whether confirmations that a key server refused are due too, or wait until its owner says so.
  void show_refused_confirmations(bool shown);
  // The volsers of writes that no key server will be told of any more: refused for good, or too many.
  std::vector<std::string> take_given_up_confirmations();
  Clock& clock() const;

  bool holds_cartridge() const;
  // nullptr unless loaded. For inspection beside commands; valid until the next call.
  Cartridge* cartridge();
  const DriveIdentity& identity() const;
  KeyManagement management() const;
  // Encryption as each of `nexuses` has it.
  DriveStatus status(std::span<const scsi::NexusId> nexuses = {}) const;  // drive_status.cc

 private:
  std::unique_ptr<DriveState> state_;
};

}  // namespace tapewarden::tape
