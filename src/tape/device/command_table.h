// The commands of a drive: one line each, for running them and for REPORT SUPPORTED OPERATION CODES. The bits
// of their CDBs are in scsi/cdb.cc and scsi/tape_cdb.cc. Internal to tape/device/.
#pragma once

#include <span>

#include "tape/device/drive_state.h"

namespace tapewarden::tape {

struct CommandRow {
  const scsi::CdbFormat* format;
  Handler handler;
  bool needs_medium;       // 02/3A/00 or 02/04/02 without a loaded cartridge
  bool ignores_attention;  // runs, and leaves a unit attention pending (SPC-4 section 5.14)
  ReservationClass reservation;
  std::uint16_t nominal_seconds;      // how long it usually takes at most
  std::uint16_t recommended_seconds;  // after which an initiator may give up
};

std::span<const CommandRow> command_rows();

// The row of a CDB. Without one: 05/20/00 for an unknown operation code, 05/24/00 pointing at the service
// action when that alone is unknown.
scsi::Outcome<const CommandRow*> find_command(ByteView cdb);
// nullptr when the drive does not know it.
const CommandRow* find_command(std::uint8_t opcode, std::optional<std::uint8_t> service_action);
bool has_service_actions(std::uint8_t opcode);

}  // namespace tapewarden::tape
