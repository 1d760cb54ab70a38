// Limits of bulk requests, reports and statistics, in one place.
#pragma once

#include <chrono>
#include <cstddef>

namespace tapewarden::engine {

inline constexpr std::size_t kBulkRecordCharacters = 80;  // of a request without line ends
inline constexpr std::size_t kMaxBulkRequestBytes = 4096;
inline constexpr std::size_t kReportRows = 500;  // of the catalogue that one piece of a report looks at
inline constexpr std::size_t kMaxMeasuresInRecord = 500;
inline constexpr int kDaysOfHistory = 90;

}  // namespace tapewarden::engine
