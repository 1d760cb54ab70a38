// Bulk volume information retrieval (feature row T10): what a host may ask for by writing a short text on a
// logical volume, and what operators ask for by name. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {

enum class ReportKind : std::uint8_t {
  kVolumeMap,             // logical volumes by physical volume, in the order of the tape
  kCacheContents,         // what is in the cache
  kVolumeStatus,          // logical volumes, by how their volser begins
  kPhysicalVolumeStatus,  // cartridges: all, one, or those of a pool
  kPhysicalMediaPools,    // pools with sums over their cartridges
  kPointInTimeStatistics,
  kHistoricalStatistics,  // by interval
  kHistoricalPools,       // bytes written to each pool, by interval
};
// As in requests: "VOLUME MAP".
std::string_view request_words(ReportKind kind);
// As in addresses and commands: "volume-map".
std::string_view to_string(ReportKind kind);
Result<ReportKind> report_kind(std::string_view name);  // kInvalidArgument listing the names

enum class ReportFormat : std::uint8_t { kText, kCsv, kJson };
std::string_view to_string(ReportFormat format);
Result<ReportFormat> report_format(std::string_view name);

struct BulkRequest {
  ReportKind kind = ReportKind::kVolumeMap;
  ReportFormat format = ReportFormat::kText;
  std::string volume = {};  // kVolumeStatus: how volsers begin; kPhysicalVolumeStatus: a barcode
  std::optional<std::uint8_t> pool = {};                // kPhysicalVolumeStatus
  WallTime from{};                                      // historical ones: intervals that began from here on
  WallTime before{};                                    // and before this
  std::chrono::minutes interval = kStatisticsInterval;  // that one row of theirs sums up (is_interval())
  friend bool operator==(const BulkRequest&, const BulkRequest&) = default;
};

// Whether a volume's whole data are one request: the first record, one that begins with the words of a report
// (or COPY AUDIT), and at most a FORMAT; nothing else, and no record longer than 80 characters. What is wrong
// behind those words is parse_bulk_request()'s to tell. Everything else is a host's data.
bool is_bulk_request(std::string_view text);

// Records of 80 characters, or lines: "VTS BULK VOLUME DATA REQUEST", then one of
//   VOLUME MAP | CACHE CONTENTS | VOLUME STATUS volser | PHYSICAL MEDIA POOLS |
//   PHYSICAL VOLUME STATUS [VOLUME barcode | POOL nn] | POINT IN TIME STATISTICS |
//   HISTORICAL STATISTICS [FOR ddd-ddd] | HISTORICAL POOL STATISTICS [FOR ddd-ddd]
// and, where text is not wanted, FORMAT CSV or FORMAT JSON. Letters of either case; a volser may end in *.
// Days are days of the year, UTC: the last ones that have come by `now`; without them, the last day's.
// kInvalidArgument naming the record; kUnsupported for what this engine does not have (copies of a grid).
Result<BulkRequest> parse_bulk_request(std::string_view text, WallTime now);

}  // namespace tapewarden::engine
