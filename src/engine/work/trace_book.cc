#include "engine/work/trace_book.h"

#include <algorithm>

#include "engine/work/limits.h"

namespace tapewarden::engine {

void TraceBook::keep(KeptTrace trace) {
  if (trace.volumes.size() > kTracedVolumes) trace.volumes.resize(kTracedVolumes);
  auto kept = std::make_shared<const KeptTrace>(std::move(trace));
  const MutexLock lock(mutex_);
  traces_.push_front(std::move(kept));
  if (traces_.size() > kTracesKept) traces_.pop_back();
}

TraceBook::Traces TraceBook::of_cartridge(const std::string& barcode) const {
  const MutexLock lock(mutex_);
  Traces out;
  for (const auto& trace : traces_)
    if (trace->barcode == barcode) out.push_back(trace);
  return out;
}

TraceBook::Traces TraceBook::of_volume(const std::string& volser) const {
  const MutexLock lock(mutex_);
  Traces out;
  for (const auto& trace : traces_)
    if (std::ranges::find(trace->volumes, volser) != trace->volumes.end()) out.push_back(trace);
  return out;
}

}  // namespace tapewarden::engine
