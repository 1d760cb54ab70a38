// What happened in a mount, step by step, in the numbering of the overview "TS7700 encryption": 1 mount, 2 an
// encrypted cartridge (2a, 2b …), 3 a clear one, 4 demount; and R for
// new EEDKs on a mounted cartridge. For logs, pages and tests. Holds no secret: names
// of servers, drives, labels and aliases alone. Not thread-safe; the clock outlives it.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::engine {

struct TraceStep {
  WallTime time{};
  std::string step{};
  std::string from{};  // "engine", "drive SERIAL", "library NAME", "key server NAME"
  std::string to{};
  std::string text{};
  bool operator==(const TraceStep&) const = default;
};

class MountTrace {
 public:
  explicit MountTrace(Clock& clock) : clock_(clock) {}
  // Beyond kMaxTraceSteps nothing is added.
  void note(std::string step, std::string from, std::string to, std::string text);
  const std::vector<TraceStep>& steps() const { return steps_; }

 private:
  Clock& clock_;
  std::vector<TraceStep> steps_;
};

}  // namespace tapewarden::engine
