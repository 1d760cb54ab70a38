// RESERVE and RELEASE, (6) and (10), PERSISTENT RESERVE IN and OUT.
#include "base/assert.h"
#include "scsi/tape_cdb.h"
#include "tape/device/drive_state.h"
#include "tape/device/reservation_commands.h"

namespace tapewarden::tape {
namespace {

scsi::Response good_unless_conflict(bool granted) {
  auto response = scsi::good();
  if (!granted) response.status = scsi::ScsiStatus::kReservationConflict;
  return response;
}

// Third-party reservations and extents have bits that the format leaves out: refused as reserved bits.
scsi::Outcome<void> check_plain(ByteView cdb) {
  const auto* format = scsi::find_tape_format(cdb[0]);
  TW_ASSERT(format != nullptr);
  TRY(scsi::checked_cdb(cdb, *format));
  return {};
}

}  // namespace

scsi::Outcome<scsi::Response> reserve(Reservations& reservations, const scsi::Command& command) {
  TRY(check_plain(command.cdb));
  return good_unless_conflict(reservations.reserve(command.nexus));
}

scsi::Outcome<scsi::Response> release(Reservations& reservations, const scsi::Command& command) {
  TRY(check_plain(command.cdb));
  return good_unless_conflict(reservations.release(command.nexus));
}

scsi::Outcome<scsi::Response> persistent_reserve_in(const Reservations& reservations,
                                                    const scsi::Command& command) {
  const auto cdb = TRY(scsi::PersistentReserveIn::decode(command.cdb));
  return good_cut(reservations.persistent_in(cdb.action), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> persistent_reserve_out(Reservations& reservations,
                                                     const scsi::Command& command) {
  const auto cdb = TRY(scsi::PersistentReserveOut::decode(command.cdb));
  const auto list = TRY(parameter_list(command, cdb.parameter_length));
  return reservations.persistent_out(command.nexus, cdb, list);
}

scsi::Outcome<scsi::Response> reserve(DriveState& drive, const scsi::Command& command) {
  return reserve(drive.reservations, command);
}
scsi::Outcome<scsi::Response> release(DriveState& drive, const scsi::Command& command) {
  return release(drive.reservations, command);
}
scsi::Outcome<scsi::Response> persistent_reserve_in(DriveState& drive, const scsi::Command& command) {
  return persistent_reserve_in(drive.reservations, command);
}
scsi::Outcome<scsi::Response> persistent_reserve_out(DriveState& drive, const scsi::Command& command) {
  auto answer = persistent_reserve_out(drive.reservations, command);
  for (const auto nexus : drive.reservations.take_aborted()) drive.preventing.erase(nexus);
  return answer;
}

}  // namespace tapewarden::tape
