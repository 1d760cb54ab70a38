// Who uses a drive: this program's own reservation of it, and what is known of another's. A key under which
// this program reserves tells host, process and when that was started, so that what a dead process left
// behind can be told from a process at work (docs/operating/host-drive.md). One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "cli/context.h"
#include "cli/interruption.h"
#include "tape/initiator/exclusive_use.h"

namespace tapewarden::cli {

// The processes of this machine, as far as a key names them. Replaced in tests.
struct Processes {
  std::uint16_t host = 0;  // of the machine and its process numbers
  std::uint32_t own = 0;   // this process
  std::uint16_t own_start = 0;
  // Whether the process that was started then (modulo kStartModulus) is there.
  std::function<bool(std::uint32_t process, std::uint16_t start)> lives;

  static Processes of_this_host();
};
inline constexpr std::uint16_t kStartModulus = 1U << 10;

// 2 bytes "TW", 2 of the host, 22 bits of the process, 10 of its start.
std::uint64_t reservation_key(const Processes& processes);

enum class HolderKind : std::uint8_t {
  kAlive,      // a process of this host, at work
  kDead,       // one of this host that is there no more
  kOtherHost,  // this program, on another host
  kForeign,    // a key of other software
};
struct Holder {
  HolderKind kind = HolderKind::kForeign;
  std::uint64_t key = 0;
  std::uint32_t process = 0;  // of this program's keys

  std::string text() const;  // "process 4711 of this host, which is there no more"
};
Holder holder_of(std::uint64_t key, const Processes& processes);

// Who reserves the drive, or is registered in its way; nothing when nobody does, or when the drive does not
// tell.
std::optional<Holder> find_holder(tape::TapeDrive& drive, const Processes& processes);

// The drive for this program alone, and signals taken note of meanwhile. `device`: its name, for the remedy.
class DriveUse {
 public:
  // kConflict telling who uses it and what to do. A drive that knows no reservations is used without, which
  // is said on standard error.
  static Result<std::unique_ptr<DriveUse>> take(Context& context, tape::TapeDrive& drive,
                                                const std::string& device,
                                                const Processes& processes = Processes::of_this_host());

 private:
  DriveUse() = default;
  Interruption interruption_;  // first and last: a signal in between must not leave the drive reserved
  std::optional<tape::ExclusiveUse> use_;
};

// Ends what others reserve there: dead processes of this host; the one who holds the drive, whoever it is,
// when `force` says so, but for a process of this host that lives. Whose use ended; empty when there was
// none. kConflict when it is not ended.
Result<std::vector<Holder>> end_others_use(tape::TapeDrive& drive, const std::string& device, bool force,
                                           const Processes& processes = Processes::of_this_host());

}  // namespace tapewarden::cli
