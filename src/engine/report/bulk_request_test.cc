#include "engine/report/bulk_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapewarden::engine {
namespace {

using ::testing::HasSubstr;

// 2026-03-01T12:00:00Z: day 60 of the year.
const WallTime kNow = from_millis(1'772'366'400'000);
WallTime day(int year, unsigned month, unsigned of_month) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                               static_cast<int>(of_month));
}

std::string request(const std::string& second, const std::string& third = "") {
  return "VTS BULK VOLUME DATA REQUEST\n" + second + "\n" + third;
}
std::string record(std::string text) {
  text.resize(80, ' ');
  return text;
}

TEST(BulkRequest, T10_EveryRequestOfAHostIsUnderstood) {
  const auto kind_of = [](const std::string& words) {
    const auto parsed = parse_bulk_request(request(words), kNow);
    EXPECT_TRUE(parsed) << words << ": " << parsed.error().text();
    return parsed ? parsed->kind : ReportKind::kHistoricalPools;
  };
  EXPECT_EQ(kind_of("VOLUME MAP"), ReportKind::kVolumeMap);
  EXPECT_EQ(kind_of("CACHE CONTENTS"), ReportKind::kCacheContents);
  EXPECT_EQ(kind_of("VOLUME STATUS LV0001"), ReportKind::kVolumeStatus);
  EXPECT_EQ(kind_of("PHYSICAL MEDIA POOLS"), ReportKind::kPhysicalMediaPools);
  EXPECT_EQ(kind_of("PHYSICAL VOLUME STATUS"), ReportKind::kPhysicalVolumeStatus);
  EXPECT_EQ(kind_of("POINT IN TIME STATISTICS"), ReportKind::kPointInTimeStatistics);
  EXPECT_EQ(kind_of("HISTORICAL STATISTICS"), ReportKind::kHistoricalStatistics);
  EXPECT_EQ(kind_of("  volume   map "), ReportKind::kVolumeMap);
}

TEST(BulkRequest, T10_RecordsOf80CharactersAndLinesAreTheSame) {
  const auto lines =
      parse_bulk_request("VTS BULK VOLUME DATA REQUEST\r\nVOLUME STATUS LV*\r\nFORMAT CSV\r\n", kNow);
  const auto records = parse_bulk_request(
      record("VTS BULK VOLUME DATA REQUEST") + record("VOLUME STATUS LV*") + "FORMAT CSV", kNow);
  ASSERT_TRUE(lines);
  ASSERT_TRUE(records);
  EXPECT_EQ(*lines, *records);
  EXPECT_EQ(lines->volume, "LV");
  EXPECT_EQ(lines->format, ReportFormat::kCsv);
}

TEST(BulkRequest, T10_APoolAndACartridgeAreNamed) {
  const auto pool = parse_bulk_request(request("PHYSICAL VOLUME STATUS POOL 07"), kNow);
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->pool, 7);
  const auto one = parse_bulk_request(request("PHYSICAL VOLUME STATUS VOLUME a00001l9", "format json"), kNow);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->volume, "A00001L9");
  EXPECT_EQ(one->format, ReportFormat::kJson);
}

TEST(BulkRequest, T10_DaysAreTheLastThatHaveCome) {
  const auto both = parse_bulk_request(request("HISTORICAL STATISTICS FOR 358-002"), kNow);
  ASSERT_TRUE(both) << both.error().text();
  EXPECT_EQ(both->from, day(2025, 12, 24));
  EXPECT_EQ(both->before, day(2026, 1, 3));
  const auto today = parse_bulk_request(request("HISTORICAL POOL STATISTICS FOR 060"), kNow);
  ASSERT_TRUE(today);
  EXPECT_EQ(today->kind, ReportKind::kHistoricalPools);
  EXPECT_EQ(today->from, day(2026, 3, 1));
  EXPECT_EQ(today->before, day(2026, 3, 2));
  const auto tomorrow = parse_bulk_request(request("HISTORICAL STATISTICS FOR 061-061"), kNow);
  ASSERT_TRUE(tomorrow);
  EXPECT_EQ(tomorrow->from, day(2025, 3, 2));  // a year ago: there will be no record
  const auto leap = parse_bulk_request(request("HISTORICAL STATISTICS FOR 366"), kNow);
  ASSERT_TRUE(leap);
  EXPECT_EQ(leap->from, day(2024, 12, 31));
}

TEST(BulkRequest, T10_WhatIsWrongIsNamed) {
  const auto why = [](const std::string& text) {
    const auto parsed = parse_bulk_request(text, kNow);
    EXPECT_FALSE(parsed) << text;
    if (parsed) return std::string();
    EXPECT_NE(parsed.error().field, "") << text;
    return parsed.error().text();
  };
  EXPECT_THAT(why(""), HasSubstr("first record"));
  EXPECT_THAT(why("VOLUME MAP"), HasSubstr("first record"));
  EXPECT_THAT(why(request("")), HasSubstr("two records"));
  EXPECT_THAT(why(request("VOLUME MAP", "FORMAT TEXT\nVOLUME MAP")), HasSubstr("two records"));
  EXPECT_THAT(why(request("VOLUME MAPS")), HasSubstr("one of VOLUME MAP, CACHE CONTENTS"));
  EXPECT_THAT(why(request("VOLUME MAP NOW")), HasSubstr("nothing stands behind VOLUME MAP"));
  EXPECT_THAT(why(request("VOLUME STATUS")), HasSubstr("names a volume"));
  EXPECT_THAT(why(request("VOLUME STATUS TOOLONGVOLSER")), HasSubstr("volser"));
  EXPECT_THAT(why(request("VOLUME STATUS A*B")), HasSubstr("volser"));
  EXPECT_THAT(why(request("PHYSICAL VOLUME STATUS POOL 33")), HasSubstr("request"));
  EXPECT_THAT(why(request("PHYSICAL VOLUME STATUS A00001L9")), HasSubstr("VOLUME and a barcode"));
  EXPECT_THAT(why(request("HISTORICAL STATISTICS FOR 0-1")), HasSubstr("request"));
  EXPECT_THAT(why(request("HISTORICAL STATISTICS FOR 1-2-3")), HasSubstr("ddd-ddd"));
  EXPECT_THAT(why(request("HISTORICAL STATISTICS FOR 200-050")), HasSubstr("90 days"));
  EXPECT_THAT(why(request("VOLUME MAP", "FORMAT XML")), HasSubstr("text, csv, json"));
  EXPECT_THAT(why(request("VOLUME MAP\x01")), HasSubstr("ASCII"));
  EXPECT_THAT(why(std::string(5000, 'A')), HasSubstr("longer"));
  EXPECT_EQ(parse_bulk_request(request("COPY AUDIT COPYMODE INCLUDE 1"), kNow).error().code,
            ErrorCode::kUnsupported);
}

TEST(BulkRequest, T10_OnlyARequestIsTakenForOne) {
  EXPECT_TRUE(is_bulk_request(request("volume status TOOLONGVOLSER", "FORMAT XML")));
  EXPECT_TRUE(is_bulk_request(request("COPY AUDIT COPYMODE INCLUDE 1")));
  EXPECT_TRUE(is_bulk_request(record("VTS BULK VOLUME DATA REQUEST") + record("VOLUME MAP")));
  EXPECT_FALSE(is_bulk_request(""));
  EXPECT_FALSE(is_bulk_request("backup of the VTS BULK VOLUME DATA REQUEST"));
  EXPECT_FALSE(is_bulk_request(std::string(100'000, '\0')));
}

TEST(BulkRequest, T10_ATextOfWhichOnlyTheFirstLineIsARequestsIsAHostsData) {
  EXPECT_FALSE(is_bulk_request("VTS BULK VOLUME DATA REQUEST\n"));
  EXPECT_FALSE(is_bulk_request(request("is the line that a request begins with")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAPS")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP", "and a word on it")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP", "FORMATTED")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP\n") + request("CACHE CONTENTS")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP", "FORMAT CSV\nVOLUME MAP")));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP " + std::string(80, 'X'))));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP", std::string(4096, ' ') + '\x01')));
  EXPECT_FALSE(is_bulk_request(request("VOLUME MAP", std::string(4096, ' '))));
}

TEST(BulkRequest, T10_NamesOfReportsAndFormatsGoBothWays) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(ReportKind::kHistoricalPools); ++i) {
    const auto kind = static_cast<ReportKind>(i);
    EXPECT_EQ(report_kind(to_string(kind)), kind);
  }
  EXPECT_THAT(report_kind("all").error().remedy, HasSubstr("physical-media-pools"));
  EXPECT_EQ(report_format("JSON"), ReportFormat::kJson);
  EXPECT_FALSE(report_format("xml"));
}

}  // namespace
}  // namespace tapewarden::engine
