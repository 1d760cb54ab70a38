#include "engine/catalogue/rows.h"
#include "engine/catalogue/tables.h"
#include "store/row_fields.h"

namespace tapewarden::engine {

using store::Row;
using store::RowFieldReader;
using store::RowFields;

namespace {

void put_labels(RowFields& out, const std::array<KeyLabel, 2>& labels) {
  for (const KeyLabel& label : labels) out.text(label.text).member(label.mode);
}

Result<std::array<KeyLabel, 2>> take_labels(RowFieldReader& in) {
  std::array<KeyLabel, 2> labels;
  for (KeyLabel& label : labels) {
    label.text = in.text();
    label.mode = TRY(in.member(LabelMode::kHash, LabelMode::kClear));
  }
  return labels;
}

// Rows of before requests could be made have zeros there.
Result<RekeyRequest> take_rekey(RowFieldReader& in) {
  RekeyRequest request;
  for (KeyLabel& label : request.labels) {
    label.text = in.text();
    const auto mode = TRY(in.member(LabelMode::kHash, LabelMode{}));
    if (!label.text.empty()) label.mode = mode;
  }
  return request;
}

}  // namespace

Row to_row(const PhysicalVolume& cartridge) {
  RowFields out(kCartridgeTable);
  out.text(cartridge.barcode).blob(cartridge.volume.view()).member(cartridge.kind);
  out.number(cartridge.pool).number(cartridge.home_pool).number(cartridge.borrowed);
  out.member(cartridge.state).number(cartridge.medium).member(cartridge.encryption);
  put_labels(out, cartridge.labels);
  out.text(cartridge.alias).number(cartridge.written_bytes).number(cartridge.active_bytes);
  out.number(cartridge.active_volumes).number(cartridge.next_file).text(cartridge.library);
  out.moment(cartridge.first_written).moment(cartridge.last_written).moment(cartridge.last_accessed);
  out.moment(cartridge.last_inactivated).moment(cartridge.full_since);
  out.member(cartridge.move.when).number(cartridge.move.target_pool).text(cartridge.note);
  put_labels(out, cartridge.rekey.labels);
  out.number(cartridge.unexamined).number(cartridge.erase_first);
  out.number(cartridge.move.to_clear);
  return out.take();
}

Result<PhysicalVolume> cartridge_from(const Row& row) {
  RowFieldReader in(kCartridgeTable, row);
  PhysicalVolume cartridge;
  cartridge.barcode = in.text();
  cartridge.volume = in.uuid();
  cartridge.kind = TRY(in.member(MediumKind::k3592, MediumKind::kLto));
  cartridge.pool = in.number<std::uint8_t>();
  cartridge.home_pool = in.number<std::uint8_t>();
  cartridge.borrowed = in.number<bool>();
  cartridge.state = TRY(in.member(CartridgeState::kExported));
  cartridge.medium = in.number<std::uint64_t>();
  cartridge.encryption = TRY(in.member(MediumEncryption::kIdentified));
  cartridge.labels = TRY(take_labels(in));
  cartridge.alias = in.text();
  cartridge.written_bytes = in.number<std::uint64_t>();
  cartridge.active_bytes = in.number<std::uint64_t>();
  cartridge.active_volumes = in.number<std::uint32_t>();
  cartridge.next_file = in.number<std::uint32_t>();
  cartridge.library = in.text();
  cartridge.first_written = in.moment();
  cartridge.last_written = in.moment();
  cartridge.last_accessed = in.moment();
  cartridge.last_inactivated = in.moment();
  cartridge.full_since = in.moment();
  cartridge.move.when = TRY(in.member(MoveRequest::When::kNow));
  cartridge.move.target_pool = in.number<std::uint8_t>();
  cartridge.note = in.text();
  cartridge.rekey = TRY(take_rekey(in));
  cartridge.unexamined = in.number<bool>();
  cartridge.erase_first = in.number<bool>();
  cartridge.move.to_clear = in.number<bool>();
  return cartridge;
}

Row to_row(const Pool& pool) {
  RowFields out(kPoolTable);
  out.number(pool.number).text(pool.name).member(pool.media).member(pool.borrow);
  out.number(pool.reclaim_pool).member(pool.encryption);
  put_labels(out, pool.labels);
  const ReclaimPolicies& reclaim = pool.reclaim;
  out.text(pool.key_group).number(pool.secure_erase_days).number(reclaim.threshold_percent);
  out.number(reclaim.days_without_access).number(reclaim.days_since_written);
  out.number(reclaim.days_without_inactivation).number(reclaim.max_active_percent);
  out.number(pool.max_drives).number(pool.clear_reclaim_pool);
  return out.take();
}

Result<Pool> pool_from(const Row& row) {
  RowFieldReader in(kPoolTable, row);
  Pool pool;
  pool.number = in.number<std::uint8_t>();
  pool.name = in.text();
  pool.media = TRY(in.member(MediumKind::k3592, MediumKind::kLto));
  pool.borrow = TRY(in.member(Borrow::kBorrowAndKeep));
  pool.reclaim_pool = in.number<std::uint8_t>();
  pool.encryption = TRY(in.member(PoolEncryption::kHeld));
  pool.labels = TRY(take_labels(in));
  pool.key_group = in.text();
  pool.secure_erase_days = in.number<std::uint16_t>();
  pool.reclaim.threshold_percent = in.number<std::uint8_t>();
  pool.reclaim.days_without_access = in.number<std::uint16_t>();
  pool.reclaim.days_since_written = in.number<std::uint16_t>();
  pool.reclaim.days_without_inactivation = in.number<std::uint16_t>();
  pool.reclaim.max_active_percent = in.number<std::uint8_t>();
  pool.max_drives = in.number<std::uint8_t>();
  pool.clear_reclaim_pool = in.number<std::uint8_t>();
  return pool;
}

Row to_row(const StorageGroup& group) {
  return RowFields(kStorageGroupTable).text(group.name).number(group.pool).text(group.description).take();
}

StorageGroup storage_group_from(const Row& row) {
  RowFieldReader in(kStorageGroupTable, row);
  StorageGroup group;
  group.name = in.text();
  group.pool = in.number<std::uint8_t>();
  group.description = in.text();
  return group;
}

Row to_row(const ManagementClass& management) {
  return RowFields(kManagementClassTable)
      .text(management.name)
      .number(management.pool)
      .text(management.description)
      .take();
}

ManagementClass management_class_from(const Row& row) {
  RowFieldReader in(kManagementClassTable, row);
  ManagementClass management;
  management.name = in.text();
  management.pool = in.number<std::uint8_t>();
  management.description = in.text();
  return management;
}

}  // namespace tapewarden::engine
