// Reports over a catalogue, in each format.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/report/limits.h"
#include "engine/report/report_stream.h"

namespace tapewarden::engine {
namespace {

using testing::Box;
using testing::cartridge;
using testing::copy_on;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::written_volume;

struct Report : ::testing::Test {
  Box box;

  std::string report(BulkRequest request) {
    auto whole = whole_report(ReportStream(*box, nullptr, request, box.now()), 100U << 20);
    EXPECT_TRUE(whole) << whole.error().text();
    return whole.value_or("");
  }
  std::vector<std::string> lines(BulkRequest request) {
    auto out = split(report(std::move(request)), '\n');
    out.pop_back();
    return out;
  }
  boost::json::array rows(BulkRequest request) {
    request.format = ReportFormat::kJson;
    const auto text = report(std::move(request));
    boost::system::error_code error;
    const auto value = boost::json::parse(text, error);
    EXPECT_FALSE(error) << text;
    const auto& object = value.as_object();
    EXPECT_EQ(object.at("rows").as_array().size(), object.at("count").to_number<std::size_t>());
    return object.at("rows").as_array();
  }
  static std::string text(const boost::json::value& row, std::string_view name) {
    const auto& value = row.as_object().at(name);
    return value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
  }
  std::vector<std::string> column(const BulkRequest& request, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& row : rows(request)) out.push_back(text(row, name));
    return out;
  }

  // Two cartridges of pool 1 and one of pool 2, encrypted, and three volumes.
  void fill() {
    auto first = cartridge("A00001L9", 1);
    first.encryption = MediumEncryption::kClear;
    first.written_bytes = 4000;
    auto second = cartridge("A00002L9", 2, CartridgeState::kFull);
    second.encryption = MediumEncryption::kWrapped;
    second.labels = {KeyLabel{"June 2026, \"main\" key", LabelMode::kClear},
                     KeyLabel{"DR key", LabelMode::kHash}};
    second.written_bytes = 10'000;
    second.last_written = box.now();
    second.note = "from the cellar";
    ASSERT_TRUE(box.put(first, second, cartridge("A00003L9", 1, CartridgeState::kScratch)));
    auto one = written_volume("LV0001");
    one.primary = copy_on("A00001L9", 2, 1500);
    one.secondary = copy_on("A00002L9", 1, 1501);
    auto two = written_volume("LV0002");
    two.primary = copy_on("A00001L9", 1, 500);
    two.cached_bytes = 700;
    auto three = written_volume("LV0003");
    three.primary_due = true;
    three.primary_pool = 1;
    three.cached_bytes = 900;
    three.mounted = "2000000001";
    ASSERT_TRUE(box.put(one));
    ASSERT_TRUE(box.put_cached(two));
    ASSERT_TRUE(box.put_cached(three));
    ASSERT_TRUE(box.put(testing::scratch_volume("LV0009")));
  }
};

TEST_F(Report, T10_TheVolumeMapIsInTheOrderOfTheTape) {
  fill();
  const BulkRequest request{.kind = ReportKind::kVolumeMap};
  EXPECT_THAT(column(request, "volser"), ElementsAre("LV0002", "LV0001", "LV0001"));
  EXPECT_THAT(column(request, "physical_volume"), ElementsAre("A00001L9", "A00001L9", "A00002L9"));
  EXPECT_THAT(column(request, "copy"), ElementsAre("primary", "primary", "secondary"));
  EXPECT_THAT(column(request, "block"), ElementsAre("10", "20", "10"));
  EXPECT_THAT(column(request, "in_cache"), ElementsAre("yes", "no", "no"));
}

TEST_F(Report, T10_TextHasFixedColumnsAndAnEnd) {
  fill();
  const auto map = lines({.kind = ReportKind::kVolumeMap});
  ASSERT_EQ(map.size(), 8U);
  EXPECT_EQ(map[0], "TAPEWARDEN BULK VOLUME DATA, LAYOUT 1");
  EXPECT_EQ(map[1], "VOLUME MAP  " + format_utc(box.now()));
  EXPECT_EQ(
      map[2],
      "PHYSICAL POOL FILE     BLOCK        LOGICAL  COPY      GENERATION BYTES            GROUP    CACHE");
  EXPECT_EQ(
      map[4],
      "A00001L9    1        1           10 LV0002   primary            1              500 -------- yes");
  EXPECT_EQ(map[7], "END, 3 ROWS");
}

TEST_F(Report, T10_CacheContentsAreWhatIsInTheCache) {
  fill();
  const BulkRequest request{.kind = ReportKind::kCacheContents};
  EXPECT_THAT(column(request, "volser"), ElementsAre("LV0002", "LV0003"));
  EXPECT_THAT(column(request, "cached_bytes"), ElementsAre("700", "900"));
  EXPECT_THAT(column(request, "residence"), ElementsAre("premigrated", "cached"));
  EXPECT_THAT(column(request, "primary_due"), ElementsAre("no", "yes"));
  EXPECT_THAT(column(request, "drive"), ElementsAre("", "2000000001"));
}

TEST_F(Report, T10_PhysicalVolumesTellStateLabelsAndHowMuchIsActive) {
  fill();
  BulkRequest request{.kind = ReportKind::kPhysicalVolumeStatus};
  EXPECT_THAT(column(request, "state"), ElementsAre("filling", "full", "scratch"));
  EXPECT_THAT(column(request, "encryption"), ElementsAre("clear", "wrapped", "unknown"));
  EXPECT_THAT(column(request, "active_percent"), ElementsAre("50", "15", "0"));
  EXPECT_THAT(column(request, "label1"), ElementsAre("", "June 2026, \"main\" key", ""));
  EXPECT_THAT(column(request, "mode2"), ElementsAre("", "hash", ""));
  EXPECT_THAT(column(request, "first_written"), ElementsAre("null", "null", "null"));
  request.pool = 2;
  EXPECT_THAT(column(request, "physical_volume"), ElementsAre("A00002L9"));
  request.pool.reset();
  request.volume = "A00003L9";
  EXPECT_THAT(column(request, "physical_volume"), ElementsAre("A00003L9"));
  request.volume = "A00009L9";
  const auto none = whole_report(ReportStream(*box, nullptr, request, box.now()), 1U << 20);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST_F(Report, T10_CsvQuotesWhatNeedsIt) {
  fill();
  const auto text = report({.kind = ReportKind::kPhysicalVolumeStatus, .format = ReportFormat::kCsv});
  EXPECT_THAT(text, HasSubstr("physical_volume,pool,home_pool,borrowed,media,state,encryption,label1,"));
  EXPECT_THAT(text, HasSubstr("\r\nA00002L9,2,2,no,LTO,full,wrapped,\"June 2026, \"\"main\"\" key\",clear,"));
  EXPECT_TRUE(text.ends_with("\r\n"));
}

TEST_F(Report, T10_PoolsAreSummedByStateAndEncryption) {
  fill();
  const BulkRequest request{.kind = ReportKind::kPhysicalMediaPools};
  EXPECT_THAT(column(request, "pool"), ElementsAre("1", "2"));
  EXPECT_THAT(column(request, "scratch"), ElementsAre("1", "0"));
  EXPECT_THAT(column(request, "filling"), ElementsAre("1", "0"));
  EXPECT_THAT(column(request, "full"), ElementsAre("0", "1"));
  EXPECT_THAT(column(request, "clear_active_bytes"), ElementsAre("2000", "0"));
  EXPECT_THAT(column(request, "encrypted_active_bytes"), ElementsAre("0", "1501"));
  EXPECT_THAT(column(request, "active_volumes"), ElementsAre("2", "1"));
}

TEST_F(Report, T10_AVolumeTellsOnWhichTapesItIs) {
  fill();
  BulkRequest request{.kind = ReportKind::kVolumeStatus, .volume = "LV0001"};
  const auto found = rows(request);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text(found[0], "residence"), "migrated");
  EXPECT_EQ(text(found[0], "primary_encryption"), "clear");
  EXPECT_EQ(text(found[0], "secondary_cartridge"), "A00002L9");
  EXPECT_EQ(text(found[0], "secondary_pool"), "2");
  request.volume = "LV";
  EXPECT_EQ(rows(request).size(), 4U);
  request.volume = "X";
  EXPECT_EQ(rows(request).size(), 0U);
  EXPECT_EQ(lines(request).back(), "END, 0 ROWS");
}

TEST_F(Report, T10_ALongReportComesInPiecesAndLosesNoRow) {
  ASSERT_TRUE(box.put(cartridge("A00001L9")));
  constexpr int kVolumes = 1203;
  for (int begin = 0; begin < kVolumes; begin += 401)
    ASSERT_TRUE(box->change([&](CatalogueChange& change) -> Status {
      for (int i = begin; i < begin + 401; ++i) {
        auto volume = written_volume("V" + std::to_string(10'000 + i));
        volume.primary = copy_on("A00001L9", static_cast<std::uint32_t>(i + 1));
        TRY(change.put(volume));
      }
      return {};
    }));
  ReportStream stream(*box, nullptr, {.kind = ReportKind::kVolumeMap}, box.now());
  std::size_t pieces = 0;
  std::size_t volumes = 0;
  std::string all;
  while (true) {
    const auto piece = stream.next();
    ASSERT_TRUE(piece);
    if (!*piece) break;
    EXPECT_FALSE((*piece)->empty());
    ++pieces;
    all += **piece;
  }
  for (const auto& line : split(all, '\n'))
    if (line.starts_with("A00001L9")) {
      EXPECT_THAT(line, HasSubstr("V" + std::to_string(10'000 + volumes++)));
    }
  EXPECT_EQ(volumes, static_cast<std::size_t>(kVolumes));
  EXPECT_GE(pieces, 3U);
  const auto cut =
      whole_report(ReportStream(*box, nullptr, {.kind = ReportKind::kVolumeMap}, box.now()), 1000);
  EXPECT_EQ(cut.error().code, ErrorCode::kExhausted);
}

TEST_F(Report, T10_AnEmptyEngineReportsNothingInEveryFormat) {
  for (std::uint8_t kind = 0; kind <= static_cast<std::uint8_t>(ReportKind::kHistoricalPools); ++kind) {
    if (static_cast<ReportKind>(kind) == ReportKind::kPointInTimeStatistics) continue;
    BulkRequest request{.kind = static_cast<ReportKind>(kind)};
    EXPECT_EQ(rows(request).size(), 0U);
    EXPECT_EQ(lines(request).back(), "END, 0 ROWS");
    request.format = ReportFormat::kCsv;
    EXPECT_EQ(split(report(request), '\n').size(), 2U);
  }
}

}  // namespace
}  // namespace tapewarden::engine
