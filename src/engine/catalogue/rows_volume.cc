#include "engine/catalogue/rows.h"
#include "engine/catalogue/tables.h"
#include "store/row_fields.h"

namespace tapewarden::engine {

using store::Row;
using store::RowFieldReader;
using store::RowFields;

namespace {

void put_copy(RowFields& out, const std::optional<Copy>& copy) {
  const Copy none;
  const Copy& value = copy ? *copy : none;
  out.text(value.cartridge).number(value.medium).number(value.file).number(value.block);
  out.number(value.bytes).number(value.generation);
}

std::optional<Copy> take_copy(RowFieldReader& in) {
  Copy copy;
  copy.cartridge = in.text();
  copy.medium = in.number<std::uint64_t>();
  copy.file = in.number<std::uint32_t>();
  copy.block = in.number<std::uint64_t>();
  copy.bytes = in.number<std::uint64_t>();
  copy.generation = in.number<std::uint64_t>();
  if (copy.cartridge.empty()) return std::nullopt;
  return copy;
}

constexpr std::size_t kDerived = 4;  // columns at the end

std::int64_t eviction_of(const LogicalVolume& volume) {
  return volume.may_leave_cache() ? 1 + std::int64_t{volume.preference} : 0;
}

bool next_scratch(const LogicalVolume& volume) {
  return volume.category == Category::kScratch && volume.mounted.empty();
}

}  // namespace

Row to_row(const LogicalVolume& volume, const CopyPools& pools, Bytes cache_key) {
  RowFields out(kVolumeTable);
  out.text(volume.volser).blob(volume.volume.view()).member(volume.category);
  out.text(volume.storage_group).text(volume.management_class);
  out.number(volume.generation).number(volume.deleted_generation).blob(volume.stamp);
  out.text(volume.mounted).number(volume.cached).number(volume.cache_file).number(volume.cached_bytes);
  out.value_of(std::move(cache_key)).number(volume.capacity_bytes).number(volume.preference);
  put_copy(out, volume.primary);
  put_copy(out, volume.secondary);
  out.number(volume.primary_due).number(volume.secondary_due);
  out.number(volume.primary_pool).number(volume.secondary_pool);
  out.time(volume.inserted).time(volume.written).time(volume.accessed).time(volume.scratched);
  out.moment(volume.delete_after);
  out.number(pools.primary).number(pools.secondary).number(eviction_of(volume));
  out.number(next_scratch(volume));
  return out.take();
}

Result<LogicalVolume> volume_from(const Row& row) {
  RowFieldReader in(kVolumeTable, row);
  LogicalVolume volume;
  volume.volser = in.text();
  volume.volume = in.uuid();
  volume.category = TRY(in.member(Category::kPrivate));
  volume.storage_group = in.text();
  volume.management_class = in.text();
  volume.generation = in.number<std::uint64_t>();
  volume.deleted_generation = in.number<std::uint64_t>();
  volume.stamp = in.blob();
  volume.mounted = in.text();
  volume.cached = in.number<bool>();
  volume.cache_file = in.number<std::uint64_t>();
  volume.cached_bytes = in.number<std::uint64_t>();
  volume.has_cache_key = !in.blob().empty();
  volume.capacity_bytes = in.number<std::uint64_t>();
  volume.preference = in.number<std::uint8_t>();
  volume.primary = take_copy(in);
  volume.secondary = take_copy(in);
  volume.primary_due = in.number<bool>();
  volume.secondary_due = in.number<bool>();
  volume.primary_pool = in.number<std::uint8_t>();
  volume.secondary_pool = in.number<std::uint8_t>();
  volume.inserted = in.time();
  volume.written = in.time();
  volume.accessed = in.time();
  volume.scratched = in.time();
  volume.delete_after = in.moment();
  return volume;
}

CopyPools copy_pools_of(const Row& row) {
  const std::size_t at = kVolumeTable.columns.size() - kDerived;
  return {store::integer(row, at), store::integer(row, at + 1)};
}

Row to_row(const EngineState& state) {
  const Bytes cache = state.cache ? to_bytes(state.cache->view()) : Bytes();
  return RowFields(kEngineTable)
      .number(0)
      .blob(cache)
      .number(state.least_generation)
      .number(state.backup_ordered)
      .moment(state.rebuilt)
      .take();
}

EngineState engine_state_from(const Row& row) {
  RowFieldReader in(kEngineTable, row);
  (void)in.number<std::int64_t>();
  EngineState state;
  if (const Bytes& cache = in.blob(); !cache.empty()) state.cache = Uuid::from(cache);
  state.least_generation = in.number<std::uint64_t>();
  state.backup_ordered = in.number<std::uint64_t>();
  state.rebuilt = in.moment();
  return state;
}

Row to_row(std::int64_t place, const DeletedVolume& deleted) {
  return RowFields(kDeletedVolumeTable)
      .number(place)
      .number(deleted.number)
      .text(deleted.volser)
      .number(deleted.generation)
      .take();
}

DeletedVolume deleted_volume_from(const Row& row) {
  RowFieldReader in(kDeletedVolumeTable, row);
  (void)in.number<std::int64_t>();
  DeletedVolume deleted;
  deleted.number = in.number<std::uint64_t>();
  deleted.volser = in.text();
  deleted.generation = in.number<std::uint64_t>();
  return deleted;
}

}  // namespace tapewarden::engine
