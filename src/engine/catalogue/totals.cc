#include "engine/catalogue/totals.h"

namespace tapewarden::engine {

CartridgeTotal CartridgeTotal::of(const PhysicalVolume& cartridge) {
  return {{cartridge.pool, cartridge.encryption, cartridge.state},
          {1, static_cast<std::int64_t>(cartridge.written_bytes),
           static_cast<std::int64_t>(cartridge.active_bytes), cartridge.active_volumes}};
}

void CartridgeTotal::add(const Sums& other, std::int64_t sign) {
  sums.cartridges += sign * other.cartridges;
  sums.written_bytes += sign * other.written_bytes;
  sums.active_bytes += sign * other.active_bytes;
  sums.active_volumes += sign * other.active_volumes;
}

bool CartridgeTotal::sound() const {
  return sums.cartridges >= 0 && sums.written_bytes >= 0 && sums.active_bytes >= 0 &&
         sums.active_volumes >= 0;
}

VolumeTotal VolumeTotal::of(const LogicalVolume& volume) {
  const auto bytes = [&](CopyNumber copy) {
    return volume.active(copy) ? static_cast<std::int64_t>(volume.copy(copy)->bytes) : 0;
  };
  const std::int64_t cached = volume.cached ? static_cast<std::int64_t>(volume.cached_bytes) : 0;
  VolumeTotal out{{volume.category, volume.residence(), volume.storage_group}, {}};
  out.sums.volumes = 1;
  out.sums.cached_bytes = cached;
  out.sums.primary_bytes = bytes(CopyNumber::kPrimary);
  out.sums.secondary_bytes = bytes(CopyNumber::kSecondary);
  out.sums.primary_due = volume.primary_due ? 1 : 0;
  out.sums.secondary_due = volume.secondary_due ? 1 : 0;
  out.sums.primary_due_bytes = volume.primary_due ? cached : 0;
  out.sums.secondary_due_bytes = volume.secondary_due ? cached : 0;
  return out;
}

void VolumeTotal::add(const Sums& other, std::int64_t sign) {
  sums.volumes += sign * other.volumes;
  sums.cached_bytes += sign * other.cached_bytes;
  sums.primary_bytes += sign * other.primary_bytes;
  sums.secondary_bytes += sign * other.secondary_bytes;
  sums.primary_due += sign * other.primary_due;
  sums.secondary_due += sign * other.secondary_due;
  sums.primary_due_bytes += sign * other.primary_due_bytes;
  sums.secondary_due_bytes += sign * other.secondary_due_bytes;
}

bool VolumeTotal::sound() const {
  return sums.volumes >= 0 && sums.cached_bytes >= 0 && sums.primary_bytes >= 0 &&
         sums.secondary_bytes >= 0 && sums.primary_due >= 0 && sums.secondary_due >= 0 &&
         sums.primary_due_bytes >= 0 && sums.secondary_due_bytes >= 0;
}

}  // namespace tapewarden::engine
