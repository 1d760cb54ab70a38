#include "engine/report/bulk_request.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/constructs.h"
#include "engine/catalogue/limits.h"
#include "engine/catalogue/volume.h"
#include "engine/report/limits.h"

namespace tapewarden::engine {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;

constexpr std::string_view kFirstRecord = "VTS BULK VOLUME DATA REQUEST";
constexpr std::string_view kCopyAudit = "COPY AUDIT";
constexpr std::string_view kFormat = "FORMAT";

struct KindNames {
  std::string_view words;
  std::string_view name;
};
constexpr std::array<KindNames, 8> kKinds{{
    {"VOLUME MAP", "volume-map"},
    {"CACHE CONTENTS", "cache-contents"},
    {"VOLUME STATUS", "volume-status"},
    {"PHYSICAL VOLUME STATUS", "physical-volume-status"},
    {"PHYSICAL MEDIA POOLS", "physical-media-pools"},
    {"POINT IN TIME STATISTICS", "point-in-time-statistics"},
    {"HISTORICAL STATISTICS", "historical-statistics"},
    {"HISTORICAL POOL STATISTICS", "historical-pool-statistics"},
}};
constexpr std::array<std::string_view, 3> kFormats{"text", "csv", "json"};

std::unexpected<Error> wrong(std::string message, std::string remedy = {}) {
  return fail(ErrorCode::kInvalidArgument, "the bulk request: " + std::move(message), "request",
              std::move(remedy));
}

std::string listed(const auto& names, auto name_of) {
  std::string out;
  for (const auto& one : names) out += (out.empty() ? "" : ", ") + std::string(name_of(one));
  return out;
}

// Upper case, blanks at both ends gone, one blank between words.
std::string tidy(std::string_view record) {
  std::string out;
  for (const auto& word : split(to_upper(trim(record)), ' '))
    if (!word.empty()) out += (out.empty() ? "" : " ") + word;
  return out;
}

Result<std::vector<std::string>> records_of(std::string_view text) {
  if (text.size() > kMaxBulkRequestBytes) return wrong("it is longer than any request");
  std::vector<std::string> records;
  const auto take = [&](std::string_view record) {
    if (auto one = tidy(record); !one.empty()) records.push_back(std::move(one));
  };
  if (text.find('\n') != std::string_view::npos) {
    for (const auto& line : split(text, '\n')) take(line);
  } else {
    for (std::size_t at = 0; at < text.size(); at += kBulkRecordCharacters)
      take(text.substr(at, kBulkRecordCharacters));
  }
  for (const auto& record : records)
    if (!is_printable(record)) return wrong("it has characters that are not ASCII text");
  return records;
}

bool begins_with_words(std::string_view record, std::string_view words) {
  return record.starts_with(words) && (record.size() == words.size() || record[words.size()] == ' ');
}

std::optional<ReportKind> kind_asked(std::string_view record) {
  const auto found =
      std::ranges::find_if(kKinds, [&](const auto& one) { return begins_with_words(record, one.words); });
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<ReportKind>(found - kKinds.begin());
}

// The last day with that number in its year that has begun by `latest`.
Result<sys_days> last_day(std::uint64_t number, sys_days latest) {
  const year newest = std::chrono::year_month_day(latest).year();
  for (year in = newest; in >= newest - std::chrono::years(8); --in) {
    const auto length = in.is_leap() ? 366U : 365U;
    const auto day = sys_days(in / 1 / 1) + days(number - 1);
    if (number <= length && day <= latest) return day;
  }
  return wrong("there is no such day");
}

Status take_days(BulkRequest& request, std::string_view words, WallTime now) {
  const auto today = std::chrono::floor<days>(now);
  if (words.empty()) {
    request.from = now - days(1);
    request.before = now + std::chrono::milliseconds(1);
    return {};
  }
  if (!words.starts_with("FOR ")) return wrong("behind HISTORICAL STATISTICS stands FOR ddd-ddd, or nothing");
  const auto ends = split(words.substr(4), '-');
  if (ends.empty() || ends.size() > 2) return wrong("the days are ddd-ddd, or one ddd");
  const auto first = TRY(parse_number(ends.front(), 1, 366, "request"));
  const auto last = TRY(parse_number(ends.back(), 1, 366, "request"));
  const auto end = TRY(last_day(last, today));
  const auto begin = TRY(last_day(first, end));
  if (end - begin > days(kDaysOfHistory)) {
    return wrong("from day " + ends.front() + " to day " + ends.back() + " are more than " +
                     std::to_string(kDaysOfHistory) + " days",
                 "history is kept for " + std::to_string(kDaysOfHistory) + " days");
  }
  request.from = begin;
  request.before = end + days(1);
  return {};
}

Status take_cartridges(BulkRequest& request, std::string_view words) {
  if (words.empty()) return {};
  if (words.starts_with("POOL ")) {
    request.pool = static_cast<std::uint8_t>(TRY(parse_number(words.substr(5), 0, kMaximumPool, "request")));
    return {};
  }
  if (!words.starts_with("VOLUME "))
    return wrong("behind PHYSICAL VOLUME STATUS stands VOLUME and a barcode, POOL and a number, or nothing");
  request.volume = words.substr(7);
  return check_barcode(request.volume, "request");
}

Status take_volumes(BulkRequest& request, std::string_view words) {
  if (words.ends_with('*')) words.remove_suffix(1);
  request.volume = words;
  if (words.empty()) return {};
  return check_volser(request.volume);
}

Status take_rest(BulkRequest& request, std::string_view words, WallTime now) {
  switch (request.kind) {
    case ReportKind::kHistoricalStatistics:
    case ReportKind::kHistoricalPools:
      return take_days(request, words, now);
    case ReportKind::kPhysicalVolumeStatus:
      return take_cartridges(request, words);
    case ReportKind::kVolumeStatus:
      if (words.empty())
        return wrong("VOLUME STATUS names a volume", "VOLUME STATUS A* for all that begin so");
      return take_volumes(request, words);
    case ReportKind::kVolumeMap:
    case ReportKind::kCacheContents:
    case ReportKind::kPhysicalMediaPools:
    case ReportKind::kPointInTimeStatistics:
      break;
  }
  if (words.empty()) return {};
  return wrong("nothing stands behind " + std::string(request_words(request.kind)));
}

}  // namespace

std::string_view request_words(ReportKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind)).words;
}

std::string_view to_string(ReportKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind)).name;
}

Result<ReportKind> report_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &KindNames::name);
  if (found != kKinds.end()) return static_cast<ReportKind>(found - kKinds.begin());
  return fail(ErrorCode::kInvalidArgument, "there is no report of that name", "report",
              "one of " + listed(kKinds, [](const auto& kind) { return kind.name; }));
}

std::string_view to_string(ReportFormat format) {
  return kFormats.at(static_cast<std::size_t>(format));
}

Result<ReportFormat> report_format(std::string_view name) {
  const auto found = std::ranges::find(kFormats, to_lower(name));
  if (found != kFormats.end()) return static_cast<ReportFormat>(found - kFormats.begin());
  return fail(ErrorCode::kInvalidArgument, "there is no such format of reports", "format",
              "one of " + listed(kFormats, [](const auto& one) { return one; }));
}

bool is_bulk_request(std::string_view text) {
  const auto records = records_of(text);
  if (!records || records->size() < 2 || records->size() > 3) return false;
  if (std::ranges::any_of(*records, [](const auto& one) { return one.size() > kBulkRecordCharacters; }))
    return false;
  const std::string_view asked = (*records)[1];
  return records->front() == kFirstRecord && (kind_asked(asked) || begins_with_words(asked, kCopyAudit)) &&
         (records->size() == 2 || begins_with_words(records->back(), kFormat));
}

Result<BulkRequest> parse_bulk_request(std::string_view text, WallTime now) {
  const auto records = TRY(records_of(text));
  if (records.empty() || records.front() != kFirstRecord)
    return wrong("its first record is not " + std::string(kFirstRecord));
  if (records.size() < 2 || records.size() > 3)
    return wrong("it has two records, or three with a FORMAT", "one request on each volume");
  BulkRequest request;
  if (records.size() == 3) {
    if (!records[2].starts_with("FORMAT ")) return wrong("its third record is not FORMAT TEXT, CSV or JSON");
    request.format = TRY(report_format(std::string_view(records[2]).substr(7)));
  }
  const std::string_view asked = records[1];
  if (begins_with_words(asked, kCopyAudit))
    return fail(ErrorCode::kUnsupported,
                "the bulk request: an engine has no copies at other engines to audit", "request");
  const auto kind = kind_asked(asked);
  if (!kind)
    return wrong("it asks for something that there is not",
                 "one of " + listed(kKinds, [](const auto& one) { return one.words; }));
  request.kind = *kind;
  TRY(take_rest(request, trim(asked.substr(request_words(*kind).size())), now));
  return request;
}

}  // namespace tapewarden::engine
