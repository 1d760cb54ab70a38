// What a comparison makes of a peer that cannot tell, or does not tell the truth (K19).
#include "keymgr/custody/comparison.h"

#include <algorithm>
#include <future>
#include <limits>

#include "keymgr/custody/sync_test_kit.h"

namespace tapewarden::keymgr {
namespace {

using testing::SyncedPair;

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMostQuestions = 2'000;  // a comparison of these tables asks fewer

using Tamper = std::function<void(const CompareQuestion&, CompareAnswer&)>;

class Comparisons : public SyncedPair {
 protected:
  // Nobody runs: what the peer answers is b's, changed by `tamper`.
  ComparisonReport run(const Tamper& tamper = {}, std::uint64_t acknowledged = kEverything) {
    asked_ = 0;
    ComparisonParties parties;
    parties.self = a.id;
    parties.peer = b.id;
    parties.ask = [this, tamper](const CompareQuestion& question) -> Result<CompareAnswer> {
      if (++asked_ > kMostQuestions) return fail(ErrorCode::kExhausted, "there is no end of it");
      auto answer = TRY(answer_question(*b.keystore, question, kEverything));
      if (tamper) tamper(question, answer);
      return CompareAnswer::decode(answer.encode());
    };
    parties.acknowledged = [acknowledged] { return acknowledged; };
    parties.go_on = [](bool) { return true; };
    return compare_tables(*a.keystore, parties, Hash256{});
  }
  void make_keys(std::size_t count) {
    ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
    ASSERT_TRUE(a.manager->generate_keys(officer, count, "", "DAILY"));
    ASSERT_TRUE(in_step());
    unlink();
    const auto report = run();
    ASSERT_TRUE(report.agrees()) << report.result();
  }
  static void list_all(CompareAnswer& answer) { answer.sum[0] ^= 1; }

  std::size_t asked_ = 0;
};

TEST_F(Comparisons, K19_NothingIsEqualWhileOneServerHasNotHadEverything) {
  make_keys(10);
  const auto theirs = run([](const CompareQuestion&, CompareAnswer& answer) { answer.acknowledged = 0; });
  const auto mine = run({}, 0);
  for (const auto& report : {theirs, mine}) {
    EXPECT_FALSE(report.agrees());
    EXPECT_NE(report.error.find("has not had everything"), std::string::npos) << report.error;
    EXPECT_TRUE(report.result().starts_with("not finished: ")) << report.result();
  }
}

TEST_F(Comparisons, K19_RowsThatCouldNotBeJudgedAreToldAndNotEqual) {
  make_keys(10);
  // Every row is another one there, by a commit of which nobody knows whether it has arrived.
  const auto report = run(
      [](const CompareQuestion&, CompareAnswer& answer) {
        list_all(answer);
        answer.acknowledged = 1;
        for (auto& row : answer.rows) row.digest[0] ^= 1;
      },
      1);
  EXPECT_EQ(report.error, "");
  EXPECT_GE(report.moving, 10U);
  EXPECT_FALSE(report.finished());
  EXPECT_FALSE(report.agrees());
  EXPECT_NE(report.result().find(" rows could not be judged"), std::string::npos) << report.result();
}

// 4,500 rows come to the last stretch after its end was fixed.
TEST_F(Comparisons, K19_AStretchThatGrowsIsLookedAtInParts) {
  make_keys(10);
  bool grown = false;
  const auto report = run([&](const CompareQuestion& question, CompareAnswer&) {
    if (grown || question.rows.table != "data_key") return;
    grown = true;
    EXPECT_TRUE(a.manager->generate_keys(officer, 4'500, "", "DAILY"));
  });
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(report.moving, 0U) << report.result();
  EXPECT_GE(report.differences, 4'500U);
}

TEST_F(Comparisons, K19_AnAnswerThatDoesNotFitItsQuestionEndsTheComparison) {
  make_keys(2'500);
  const auto of_keys = [](const CompareQuestion& question) { return question.rows.table == "data_key"; };
  const std::vector<std::pair<const char*, Tamper>> lies = {
      {"does not get on",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         if (of_keys(question) && question.rows.after) answer.until = question.rows.after;
       }},
      {"goes back",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         if (of_keys(question) && question.rows.after) answer.until = store::Row{Bytes{}};
       }},
      {"skips what was asked for",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         if (of_keys(question) && question.rows.until) answer.until = store::Row{Bytes(17, 0xFF)};
       }},
      {"rows before the range",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         list_all(answer);
         if (!of_keys(question) || !question.listed || !question.rows.after) return;
         answer.rows.front().key = *question.rows.after;
       }},
      {"rows beyond the range",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         list_all(answer);
         if (!of_keys(question) || !question.listed || !question.rows.until) return;
         answer.rows.back().key = store::Row{Bytes(17, 0xFF)};
       }},
      {"rows in no order",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         list_all(answer);
         if (question.listed) std::ranges::reverse(answer.rows);
       }},
      {"a row twice",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         list_all(answer);
         if (!question.listed || answer.rows.size() < 2) return;
         answer.rows[1] = answer.rows[0];
       }},
      {"another number of rows",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         list_all(answer);
         if (question.listed && !answer.rows.empty()) answer.rows.pop_back();
       }},
      {"rows that nobody asked for",
       [&](const CompareQuestion& question, CompareAnswer& answer) {
         if (!question.listed) answer.rows.push_back({store::Row{Bytes(16, 1)}, 1, {}, false, 1, {}});
       }},
  };
  for (const auto& [what, lie] : lies) {
    const auto report = run(lie);
    EXPECT_NE(report.error.find("the peer's answer"), std::string::npos) << what << ": " << report.result();
    EXPECT_FALSE(report.agrees()) << what;
  }
  // Rows by their keys: another one than those that are asked for again.
  bool again = false;
  const auto report = run(
      [&](const CompareQuestion& question, CompareAnswer& answer) {
        list_all(answer);
        answer.acknowledged = 1;
        for (auto& row : answer.rows) row.digest[0] ^= 1;
        if (question.rows.keys.empty() || answer.rows.empty()) return;
        again = true;
        answer.rows.back().key = question.rows.keys.front();
        answer.rows.front().key = question.rows.keys.back();
      },
      1);
  EXPECT_TRUE(again);
  EXPECT_NE(report.error.find("that was not asked for"), std::string::npos) << report.result();
}

TEST(ComparisonMessages, K19_AKeyInAMessageHasALimit) {
  CompareAnswer answer;
  answer.until = store::Row{Bytes(kKeyBytesInMessage - 16, 1)};
  EXPECT_TRUE(CompareAnswer::decode(answer.encode()));
  answer.until = store::Row{Bytes(kKeyBytesInMessage + 1, 1)};
  EXPECT_FALSE(CompareAnswer::decode(answer.encode()));
}

TEST(ComparisonMessages, K19_TheResultTellsWhatWasNotJudged) {
  ComparisonReport report;
  EXPECT_EQ(report.result(), "equal");
  report.moving = 1;
  EXPECT_EQ(report.result(), "1 row could not be judged");
  EXPECT_FALSE(report.agrees());
  report.differences = 3;
  EXPECT_EQ(report.result(), "3 rows differ, 1 row could not be judged");
  report.moving = 0;
  report.differences = 1;
  EXPECT_EQ(report.result(), "1 row differs");
  EXPECT_FALSE(report.agrees());
  report.error = "the wire is cut";
  EXPECT_EQ(report.result(), "not finished: the wire is cut");
}

// b's rows have been taken away behind its back; a's copy into b does not move while the way is cut.
TEST_F(Comparisons, K19_NothingIsComparedWhileACopyIsUnderWay) {
  behind_the_back_of(b, a, [&] { ASSERT_TRUE(a.manager->generate_keys(officer, 20, "", "")); });
  a.wire.cut = true;
  ASSERT_TRUE(b.replicator->sync(officer, CopyAgain::kMerge, {}));
  ASSERT_TRUE(eventually([&] { return b.replicator->connected(); }));
  const auto refused = b.comparer->compare(officer, std::chrono::seconds(10));
  ASSERT_FALSE(refused) << (*refused)->result();
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  a.wire.cut = false;
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(b).agrees());
}

// What the peer tells takes no finding away, and brings this server to look itself.
TEST_F(Comparisons, K19_ThePeersWordDoesNotHideWhatThisServerFound) {
  behind_the_back_of(b, a, [&] { ASSERT_TRUE(a.manager->generate_keys(officer, 3, "", "")); });
  ASSERT_EQ(compare(a).differences, 3U);
  ComparisonReport equal;
  equal.rows = 1000;
  equal.started = equal.ended = RealClock().wall_now();
  std::promise<Result<Bytes>> told;
  a.comparer->handle_report(equal.encode(), [&](Result<Bytes> done) { told.set_value(std::move(done)); });
  ASSERT_TRUE(told.get_future().get());
  EXPECT_EQ(a.comparer->state().last->differences, 3U);
  EXPECT_FALSE(a.comparer->state().last->by_peer);
  EXPECT_TRUE(eventually([&] { return a.audited("\"timer\"") == 1; })) << "it compares itself at once";
  EXPECT_TRUE(eventually([&] { return !a.comparer->state().running; }));
  EXPECT_EQ(a.comparer->state().last->differences, 3U);
  // Also across a restart.
  unlink();
  link();
  EXPECT_EQ(a.comparer->state().last->differences, 3U);
}

}  // namespace
}  // namespace tapewarden::keymgr
