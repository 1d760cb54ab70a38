// The log pages of a drive (SPC-4 section 7.3, SSC-4 section 8.2; 30h and 31h are IBM's). Internal to
// tape/device/.
#pragma once

#include "scsi/log_page.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {

// Ascending, page 00h among them.
ByteView supported_log_pages();
// 05/24/00 for another page. Page 2Eh ends what it told that nexus.
scsi::Outcome<scsi::LogPage> log_page_of(DriveState& drive, scsi::NexusId nexus, std::uint8_t page);

}  // namespace tapewarden::tape
