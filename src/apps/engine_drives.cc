#include "apps/engine_drives.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::apps {
namespace {

using engine::PhysicalDriveStatus;

std::string state_of(const PhysicalDriveStatus& status, bool taken) {
  if (status.state == PhysicalDriveStatus::State::kOffline) return "offline";
  if (taken) return "at work";
  return status.state == PhysicalDriveStatus::State::kMounted ? "mounted" : "idle";
}

// What the engine can have it do; of a drive that never answered nothing is known.
std::string encryption_of(const PhysicalDriveStatus& status) {
  if (status.facts.product.empty()) return "";
  return std::string(status.can_encrypt() ? to_string(status.facts.method) : "clear");
}

std::string product_of(const engine::PhysicalDriveFacts& facts) {
  std::string text;
  for (const auto* part : {&facts.vendor, &facts.product, &facts.revision})
    if (const auto word = trim(*part); !word.empty()) text += (text.empty() ? "" : " ") + std::string(word);
  return text;
}

struct HeldDrive {
  std::size_t seat = 0;
  engine::DriveDesk::Claim claim;
};

Result<HeldDrive> hold(TapedEngine& engine, const std::string& serial) {
  const auto& seats = engine.back_end().seats();
  const auto found =
      std::ranges::find_if(seats, [&](const auto& seat) { return seat.drive.serial() == serial; });
  if (found == seats.end())
    return fail(ErrorCode::kNotFound, "there is no drive of this serial behind the engine", "serial",
                "list them: tapewarden physical-drive list");
  auto claim = engine.work().drives().claim_anyhow(found->station);
  if (!claim)
    return fail(ErrorCode::kConflict, "the drive " + serial + " is at work", "serial",
                "try again when what it does is done");
  return HeldDrive{static_cast<std::size_t>(found - seats.begin()), *std::move(claim)};
}

}  // namespace

std::vector<admin::PhysicalDriveView> physical_drives(TapedEngine& engine) {
  std::vector<admin::PhysicalDriveView> views;
  for (const auto& seat : engine.back_end().seats()) {
    const auto status = seat.drive.status();
    const bool taken = engine.work().drives().taken(seat.station);
    views.push_back({.serial = seat.drive.serial(),
                     .library = seat.library.name(),
                     .kind = std::string(to_string(seat.kind)),
                     .product = product_of(status.facts),
                     .state = state_of(status, taken),
                     .cartridge = status.barcode,
                     .encryption = encryption_of(status),
                     .reason = status.reason});
  }
  return views;
}

Status take_drive_offline(TapedEngine& engine, const std::string& serial, const std::string& reason) {
  const auto held = TRY(hold(engine, serial));
  engine.back_end().take_offline(held.seat, reason);
  return {};
}

Status bring_drive_online(TapedEngine& engine, const std::string& serial) {
  {
    const auto held = TRY(hold(engine, serial));
    TRY(engine.back_end().bring_online(held.seat));
  }
  engine.work().try_again();
  return {};
}

admin::CacheView cache_use(TapedEngine& engine) {
  const auto& cached = engine.cached();
  return {.limit_bytes = cached.limits().bytes,
          .used_bytes = cached.used_bytes(),
          .promised_bytes = cached.promised_bytes(),
          .free_bytes = cached.free_bytes(),
          .disk_free_bytes = cached.limits().free_on_disk ? cached.limits().free_on_disk() : std::nullopt};
}

}  // namespace tapewarden::apps
