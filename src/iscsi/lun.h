// LUNs as initiators write them (SAM-5 section 4.7), and what a target answers itself: the list of its units
// and commands to LUNs without one (SPC-4 sections 6.6.1, 6.33 and 6.39). Pure, thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "scsi/logical_unit.h"

namespace tapewarden::iscsi {

inline constexpr std::uint64_t kReportLunsWellKnown = 0xc101'0000'0000'0000;

// Peripheral or flat addressing; none for every other form, among them the well-known unit.
std::optional<std::uint16_t> decode_lun(std::uint64_t lun);
std::uint64_t encode_lun(std::uint16_t lun);

// Whether the target answers this command itself: REPORT LUNS anywhere, any command where no unit is.
bool is_for_target(ByteView cdb, bool has_unit);
// REQUIRES: is_for_target(). `luns` are the units of the target, ascending.
scsi::Response answer_for_target(ByteView cdb, std::uint64_t lun, const std::vector<std::uint16_t>& luns);

}  // namespace tapewarden::iscsi
