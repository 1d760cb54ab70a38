// TapeAlert (SSC-4 section 4.2.20): what an operator should know, as flags 1 to 64. A flag is raised for
// every initiator, and stays for each until that one read the log page 2Eh, or until another cartridge is
// loaded. Not thread-safe; belongs to one drive.
#pragma once

#include <map>

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

enum class TapeAlert : std::uint8_t {
  kHardError = 3,
  kReadFailure = 5,
  kWriteFailure = 6,
  kWriteProtected = 9,
  kRemovalPrevented = 10,
  kWormOverwrite = 60,
};

class TapeAlerts {
 public:
  // Flag 1 is the highest bit: the order of log page 12h and of VPD page B2h.
  using Flags = std::uint64_t;
  static constexpr Flags bit(TapeAlert alert) { return Flags{1} << (64U - static_cast<unsigned>(alert)); }
  static constexpr Flags supported() {
    return bit(TapeAlert::kHardError) | bit(TapeAlert::kReadFailure) | bit(TapeAlert::kWriteFailure) |
           bit(TapeAlert::kWriteProtected) | bit(TapeAlert::kRemovalPrevented) |
           bit(TapeAlert::kWormOverwrite);
  }

  void raise(TapeAlert alert);
  Flags active(scsi::NexusId nexus) const;
  void read_by(scsi::NexusId nexus) { seen_[nexus] = flags_; }
  void forget(scsi::NexusId nexus) { seen_.erase(nexus); }
  void clear();  // another cartridge, power-on

 private:
  Flags flags_ = 0;
  std::map<scsi::NexusId, Flags> seen_;
};

}  // namespace tapewarden::tape
