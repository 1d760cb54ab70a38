// RESERVE, RELEASE and PERSISTENT RESERVE of any device server, between their CDBs and its Reservations.
// Internal to tape/device/.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tape/device/reservations.h"

namespace tapewarden::tape {

// RESERVE and RELEASE, (6) and (10). Third-party reservations and extents: 05/24/00.
scsi::Outcome<scsi::Response> reserve(Reservations& reservations, const scsi::Command& command);
scsi::Outcome<scsi::Response> release(Reservations& reservations, const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_in(const Reservations& reservations,
                                                    const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_out(Reservations& reservations,
                                                     const scsi::Command& command);

// Which of the four functions carries out a command.
enum class ReservationVerb : std::uint8_t { kReserve, kRelease, kPersistentIn, kPersistentOut };

struct ReservationCommand {
  scsi::Opcode opcode{};
  std::optional<std::uint8_t> service_action;
  ReservationVerb verb{};
  ReservationClass reservation{};
};

constexpr ReservationCommand persistent_in(scsi::ReservationReport report) {
  return {scsi::Opcode::kPersistentReserveIn, static_cast<std::uint8_t>(report),
          ReservationVerb::kPersistentIn, ReservationClass::kStatus};
}
constexpr ReservationCommand persistent_out(scsi::ReservationAction action) {
  return {scsi::Opcode::kPersistentReserveOut, static_cast<std::uint8_t>(action),
          ReservationVerb::kPersistentOut, ReservationClass::kPersistentOut};
}

// Every command by which reservations are made, ended or told of.
inline constexpr auto kReservationCommands = std::to_array<ReservationCommand>({
    {scsi::Opcode::kReserve6, {}, ReservationVerb::kReserve, ReservationClass::kReserve},
    {scsi::Opcode::kRelease6, {}, ReservationVerb::kRelease, ReservationClass::kRelease},
    {scsi::Opcode::kReserve10, {}, ReservationVerb::kReserve, ReservationClass::kReserve},
    {scsi::Opcode::kRelease10, {}, ReservationVerb::kRelease, ReservationClass::kRelease},
    persistent_in(scsi::ReservationReport::kKeys),
    persistent_in(scsi::ReservationReport::kReservation),
    persistent_in(scsi::ReservationReport::kCapabilities),
    persistent_in(scsi::ReservationReport::kFullStatus),
    persistent_out(scsi::ReservationAction::kRegister),
    persistent_out(scsi::ReservationAction::kReserve),
    persistent_out(scsi::ReservationAction::kRelease),
    persistent_out(scsi::ReservationAction::kClear),
    persistent_out(scsi::ReservationAction::kPreempt),
    persistent_out(scsi::ReservationAction::kPreemptAndAbort),
    persistent_out(scsi::ReservationAction::kRegisterAndIgnore),
});

// The rows of a device server's own commands and those that `make` makes of the commands of reservations, by
// operation code and service action: in that order REPORT SUPPORTED OPERATION CODES tells them.
template <class Row, std::size_t N, class Make>
constexpr auto with_reservation_commands(const std::array<Row, N>& own, Make make) {
  std::array<Row, N + kReservationCommands.size()> all{};
  const auto end = std::ranges::copy(own, all.begin()).out;
  std::ranges::transform(kReservationCommands, end, make);
  std::ranges::sort(all, {}, [](const Row& row) { return std::pair(row.opcode, row.service_action); });
  return all;
}

}  // namespace tapewarden::tape
