#include "engine/report/statistics.h"

#include <algorithm>
#include <boost/json.hpp>

#include "engine/report/limits.h"

namespace tapewarden::engine {
namespace {

namespace json = boost::json;

constexpr std::string_view kHighestSuffix = "_highest";
constexpr std::string_view kLongestSuffix = "_longest_ms";

constexpr std::array<std::string_view, kMeasures> kNames{
    "host_bytes_written",
    "host_bytes_read",
    "fast_ready_mounts",
    "fast_ready_ms",
    "fast_ready_longest_ms",
    "hit_mounts",
    "hit_ms",
    "hit_longest_ms",
    "miss_mounts",
    "miss_ms",
    "miss_longest_ms",
    "volumes_copied",
    "clear_bytes_copied",
    "encrypted_bytes_copied",
    "volumes_recalled",
    "bytes_recalled",
    "volumes_reclaimed",
    "clear_bytes_reclaimed",
    "encrypted_bytes_reclaimed",
    "cartridges_reclaimed",
    "cartridges_erased",
    "volumes_evicted",
    "bytes_evicted",
    "volumes_deleted",
    "physical_mounts",
    "physical_mount_ms",
    "physical_mount_longest_ms",
    "physical_mounts_failed",
    "keys_generated",
    "keys_fetched",
    "keys_refused",
    "key_servers_missed",
    "cache_bytes",
    "cache_bytes_highest",
    "due_bytes",
    "due_bytes_highest",
    "virtual_drives_in_use",
    "virtual_drives_in_use_highest",
    "physical_drives_in_use",
    "physical_drives_in_use_highest",
    "recalls_waiting",
    "recalls_waiting_highest",
};
static_assert(!kNames.back().empty());

std::unexpected<Error> damaged() {
  return fail(ErrorCode::kCorrupt, "a record of statistics is not as this program writes them", "statistics");
}

std::optional<std::uint64_t> number(const json::value& value) {
  if (const auto* small = value.if_int64()) {
    if (*small >= 0) return static_cast<std::uint64_t>(*small);
    return std::nullopt;
  }
  if (const auto* large = value.if_uint64()) return *large;
  return std::nullopt;
}

Status take_measures(const json::value& value, IntervalStatistics& into) {
  const auto* object = value.if_object();
  if (object == nullptr || object->size() > kMaxMeasuresInRecord) return damaged();
  for (const auto& [name, told] : *object) {
    const auto at = std::ranges::find(kNames, std::string_view(name.data(), name.size()));
    if (at == kNames.end()) continue;
    const auto amount = number(told);
    if (!amount) return damaged();
    into.measures.at(static_cast<std::size_t>(at - kNames.begin())) = *amount;
  }
  return {};
}

Status take_pools(const json::value& value, IntervalStatistics& into) {
  const auto* array = value.if_array();
  if (array == nullptr || array->size() > into.pools.size()) return damaged();
  for (const auto& one : *array) {
    const auto* triple = one.if_array();
    if (triple == nullptr || triple->size() != 3) return damaged();
    const auto pool = number((*triple)[0]);
    const auto clear = number((*triple)[1]);
    const auto encrypted = number((*triple)[2]);
    if (!pool || *pool >= into.pools.size() || !clear || !encrypted) return damaged();
    into.pools.at(*pool) = {*clear, *encrypted};
  }
  return {};
}

}  // namespace

std::string_view to_string(Measure measure) {
  return kNames.at(static_cast<std::size_t>(measure));
}

MeasureRule rule_of(Measure measure) {
  const auto name = to_string(measure);
  if (name.ends_with(kHighestSuffix) || name.ends_with(kLongestSuffix)) return MeasureRule::kHighest;
  return measure < Measure::kCacheBytes ? MeasureRule::kSum : MeasureRule::kLast;
}

bool IntervalStatistics::idle() const {
  for (std::size_t i = 0; i < kMeasures; ++i)
    if (rule_of(static_cast<Measure>(i)) == MeasureRule::kSum && measures[i] != 0) return false;
  return std::ranges::all_of(pools, [](const PoolStatistics& pool) { return pool == PoolStatistics{}; });
}

void IntervalStatistics::add(const IntervalStatistics& later) {
  for (std::size_t i = 0; i < kMeasures; ++i) {
    const auto rule = rule_of(static_cast<Measure>(i));
    auto& mine = measures[i];
    if (rule == MeasureRule::kSum) mine += later.measures[i];
    if (rule == MeasureRule::kHighest) mine = std::max(mine, later.measures[i]);
    if (rule == MeasureRule::kLast) mine = later.measures[i];
  }
  for (std::size_t i = 0; i < pools.size(); ++i) {
    pools[i].clear_bytes += later.pools[i].clear_bytes;
    pools[i].encrypted_bytes += later.pools[i].encrypted_bytes;
  }
}

bool is_interval(std::chrono::minutes length) {
  using std::chrono::days;
  return length >= kStatisticsInterval && length % kStatisticsInterval == std::chrono::minutes(0) &&
         days(1) % length == std::chrono::minutes(0);
}

WallTime interval_of(WallTime time, std::chrono::minutes interval) {
  const auto length = std::chrono::milliseconds(interval).count();
  const auto at = std::max<std::int64_t>(to_millis(time), 0);
  return from_millis(at - at % length);
}

StatisticsRecord to_record(const IntervalStatistics& statistics) {
  json::object measures;
  for (std::size_t i = 0; i < kMeasures; ++i)
    if (statistics.measures[i] != 0) measures[kNames[i]] = statistics.measures[i];
  json::array pools;
  for (std::size_t i = 0; i < statistics.pools.size(); ++i) {
    const auto& pool = statistics.pools[i];
    if (pool != PoolStatistics{}) pools.push_back(json::array{i, pool.clear_bytes, pool.encrypted_bytes});
  }
  const json::object all{{"version", 1}, {"measures", std::move(measures)}, {"pools", std::move(pools)}};
  return {statistics.began, json::serialize(all)};
}

Result<IntervalStatistics> from_record(const StatisticsRecord& record) {
  boost::system::error_code error;
  const auto value = json::parse(record.content, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return damaged();
  const auto* measures = object->if_contains("measures");
  const auto* pools = object->if_contains("pools");
  if (measures == nullptr || pools == nullptr) return damaged();
  IntervalStatistics out;
  out.began = record.began;
  TRY(take_measures(*measures, out));
  TRY(take_pools(*pools, out));
  return out;
}

}  // namespace tapewarden::engine
