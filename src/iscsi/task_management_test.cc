#include "iscsi/session_test_kit.h"

namespace tapewarden::iscsi {
namespace {

using namespace testing;

TEST_F(IscsiSession, L1_AbortTaskEndsACommandThatWaitsForData) {
  const auto write = start_write(1024);
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  const TaskRequestPdu request{.function = 1, .task_tag = 50, .referenced_tag = write.task_tag};
  ASSERT_TRUE(bench.feed(request.encode()).has_value());
  bench.run();
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), 2U) << "the answer, and the command that waited behind";
  EXPECT_EQ(bench.unit->seen.size(), 1U);
  ASSERT_TRUE(data_out(write, 0, 0, 1024, true).has_value());
  bench.run();
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.unit->seen.size(), 1U);
}

TEST_F(IscsiSession, L1_AbortTaskWaitsForTheUnitAndTheCommandIsNotAnswered) {
  const auto read = bench.command(kReadCdb, 10);
  ASSERT_TRUE(bench.feed(read.encode()).has_value());
  ASSERT_EQ(bench.queue->waiting(), 1U);
  EXPECT_EQ(manage(TaskFunction::kAbortTask, read.task_tag), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->seen.empty());
  EXPECT_EQ(manage(TaskFunction::kAbortTask, read.task_tag), TaskAnswer::kNoSuchTask);
}

TEST_F(IscsiSession, L1_AbortTaskSetEndsAllOfThisSessionAtTheUnit) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  auto other = bench.command(kTestUnitReady);
  other.lun = encode_lun(5);
  ASSERT_TRUE(bench.feed(other.encode()).has_value());
  const TaskRequestPdu request{.function = 2, .task_tag = 50};
  ASSERT_TRUE(bench.feed(request.encode()).has_value());
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty());
  EXPECT_EQ(bench.other_unit->seen.size(), 1U);
  EXPECT_EQ(bench.take().size(), 2U);
  EXPECT_EQ(bench.unit->resets, 0);
}

TEST_F(IscsiSession, L1_LogicalUnitResetAlsoEndsOthersCommands) {
  const auto epoch = bench.queue->epoch();
  EXPECT_EQ(manage(TaskFunction::kLogicalUnitReset), TaskAnswer::kComplete);
  EXPECT_EQ(bench.unit->resets, 1);
  EXPECT_EQ(bench.other_unit->resets, 0);
  EXPECT_NE(bench.queue->epoch(), epoch);
  EXPECT_EQ(manage(TaskFunction::kClearTaskSet), TaskAnswer::kComplete);
  EXPECT_EQ(bench.unit->resets, 1);
  EXPECT_EQ(manage(TaskFunction::kLogicalUnitReset, kNoTag, encode_lun(9)), TaskAnswer::kNoSuchLun);
}

TEST_F(IscsiSession, L1_ACommandOfAnEarlierEpochIsAnsweredAsAborted) {
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  bench.queue->begin_epoch();  // another session resets the unit
  bench.run();
  EXPECT_EQ(response_of(bench.one()).status, static_cast<std::uint8_t>(kTaskAborted));
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiSession, L1_TargetResetsReachEveryUnit) {
  EXPECT_EQ(manage(TaskFunction::kTargetWarmReset), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->resets == 1 && bench.other_unit->resets == 1);
  EXPECT_EQ(bench.target_ends, 0);
  EXPECT_EQ(manage(TaskFunction::kTargetColdReset), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->resets == 2 && bench.other_unit->resets == 2);
  EXPECT_EQ(bench.target_ends, 1);
}

TEST_F(IscsiSession, L1_OtherFunctionsAreNotOffered) {
  EXPECT_EQ(manage(TaskFunction::kClearAca), TaskAnswer::kNotSupported);
  EXPECT_EQ(manage(TaskFunction::kTaskReassign), TaskAnswer::kReassignNotSupported);
  EXPECT_EQ(manage(static_cast<TaskFunction>(77)), TaskAnswer::kNotSupported);
}

}  // namespace
}  // namespace tapewarden::iscsi
