// The traces of the last mounts, in memory, to be found by cartridge and by logical volume (feature row T4).
// Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/physical/mount_trace.h"

namespace tapewarden::engine {

struct KeptTrace {
  std::string barcode{};
  std::string drive{};                 // serial
  std::string purpose{};               // "write from the beginning", "append", "read", "rekey", "erase"
  std::string fault{};                 // empty: it went well
  std::vector<std::string> volumes{};  // logical ones that were written or read, at most kTracedVolumes
  std::vector<TraceStep> steps{};
};

class TraceBook {
 public:
  using Traces = std::vector<std::shared_ptr<const KeptTrace>>;

  // The oldest one gives way when there are kTracesKept.
  void keep(KeptTrace trace) TW_EXCLUDES(mutex_);
  // The newest first. Of a physical volume by its barcode, and of a logical one by its volser.
  Traces of_cartridge(const std::string& barcode) const TW_EXCLUDES(mutex_);
  Traces of_volume(const std::string& volser) const TW_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<const KeptTrace>> traces_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine
