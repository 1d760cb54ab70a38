#include "engine/host/settle.h"

#include "engine/catalogue/damage_note.h"

namespace tapewarden::engine {
namespace {

// One that a drive could bring, or could if it were here: a cartridge that went bad is none, one that was
// ejected is.
Result<bool> lies_in_pool(CatalogueView& view, const LogicalVolume& volume, CopyNumber number,
                          std::uint8_t pool) {
  if (!volume.active(number)) return false;
  const Copy& copy = *volume.copy(number);
  const auto cartridge = TRY(view.find_cartridge(copy.cartridge));
  return cartridge && cartridge->medium == copy.medium && cartridge->state != CartridgeState::kDamaged &&
         cartridge->pool == pool;
}

// A copy was to be written in the place of one that is out of the library or met an error, and it still is.
Result<bool> still_due(CatalogueView& view, const LogicalVolume& volume, CopyNumber number) {
  const bool due = number == CopyNumber::kPrimary ? volume.primary_due : volume.secondary_due;
  if (!due || !volume.active(number)) return due;
  const auto cartridge = TRY(view.find_cartridge(volume.copy(number)->cartridge));
  return !cartridge || !readable(cartridge->state) || cartridge->note.starts_with(kDamageNote);
}

Result<bool> is_due(CatalogueView& view, const LogicalVolume& volume, CopyNumber number, std::uint8_t pool) {
  return TRY(still_due(view, volume, number)) || !TRY(lies_in_pool(view, volume, number, pool));
}

Status take_storage_group(CatalogueView& view, const std::string& named, LogicalVolume& volume,
                          std::vector<std::string>& unknown) {
  if (named.empty()) return {};
  const auto group = view.storage_group(named);
  if (group) {
    volume.storage_group = group->name;
    return {};
  }
  const auto code = group.error().code;
  if (code != ErrorCode::kNotFound && code != ErrorCode::kInvalidArgument)
    return std::unexpected(group.error());
  unknown.emplace_back("storage group");
  return {};
}

Status take_management_class(CatalogueView& view, const std::string& named, LogicalVolume& volume,
                             std::vector<std::string>& unknown) {
  if (named.empty()) return {};
  const auto found = view.management_class(named);
  if (found) {
    volume.management_class = found->name;
    return {};
  }
  const auto code = found.error().code;
  if (code != ErrorCode::kNotFound && code != ErrorCode::kInvalidArgument)
    return std::unexpected(found.error());
  unknown.emplace_back("management class");
  return {};
}

Status settle_pools(CatalogueView& view, LogicalVolume& volume) {
  volume.primary_pool = TRY(view.storage_group(volume.storage_group)).pool;
  volume.primary_due = TRY(is_due(view, volume, CopyNumber::kPrimary, volume.primary_pool));
  volume.secondary_pool = TRY(view.management_class(volume.management_class)).pool;
  volume.secondary_due =
      volume.secondary_pool != 0 && TRY(is_due(view, volume, CopyNumber::kSecondary, volume.secondary_pool));
  return {};
}

void begin_content(LogicalVolume& volume, const Bytes& stamp, WallTime now) {
  ++volume.generation;
  volume.stamp = stamp;
  volume.written = now;
  volume.category = Category::kPrivate;
  volume.delete_after.reset();
}

}  // namespace

bool blank_as_it_was(const LogicalVolume& volume, const Bytes& stamp) {
  const bool copied = volume.primary || volume.secondary || volume.primary_due || volume.secondary_due;
  return volume.category == Category::kScratch && !copied && volume.stamp == stamp;
}

Result<std::vector<std::string>> settle(CatalogueView& view, LogicalVolume& volume, const GivenBack& found,
                                        WallTime now) {
  std::vector<std::string> unknown;
  volume.cached_bytes = found.bytes;
  volume.accessed = now;
  if (volume.stamp != found.stamp) {
    begin_content(volume, found.stamp, now);
    TRY(take_storage_group(view, found.named.storage_group, volume, unknown));
    TRY(take_management_class(view, found.named.management_class, volume, unknown));
  }
  if (volume.category == Category::kPrivate && volume.has_content()) TRY(settle_pools(view, volume));
  return unknown;
}

}  // namespace tapewarden::engine
