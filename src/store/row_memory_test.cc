// What is remembered of small tables, and commits that wait for announced ones.
#include "store/row_memory.h"

#include <future>

#include "store/sqlite/connection.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

const TableSpec kRules{
    .name = "rule",
    .columns = {{"name", ColumnType::kText, ColumnRole::kKey},
                {"place", ColumnType::kText, ColumnRole::kPlain},
                {"allowed", ColumnType::kInteger, ColumnRole::kPlain}},
    .indexes = {"place, allowed WHERE place <> ''"},
    .unique_indexes = {},
    .remembered = true,
};

Status put_rule(Transaction& transaction, const std::string& name, std::int64_t allowed) {
  return transaction.put(kRules, {name, std::string(), allowed});
}

// The rule as a query by condition and one by key see it; -1 when there is none.
Result<std::int64_t> rule(Reader& reader, const std::string& name) {
  const auto row = TRY(reader.get(kRules, {name}));
  const auto rows = TRY(reader.query(kRules, "name = ?", {name}));
  EXPECT_EQ(row.has_value(), !rows.empty());
  if (!row) return -1;
  EXPECT_EQ(*row, rows.front());
  return integer(*row, 2);
}

struct RuleSite : ::testing::Test {
  RuleSite() {
    f.tables.push_back(&kRules);
    EXPECT_TRUE(f.open());
  }
  std::int64_t read(const std::string& name) {
    std::int64_t out = 0;
    EXPECT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
      out = TRY(rule(reader, name));
      return {};
    }));
    return out;
  }
  Result<CommitInfo> put(const std::string& name, std::int64_t allowed) {
    return f.keystore->write([=](Transaction& t) { return put_rule(t, name, allowed); });
  }
  Fixture f;
};

TEST_F(RuleSite, K8_AChangeIsSeenAtOnce) {
  EXPECT_EQ(read("a"), -1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(put("a", i));
    EXPECT_EQ(read("a"), i);
    EXPECT_EQ(read("a"), i);
    EXPECT_EQ(read("b"), -1);
  }
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kRules, {std::string("a")}); }));
  EXPECT_EQ(read("a"), -1);
  ASSERT_TRUE(f.open());
  EXPECT_EQ(read("a"), -1);
}

TEST_F(RuleSite, K8_ATransactionSeesItsOwnChangesAndNoneThatWereUndone) {
  ASSERT_TRUE(put("a", 1));
  EXPECT_EQ(read("a"), 1);
  const auto undone = f.keystore->write([](Transaction& t) -> Status {
    EXPECT_EQ(rule(t, "a").value(), 1);
    TRY(put_rule(t, "a", 2));
    EXPECT_EQ(rule(t, "a").value(), 2);
    return fail(ErrorCode::kConflict, "not this time");
  });
  EXPECT_FALSE(undone);
  EXPECT_EQ(read("a"), 1);
  ASSERT_TRUE(f.keystore->write([](Transaction& t) -> Status {
    EXPECT_EQ(rule(t, "a").value(), 1);
    return put_rule(t, "b", 3);
  }));
  EXPECT_EQ(read("a"), 1);
  EXPECT_EQ(read("b"), 3);
}

TEST_F(RuleSite, K8_AReadKeepsItsSnapshotBesideACommit) {
  ASSERT_TRUE(put("a", 1));
  ASSERT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
    EXPECT_EQ(rule(reader, "a").value(), 1);
    EXPECT_TRUE(put("a", 2));
    EXPECT_EQ(read("a"), 2) << "another snapshot";
    EXPECT_EQ(rule(reader, "a").value(), 1);
    return {};
  }));
  EXPECT_EQ(read("a"), 2);
}

TEST_F(RuleSite, K12_IndexesWithAConditionAreUsed) {
  f.close();
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
  ASSERT_TRUE(connection);
  auto plan =
      (*connection)
          ->prepare(
              "EXPLAIN QUERY PLAN SELECT * FROM (SELECT * FROM rule WHERE row_erased = 0) WHERE place = "
              "? AND place <> '' ORDER BY allowed DESC LIMIT 1");
  ASSERT_TRUE(plan);
  ASSERT_TRUE(plan->step().value());
  EXPECT_NE(plan->text(3).find("USING INDEX tw_rule_index__place__allowed"), std::string_view::npos)
      << plan->text(3);
}

TEST(RowMemory, K8_AnAnswerCountsForSnapshotsWithoutAChangeBetween) {
  constexpr std::size_t kTable = 1;
  RowMemory memory(2, 5);
  const auto question = RowMemory::question("rule", "key", {});
  memory.keep(kTable, question, 5, {Row{std::string("five")}});
  EXPECT_TRUE(memory.find(kTable, question, 5));
  EXPECT_TRUE(memory.find(kTable, question, 6));
  memory.begin_commit(7, std::vector<std::size_t>{kTable});
  EXPECT_FALSE(memory.find(kTable, question, 6)) << "older than the change: read it again";
  EXPECT_FALSE(memory.find(kTable, question, 7));
  memory.keep(kTable, question, 6, {Row{std::string("six")}});
  EXPECT_FALSE(memory.find(kTable, question, 7)) << "read before the change";
  memory.end_commit(7);
  memory.keep(kTable, question, 7, {Row{std::string("seven")}});
  ASSERT_TRUE(memory.find(kTable, question, 8));
  EXPECT_EQ(text(memory.find(kTable, question, 8)->front(), 0), "seven");
  EXPECT_FALSE(memory.find(kTable, question, 6)) << "a snapshot from before the change";
}

TEST(RowMemory, K8_ACommitUnderWayForgetsItsOwnTablesOnly) {
  RowMemory memory(2, 5);
  constexpr std::size_t kOther = 1;
  memory.keep(0, "mine", 5, {Row{std::string("five")}});
  memory.keep(kOther, "other", 5, {Row{std::string("five")}});
  memory.begin_commit(6, std::vector<std::size_t>{0});
  EXPECT_EQ(memory.head(), 5U) << "it is not done yet";
  // A transaction that begins now sees commit 5 or 6 and says 5.
  EXPECT_FALSE(memory.find(0, "mine", memory.head()));
  memory.keep(0, "mine", memory.head(), {Row{std::string("five or six")}});
  EXPECT_FALSE(memory.find(0, "mine", memory.head())) << "nobody knows which of the two";
  EXPECT_TRUE(memory.find(kOther, "other", memory.head())) << "the same in both";
  memory.end_commit(6);
  EXPECT_EQ(memory.head(), 6U);
  EXPECT_FALSE(memory.find(0, "mine", 6));
  EXPECT_TRUE(memory.find(kOther, "other", 6));
}

TEST(RowMemory, K8_AnUndoneCommitHidesNothingForGood) {
  RowMemory memory(1, 5);
  memory.begin_commit(6, std::vector<std::size_t>{0});
  memory.end_commit(5);
  EXPECT_EQ(memory.head(), 5U) << "it was undone";
  memory.begin_commit(6, std::vector<std::size_t>{0});
  memory.end_commit(6);
  memory.keep(0, "mine", 6, {Row{std::string("six")}});
  EXPECT_TRUE(memory.find(0, "mine", memory.head()));
}

TEST(RowMemory, K8_QuestionsDoNotRunIntoEachOther) {
  const std::vector<Value> ab{std::string("a"), std::string("b")};
  const std::vector<Value> joined{std::string("ab")};
  const std::vector<Value> blob{to_bytes("ab")};
  EXPECT_NE(RowMemory::question("t", "c", ab), RowMemory::question("t", "c", joined));
  EXPECT_NE(RowMemory::question("t", "c", joined), RowMemory::question("t", "c", blob));
  EXPECT_NE(RowMemory::question("t", "cd", joined), RowMemory::question("tc", "d", joined));
}

TEST_F(RuleSite, K16_AnAnnouncedWriteSharesACommitAndNeverStopsOne) {
  // The writer does not wait for long: a try on a busy machine may be too late.
  bool shared = false;
  for (int i = 0; i < 100 && !shared; ++i) {
    std::vector<std::promise<std::uint64_t>> done(2);
    auto announced = f.keystore->announce();
    for (auto& promise : done) {
      f.keystore->submit(
          [i](Transaction& t) { return put_rule(t, "a", i); },
          [&promise](const Result<CommitInfo>& info) { promise.set_value(info ? info->sequence : 0); });
    }
    announced.reset();
    shared = done[0].get_future().get() == done[1].get_future().get();
  }
  EXPECT_TRUE(shared);
  auto kept = f.keystore->announce();
  EXPECT_TRUE(put("a", 1000)) << "what is announced may never come";
  f.close();
  kept.reset();
}

}  // namespace
}  // namespace tapewarden::store::testing
