#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "engine/report/limits.h"
#include "engine/report/row_source.h"

namespace tapewarden::engine {
namespace {

// What is in the interval that is open, and the sums that the catalogue keeps: one measure a row.
class PointInTime final : public RowSource {
 public:
  PointInTime(const StatisticsBook* book, WallTime now) : book_(book), now_(now) {}
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{
        {"measure", "MEASURE", 44}, {"value", "VALUE", 20}, {"since", "SINCE", 24}};
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    auto open = TRY(statistics_of(view, interval_of(now_)));
    // What is in the book may still be of the interval before.
    if (book_ != nullptr) {
      const auto current = book_->current();
      if (current.began == open.began) open.add(current);
    }
    // Without a book nothing was counted; zeros would say that nothing happened.
    for (std::size_t i = 0; book_ != nullptr && i < kMeasures; ++i)
      take({std::string(to_string(static_cast<Measure>(i))), open.measures[i], open.began});
    give_volumes(TRY(view.volume_totals()), take);
    give_cartridges(TRY(view.cartridge_totals()), take);
    return false;
  }

 private:
  static std::uint64_t number(std::int64_t sum) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
  }
  static void give_state(const TakeRow& take, const std::string& measure, std::uint64_t value) {
    take({measure, value, Cell()});
  }
  static void give_volumes(const std::vector<VolumeTotal>& totals, const TakeRow& take) {
    constexpr std::array kResidences{Residence::kEmpty, Residence::kCached, Residence::kPremigrated,
                                     Residence::kMigrated, Residence::kMissing};
    for (const auto residence : kResidences) {
      std::uint64_t volumes = 0;
      for (const auto& total : totals)
        if (total.key.residence == residence) volumes += number(total.sums.volumes);
      give_state(take, "volumes_" + std::string(to_string(residence)), volumes);
    }
    VolumeTotal::Sums all;
    std::uint64_t scratch = 0;
    for (const auto& total : totals) {
      all.cached_bytes += total.sums.cached_bytes;
      all.primary_due += total.sums.primary_due;
      all.secondary_due += total.sums.secondary_due;
      if (total.key.category == Category::kScratch) scratch += number(total.sums.volumes);
    }
    give_state(take, "volumes_scratch", scratch);
    give_state(take, "volumes_primary_due", number(all.primary_due));
    give_state(take, "volumes_secondary_due", number(all.secondary_due));
    give_state(take, "volume_bytes_cached", number(all.cached_bytes));
  }
  static void give_cartridges(const std::vector<CartridgeTotal>& totals, const TakeRow& take) {
    constexpr std::array kEncryptions{MediumEncryption::kUnknown, MediumEncryption::kClear,
                                      MediumEncryption::kWrapped, MediumEncryption::kIdentified};
    for (const auto encryption : kEncryptions) {
      std::uint64_t cartridges = 0;
      std::uint64_t active = 0;
      for (const auto& total : totals) {
        if (total.key.encryption != encryption) continue;
        cartridges += number(total.sums.cartridges);
        active += number(total.sums.active_bytes);
      }
      const std::string name(to_string(encryption));
      give_state(take, "cartridges_" + name, cartridges);
      give_state(take, "cartridge_active_bytes_" + name, active);
    }
  }

  const StatisticsBook* const book_;
  const WallTime now_;
};

// Records of the asked time, a page at a time, summed up by the intervals that are asked for.
class Records {
 public:
  Records(const BulkRequest& request, const StatisticsBook* book)
      : from_(request.from), before_(request.before), interval_(request.interval), book_(book) {
    TW_ASSERT(is_interval(interval_));
  }
  // Damaged ones are an error of the catalogue; one that a newer program worded otherwise is left out.
  Result<bool> page(CatalogueView& view, const std::function<void(const IntervalStatistics&)>& each) {
    // More than a day has, so that each page ends at least one interval.
    constexpr std::size_t kIntervals = 100;
    const auto records = TRY(view.statistics(from_, before_, kIntervals));
    const bool more = records.size() == kIntervals;
    std::optional<IntervalStatistics> sum;
    for (const auto& record : records) {
      const auto began = interval_of(record.began, interval_);
      if (sum && sum->began != began) each(*std::exchange(sum, std::nullopt));
      if (const auto statistics = from_record(record)) sum_up(sum, began, with_book(*statistics));
      if (!more) from_ = record.began + std::chrono::milliseconds(1);
    }
    if (more) {
      // The last one may go on behind this page: it is read again with the next.
      from_ = std::max(from_, interval_of(records.back().began, interval_));
      return true;
    }
    if (sum) each(*sum);
    return false;
  }
  // Milliseconds of the time from which on records are wanted.
  std::string place() const { return std::to_string(from_.time_since_epoch().count()); }
  Status go_to(std::string_view place) {
    const auto from = parse_number(place, 0, std::numeric_limits<std::int64_t>::max(), "after");
    if (!from) return no_such_place();
    from_ = WallTime(WallTime::duration(static_cast<std::int64_t>(*from)));
    return {};
  }

 private:
  // The record of the interval that is open is of an engine that ended in it: what was counted since is in
  // the book.
  IntervalStatistics with_book(IntervalStatistics recorded) const {
    if (book_ == nullptr) return recorded;
    const auto current = book_->current();
    if (current.began == recorded.began) recorded.add(current);
    return recorded;
  }
  static void sum_up(std::optional<IntervalStatistics>& sum, WallTime began, const IntervalStatistics& one) {
    if (sum) return sum->add(one);
    sum = one;
    sum->began = began;
  }

  WallTime from_;
  const WallTime before_;
  const std::chrono::minutes interval_;
  const StatisticsBook* const book_;
};

class History final : public RowSource {
 public:
  History(const BulkRequest& request, const StatisticsBook* book) : records_(request, book) {}
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns = [] {
      std::vector<Column> columns{{"began", "INTERVAL", 24}};
      for (std::size_t i = 0; i < kMeasures; ++i) {
        const auto measure = static_cast<Measure>(i);
        columns.push_back({to_string(measure), "", 0});
        for (const auto& [shown, heading, width] : kShown)
          if (shown == measure) columns.back() = {to_string(measure), heading, width};
      }
      return columns;
    }();
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    return records_.page(view, [&](const IntervalStatistics& one) {
      std::vector<Cell> cells{one.began};
      for (const auto value : one.measures) cells.emplace_back(value);
      take(cells);
    });
  }
  std::string place() const override { return records_.place(); }
  Status go_to(std::string_view place) override { return records_.go_to(place); }

 private:
  // In the text, which has no room for all.
  struct Shown {
    Measure measure;
    std::string_view heading;
    std::size_t width;
  };
  static constexpr std::array<Shown, 13> kShown{{
      {Measure::kHostBytesWritten, "HOST WRITTEN", 16},
      {Measure::kHostBytesRead, "HOST READ", 16},
      {Measure::kFastReadyMounts, "FAST", 6},
      {Measure::kHitMounts, "HIT", 6},
      {Measure::kMissMounts, "MISS", 6},
      {Measure::kMissMillis, "MISS MS", 12},
      {Measure::kClearBytesCopied, "COPIED CLEAR", 16},
      {Measure::kEncryptedBytesCopied, "COPIED ENCRYPTED", 16},
      {Measure::kBytesRecalled, "RECALLED", 16},
      {Measure::kVolumesReclaimed, "RECLAIM", 7},
      {Measure::kKeysGenerated, "NEW KEY", 7},
      {Measure::kKeysFetched, "KEYS", 7},
      {Measure::kCacheBytesHighest, "CACHE HIGHEST", 16},
  }};
  Records records_;
};

class PoolHistory final : public RowSource {
 public:
  PoolHistory(const BulkRequest& request, const StatisticsBook* book) : records_(request, book) {}
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{{"began", "INTERVAL", 24},
                                              {"pool", "POOL", 4},
                                              {"clear_bytes", "CLEAR BYTES", 16},
                                              {"encrypted_bytes", "ENCRYPTED BYTES", 16}};
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    return records_.page(view, [&](const IntervalStatistics& one) {
      for (std::size_t pool = 0; pool < one.pools.size(); ++pool) {
        const auto& sums = one.pools[pool];
        if (sums != PoolStatistics{})
          take({one.began, std::uint64_t{pool}, sums.clear_bytes, sums.encrypted_bytes});
      }
    });
  }
  std::string place() const override { return records_.place(); }
  Status go_to(std::string_view place) override { return records_.go_to(place); }

 private:
  Records records_;
};

}  // namespace

std::unique_ptr<RowSource> point_in_time(const StatisticsBook* book, WallTime now) {
  return std::make_unique<PointInTime>(book, now);
}
std::unique_ptr<RowSource> history(const BulkRequest& request, const StatisticsBook* book) {
  return std::make_unique<History>(request, book);
}
std::unique_ptr<RowSource> pool_history(const BulkRequest& request, const StatisticsBook* book) {
  return std::make_unique<PoolHistory>(request, book);
}

}  // namespace tapewarden::engine
