// A cartridge in a drive for one job: mounted by one of three functions, put away by end() or with the
// object; its trace goes into the book. What the cartridge says of its keys, when it was mounted, stands in
// its row then. Belongs to the job's thread; state and station outlive it.
#pragma once

#include <memory>

#include "engine/work/fault_rules.h"

namespace tapewarden::engine {

class JobMount {
 public:
  JobMount(WorkState& state, TapeStation& station, PhysicalVolume cartridge);
  ~JobMount();
  JobMount(const JobMount&) = delete;
  JobMount& operator=(const JobMount&) = delete;

  // Errors have been met by the rules (meet_fault()), and nothing is mounted then. Once.
  Status write_new(const CartridgeLabel& label, const TapeWritePolicy& policy);
  Status append();
  // `purpose` in its trace: "read" unless told.
  Status read(std::string_view purpose = {});
  Status erase();  // overwritten and put away again when it returns

  MountedCartridge& tape() { return *tape_; }
  const PhysicalVolume& cartridge() const { return cartridge_; }
  TapeStation& station() { return station_; }
  // For the trace.
  void touched(const std::string& volser) { kept_.volumes.push_back(volser); }
  // The rules for an error of tape().
  Status met(const Error& error);
  // For the trace alone: no rule is about it.
  void note_fault(const Error& error) { kept_.fault = error.text(); }
  // Unloads it and puts it away.
  Status end();

 private:
  using Mounted = Result<std::unique_ptr<MountedCartridge>>;
  Status take(Mounted mounted);
  void learn_keys();
  Error of_the_disk(const Error& error) const;
  void keep_trace();

  WorkState& state_;
  TapeStation& station_;
  const PhysicalVolume cartridge_;
  Doing doing_ = Doing::kReading;
  MountTrace trace_;
  KeptTrace kept_;
  std::unique_ptr<MountedCartridge> tape_;
};

}  // namespace tapewarden::engine
