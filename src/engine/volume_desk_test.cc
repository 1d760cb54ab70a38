#include "engine/volume_desk.h"

#include <gtest/gtest.h>

namespace tapewarden::engine {
namespace {

struct DeskTest : testing::Test {
  int woken = 0;
  VolumeDesk desk{[this] { ++woken; }};
  std::vector<std::string> told;
  VolumeDesk::Told note(const std::string& who) {
    return [this, who](const Status& outcome) { told.push_back(who + (outcome ? " ok" : " failed")); };
  }
};

TEST_F(DeskTest, T5_HostsComeBeforeOperatorsAndEachInItsOrder) {
  desk.ask("V00001", RecallReason::kOperator, {});
  desk.ask("V00003", RecallReason::kHost, {});
  desk.ask("V00002", RecallReason::kHost, {});
  desk.ask("V00004", RecallReason::kOperator, {});
  desk.ask("V00004", RecallReason::kHost, {});  // now a host waits for it too
  std::vector<std::string> order;
  for (const auto& wanted : desk.wanted()) order.push_back(wanted.volser);
  EXPECT_EQ(order, (std::vector<std::string>{"V00003", "V00002", "V00004", "V00001"}));
  EXPECT_EQ(woken, 5);
}

TEST_F(DeskTest, T5_EverybodyWhoAskedIsToldOnce) {
  desk.ask("V00001", RecallReason::kHost, note("drive 1"));
  ASSERT_TRUE(desk.begin_recall("V00001"));
  EXPECT_FALSE(desk.begin_recall("V00001"));  // another worker is at it
  EXPECT_TRUE(desk.wanted().empty());
  desk.ask("V00001", RecallReason::kOperator, note("operator"));
  desk.finish_recall("V00001", {});
  EXPECT_EQ(told, (std::vector<std::string>{"drive 1 ok", "operator ok"}));
  EXPECT_FALSE(desk.begin_recall("V00001"));
}

TEST_F(DeskTest, T5_WhoCancelsIsNotTold) {
  const auto first = desk.ask("V00001", RecallReason::kHost, note("first"));
  const auto second = desk.ask("V00002", RecallReason::kHost, note("second"));
  ASSERT_TRUE(desk.begin_recall("V00001"));
  desk.cancel(first);
  desk.cancel(second);
  desk.finish_recall("V00001", fail(ErrorCode::kIo, "gone"));
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(desk.wanted().empty());
  EXPECT_FALSE(desk.begin_recall("V00002"));
}

TEST_F(DeskTest, T8_ARecallThatWasPutOffIsWantedAsBefore) {
  desk.ask("V00001", RecallReason::kHost, note("host"));
  ASSERT_TRUE(desk.begin_recall("V00001"));
  desk.put_off_recall("V00001");
  ASSERT_EQ(desk.wanted().size(), 1U);
  ASSERT_TRUE(desk.begin_recall("V00001"));
  desk.finish_recall("V00001", fail(ErrorCode::kIo, "gone"));
  EXPECT_EQ(told, std::vector<std::string>{"host failed"});
}

TEST_F(DeskTest, T5_ACopyDuringWhichAHostTookTheVolumeIsNotGood) {
  const auto copy = desk.begin_copy("V00001");
  const auto other = desk.begin_copy("V00002");
  ASSERT_TRUE(copy && other);
  EXPECT_TRUE(desk.copy_is_good(*copy));
  desk.take("V00001");
  EXPECT_FALSE(desk.begin_copy("V00001"));
  desk.give_back("V00001");
  EXPECT_FALSE(desk.copy_is_good(*copy));
  EXPECT_TRUE(desk.copy_is_good(*other));
  desk.end_copy(*copy);
  const auto again = desk.begin_copy("V00001");
  ASSERT_TRUE(again);
  EXPECT_TRUE(desk.copy_is_good(*again));
}

}  // namespace
}  // namespace tapewarden::engine
