// REPORT SUPPORTED OPERATION CODES (SPC-4 section 6.33) out of any device server's table of commands. Pure,
// thread-safe.
#pragma once

#include <span>

#include "scsi/cdb.h"
#include "scsi/logical_unit.h"

namespace tapewarden::scsi {

struct ReportedCommand {
  const CdbFormat* format = nullptr;
  std::uint16_t nominal_seconds = 0;      // how long it usually takes at most
  std::uint16_t recommended_seconds = 0;  // after which an initiator may give up
};

// The whole command: decoded, answered, cut to its allocation length. 05/24/00 where the reporting options do
// not fit the operation code that is asked for.
Outcome<Response> report_operation_codes(std::span<const ReportedCommand> commands, const Command& command);

}  // namespace tapewarden::scsi
