// What the command families of a changer share. Internal to tape/device/.
#pragma once

#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/sense_codes.h"
#include "tape/device/changer.h"
#include "tape/device/reservations.h"

namespace tapewarden::tape {

struct Changer::State {
  State(ElementRobot& moves, ChangerOptions how)
      : robot(moves), options(std::move(how)), outside_changes_told(moves.outside_changes()) {}
  State(const State&) = delete;  // the reservations know the attentions
  State& operator=(const State&) = delete;

  ElementRobot& robot;
  ChangerOptions options;
  UnitAttentions attentions{};
  Reservations reservations{attentions};
  std::set<scsi::NexusId> preventing{};  // removal through import/export elements (SMC-3)
  std::uint64_t outside_changes_told = 0;
};

using ChangerHandler = scsi::Outcome<scsi::Response> (*)(Changer::State& changer,
                                                         const scsi::Command& command);

// changer.cc
scsi::Outcome<scsi::Response> changer_operation_codes(Changer::State& changer, const scsi::Command& command);
// changer_basic.cc
scsi::Outcome<scsi::Response> changer_ready(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_sense(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_inquiry(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_reserve(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_release(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_reserve_in(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_reserve_out(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_prevent(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_log_sense(Changer::State& changer, const scsi::Command& command);
// changer_mode.cc
scsi::Outcome<scsi::Response> changer_mode_sense(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> changer_mode_select(Changer::State& changer, const scsi::Command& command);
// changer_elements.cc
scsi::Outcome<scsi::Response> read_element_status(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> initialize_element_status(Changer::State& changer,
                                                        const scsi::Command& command);
scsi::Outcome<scsi::Response> move_medium(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> exchange_medium(Changer::State& changer, const scsi::Command& command);
scsi::Outcome<scsi::Response> position_to_element(Changer::State& changer, const scsi::Command& command);

}  // namespace tapewarden::tape
