// The mode pages of a drive: what they say now, what they say at power-on, which of their bits MODE SELECT
// may change, and what a change means (SPC-4 section 7.5, SSC-4 section 8.3; page 25h is IBM's). Internal to
// tape/device/.
#pragma once

#include "scsi/mode.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {

// What MODE SELECT can change; nothing takes effect before all of a parameter list was found right.
struct ModeSettings {
  std::uint8_t buffered_mode = 1;
  std::uint32_t block_length = 0;
  bool compression = true;
  BlockProtection protection{};
  std::uint16_t programmable_early_warning = 0;
  bool append_only = false;
  std::optional<PartitionRequest> partitions{};
  bool operator==(const ModeSettings&) const = default;
};
ModeSettings settings_of(const DriveState& drive);
void apply(DriveState& drive, const ModeSettings& settings);

// Every page in ascending order of page and subpage, with the values that hold, or those of power-on.
std::vector<scsi::ModePage> mode_pages_of(const DriveState& drive, scsi::PageControl control);
// The bits of a page's body that MODE SELECT may change.
Bytes changeable_bits(const scsi::ModePage& page);

// Takes a page of a MODE SELECT into `settings`. `offset`: where it begins in the parameter list, for the
// field pointer of 05/26/00.
scsi::Outcome<void> take_mode_page(const std::vector<scsi::ModePage>& current, const scsi::ModePage& page,
                                   std::size_t offset, ModeSettings& settings);

}  // namespace tapewarden::tape
