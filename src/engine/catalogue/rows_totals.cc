#include "engine/catalogue/limits.h"
#include "engine/catalogue/rows.h"
#include "engine/catalogue/tables.h"
#include "store/row_fields.h"

namespace tapewarden::engine {

using store::Row;
using store::RowFieldReader;
using store::RowFields;

Row to_row(const CartridgeTotal& total) {
  RowFields out(kCartridgeTotalTable);
  out.number(total.key.pool).member(total.key.encryption).member(total.key.state);
  out.number(total.sums.cartridges).number(total.sums.written_bytes);
  out.number(total.sums.active_bytes).number(total.sums.active_volumes);
  return out.take();
}

Result<CartridgeTotal> cartridge_total_from(const Row& row) {
  RowFieldReader in(kCartridgeTotalTable, row);
  CartridgeTotal total;
  total.key.pool = in.number<std::uint8_t>();
  total.key.encryption = TRY(in.member(MediumEncryption::kIdentified));
  total.key.state = TRY(in.member(CartridgeState::kExported));
  total.sums.cartridges = in.number<std::int64_t>();
  total.sums.written_bytes = in.number<std::int64_t>();
  total.sums.active_bytes = in.number<std::int64_t>();
  total.sums.active_volumes = in.number<std::int64_t>();
  return total;
}

Row to_row(const VolumeTotal& total) {
  RowFields out(kVolumeTotalTable);
  out.member(total.key.category).member(total.key.residence).text(total.key.storage_group);
  const VolumeTotal::Sums& sums = total.sums;
  out.number(sums.volumes).number(sums.cached_bytes).number(sums.primary_bytes);
  out.number(sums.secondary_bytes).number(sums.primary_due).number(sums.secondary_due);
  out.number(sums.primary_due_bytes).number(sums.secondary_due_bytes);
  return out.take();
}

Result<VolumeTotal> volume_total_from(const Row& row) {
  RowFieldReader in(kVolumeTotalTable, row);
  VolumeTotal total;
  total.key.category = TRY(in.member(Category::kPrivate));
  total.key.residence = TRY(in.member(Residence::kMissing));
  total.key.storage_group = in.text();
  total.sums.volumes = in.number<std::int64_t>();
  total.sums.cached_bytes = in.number<std::int64_t>();
  total.sums.primary_bytes = in.number<std::int64_t>();
  total.sums.secondary_bytes = in.number<std::int64_t>();
  total.sums.primary_due = in.number<std::int64_t>();
  total.sums.secondary_due = in.number<std::int64_t>();
  total.sums.primary_due_bytes = in.number<std::int64_t>();
  total.sums.secondary_due_bytes = in.number<std::int64_t>();
  return total;
}

Row to_row(const StatisticsRecord& record) {
  const std::int64_t interval =
      std::chrono::floor<std::chrono::minutes>(record.began).time_since_epoch() / kStatisticsInterval;
  return RowFields(kStatisticsTable)
      .number(interval % kStatisticsPlaces)
      .time(record.began)
      .text(record.content)
      .take();
}

StatisticsRecord statistics_from(const Row& row) {
  RowFieldReader in(kStatisticsTable, row);
  (void)in.number<std::int64_t>();
  StatisticsRecord record;
  record.began = in.time();
  record.content = in.text();
  return record;
}

}  // namespace tapewarden::engine
