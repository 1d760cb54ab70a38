#include "engine/catalogue/change.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

namespace {

// What may follow what; `before` holds the sums.
Status check_step(const PhysicalVolume& before, const PhysicalVolume& after) {
  if (after.medium < before.medium) {
    return fail(ErrorCode::kConflict,
                "the physical volume " + before.barcode + " would be begun less often than it was", "medium");
  }
  const bool emptied =
      after.state == CartridgeState::kScratch || after.state == CartridgeState::kAwaitingErase;
  const bool keeps = after.medium == before.medium && after.pool == before.pool && !emptied;
  if (keeps || before.active_volumes == 0) return {};
  return fail(ErrorCode::kConflict,
              "on the physical volume " + before.barcode + " lie " + std::to_string(before.active_volumes) +
                  " logical volumes of now",
              "state", "move them to other cartridges first");
}

}  // namespace

Status CatalogueChange::put(const PhysicalVolume& cartridge) {
  const auto known = TRY(find_cartridge(cartridge.barcode));
  PhysicalVolume after = cartridge;
  if (known && after.medium != known->medium) after.rekey = {};
  if (known && known->unexamined) after.unexamined = true;
  const bool not_erased = known ? known->erase_first && after.medium == known->medium : cartridge.erase_first;
  after.erase_first = after.state == CartridgeState::kAwaitingErase ||
                      (not_erased && after.state != CartridgeState::kScratch);
  TRY(check(after));
  after.active_bytes = known ? known->active_bytes : 0;
  after.active_volumes = known ? known->active_volumes : 0;
  after.last_inactivated = known ? known->last_inactivated : std::nullopt;
  if (known) TRY(check_step(*known, after));
  if (known && after.medium != known->medium) after.last_inactivated.reset();
  return write(known, after);
}

Status CatalogueChange::write(const std::optional<PhysicalVolume>& before, const PhysicalVolume& after) {
  TRY(transaction_.put(kCartridgeTable, to_row(after)));
  return count_cartridge(before, after);
}

Status CatalogueChange::withdraw_cartridge(std::string_view barcode) {
  const PhysicalVolume known = TRY(cartridge(barcode));
  if (known.active_volumes > 0) {
    return fail(ErrorCode::kConflict,
                "on the physical volume " + known.barcode + " lie " + std::to_string(known.active_volumes) +
                    " logical volumes of now",
                "barcode", "move them to other cartridges, or eject it with them");
  }
  TRY(transaction_.erase(kCartridgeTable, {known.barcode}));
  return count_cartridge(known, std::nullopt);
}

namespace {

// What the two sorts of totals have in common.
template <typename Total>
struct TotalTable;

template <>
struct TotalTable<CartridgeTotal> {
  static const store::TableSpec& table() { return kCartridgeTotalTable; }
  static Result<CartridgeTotal> from(const store::Row& row) { return cartridge_total_from(row); }
  static std::vector<store::Value> key(const CartridgeTotal::Key& key) {
    return {std::int64_t{key.pool}, static_cast<std::int64_t>(key.encryption),
            static_cast<std::int64_t>(key.state)};
  }
};

template <>
struct TotalTable<VolumeTotal> {
  static const store::TableSpec& table() { return kVolumeTotalTable; }
  static Result<VolumeTotal> from(const store::Row& row) { return volume_total_from(row); }
  static std::vector<store::Value> key(const VolumeTotal::Key& key) {
    return {static_cast<std::int64_t>(key.category), static_cast<std::int64_t>(key.residence),
            key.storage_group};
  }
};

}  // namespace

template <typename Total>
Status CatalogueChange::add_to_total(const typename Total::Key& key, const typename Total::Sums* less,
                                     const typename Total::Sums* more) {
  using Table = TotalTable<Total>;
  const auto row = TRY(transaction_.get(Table::table(), Table::key(key)));
  Total total = row ? TRY(Table::from(*row)) : Total{key, {}};
  if (less != nullptr) total.add(*less, -1);
  if (more != nullptr) total.add(*more, 1);
  if (!total.sound()) {
    return fail(ErrorCode::kCorrupt, "a sum of the catalogue would fall below zero",
                std::string(Table::table().name), "have the catalogue checked");
  }
  return transaction_.put(Table::table(), to_row(total));
}

template <typename Total>
Status CatalogueChange::count(const std::optional<Total>& before, const std::optional<Total>& after) {
  if (before && after && before->key == after->key) {
    if (before->sums == after->sums) return {};
    return add_to_total<Total>(after->key, &before->sums, &after->sums);
  }
  if (before) TRY(add_to_total<Total>(before->key, &before->sums, nullptr));
  if (after) TRY(add_to_total<Total>(after->key, nullptr, &after->sums));
  return {};
}

namespace {
template <typename Total, typename Value>
std::optional<Total> total_of(const std::optional<Value>& value) {
  return value ? std::optional(Total::of(*value)) : std::nullopt;
}
}  // namespace

Status CatalogueChange::count_volume(const std::optional<LogicalVolume>& before,
                                     const std::optional<LogicalVolume>& after) {
  return count(total_of<VolumeTotal>(before), total_of<VolumeTotal>(after));
}

Status CatalogueChange::count_cartridge(const std::optional<PhysicalVolume>& before,
                                        const std::optional<PhysicalVolume>& after) {
  return count(total_of<CartridgeTotal>(before), total_of<CartridgeTotal>(after));
}

}  // namespace tapewarden::engine
