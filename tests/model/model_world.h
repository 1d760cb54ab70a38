// The tape engine as one program has it (hosts' library, cache, catalogue, work, back end), on a simulated
// system, with hosts that use it through SCSI commands. Everything is the real code but clock, random bytes,
// the disk below files, and the key server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/host/host_volumes.h"
#include "engine/work/work_test_kit.h"
#include "tape/library/kept_cartridges.h"

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

class ModelWorld : public WorkBench {
 public:
  static constexpr std::size_t kHostDrives = 2;
  static constexpr unsigned kVolumes = 12;

  explicit ModelWorld(std::uint64_t seed);
  ~ModelWorld() { stop_hosts(); }

  // The machine loses its power: every file is as it was last synced, with torn writes, and all starts again.
  void crash();

  static std::string volser(unsigned index);
  static std::uint16_t slot_of(unsigned index);
  static std::uint16_t element_of(std::size_t drive);
  // What the changer says: false when it refuses.
  bool move(std::uint16_t from, std::uint16_t to) { return host_library->move(from, to).has_value(); }

  std::unique_ptr<HostVolumes> hosts;
  std::unique_ptr<tape::Library> host_library;
  std::vector<std::unique_ptr<HostDrive>> host_drives;
  std::vector<std::string> notes;  // of the hosts' library since its start

 private:
  void start_hosts();
  void stop_hosts();
  tape::LibrarySpec host_spec_;
};

}  // namespace tapewarden::engine::test
