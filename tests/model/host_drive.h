// A host at one drive of the virtual library: what it writes, and what it reads back.
#pragma once

#include <string>
#include <vector>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {

// What a host wrote: a block that its seed and length tell, or a filemark.
struct HostObject {
  std::uint64_t seed = 0;
  std::size_t bytes = 0;  // 0: a filemark
  friend bool operator==(const HostObject&, const HostObject&) = default;
};
using HostTape = std::vector<HostObject>;  // from the beginning to the end of data

Bytes block_of(const HostObject& object);
std::string text_of(const HostTape& tape);

// A host's view of one drive of the virtual library.
class HostDrive {
 public:
  explicit HostDrive(tape::DriveBay& bay, std::uint64_t nexus)
      : transport_(bay, scsi::NexusId{nexus}), drive_(transport_) {}

  enum class State { kReady, kBecomingReady, kEmpty };
  Result<State> state();
  // From the beginning, or behind what is there; a filemark at the end, which syncs. `written` tells how far
  // it came.
  Status write(const HostTape& objects, bool append, std::size_t& written);
  // From the beginning to the end of data; kCorrupt for a block that is none of HostObject's.
  Result<HostTape> read();

 private:
  tape::InProcessTransport transport_;
  tape::TapeDrive drive_;
};

}  // namespace tapewarden::engine::test
