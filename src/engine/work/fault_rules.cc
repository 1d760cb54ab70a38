#include "engine/work/fault_rules.h"

#include <array>

#include "engine/catalogue/limits.h"
#include "engine/work/clear_hold.h"
#include "engine/work/limits.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

const std::string kKeyServers = "key servers";

bool unreached(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
}

std::string short_note(const std::string& text) {
  return text.substr(0, kMaximumNoteCharacters);
}

// What the robot and the tape said of a cartridge that is to be scratch one day.
std::string note_of(const Error& error) {
  const bool damage = fault_of(error) == MountFault::kMedium || fault_of(error) == MountFault::kIdentity;
  return short_note((damage ? std::string(kDamageNote) : "") + error.message);
}

// A cartridge that was begun and does not even have its label: nothing lies on it.
void settle_begun(PhysicalVolume& cartridge, const Pool& pool, const Error& error) {
  const auto fault = fault_of(error);
  if (fault == MountFault::kMedium || fault == MountFault::kIdentity) {
    cartridge.state = CartridgeState::kDamaged;
    cartridge.note = note_of(error);
  } else {
    give_back(cartridge, pool);
  }
}

// Where what lies on it is saved to: where reclaim would take it, or its own pool when that is held.
Result<std::uint8_t> refuge_of(CatalogueView& view, const PhysicalVolume& cartridge, const Pool& pool) {
  if (pool.reclaim_pool == kCommonPool) return cartridge.pool;
  auto by_policy = cartridge;
  by_policy.move = {};
  return TRY(held_from_clear(view, by_policy, pool.reclaim_pool)) ? cartridge.pool : pool.reclaim_pool;
}

// What can still be read of it is brought away, however much it is; as an operator asked, when one did.
void empty_soon(PhysicalVolume& cartridge, std::uint8_t refuge) {
  if (!readable(cartridge.state) || cartridge.active_volumes == 0) return;
  if (cartridge.move.when == MoveRequest::When::kNone) cartridge.move.target_pool = refuge;
  cartridge.move.when = MoveRequest::When::kNow;
}

// What the cache has of such a cartridge is written from there: the tape that fails is not asked for it, and
// it does not leave the cache before.
Status write_from_cache(CatalogueChange& change, const PhysicalVolume& cartridge, std::uint8_t target) {
  for (std::uint32_t first = 0;;) {
    const auto placed = TRY(change.volumes_on(cartridge.barcode, first, kReclaimBatch));
    for (const auto& [known, copy] : placed) {
      first = known.copy(copy)->file + 1;
      auto volume = TRY(change.volume(known.volser));
      const bool primary = copy == CopyNumber::kPrimary;
      auto& due = primary ? volume.primary_due : volume.secondary_due;
      if (!volume.cached || !volume.mounted.empty() || due) continue;
      due = true;
      (primary ? volume.primary_pool : volume.secondary_pool) = target;
      TRY(change.put(volume));
    }
    if (placed.size() < kReclaimBatch) return {};
  }
}

void settle_written(PhysicalVolume& cartridge, std::uint8_t refuge, const Error& error, Doing doing) {
  const auto fault = fault_of(error);
  if (doing == Doing::kErasing) {
    if (fault == MountFault::kMedium) cartridge.state = CartridgeState::kDamaged;
  } else if (doing == Doing::kAppending && cartridge.active_volumes == 0) {
    cartridge.state = CartridgeState::kDamaged;
  } else if (cartridge.state == CartridgeState::kFilling &&
             (doing == Doing::kAppending || fault == MountFault::kMedium || fault == MountFault::kIdentity)) {
    cartridge.state = CartridgeState::kClosed;
  }
  // What a key server says later does not take the damage away.
  if (auto note = note_of(error); !noted_damaged(cartridge) || note.starts_with(kDamageNote))
    cartridge.note = std::move(note);
  if (fault == MountFault::kMedium) empty_soon(cartridge, refuge);
}

Status settle_cartridge(WorkState& state, const Error& error, const std::string& barcode, Doing doing) {
  return state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(barcode));
    if (doing == Doing::kWriting) {
      if (cartridge.state != CartridgeState::kFilling || cartridge.active_volumes > 0) return {};
      settle_begun(cartridge, TRY(change.pool(cartridge.pool)), error);
    } else if (lies_with_cartridge(error)) {
      const auto pool = TRY(change.pool(cartridge.pool));
      settle_written(cartridge, TRY(refuge_of(change, cartridge, pool)), error, doing);
      if (fault_of(error) == MountFault::kMedium && cartridge.move.when == MoveRequest::When::kNow)
        TRY(write_from_cache(change, cartridge, target_of(cartridge, pool)));
    } else {
      return {};
    }
    return change.put(cartridge);
  });
}

Status meet_keys(WorkState& state, const Error& error, const std::string& barcode, Doing doing) {
  if (unreached(error)) {
    state.parts.notices.raise(
        NoticeKind::kNoKeyServer, kKeyServers,
        "a key for cartridge " + barcode + " was needed and no key server gave it now: " + error.message);
    state.pauses.put_off(kKeysPause, kFirstPause);
  } else if (doing == Doing::kWriting) {
    const auto pool = pool_name(TRY(state.parts.catalogue.cartridge(barcode)).pool);
    state.parts.notices.raise(
        NoticeKind::kNoScratchCartridge, pool,
        "no cartridge of " + pool + " can be begun: the key server gives no key: " + error.message);
    state.pauses.put_off(pool, kFirstPause);
  } else if (doing == Doing::kReading) {
    state.pauses.put_off(cartridge_pause(barcode), kFirstPause);
  }
  return {};
}

// The next drive goes on at once, or a little later; where none gets a key the pauses grow.
Status meet_drive_keys(WorkState& state, const PhysicalDrive& drive, const std::string& barcode,
                       Doing doing) {
  state.pauses.put_off(drive_pause(drive.serial()), kFirstPause);
  if (doing == Doing::kReading) {
    state.pauses.put_off(cartridge_pause(barcode), kShortPause);
  } else {
    state.pauses.put_off(pool_name(TRY(state.parts.catalogue.cartridge(barcode)).pool), kShortPause);
  }
  return {};
}

void meet_library(WorkState& state, const Error& error, const std::string& library,
                  const std::string& barcode) {
  if (error.code == ErrorCode::kNotFound) {
    state.parts.notices.raise(NoticeKind::kCartridgeOverdue, barcode,
                              "cartridge " + barcode + " is not where it should be: " + error.message);
    state.pauses.put_off(cartridge_pause(barcode), kFirstPause);
  } else if (error.code == ErrorCode::kConflict) {
    state.pauses.put_off(cartridge_pause(barcode), kFirstPause);  // it is in another drive as yet
  } else {
    state.pauses.put_off(library_pause(library), kFirstPause);
  }
}

// Reading needs no room, so only what would write waits. Work::watch_disks() clears it.
Status meet_full_disk(WorkState& state, const Error& error, const std::string& library,
                      const std::string& barcode, Doing doing) {
  state.parts.notices.raise(NoticeKind::kDiskFull, library, error.text());
  const auto pool = pool_name(TRY(state.parts.catalogue.cartridge(barcode)).pool);
  state.pauses.put_off(doing == Doing::kErasing ? cartridge_pause(barcode) : pool, kFirstPause);
  return {};
}

}  // namespace

std::string_view to_string(Doing doing) {
  static constexpr std::array<std::string_view, 4> kNames{"write from the beginning", "append", "read",
                                                          "erase"};
  return kNames.at(static_cast<std::size_t>(doing));
}

bool lies_with_cartridge(const Error& error) {
  switch (fault_of(error)) {
    case MountFault::kMedium:
    case MountFault::kIdentity:
      return true;
    case MountFault::kKeys:
      return !unreached(error);
    default:
      return false;
  }
}

Status meet_fault(WorkState& state, const Error& error, TapeStation& station, const std::string& barcode,
                  Doing doing) {
  switch (fault_of(error)) {
    case MountFault::kNone:
      break;
    case MountFault::kLibrary:
      meet_library(state, error, station.library_name(), barcode);
      break;
    case MountFault::kKeys:
      TRY(meet_keys(state, error, barcode, doing));
      break;
    case MountFault::kDriveKeys:
      TRY(meet_drive_keys(state, station.drive(), barcode, doing));
      break;
    case MountFault::kIdentity:
      state.pauses.put_off(cartridge_pause(barcode), kFirstPause);
      [[fallthrough]];
    case MountFault::kMedium:
      state.parts.notices.raise(NoticeKind::kCartridgeDamaged, barcode, error.message);
      break;
    case MountFault::kDisk:
      TRY(meet_full_disk(state, error, station.library_name(), barcode, doing));
      break;
    case MountFault::kDrive:
      break;
    case MountFault::kInterrupted:
      state.pauses.put_off(cartridge_pause(barcode), kShortPause);
      break;
    case MountFault::kConfiguration:
      station.drive().take_offline(error.message);
      break;
  }
  return settle_cartridge(state, error, barcode, doing);
}

void meet_success(WorkState& state, TapeStation& station, const PhysicalVolume& cartridge) {
  auto& notices = state.parts.notices;
  state.pauses.clear(cartridge_pause(cartridge.barcode));
  state.pauses.clear(library_pause(station.library_name()));
  (void)notices.clear(NoticeKind::kCartridgeOverdue, cartridge.barcode, "the cartridge was mounted");
  if (tape_encryption(cartridge.encryption) == TapeEncryption::kClear) return;
  state.pauses.clear(kKeysPause);
  state.pauses.clear(drive_pause(station.drive().serial()));
  (void)notices.clear(NoticeKind::kNoKeyServer, kKeyServers, "a key server gave a key");
}

}  // namespace tapewarden::engine
