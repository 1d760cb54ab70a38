// Internal to the RAM disk: its commands.
#pragma once

#include "scsi/cdb.h"
#include "scsi/ram_disk.h"

namespace tapewarden::scsi {

inline constexpr std::uint8_t kNoServiceAction = 0xff;

// `usage` has the bits that may be set after the operation code; the control byte's are none.
struct RamDisk::Entry {
  std::uint8_t opcode;
  std::uint8_t service_action;
  std::uint8_t length;
  std::array<std::uint8_t, 16> usage;
  Handler handler;
  bool ignores_attention = false;
  bool ignores_reservation = false;

  CdbFormat format() const {
    CdbFormat out{static_cast<Opcode>(opcode), length, {}, usage, {}};
    out.usage[0] = opcode;
    if (service_action == kNoServiceAction) return out;
    out.usage[1] = service_action;  // its bits are shown as they must be
    out.service_action = service_action;
    return out;
  }
};

}  // namespace tapewarden::scsi
