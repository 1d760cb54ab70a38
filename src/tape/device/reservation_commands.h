// RESERVE, RELEASE and PERSISTENT RESERVE of any device server, between their CDBs and its Reservations.
// Internal to tape/device/.
#pragma once

#include "tape/device/reservations.h"

namespace tapewarden::tape {

// RESERVE and RELEASE, (6) and (10). Third-party reservations and extents: 05/24/00.
scsi::Outcome<scsi::Response> reserve(Reservations& reservations, const scsi::Command& command);
scsi::Outcome<scsi::Response> release(Reservations& reservations, const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_in(const Reservations& reservations,
                                                    const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_out(Reservations& reservations,
                                                     const scsi::Command& command);

}  // namespace tapewarden::tape
