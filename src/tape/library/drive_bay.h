// A drive in its bay of the library: the logical unit that hosts talk to, and the door through which the
// changer puts cartridges in and takes them out. The drive itself is not thread-safe; the bay's mutex makes
// one command or one move at a time of it. A move therefore waits for the host's command to end.
//
// A library-managed drive gets its keys here: when a command asks for one, the bay has it brought and runs
// the command again, so that the host knows nothing of it. Hosts cannot reach the key path of such a drive.
// What was written with a new key is told to the key server when it is on the medium: after a command that
// moves no data, and at the latest when the cartridge has left. Taking a cartridge out waits for no key
// server: who takes it out calls confirm() then, when nobody else has to wait for it. Where that fails it is
// tried again when the next cartridge leaves or the next key has come; the drive remembers.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/thread_annotations.h"
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
  // Errors of Drive::eject(): kConflict when the bay is empty or an initiator prevents the removal.
  Status eject() TW_EXCLUDES(mutex_);
  // The same whatever initiators prevent: for a cartridge that has to go back where it came from.
  Status force_eject() TW_EXCLUDES(mutex_);
  // What the host has buffered is written and the cartridge closed, whatever initiators prevent. For an
  // orderly end: the inventory still has the cartridge in the drive. kIo.
  Status power_off() TW_EXCLUDES(mutex_);
  // Tells the key servers of what was written and has not been told. Waits for them, and so does the drive.
  void confirm(std::chrono::milliseconds patience) TW_EXCLUDES(mutex_);

  // For the operator (drive_bay_operator.cc). Power off: the cartridge is closed as by power_off() and stays
  // in the drive, hosts' commands end with 02/04/12, nothing can be inserted. Waits for key servers: what
  // they have not been told is lost with the power.
  Status switch_off() TW_EXCLUDES(mutex_);
  // The drive is empty then: its owner inserts the cartridge again.
  void switch_on() { powered_ = true; }
  bool powered() const { return powered_.load(); }
  // Nothing when a host's command goes on for longer than the patience.
  std::optional<DriveStatus> status(std::span<const scsi::NexusId> nexuses,
                                    std::chrono::milliseconds patience) TW_EXCLUDES(mutex_);

  // Without waiting for the command under way.
  bool holds_cartridge() const { return holds_.load(); }
  bool loaded() const { return loaded_.load(); }

 private:
  bool library_managed() const TW_REQUIRES(mutex_);
  // The number of the next object; nothing without a cartridge.
  std::optional<std::uint64_t> place() const TW_REQUIRES(mutex_);
  scsi::Response execute_with_keys(const scsi::Command& command) TW_REQUIRES(mutex_);
  void bring_key() TW_REQUIRES(mutex_);
  void confirm_writes(std::chrono::milliseconds patience) TW_REQUIRES(mutex_);
  // Before the power goes: the cartridge out whatever hosts prevent.
  Status close() TW_REQUIRES(mutex_);
  void note_state() TW_REQUIRES(mutex_);
  // Of a drive that is off.
  static scsi::Response answer_of_the_dark(const scsi::Command& command);

  Mutex mutex_;
  std::unique_ptr<Drive> drive_ TW_GUARDED_BY(mutex_);
  BayKeys* const keys_;
  bool confirming_failed_ TW_GUARDED_BY(mutex_) = false;  // not tried again after every command
  std::string serial_;
  MediumKind kind_;
  std::string identifier_;
  std::atomic<bool> powered_{true};
  std::atomic<bool> holds_{false};
  std::atomic<bool> loaded_{false};
};

}  // namespace tapewarden::tape
