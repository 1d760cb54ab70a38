#include "cli/drive_use.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "scsi/sense_codes.h"

namespace tapewarden::cli {
namespace {

constexpr std::uint64_t kMark = 0x5457;  // "TW"
constexpr unsigned kMarkShift = 48;
constexpr unsigned kHostShift = 32;
constexpr unsigned kStartBits = 10;
static_assert(kStartModulus == 1U << kStartBits);
constexpr std::uint32_t kLastProcess = (1U << (32 - kStartBits)) - 1;  // Linux: below 2^22
constexpr std::size_t kSystemLine = 4096;

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line(kSystemLine, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  return line.substr(0, line.find('\n'));
}

// Processes are numbered by machine and, in containers, by name space.
std::uint16_t mark_of_this_host() {
  std::string space(kSystemLine, '\0');
  const auto size = ::readlink("/proc/self/ns/pid", space.data(), space.size());
  space.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto digest = crypto::sha256(as_bytes(first_line("/etc/machine-id") + "\n" + space));
  return static_cast<std::uint16_t>(digest[0] << 8 | digest[1]);
}

std::string stat_of(std::uint32_t process) {
  return first_line("/proc/" + std::to_string(process) + "/stat");
}

// proc(5), /proc/PID/stat: behind the name in brackets the state, and as the 20th word the start. Nothing for
// a process that has ended.
std::optional<std::uint16_t> start_in(std::string_view stat) {
  constexpr std::size_t kStartWord = 19;
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string_view::npos || end_of_name + 2 > stat.size()) return std::nullopt;
  const auto words = split(stat.substr(end_of_name + 2), ' ');
  if (words.size() <= kStartWord || words[0] == "Z" || words[0] == "X") return std::nullopt;
  const auto start = parse_number(words[kStartWord], 0, std::numeric_limits<std::int64_t>::max(), "start");
  if (!start) return std::nullopt;
  return static_cast<std::uint16_t>(*start % kStartModulus);
}

// Of a process that /proc does not show to everybody, only that it is there can be known.
bool process_lives(std::uint32_t process, std::uint16_t start) {
  const auto stat = stat_of(process);
  if (!stat.empty()) return start_in(stat) == start;
  return ::kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM;
}

std::unexpected<Error> in_use(const std::string& device, const std::optional<Holder>& holder) {
  const std::string release = "tapewarden drive release " + device;
  if (!holder)
    return fail(ErrorCode::kConflict,
                "another program or host has reserved the drive, and it is not told who", "DEVICE",
                "end that program: what it reserved by RESERVE ends with its session");
  const std::string message = "the drive is in use: " + holder->text() + " has reserved it";
  switch (holder->kind) {
    case HolderKind::kAlive:
      return fail(ErrorCode::kConflict, message, "DEVICE", "wait for its end, or end that process");
    case HolderKind::kDead:
      return fail(ErrorCode::kConflict, message, "DEVICE",
                  release + " takes the drive from it; look at the tape then: its last file may be cut off");
    case HolderKind::kOtherHost:
    case HolderKind::kForeign:
      break;
  }
  return fail(ErrorCode::kConflict, message, "DEVICE",
              "wait for its end; when it is sure that nobody works with the drive: " + release + " --force");
}

// Whoever holds the drive first, then the others that are registered.
struct Registered {
  std::optional<tape::PersistentHold> hold;
  std::vector<std::uint64_t> keys;
};
tape::TapeResult<Registered> registered_at(tape::TapeDrive& drive) {
  Registered found{TRY(drive.persistent_hold()), TRY(drive.registered_keys())};
  if (found.hold && found.hold->key != 0) {
    std::erase(found.keys, found.hold->key);
    found.keys.insert(found.keys.begin(), found.hold->key);
  }
  return found;
}

// Somebody may be registered in this same way to the drive, and no command tells who. `strangers`: there are
// registrations that stay.
Status register_over(tape::TapeDrive& drive, std::uint64_t own, bool strangers) {
  auto registered = drive.register_key(0, own);
  if (!registered && registered.error().fault == tape::TapeFault::kReserved && !strangers)
    registered = drive.register_whatever_there_was(own);
  if (!registered) return std::unexpected(registered.error().error());
  return {};
}

Status preempt_all(tape::TapeDrive& drive, std::uint64_t own, const Registered& found,
                   const std::vector<Holder>& whom) {
  const bool everybody_holds = found.hold && found.hold->key == 0;
  for (const auto& holder : whom) {
    const auto gone = drive.preempt(own, everybody_holds ? 0 : holder.key);
    // What was registered in this same way has the own key now, and ends with it.
    if (!gone && gone.error().fault != tape::TapeFault::kReserved)
      return std::unexpected(gone.error().error());
    if (everybody_holds) return {};
  }
  return {};
}

}  // namespace

Processes Processes::of_this_host() {
  const auto own = static_cast<std::uint32_t>(::getpid());
  return {.host = mark_of_this_host(),
          .own = own,
          .own_start = start_in(stat_of(own)).value_or(0),
          .lives = process_lives};
}

std::uint64_t reservation_key(const Processes& processes) {
  return kMark << kMarkShift | std::uint64_t{processes.host} << kHostShift |
         std::uint64_t{processes.own & kLastProcess} << kStartBits | processes.own_start;
}

std::string Holder::text() const {
  switch (kind) {
    case HolderKind::kAlive:
      return "process " + std::to_string(process) + " of this host";
    case HolderKind::kDead:
      return "process " + std::to_string(process) + " of this host, which is there no more,";
    case HolderKind::kOtherHost:
      return "tapewarden on another host, as process " + std::to_string(process) + ",";
    case HolderKind::kForeign:
      break;
  }
  return "other software, with key " + to_hex(ByteWriter().u64(key).take()) + ",";
}

Holder holder_of(std::uint64_t key, const Processes& processes) {
  if (key >> kMarkShift != kMark) return {HolderKind::kForeign, key, 0};
  const auto process = static_cast<std::uint32_t>(key >> kStartBits) & kLastProcess;
  if (static_cast<std::uint16_t>(key >> kHostShift) != processes.host)
    return {HolderKind::kOtherHost, key, process};
  const bool alive = processes.lives(process, static_cast<std::uint16_t>(key % kStartModulus));
  return {alive ? HolderKind::kAlive : HolderKind::kDead, key, process};
}

std::optional<Holder> find_holder(tape::TapeDrive& drive, const Processes& processes) {
  const auto found = registered_at(drive);
  if (!found || found->keys.empty()) return std::nullopt;
  if (found->hold) return holder_of(found->keys.front(), processes);
  // Nobody holds it: in the way is who is registered in the same way to the drive, a process of this host.
  for (const auto key : found->keys) {
    const auto holder = holder_of(key, processes);
    if (holder.kind == HolderKind::kAlive || holder.kind == HolderKind::kDead) return holder;
  }
  return holder_of(found->keys.front(), processes);
}

Result<std::unique_ptr<DriveUse>> DriveUse::take(Context& context, tape::TapeDrive& drive,
                                                 const std::string& device, const Processes& processes) {
  std::unique_ptr<DriveUse> use(new DriveUse);
  auto taken = tape::ExclusiveUse::take(drive, reservation_key(processes));
  if (!taken) {
    const bool others = taken.error().fault == tape::TapeFault::kReserved ||
                        taken.error().sense.code == scsi::sense_codes::kNoRegistrationResources;
    if (!others) return std::unexpected(taken.error().error());
    return in_use(device, find_holder(drive, processes));
  }
  if (taken->way() == tape::ExclusiveUse::Way::kNone)
    *context.err
        << "the drive knows no reservations: see to it yourself that nobody else uses it meanwhile\n";
  use->use_.emplace(*std::move(taken));
  return use;
}

Result<std::vector<Holder>> end_others_use(tape::TapeDrive& drive, const std::string& device, bool force,
                                           const Processes& processes) {
  const auto found = registered_at(drive);
  if (!found && found.error().fault == tape::TapeFault::kReserved) return in_use(device, std::nullopt);
  if (!found && found.error().fault == tape::TapeFault::kIllegalRequest)
    return fail(ErrorCode::kUnsupported, "the drive knows no reservations that outlive their program",
                "DEVICE", "there is nothing to release");
  if (!found) return std::unexpected(found.error().error());
  std::vector<Holder> ended;
  for (const auto key : found->keys) {
    const Holder holder = holder_of(key, processes);
    const bool holds = found->hold && (found->hold->key == key || found->hold->key == 0);
    if (holder.kind == HolderKind::kAlive) return in_use(device, holder);
    if (holder.kind != HolderKind::kDead && holds && !force) return in_use(device, holder);
    if (holder.kind == HolderKind::kDead || holds) ended.push_back(holder);
  }
  if (ended.empty()) return ended;
  const std::uint64_t own = reservation_key(processes);
  TRY(register_over(drive, own, !force && ended.size() != found->keys.size()));
  TRY(preempt_all(drive, own, *found, ended));
  if (const auto last = drive.register_key(own, 0); !last) return std::unexpected(last.error().error());
  (void)drive.prevent_removal(false);  // what a program of this same way may have left; others' is theirs
  return ended;
}

}  // namespace tapewarden::cli
