#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "base/text.h"
#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/report/report_stream.h"
#include "engine/report/statistics_book.h"

namespace tapewarden::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::Box;
using ::testing::HasSubstr;

struct Statistics : ::testing::Test {
  Box box;
  StatisticsBook book{box.now()};
  WallTime began = interval_of(box.now());

  IntervalStatistics kept(WallTime interval) {
    return box.look([&](CatalogueView& view) { return statistics_of(view, interval); });
  }
  std::size_t records() {
    return box
        .look([](CatalogueView& view) {
          return view.statistics(WallTime{}, from_millis(std::int64_t{1} << 50), 1000);
        })
        .size();
  }
};

TEST_F(Statistics, T10_EveryMeasureHasANameOfItsOwnAndARule) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kMeasures; ++i) names.insert(to_string(static_cast<Measure>(i)));
  EXPECT_EQ(names.size(), kMeasures);
  EXPECT_EQ(rule_of(Measure::kHostBytesWritten), MeasureRule::kSum);
  EXPECT_EQ(rule_of(Measure::kMissLongest), MeasureRule::kHighest);
  EXPECT_EQ(rule_of(Measure::kCacheBytes), MeasureRule::kLast);
  EXPECT_EQ(rule_of(Measure::kRecallsWaitingHighest), MeasureRule::kHighest);
  EXPECT_EQ(to_string(Measure::kRecallsWaitingHighest), "recalls_waiting_highest");
}

TEST_F(Statistics, T10_AnIntervalBecomesARecordWhenItIsOver) {
  book.add(Measure::kHostBytesWritten, 1000);
  book.add(Measure::kHostBytesWritten, 500);
  book.host_mount(HostMount::kMiss, milliseconds(4000));
  book.host_mount(HostMount::kMiss, milliseconds(9000));
  book.host_mount(HostMount::kFastReady, milliseconds(10));
  book.image_written(3, true, 700, ImageFrom::kCache);
  book.image_written(3, false, 70, ImageFrom::kTape);
  book.set(Measure::kCacheBytes, 50);
  book.set(Measure::kCacheBytes, 20);
  ASSERT_TRUE(book.keep(*box, box.now()));
  EXPECT_EQ(records(), 0U);
  box.clock().advance(minutes(15));
  ASSERT_TRUE(book.keep(*box, box.now()));
  EXPECT_EQ(records(), 1U);
  const auto done = kept(began);
  EXPECT_EQ(done[Measure::kHostBytesWritten], 1500U);
  EXPECT_EQ(done[Measure::kMissMounts], 2U);
  EXPECT_EQ(done[Measure::kMissMillis], 13'000U);
  EXPECT_EQ(done[Measure::kMissLongest], 9000U);
  EXPECT_EQ(done[Measure::kFastReadyMounts], 1U);
  EXPECT_EQ(done[Measure::kEncryptedBytesCopied], 700U);
  EXPECT_EQ(done[Measure::kClearBytesReclaimed], 70U);
  EXPECT_EQ(done.pools[3], (PoolStatistics{70, 700}));
  EXPECT_EQ(done[Measure::kCacheBytes], 20U);
  EXPECT_EQ(done[Measure::kCacheBytesHighest], 50U);
  // What is a state goes on, what happened does not.
  const auto next = book.current();
  EXPECT_EQ(next.began, began + minutes(15));
  EXPECT_EQ(next[Measure::kCacheBytes], 20U);
  EXPECT_EQ(next[Measure::kCacheBytesHighest], 20U);
  EXPECT_TRUE(next.idle());
}

TEST_F(Statistics, T10_ARestartInTheMiddleOfAnIntervalLosesNothing) {
  book.add(Measure::kVolumesRecalled, 2);
  book.host_mount(HostMount::kHit, milliseconds(8));
  ASSERT_TRUE(book.save(*box, box.now()));
  StatisticsBook later(box.now());
  later.add(Measure::kVolumesRecalled, 3);
  later.host_mount(HostMount::kHit, milliseconds(5));
  ASSERT_TRUE(later.save(*box, box.now()));
  EXPECT_EQ(kept(began)[Measure::kVolumesRecalled], 5U);
  EXPECT_EQ(kept(began)[Measure::kHitLongest], 8U);
  EXPECT_EQ(records(), 1U);
}

TEST_F(Statistics, T10_AClockThatWasPutBackOverwritesNoRecord) {
  book.add(Measure::kKeysGenerated, 1);
  box.clock().advance(minutes(15));
  ASSERT_TRUE(book.keep(*box, box.now()));
  book.add(Measure::kKeysGenerated, 10);
  box.clock().step_wall(-minutes(15));
  ASSERT_TRUE(book.keep(*box, box.now()));
  book.add(Measure::kKeysGenerated, 100);
  ASSERT_TRUE(book.save(*box, box.now()));
  EXPECT_EQ(kept(began)[Measure::kKeysGenerated], 101U);
  EXPECT_EQ(kept(began + minutes(15))[Measure::kKeysGenerated], 10U);
}

TEST_F(Statistics, T10_WhatCannotBeWrittenComesBackIntoTheBook) {
  book.add(Measure::kBytesRecalled, 5);
  // A record that is no object: it is not written over.
  ASSERT_TRUE(box.put(StatisticsRecord{began, "noise"}));
  EXPECT_EQ(book.save(*box, box.now()).error().code, ErrorCode::kCorrupt);
  book.add(Measure::kBytesRecalled, 6);
  EXPECT_EQ(book.current()[Measure::kBytesRecalled], 11U);
  EXPECT_EQ(book.current().began, began);
}

TEST_F(Statistics, T10_ManyThreadsAddAndNothingIsLost) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] {
      for (int n = 0; n < 5000; ++n) book.add(Measure::kHostBytesRead, 2);
    });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(book.save(*box, box.now()));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(kept(began)[Measure::kHostBytesRead] + book.current()[Measure::kHostBytesRead], 40'000U);
}

TEST_F(Statistics, T10_RecordsThatAreDamagedAreRefused) {
  IntervalStatistics full;
  full.began = began;
  for (std::size_t i = 0; i < kMeasures; ++i) full.measures[i] = ~std::uint64_t{0} - i;
  for (std::size_t i = 0; i < full.pools.size(); ++i) full.pools[i] = {i + 1, ~std::uint64_t{0}};
  const auto record = to_record(full);
  EXPECT_LT(record.content.size(), kMaximumStatisticsBytes);
  EXPECT_EQ(from_record(record).value(), full);
  for (const auto* content :
       {"", "[]", "{}", R"({"measures":{}})", R"({"measures":[],"pools":[]})",
        R"({"measures":{"hit_mounts":-1},"pools":[]})", R"({"measures":{"hit_mounts":"1"},"pools":[]})",
        R"({"measures":{},"pools":[[33,1,1]]})", R"({"measures":{},"pools":[[1,1]]})",
        R"({"measures":{},"pools":[7]})"})
    EXPECT_EQ(from_record({began, content}).error().code, ErrorCode::kCorrupt) << content;
  const auto later =
      from_record({began, R"({"measures":{"of_tomorrow":4,"hit_mounts":2},"pools":[],"more":1})"});
  ASSERT_TRUE(later);
  EXPECT_EQ((*later)[Measure::kHitMounts], 2U);
}

// The overview, section "Tracking encryption usage": what was written to the pools used for encrypted data.
TEST_F(Statistics, T10_TrackingEncryptionUsage_StatisticsOfPools) {
  const auto first = box.now();
  book.image_written(2, true, 700, ImageFrom::kCache);
  book.image_written(2, true, 40, ImageFrom::kTape);
  book.image_written(1, false, 300, ImageFrom::kCache);
  box.clock().advance(minutes(15));
  ASSERT_TRUE(book.keep(*box, box.now()));
  const BulkRequest request{.kind = ReportKind::kHistoricalPools,
                            .format = ReportFormat::kCsv,
                            .from = first - minutes(15),
                            .before = box.now()};
  const auto pools = whole_report(ReportStream(*box, &book, request, box.now()), 10U << 20).value();
  EXPECT_TRUE(pools.starts_with("began,pool,clear_bytes,encrypted_bytes")) << pools;
  EXPECT_THAT(pools, HasSubstr(",1,300,0\r\n"));
  EXPECT_THAT(pools, HasSubstr(",2,0,740\r\n"));
}

TEST_F(Statistics, T10_HistoryIsReportedByIntervalAndByPool) {
  const auto first = box.now();
  for (int i = 0; i < 250; ++i) {
    book.add(Measure::kHostBytesWritten, 1);
    if (i % 50 == 0) book.image_written(7, true, 10, ImageFrom::kCache);
    box.clock().advance(minutes(15));
    ASSERT_TRUE(book.keep(*box, box.now()));
  }
  const auto report = [&](ReportKind kind, ReportFormat format) {
    const BulkRequest request{
        .kind = kind, .format = format, .from = first - minutes(15), .before = box.now()};
    return whole_report(ReportStream(*box, &book, request, box.now()), 10U << 20).value();
  };
  const auto text = report(ReportKind::kHistoricalStatistics, ReportFormat::kText);
  EXPECT_THAT(text, HasSubstr("END, 250 ROWS"));
  EXPECT_THAT(text, HasSubstr(format_utc(began)));
  const auto csv = report(ReportKind::kHistoricalStatistics, ReportFormat::kCsv);
  EXPECT_TRUE(csv.starts_with("began,host_bytes_written,host_bytes_read,fast_ready_mounts"));
  EXPECT_EQ(split(csv, '\n').size(), 252U);
  const auto pools = report(ReportKind::kHistoricalPools, ReportFormat::kCsv);
  EXPECT_EQ(split(pools, '\n').size(), 7U);
  EXPECT_THAT(pools, HasSubstr(",7,0,10\r\n"));
}

TEST_F(Statistics, T10_PointInTimeAddsTheBookToTheRecordOfTheInterval) {
  book.add(Measure::kKeysFetched, 2);
  ASSERT_TRUE(book.save(*box, box.now()));
  book.add(Measure::kKeysFetched, 3);
  auto cartridge = testing::cartridge("A00001L9");
  cartridge.encryption = MediumEncryption::kIdentified;
  auto volume = testing::written_volume("LV0001");
  volume.primary = testing::copy_on("A00001L9", 1, 900);
  ASSERT_TRUE(box.put(cartridge, volume));
  const auto text =
      whole_report(
          ReportStream(*box, &book,
                       {.kind = ReportKind::kPointInTimeStatistics, .format = ReportFormat::kCsv}, box.now()),
          1U << 20)
          .value();
  EXPECT_THAT(text, HasSubstr("keys_fetched,5," + format_utc(began) + "\r\n"));
  EXPECT_THAT(text, HasSubstr("volumes_migrated,1,\r\n"));
  EXPECT_THAT(text, HasSubstr("cartridges_identified,1,\r\n"));
  EXPECT_THAT(text, HasSubstr("cartridge_active_bytes_identified,900,\r\n"));
}

TEST_F(Statistics, T10_WhatThePartsSayIsInTheBook) {
  book.volumes_deleted(2);
  book.volumes_evicted(3, 300);
  book.volume_recalled(70);
  book.image_written(4, false, 10, ImageFrom::kCatalogue);
  book.cartridge_reclaimed();
  book.cartridge_erased();
  book.physical_mount(milliseconds(20));
  book.physical_mount_failed();
  for (const auto exchange :
       {KeyExchange::kGenerated, KeyExchange::kFetched, KeyExchange::kRefused, KeyExchange::kMissed})
    book.key_exchange(exchange);
  const auto now = book.current();
  EXPECT_EQ(now[Measure::kVolumesDeleted], 2U);
  EXPECT_EQ(now[Measure::kVolumesEvicted], 3U);
  EXPECT_EQ(now[Measure::kBytesEvicted], 300U);
  EXPECT_EQ(now[Measure::kVolumesRecalled], 1U);
  EXPECT_EQ(now[Measure::kBytesRecalled], 70U);
  EXPECT_EQ(now[Measure::kVolumesCopied], 0U) << "a backup of the catalogue is no volume";
  EXPECT_EQ(now.pools[4].clear_bytes, 10U);
  for (const auto measure :
       {Measure::kCartridgesReclaimed, Measure::kCartridgesErased, Measure::kPhysicalMounts,
        Measure::kPhysicalMountsFailed, Measure::kKeysGenerated, Measure::kKeysFetched, Measure::kKeysRefused,
        Measure::kKeyServersMissed})
    EXPECT_EQ(now[measure], 1U) << to_string(measure);
}

TEST_F(Statistics, T10_HistoryIsSummedUpByLongerIntervals) {
  // Four days and a half, from the middle of an hour; more than a page of records.
  const auto first = interval_of(box.now(), std::chrono::days(1)) + minutes(30);
  constexpr int kRecords = 4 * 96 + 48;
  for (int i = 0; i < kRecords; ++i) {
    IntervalStatistics one;
    one.began = first + minutes(15) * i;
    one[Measure::kHostBytesWritten] = 1;
    one[Measure::kCacheBytes] = static_cast<std::uint64_t>(i);
    one[Measure::kMissLongest] = static_cast<std::uint64_t>(i % 7);
    ASSERT_TRUE(box.put(to_record(one)));
  }
  const auto rows = [&](minutes interval, ReportFormat format) {
    ReportStream stream(*box, nullptr,
                        {.kind = ReportKind::kHistoricalStatistics,
                         .format = format,
                         .from = first,
                         .before = first + minutes(15) * kRecords,
                         .interval = interval},
                        box.now());
    return split(whole_report(std::move(stream), 1U << 24).value(), '\n');
  };
  const auto csv = [&](minutes interval) {
    auto lines = rows(interval, ReportFormat::kCsv);
    lines.erase(lines.begin());
    lines.pop_back();
    return lines;
  };
  EXPECT_EQ(csv(minutes(15)).size(), static_cast<std::size_t>(kRecords));
  const auto days = csv(std::chrono::days(1));
  ASSERT_EQ(days.size(), 5U);
  std::uint64_t sum = 0;
  for (const auto& day : days) sum += parse_number(split(day, ',').at(1), 0, kRecords, "sum").value();
  EXPECT_EQ(sum, static_cast<std::uint64_t>(kRecords)) << "each once";
  EXPECT_TRUE(days[0].starts_with(format_utc(first - minutes(30)) + ",94,")) << days[0];
  EXPECT_TRUE(days[1].starts_with(format_utc(first - minutes(30) + std::chrono::days(1)) + ",96,"));
  EXPECT_EQ(csv(std::chrono::hours(1)).size(), static_cast<std::size_t>(kRecords / 4 + 1));
}

TEST_F(Statistics, T10_HistoryHasWhatWasCountedSinceAnEngineEndedInTheSameInterval) {
  IntervalStatistics ended;
  ended.began = interval_of(box.now());
  ended[Measure::kHostBytesWritten] = 3;
  ASSERT_TRUE(box.put(to_record(ended)));
  book.add(Measure::kHostBytesWritten, 40);
  ReportStream stream(*box, &book,
                      {.kind = ReportKind::kHistoricalStatistics,
                       .format = ReportFormat::kCsv,
                       .from = ended.began,
                       .before = ended.began + minutes(15)},
                      box.now());
  const auto lines = split(whole_report(std::move(stream), 1U << 24).value(), '\n');
  ASSERT_EQ(lines.size(), 3U) << "a heading, the interval, the end";
  EXPECT_TRUE(lines[1].starts_with(format_utc(ended.began) + ",43,")) << lines[1];
}

TEST_F(Statistics, T10_IntervalsArePartsOfADay) {
  for (const auto length : {minutes(15), minutes(30), minutes(45), minutes(60), minutes(360), minutes(1440)})
    EXPECT_TRUE(is_interval(length)) << length.count();
  for (const auto length : {minutes(0), minutes(5), minutes(20), minutes(75), minutes(2880), minutes(-15)})
    EXPECT_FALSE(is_interval(length)) << length.count();
}

}  // namespace
}  // namespace tapewarden::engine
