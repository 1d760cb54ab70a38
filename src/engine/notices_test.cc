#include "engine/notices.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::engine {
namespace {

struct Heard final : EventSink {
  std::vector<Notice> all;
  void tell(const Notice& notice) override { all.push_back(notice); }
};

struct Bench {
  testing::SimClock clock;
  Heard heard;
  Notices notices{clock, &heard};
};

TEST(Notices, T11_ADatabaseBackupIsSaidWordForWord) {
  EXPECT_EQ(database_backup_text("JA0001", false), "Database Backup written to Physical Tape JA0001");
  EXPECT_EQ(database_backup_text("JA0001", true),
            "Database Backup written to Encrypted Physical Tape JA0001");
  Bench bench;
  bench.notices.say(NoticeKind::kDatabaseBackup, "JA0001", database_backup_text("JA0001", true));
  ASSERT_EQ(bench.heard.all.size(), 1U);
  EXPECT_EQ(bench.heard.all[0].text, "Database Backup written to Encrypted Physical Tape JA0001");
  EXPECT_TRUE(bench.notices.open().empty());
}

TEST(Notices, T8_AnInterventionStaysOpenUntilItIsCleared) {
  Bench bench;
  bench.notices.raise(NoticeKind::kKeyServerLost, "primary", "no connection to the primary key server");
  bench.clock.advance(std::chrono::seconds(5));
  bench.notices.raise(NoticeKind::kKeyServerLost, "primary", "no connection to the primary key server");
  bench.notices.raise(NoticeKind::kKeyServerLost, "secondary", "no connection to the secondary key server");
  EXPECT_EQ(bench.heard.all.size(), 2U) << "raised again means nothing new";
  ASSERT_EQ(bench.notices.open().size(), 2U);
  EXPECT_EQ(bench.notices.open()[0].subject, "primary");
  EXPECT_TRUE(bench.notices.clear(NoticeKind::kKeyServerLost, "primary", "the primary key server is back"));
  EXPECT_FALSE(bench.notices.clear(NoticeKind::kKeyServerLost, "primary", "the primary key server is back"));
  ASSERT_EQ(bench.notices.open().size(), 1U);
  EXPECT_EQ(bench.notices.open()[0].subject, "secondary");
  ASSERT_EQ(bench.heard.all.size(), 3U);
  EXPECT_TRUE(bench.heard.all[2].cleared);
  EXPECT_EQ(bench.heard.all[2].text, "the primary key server is back");
}

TEST(Notices, T8_ANewTextIsToldAndKeepsTheTimeOfTheFirst) {
  Bench bench;
  const auto begun = bench.clock.wall_now();
  bench.notices.raise(NoticeKind::kDriveOffline, "1001", "hardware error");
  bench.clock.advance(std::chrono::minutes(1));
  bench.notices.raise(NoticeKind::kDriveOffline, "1001", "it is not set to system-managed encryption");
  ASSERT_EQ(bench.notices.open().size(), 1U);
  EXPECT_EQ(bench.notices.open()[0].text, "it is not set to system-managed encryption");
  EXPECT_EQ(bench.notices.open()[0].at, begun);
  EXPECT_EQ(bench.heard.all.size(), 2U);
}

TEST(Notices, T11_TheNewestAreKeptAndNumbered) {
  Bench bench;
  for (std::size_t i = 0; i < kNoticesKept + 5; ++i)
    bench.notices.say(NoticeKind::kDatabaseBackup, std::to_string(i), "text");
  const auto all = bench.notices.since(0);
  ASSERT_EQ(all.size(), kNoticesKept);
  EXPECT_EQ(all.front().number, 6U);
  EXPECT_EQ(bench.notices.since(kNoticesKept + 4).size(), 1U);
}

TEST(Notices, T8_NoKeyServerWhenOneIsNeededCallsHome) {
  EXPECT_EQ(class_of(NoticeKind::kNoKeyServer), NoticeClass::kCallHome);
  EXPECT_EQ(class_of(NoticeKind::kKeyServerLost), NoticeClass::kIntervention);
  EXPECT_EQ(code_of(NoticeKind::kNoKeyServer), "TWE003S");
}

}  // namespace
}  // namespace tapewarden::engine
