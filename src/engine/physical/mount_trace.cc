#include "engine/physical/mount_trace.h"

#include "engine/physical/limits.h"

namespace tapewarden::engine {

void MountTrace::note(std::string step, std::string from, std::string to, std::string text) {
  if (steps_.size() >= kMaxTraceSteps) return;
  steps_.push_back({clock_.wall_now(), std::move(step), std::move(from), std::move(to), std::move(text)});
}

}  // namespace tapewarden::engine
