// A medium changer: an SMC device server over a robot (SMC-3; general commands SPC-4, RESERVE and RELEASE
// SPC-2). Addresses, states and moves are the robot's; here are the commands, and what each initiator has
// reserved, prevented and still has to be told.
//
// Not thread-safe: one worker runs execute(), nexus_lost() and reset(). The robot outlives the changer.
//
// Invariants
//  1. A command that ends with CHECK CONDITION moved nothing.
//  2. What READ ELEMENT STATUS builds is bounded by the allocation length, not by the number of elements.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "scsi/logical_unit.h"
#include "tape/device/element_robot.h"
#include "tape/device/unit_attention.h"

namespace tapewarden::tape {

struct ChangerOptions {
  std::string vendor = "TAPEWARD";          // up to 8 characters
  std::string product = "VIRTUAL LIBRARY";  // up to 16
  std::string revision = "0001";            // up to 4
  std::string serial;                       // VPD page 80h
};

class Changer final : public scsi::LogicalUnit {
 public:
  Changer(ElementRobot& robot, ChangerOptions options);

  scsi::Response execute(const scsi::Command& command) override;
  void nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) override;
  void nexus_lost(scsi::NexusId nexus) override;
  void reset() override;

  // What the commands share; defined in changer_state.h.
  struct State;
  ~Changer() override;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::tape
