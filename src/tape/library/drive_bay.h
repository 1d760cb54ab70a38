// A drive in its bay of the library: the logical unit that hosts talk to, and the door through which the
// changer puts cartridges in and takes them out. The drive itself is not thread-safe; the bay's mutex makes
// one command or one move at a time of it. A move therefore waits for the host's command to end.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/thread_annotations.h"
#include "base/uuid.h"
#include "scsi/logical_unit.h"
#include "tape/device/drive.h"

namespace tapewarden::tape {

class DriveBay final : public scsi::LogicalUnit {
 public:
  explicit DriveBay(std::unique_ptr<Drive> drive);

  scsi::Response execute(const scsi::Command& command) override TW_EXCLUDES(mutex_);
  void nexus_lost(scsi::NexusId nexus) override TW_EXCLUDES(mutex_);
  void reset() override TW_EXCLUDES(mutex_);

  const std::string& serial() const { return serial_; }
  MediumKind kind() const { return kind_; }
  // T10 vendor identification of the drive, as its VPD page 83h has it.
  const std::string& identifier() const { return identifier_; }

  // Loads a cartridge. Errors of Drive::insert(); kConflict when it is another volume than `volume`: the bay
  // is empty then.
  Status insert(const std::string& path, const Uuid& volume) TW_EXCLUDES(mutex_);
  // Errors of Drive::eject(): kConflict when the bay is empty or an initiator prevents the removal.
  Status eject() TW_EXCLUDES(mutex_);
  // What the host has buffered is written and the cartridge closed, whatever initiators prevent. For an
  // orderly end: the inventory still has the cartridge in the drive. kIo.
  Status power_off() TW_EXCLUDES(mutex_);

  // Without waiting for the command under way.
  bool holds_cartridge() const { return holds_.load(); }
  bool loaded() const { return loaded_.load(); }

 private:
  void note_state() TW_REQUIRES(mutex_);

  Mutex mutex_;
  std::unique_ptr<Drive> drive_ TW_GUARDED_BY(mutex_);
  std::string serial_;
  MediumKind kind_;
  std::string identifier_;
  std::atomic<bool> holds_{false};
  std::atomic<bool> loaded_{false};
};

}  // namespace tapewarden::tape
