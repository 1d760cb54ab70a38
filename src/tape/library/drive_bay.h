// A drive in its bay of the library: the logical unit that hosts talk to, and the door through which the
// changer puts cartridges in and takes them out. The drive itself is not thread-safe; the bay's mutex makes
// one command or one move at a time of it. A move therefore waits for the host's command to end, but never
// for a key server: while an exchange with one goes on, the mutex is held only for the drive's part in it.
//
// A library-managed drive gets its keys here: when a command asks for one, the bay has it brought and runs
// the command again, so that the host knows nothing of it. Hosts cannot reach the key path of such a drive.
// What was written with a new key is told to the key server when it is on the medium: after a command that
// moves no data, and at the latest when the cartridge has left. Taking a cartridge out waits for no key
// server: who takes it out calls confirm() then, when nobody else has to wait for it. Where no server answers
// it is tried again when the next cartridge leaves, the next key has come, or with a command a minute later;
// the drive remembers. What a server refused is tried again after a minute, behind what is new, and given up
// when the refusal is final (KeyPath).
//
// A cartridge whose file somebody else brings (volume_keeper.h) is awaited first: the changer has put it in,
// and the drive is becoming ready until the file arrives.
//
// Thread-safe.
//
// Invariants
//  1. One exchange with key servers at a time: `exchanging_`, set and cleared under the mutex, which is
//     free in between.
//  2. While a host's command waits for a key (`waiting_` is kForKey) the drive is becoming ready to everybody
//     else, and its cartridge stays: only a reset, force or the power takes it from there (kCancelled), and
//     then the command is not run again.
//  3. A file that arrived is the bay's until let_go() has told of it; one that is awaited no longer is not
//     touched. While a cartridge is awaited the drive is empty and becoming ready to everybody.
//
//   Nothing --await()--> Awaited --arrive()--> Given (loaded, or not when that failed)
//   Awaited --wait_no_longer() | let_go()--> Nothing,  Given, cartridge out --let_go()--> Nothing
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/env.h"
#include "base/timed_mutex.h"
#include "base/uuid.h"
#include "scsi/logical_unit.h"
#include "tape/device/drive.h"
#include "tape/library/bay_keys.h"

namespace tapewarden::tape {

class DriveBay final : public scsi::LogicalUnit {
 public:
  // `keys` are needed by a library-managed drive and outlive the bay.
  explicit DriveBay(std::unique_ptr<Drive> drive, BayKeys* keys = nullptr);

  scsi::Response execute(const scsi::Command& command) override TW_EXCLUDES(mutex_);
  std::optional<scsi::Response> execute_at_once(const scsi::Command& command) override TW_EXCLUDES(mutex_);
  void look_ahead() override TW_EXCLUDES(mutex_);
  void rest() override TW_EXCLUDES(mutex_);
  void nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) override TW_EXCLUDES(mutex_);
  void nexus_lost(scsi::NexusId nexus) override TW_EXCLUDES(mutex_);
  void reset() override TW_EXCLUDES(mutex_);

  const std::string& serial() const { return serial_; }
  MediumKind kind() const { return kind_; }
  // T10 vendor identification of the drive, as its VPD page 83h has it.
  const std::string& identifier() const { return identifier_; }

  // Loads a cartridge; a library-managed drive writes it by `policy`. Errors of Drive::insert(); kConflict
  // when it is another volume than `volume`: the bay is empty then.
  Status insert(const std::string& path, const Uuid& volume, const scsi::WritePolicyPage& policy = {})
      TW_EXCLUDES(mutex_);
  // Errors of Drive::eject(): kConflict when the bay is empty or an initiator prevents the removal;
  // kUnavailable while a host's command waits for a key.
  Status eject() TW_EXCLUDES(mutex_);
  // The same whatever initiators prevent: for a cartridge that has to go back where it came from.
  Status force_eject() TW_EXCLUDES(mutex_);
  // What the host has buffered is written and the cartridge closed, whatever initiators prevent. For an
  // orderly end: the inventory still has the cartridge in the drive. kIo.
  Status power_off() TW_EXCLUDES(mutex_);
  // For a library whose cartridges' files are brought by a keeper (drive_bay_awaited.cc).
  struct AwaitedCartridge {
    std::string barcode;
    Uuid volume{};
    scsi::WritePolicyPage policy{};
  };
  struct KeptCartridge {
    std::string barcode;
    bool given = false;  // its file arrived; else it was awaited
  };
  // The drive is becoming ready from now on. kUnavailable when it is switched off, kConflict when there is a
  // cartridge, awaited or given.
  Status await(AwaitedCartridge cartridge) TW_EXCLUDES(mutex_);
  // The file has come: loads it. False, and the file was not touched: that cartridge is not awaited, or the
  // drive is off. Errors of insert(): the drive is empty then, and the file given all the same.
  Result<bool> arrive(const std::string& barcode, const std::string& path) TW_EXCLUDES(mutex_);
  // It will not come. False: that cartridge is not awaited.
  bool wait_no_longer(const std::string& barcode) TW_EXCLUDES(mutex_);
  // What the bay has of the keeper's and needs no longer: what is awaited, or what was given and is in the
  // drive no more. It has nothing of it from now on.
  std::optional<KeptCartridge> let_go() TW_EXCLUDES(mutex_);

  // Tells the key servers of what was written and has not been told. Waits for them; nobody waits for that
  // but the next exchange with key servers.
  void confirm(std::chrono::milliseconds patience) TW_EXCLUDES(mutex_);

  // For the operator (drive_bay_operator.cc). Power off: the cartridge is closed as by power_off() and stays
  // in the drive, hosts' commands end with 02/04/12, nothing can be inserted. Waits for key servers: what
  // they have not been told is lost with the power.
  Status switch_off() TW_EXCLUDES(mutex_);
  // The drive is empty then: its owner inserts the cartridge again. kConflict while it is being switched off.
  Status switch_on() TW_EXCLUDES(mutex_);
  bool powered() const { return powered_.load(); }
  // Nothing when a host's command goes on for longer than the patience.
  std::optional<DriveStatus> status(std::span<const scsi::NexusId> nexuses,
                                    std::chrono::milliseconds patience) TW_EXCLUDES(mutex_);

  // Without waiting for the command under way.
  bool holds_cartridge() const { return holds_.load(); }
  bool loaded() const { return loaded_.load(); }
  // Asked before holds_cartridge(), the two tell whether a cartridge is here or on its way.
  bool awaits_cartridge() const { return awaits_.load(); }

 private:
  enum class Waiting : std::uint8_t { kNone, kForKey, kCancelled };
  class KeyPathPort;

  bool library_managed() const TW_REQUIRES(mutex_);
  bool becoming_ready() const TW_REQUIRES(mutex_) { return waiting_ != Waiting::kNone || awaited_; }
  Status insert_under_lock(const std::string& path, const Uuid& volume, const scsi::WritePolicyPage& policy)
      TW_REQUIRES(mutex_);
  // The number of the next object; nothing without a cartridge.
  std::optional<std::uint64_t> place() const TW_REQUIRES(mutex_);
  scsi::Response execute_with_keys(const scsi::Command& command) TW_REQUIRES(mutex_);
  // drive_bay_keys.cc. Both leave the mutex for as long as the exchange lasts.
  // False when the command that wanted the key is not to be run again.
  bool bring_key() TW_REQUIRES(mutex_);
  void confirm_writes(std::chrono::milliseconds patience) TW_REQUIRES(mutex_);
  // After a command, unless the servers were not there a moment ago.
  void confirm_after_command() TW_REQUIRES(mutex_);
  bool time_to_try_again() const TW_REQUIRES(mutex_);
  void end_exchange() TW_REQUIRES(mutex_);
  // Before the power goes: the cartridge out whatever hosts prevent.
  Status close() TW_REQUIRES(mutex_);
  void note_state() TW_REQUIRES(mutex_);
  // Of a drive that is off.
  static scsi::Response answer_of_the_dark(const scsi::Command& command);

  TimedMutex mutex_;
  TimedMutexCondition exchange_over_;
  bool exchanging_ TW_GUARDED_BY(mutex_) = false;
  Waiting waiting_ TW_GUARDED_BY(mutex_) = Waiting::kNone;
  std::unique_ptr<Drive> drive_ TW_GUARDED_BY(mutex_);
  BayKeys* const keys_;
  bool unanswered_ TW_GUARDED_BY(mutex_) = false;  // by key servers: not tried again after every command
  std::optional<SteadyTime> try_again_ TW_GUARDED_BY(mutex_);  // what failed
  std::string serial_;
  MediumKind kind_;
  std::string identifier_;
  std::atomic<bool> powered_{true};
  bool switching_off_ TW_GUARDED_BY(mutex_) = false;
  std::atomic<bool> holds_{false};
  std::atomic<bool> loaded_{false};
  std::optional<AwaitedCartridge> awaited_ TW_GUARDED_BY(mutex_);
  std::string given_ TW_GUARDED_BY(mutex_);  // barcode of the keeper's cartridge whose file the bay has
  std::atomic<bool> awaits_{false};
};

}  // namespace tapewarden::tape
