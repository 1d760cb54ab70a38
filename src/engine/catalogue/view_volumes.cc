#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/catalogue/tables.h"
#include "engine/catalogue/view.h"

namespace tapewarden::engine {

using store::Row;
using store::Value;

namespace {

// Conditions joined by AND, with their parameters.
struct Condition {
  std::string sql;
  std::vector<Value> parameters;

  void add(std::string_view term, Value parameter) {
    if (!sql.empty()) sql += " AND ";
    sql += term;
    parameters.push_back(std::move(parameter));
  }
};

Value limit_value(std::size_t limit) {
  return static_cast<std::int64_t>(std::clamp<std::size_t>(limit, 1, kMaximumPage));
}

// Volsers that begin so and come after; '~' stands behind every character that a volser may have.
void add_range(Condition& where, const VolumeFilter& filter, const PageRequest& page) {
  where.add("volser > ?", page.after);
  if (filter.prefix.empty()) return;
  where.add("volser >= ?", filter.prefix);
  where.add("volser < ?", filter.prefix + "~");
}

// The first `limit` and, when there are more, where they go on.
Page<LogicalVolume> cut(std::vector<LogicalVolume> volumes, std::size_t limit) {
  Page<LogicalVolume> page{std::move(volumes), {}};
  if (page.items.size() <= limit) return page;
  page.items.resize(limit);
  page.next = page.items.back().volser;
  return page;
}

std::string name_of(CopyNumber copy) {
  return std::string(to_string(copy));
}

}  // namespace

Result<std::vector<LogicalVolume>> CatalogueView::query_volumes(const std::string& where,
                                                                std::vector<Value> parameters) {
  std::vector<LogicalVolume> volumes;
  for (const Row& row : TRY(reader_.query(kVolumeTable, where, parameters)))
    volumes.push_back(TRY(volume_from(row)));
  return volumes;
}

Result<std::optional<LogicalVolume>> CatalogueView::find_volume(std::string_view volser) {
  const auto row = TRY(reader_.get(kVolumeTable, {std::string(volser)}));
  if (!row) return std::optional<LogicalVolume>();
  return std::optional(TRY(volume_from(*row)));
}

Result<LogicalVolume> CatalogueView::volume(std::string_view volser) {
  TRY(check_volser(volser));
  auto found = TRY(find_volume(volser));
  if (!found) {
    return fail(ErrorCode::kNotFound, "there is no logical volume " + std::string(volser), "volser",
                "insert it, or look at the list of volumes");
  }
  return *std::move(found);
}

Result<Page<LogicalVolume>> CatalogueView::volumes(const VolumeFilter& filter, const PageRequest& page) {
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, kMaximumPage);
  if (filter.pool) {
    if (filter.category || !filter.storage_group.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  "volumes are listed by pool, or by category and storage group, not by both", "pool",
                  "ask for the pool alone");
    }
    return cut(TRY(volumes_of_pool(*filter.pool, filter, page)), limit);
  }
  Condition where;
  if (filter.category) where.add("category = ?", static_cast<std::int64_t>(*filter.category));
  if (!filter.storage_group.empty()) where.add("storage_group = ?", filter.storage_group);
  add_range(where, filter, page);
  where.parameters.emplace_back(static_cast<std::int64_t>(limit + 1));
  return cut(TRY(query_volumes(where.sql + " ORDER BY volser LIMIT ?", std::move(where.parameters))), limit);
}

// A volume may have both copies in the pool.
Result<std::vector<LogicalVolume>> CatalogueView::volumes_of_pool(std::uint8_t pool,
                                                                  const VolumeFilter& filter,
                                                                  const PageRequest& page) {
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, kMaximumPage);
  std::vector<LogicalVolume> found;
  for (const CopyNumber copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    const std::string at = name_of(copy) + "_at";
    Condition where;
    where.add(at + " >= 0 AND " + at + " = ?", std::int64_t{pool});
    add_range(where, filter, page);
    where.parameters.emplace_back(static_cast<std::int64_t>(limit + 1));
    std::ranges::move(TRY(query_volumes(where.sql + " ORDER BY volser LIMIT ?", std::move(where.parameters))),
                      std::back_inserter(found));
  }
  std::ranges::sort(found, {}, &LogicalVolume::volser);
  const auto again = std::ranges::unique(found, {}, &LogicalVolume::volser);
  found.erase(again.begin(), again.end());
  return found;
}

Result<std::vector<PlacedVolume>> CatalogueView::volumes_on(std::string_view barcode, std::uint32_t first,
                                                            std::size_t limit) {
  std::vector<PlacedVolume> found;
  for (const CopyNumber copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    const std::string name = name_of(copy);
    const std::string where = name + "_at >= 0 AND " + name + "_cartridge = ? AND " + name +
                              "_file >= ? ORDER BY " + name + "_file LIMIT ?";
    auto volumes = TRY(query_volumes(where, {std::string(barcode), std::int64_t{first}, limit_value(limit)}));
    for (LogicalVolume& volume : volumes) found.push_back({std::move(volume), copy});
  }
  std::ranges::sort(found, {},
                    [](const PlacedVolume& placed) { return placed.volume.copy(placed.copy)->file; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<LogicalVolume>> CatalogueView::due(CopyNumber copy, std::optional<std::uint8_t> pool,
                                                      std::size_t limit, const DueWhich& which) {
  const std::string name = name_of(copy);
  std::string where = name + "_due = 1 AND mounted = ''";
  std::vector<Value> parameters;
  if (pool) {
    where += " AND " + name + "_pool = ?";
    parameters.emplace_back(std::int64_t{*pool});
  }
  if (which.cached) {
    where += " AND cached = ?";
    parameters.emplace_back(std::int64_t{*which.cached ? 1 : 0});
  }
  if (which.after != nullptr) {
    where += " AND (written, volser) > (?, ?)";
    parameters.emplace_back(to_millis(which.after->written));
    parameters.emplace_back(which.after->volser);
  }
  parameters.push_back(limit_value(limit));
  return query_volumes(where + " ORDER BY written, volser LIMIT ?", std::move(parameters));
}

Result<std::vector<LogicalVolume>> CatalogueView::eviction_candidates(std::size_t limit) {
  auto found =
      TRY(query_volumes("eviction = 1 ORDER BY cached_bytes DESC, volser LIMIT ?", {limit_value(limit)}));
  if (found.size() >= limit) return found;
  std::ranges::move(TRY(query_volumes("eviction = 2 ORDER BY accessed, volser LIMIT ?",
                                      {limit_value(limit - found.size())})),
                    std::back_inserter(found));
  return found;
}

Result<std::vector<LogicalVolume>> CatalogueView::scratch_volumes(std::size_t limit) {
  return query_volumes("next_scratch = 1 ORDER BY scratched, volser LIMIT ?", {limit_value(limit)});
}

Result<std::vector<LogicalVolume>> CatalogueView::expired(WallTime now, std::size_t limit) {
  return query_volumes("delete_after > 0 AND delete_after <= ? ORDER BY delete_after, volser LIMIT ?",
                       {to_millis(now), limit_value(limit)});
}

Result<std::vector<LogicalVolume>> CatalogueView::mounted(std::size_t limit) {
  return query_volumes("mounted <> '' ORDER BY mounted LIMIT ?", {limit_value(limit)});
}

Result<crypto::SecretBytes> CatalogueView::cache_key(std::string_view volser) {
  const auto row = TRY(reader_.get(kVolumeTable, {std::string(volser)}));
  if (!row || store::blob(*row, kCacheKeyColumn).empty()) {
    return fail(ErrorCode::kNotFound, "the volume " + std::string(volser) + " has no file in the cache",
                "volser");
  }
  return reader_.unseal(kVolumeTable, *row, kCacheKeyColumn);
}

Result<EngineState> CatalogueView::engine_state() {
  const auto row = TRY(reader_.get(kEngineTable, {std::int64_t{0}}));
  return row ? engine_state_from(*row) : EngineState();
}

Result<std::vector<VolumeTotal>> CatalogueView::volume_totals() {
  std::vector<VolumeTotal> totals;
  for (const Row& row : TRY(reader_.query(kVolumeTotalTable, "volumes > 0", {})))
    totals.push_back(TRY(volume_total_from(row)));
  return totals;
}

Result<std::vector<StatisticsRecord>> CatalogueView::statistics(WallTime from, WallTime before,
                                                                std::size_t limit) {
  std::vector<StatisticsRecord> records;
  for (const Row& row : TRY(reader_.query(kStatisticsTable, "began >= ? AND began < ? ORDER BY began LIMIT ?",
                                          {to_millis(from), to_millis(before), limit_value(limit)})))
    records.push_back(statistics_from(row));
  return records;
}

Result<std::vector<DeletedVolume>> CatalogueView::deleted_volumes(std::size_t limit) {
  std::vector<DeletedVolume> deleted;
  for (const Row& row :
       TRY(reader_.query(kDeletedVolumeTable, "number > 0 ORDER BY number LIMIT ?", {limit_value(limit)})))
    deleted.push_back(deleted_volume_from(row));
  return deleted;
}

}  // namespace tapewarden::engine
