#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/catalogue/tables.h"
#include "engine/catalogue/view.h"

namespace tapewarden::engine {

using store::Row;
using store::Value;

namespace {

Value limit_value(std::size_t limit) {
  return static_cast<std::int64_t>(std::clamp<std::size_t>(limit, 1, kMaximumPage));
}

struct Search {
  std::string sql;
  std::vector<Value> parameters;
};

// The label is looked for in an index of its own first: there are as many rows as cartridges.
Search search_for(const CartridgeFilter& filter, const PageRequest& page) {
  Search out{"barcode > ?", {page.after}};
  const auto add = [&](std::string_view term, Value parameter) {
    out.sql.append(" AND ").append(term);
    out.parameters.push_back(std::move(parameter));
  };
  if (!filter.prefix.empty()) {
    add("barcode >= ?", filter.prefix);
    add("barcode < ?", filter.prefix + "~");
  }
  if (filter.pool) add("pool = ?", std::int64_t{*filter.pool});
  if (filter.state) add("state = ?", static_cast<std::int64_t>(*filter.state));
  if (filter.encryption) add("encryption = ?", static_cast<std::int64_t>(*filter.encryption));
  if (filter.rekey) out.sql.append(" AND rekey_label1 <> ''");
  if (!filter.label.empty()) {
    add("barcode IN (SELECT barcode FROM physical_volume WHERE row_erased = 0 AND "
        "(label1 = ? COLLATE NOCASE OR label2 = ? COLLATE NOCASE OR alias = ? COLLATE NOCASE))",
        filter.label);
    out.parameters.emplace_back(filter.label);
    out.parameters.emplace_back(filter.label);
  }
  return out;
}

}  // namespace

Result<std::vector<PhysicalVolume>> CatalogueView::query_cartridges(const std::string& where,
                                                                    std::vector<Value> parameters) {
  std::vector<PhysicalVolume> cartridges;
  for (const Row& row : TRY(reader_.query(kCartridgeTable, where, parameters)))
    cartridges.push_back(TRY(cartridge_from(row)));
  return cartridges;
}

Result<std::optional<PhysicalVolume>> CatalogueView::find_cartridge(std::string_view barcode) {
  const auto row = TRY(reader_.get(kCartridgeTable, {std::string(barcode)}));
  if (!row) return std::optional<PhysicalVolume>();
  return std::optional(TRY(cartridge_from(*row)));
}

Result<PhysicalVolume> CatalogueView::cartridge(std::string_view barcode) {
  TRY(check_barcode(barcode));
  auto found = TRY(find_cartridge(barcode));
  if (!found) {
    return fail(ErrorCode::kNotFound, "there is no physical volume " + std::string(barcode), "barcode",
                "insert it, or look at the list of cartridges");
  }
  return *std::move(found);
}

Result<Page<PhysicalVolume>> CatalogueView::cartridges(const CartridgeFilter& filter,
                                                       const PageRequest& page) {
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, kMaximumPage);
  Search search = search_for(filter, page);
  search.parameters.emplace_back(static_cast<std::int64_t>(limit + 1));
  Page<PhysicalVolume> out;
  out.items = TRY(query_cartridges(search.sql + " ORDER BY barcode LIMIT ?", std::move(search.parameters)));
  if (out.items.size() > limit) {
    out.items.resize(limit);
    out.next = out.items.back().barcode;
  }
  return out;
}

Result<std::vector<PhysicalVolume>> CatalogueView::filling(std::uint8_t pool, MediumKind kind,
                                                           std::size_t limit) {
  return query_cartridges("state = 1 AND pool = ? AND kind = ? ORDER BY written_bytes DESC, barcode LIMIT ?",
                          {std::int64_t{pool}, static_cast<std::int64_t>(kind), limit_value(limit)});
}

Result<std::vector<PhysicalVolume>> CatalogueView::scratch_cartridges(std::uint8_t pool_number,
                                                                      MediumKind kind, std::size_t limit) {
  const std::string where = "state = 0 AND pool = ? AND kind = ? ORDER BY medium, barcode LIMIT ?";
  const auto of = [&](std::uint8_t number, std::size_t count) {
    return query_cartridges(where,
                            {std::int64_t{number}, static_cast<std::int64_t>(kind), limit_value(count)});
  };
  const Pool settings = TRY(pool(pool_number));
  auto found = TRY(of(pool_number, limit));
  if (found.size() >= limit || settings.borrow == Borrow::kNo || pool_number == kCommonPool) return found;
  std::ranges::move(TRY(of(kCommonPool, limit - found.size())), std::back_inserter(found));
  return found;
}

// The inner search reads an index alone; the rows that it found are read, verified and judged again.
Result<std::vector<ReclaimCandidate>> CatalogueView::reclaim_candidates_of(const Pool& pool, WallTime now,
                                                                           std::size_t limit) {
  ReclaimCondition condition = reclaim_condition(pool.reclaim, now);
  const std::string where =
      "barcode IN (SELECT barcode FROM physical_volume WHERE row_erased = 0 AND state IN (2, 3) AND pool = ? "
      "AND "
      "(unexamined = 0 OR active_bytes > 0) AND " +
      std::string(condition.sql) + " ORDER BY active_bytes, barcode LIMIT ?)";
  std::vector<Value> parameters{std::int64_t{pool.number}};
  std::ranges::move(condition.parameters, std::back_inserter(parameters));
  parameters.push_back(limit_value(limit));
  std::vector<ReclaimCandidate> found;
  for (PhysicalVolume& cartridge : TRY(query_cartridges(where, std::move(parameters)))) {
    const auto reason = reclaim_reason(cartridge, pool.reclaim, now);
    if (!reason) {
      return fail(ErrorCode::kCorrupt,
                  "an index of the catalogue does not fit its row physical_volume " + cartridge.barcode,
                  "physical_volume", "restore the catalogue from its newest backup");
    }
    found.push_back({std::move(cartridge), *reason});
  }
  return found;
}

Result<std::vector<ReclaimCandidate>> CatalogueView::reclaim_candidates(WallTime now, std::size_t limit) {
  std::vector<ReclaimCandidate> found;
  for (const Pool& pool : TRY(pools())) {
    if (pool.number == kCommonPool || !pool.reclaim.any()) continue;
    std::ranges::move(TRY(reclaim_candidates_of(pool, now, limit)), std::back_inserter(found));
  }
  std::ranges::sort(found, {}, [](const ReclaimCandidate& candidate) {
    return std::pair(candidate.cartridge.active_bytes, std::string_view(candidate.cartridge.barcode));
  });
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<PhysicalVolume>> CatalogueView::emptied(std::size_t limit) {
  auto found = TRY(query_cartridges(
      "state = 2 AND active_volumes = 0 AND unexamined = 0 ORDER BY barcode LIMIT ?", {limit_value(limit)}));
  if (found.size() >= limit) return found;
  std::ranges::move(
      TRY(query_cartridges("state = 3 AND active_volumes = 0 AND unexamined = 0 ORDER BY barcode LIMIT ?",
                           {limit_value(limit - found.size())})),
      std::back_inserter(found));
  return found;
}

Result<std::vector<PhysicalVolume>> CatalogueView::move_requests(MoveRequest::When when, std::size_t limit,
                                                                 std::string_view after) {
  return query_cartridges("move_when > 0 AND move_when = ? AND barcode > ? ORDER BY barcode LIMIT ?",
                          {static_cast<std::int64_t>(when), std::string(after), limit_value(limit)});
}

Result<std::vector<PhysicalVolume>> CatalogueView::rekey_requests(std::size_t limit, std::string_view after) {
  return query_cartridges(
      "rekey_label1 <> '' AND state IN (1, 2, 3) AND barcode > ? ORDER BY barcode LIMIT ?",
      {std::string(after), limit_value(limit)});
}

Result<std::vector<CartridgeTotal>> CatalogueView::cartridge_totals() {
  std::vector<CartridgeTotal> totals;
  for (const Row& row : TRY(reader_.query(kCartridgeTotalTable, "cartridges > 0", {})))
    totals.push_back(TRY(cartridge_total_from(row)));
  return totals;
}

}  // namespace tapewarden::engine
