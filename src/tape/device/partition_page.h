// The medium partition page (SSC-4 table 136) and what FORMAT MEDIUM makes of it. Internal to tape/device/.
#pragma once

#include "scsi/mode.h"
#include "scsi/sense.h"
#include "tape/device/partition_request.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::tape {

struct DriveState;

// What holds for the mounted cartridge, or what MODE SELECT asked of the next format.
scsi::ModePage medium_partition_page(const DriveState& drive, const std::optional<PartitionRequest>& request);
// The bits of the page's body that MODE SELECT may change.
Bytes partition_page_mask(std::size_t body_bytes);
// 05/26/00 at the field that does not fit. `body_at`: where the page's body begins in the parameter list.
scsi::Outcome<PartitionRequest> take_partition_page(const scsi::ModePage& page, std::size_t body_at);

// The layout that FORMAT MEDIUM makes of a medium of that capacity. A size below the least that a partition
// has is raised to it. 05/24/00 when the sizes do not fit the medium.
scsi::Outcome<PartitionSizes> sizes_asked_for(const PartitionRequest& request, std::uint64_t medium_bytes);

}  // namespace tapewarden::tape
