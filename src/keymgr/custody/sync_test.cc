// Comparing everything that the two servers hold, and copying everything anew (K19).
#include <algorithm>
#include <set>
#include <thread>

#include "keymgr/custody/sync_test_kit.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr {
namespace {

using testing::SyncedPair;
using testing::SyncNode;

TEST_F(SyncedPair, K19_ServersInStepCompareEqualOverManyStretches) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(officer, 2'500, "", "DAILY"));
  ASSERT_TRUE(b.manager->generate_keys(officer, 1'200, "", "DAILY"));
  ASSERT_TRUE(in_step());
  for (SyncNode* at : {&a, &b}) {
    const auto report = compare(*at);
    EXPECT_TRUE(report.agrees()) << report.error << " " << report.differences;
    EXPECT_EQ(report.moving, 0U);
    EXPECT_GT(report.rows, 3'700U);
    EXPECT_EQ(report.tables, at->keystore->replicated_tables().size());
  }
  // Both remember it, also across a restart, and both have it in the audit.
  EXPECT_TRUE(a.comparer->state().last->by_peer);
  EXPECT_FALSE(b.comparer->state().last->by_peer);
  EXPECT_EQ(a.audited("\"server.compare\""), 2U);
  EXPECT_EQ(b.audited("\"server.compare\""), 2U);
  unlink();
  link();
  EXPECT_TRUE(b.comparer->state().last->agrees());
  EXPECT_GT(b.comparer->state().last->rows, 3'700U);
}

TEST_F(SyncedPair, K19_AComparisonFindsWhatOneServerLacksAndWhatDiffers) {
  ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel1, "BEFORE"));
  DataKey lost;
  behind_the_back_of(b, a, [&] {
    lost = a.manager->generate_keys(officer, 1, "", "").value().front();
    ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel1, "AFTER"));
  });
  const auto report = compare(a);
  EXPECT_EQ(report.error, "");
  ASSERT_EQ(report.differences, 2U);
  const auto& key = *std::ranges::find(report.first, "data_key", &RowDifference::table);
  EXPECT_EQ(key.kind, DifferenceKind::kOnlyHere);
  EXPECT_EQ(key.version_there, 0);
  EXPECT_EQ(key.origin_here, a.id);
  const auto& setting = *std::ranges::find(report.first, "setting", &RowDifference::table);
  EXPECT_EQ(setting.kind, DifferenceKind::kDiffers);
  EXPECT_EQ(setting.version_here, setting.version_there + 1);
  EXPECT_EQ(b.comparer->state().last->first.front().kind, DifferenceKind::kOnlyThere);
  EXPECT_EQ(a.audited("\"server.compare\""), 1U);
  // Copied anew by the server that has them: it sends its own rows once more.
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kMerge, {}));
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(b.manager->key(lost.alias));
  EXPECT_TRUE(compare(b).agrees());
}

TEST_F(SyncedPair, K19_SyncAtTheServerThatLacksRowsBringsThemToo) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  behind_the_back_of(b, a, [&] { ASSERT_TRUE(a.manager->generate_keys(officer, 2'300, "", "DAILY")); });
  EXPECT_EQ(compare(b).differences, 2'301U);  // the group's cursor too
  EXPECT_EQ(b.comparer->state().last->first.size(), kDifferencesKept);
  // Those that the peer holds are given out while everything is copied once more.
  ASSERT_TRUE(b.replicator->sync(officer, CopyAgain::kMerge, {}));
  const auto again = b.replicator->sync(officer, CopyAgain::kMerge, {});
  if (!again) {
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  }
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(b).agrees());
  EXPECT_GE(b.audited("\"server.sync\""), 1U);
  EXPECT_EQ(b.manager->list_conflicts(false, {}).value().items.size(), 0U);
}

TEST_F(SyncedPair, K19_ChangesUnderWayAreNoDifferences) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(officer, 3'000, "", "DAILY"));
  ASSERT_TRUE(in_step());
  std::atomic<bool> stop = false;
  std::thread load([&] {
    while (!stop) {
      EXPECT_TRUE(take(a, "DAILY"));
      EXPECT_TRUE(b.manager->generate_keys(officer, 3, "", "DAILY"));
    }
  });
  for (int i = 0; i < 3; ++i) {
    const auto report = compare(i % 2 == 0 ? a : b);
    EXPECT_EQ(report.error, "");
    EXPECT_EQ(report.differences, 0U);
    // All but what changes at every look, as the group's cursors, is judged.
    EXPECT_GT(report.rows, 3'000U);
    EXPECT_LE(report.moving, 10U) << report.result();
  }
  stop = true;
  load.join();
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(a).agrees());
}

TEST_F(SyncedPair, K19_AKeyIsStillGivenOutWhileEverythingIsCopiedAgain) {
  ASSERT_TRUE(b.manager->create_group(officer, "DAILY", {}));
  ASSERT_TRUE(b.manager->generate_keys(officer, 2'000, "", "DAILY"));
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kMerge, {}));
  std::set<Uuid> given;
  while (a.replicator->state().copying_again != CopyAgain::kNo && given.size() < 1'000) {
    const auto key = take(b, "DAILY");
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_TRUE(given.insert(key->id).second);
  }
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(a).agrees());
}

TEST_F(SyncedPair, K19_ACopyThatARestartCutsOffGoesOn) {
  behind_the_back_of(b, a, [&] { ASSERT_TRUE(a.manager->generate_keys(officer, 1'500, "", "")); });
  a.wire.cut = b.wire.cut = true;
  ASSERT_TRUE(b.replicator->sync(officer, CopyAgain::kMerge, {}));
  EXPECT_EQ(b.progress(a).again, CopyAgain::kMerge);
  unlink();
  b.close();
  b.open();
  link();
  ASSERT_TRUE(in_step());
  EXPECT_EQ(b.progress(a).again, CopyAgain::kNo);
  EXPECT_TRUE(eventually([&] { return b.progress(a).resend_through == 0; }));
  EXPECT_TRUE(compare(a).agrees());
}

TEST_F(SyncedPair, K19_ARewriteTakesThePeersWordAndLosesNoKey) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  const auto keys = a.manager->generate_keys(officer, 4, "", "DAILY").value();
  const auto doomed = a.manager->generate_keys(officer, 1, "", "").value().front();
  ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel1, "BOTH"));
  ASSERT_TRUE(in_step());
  const auto used_before = take(a, "DAILY").value();
  ASSERT_TRUE(in_step());
  a.wire.cut = b.wire.cut = true;
  ASSERT_TRUE(eventually([&] { return !a.replicator->connected() && !b.replicator->connected(); }));
  // At a, while nobody sees it: settings, a group, a drive, keys, a destruction, a use.
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel1, "A" + std::to_string(i)));
  ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel2, "ONLY A"));
  ASSERT_TRUE(a.manager->create_group(officer, "EMPTY AT A", {}));
  ASSERT_TRUE(a.manager->create_group(officer, "FULL AT A", {}));
  const auto alone = a.manager->generate_keys(officer, 2, "", "FULL AT A").value();
  ASSERT_TRUE(a.manager->add_drive(officer, "1234567890", {}));
  ASSERT_TRUE(testing::destroy_whatever_is_lost(*a.manager, a.manager->key_ref(doomed.alias)));
  const auto used_alone = take(a, "DAILY").value();
  ASSERT_TRUE(b.manager->set_setting(officer, kDefaultLabel1, "B"));
  ASSERT_TRUE(b.manager->change_key_state(officer, keys[3].alias, KeyState::kDeactivated));
  // Rewritten before the two meet, so that nothing of a's reaches b first.
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kRewrite, {}));
  a.wire.cut = b.wire.cut = false;
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(eventually([&] { return compare(a).agrees(); }));
  for (SyncNode* at : {&a, &b}) {
    const auto settings = at->manager->list_settings().value();
    const auto value = [&](std::string_view name) {
      for (const auto& [key, text] : settings) {
        if (key == name) return text;
      }
      return std::string("none");
    };
    EXPECT_EQ(value(kDefaultLabel1), "B");
    EXPECT_EQ(value(kDefaultLabel2), "");
    EXPECT_FALSE(at->manager->group("EMPTY AT A"));
    EXPECT_TRUE(at->manager->group("FULL AT A")) << "keys that stay are in it";
    EXPECT_FALSE(at->manager->drive("001234567890"));
    EXPECT_EQ(at->manager->key(doomed.alias)->state, KeyState::kDestroyed) << "never undone";
    EXPECT_EQ(at->manager->key(keys[3].alias)->state, KeyState::kDeactivated);
    EXPECT_EQ(at->manager->key(used_alone.alias)->uses, 1);
    for (const auto& key : alone) EXPECT_TRUE(at->manager->key(key.alias)) << "no key is lost";
    std::size_t told = 0;
    const auto conflicts = at->manager->list_conflicts(false, {100}).value();
    for (const auto& conflict : conflicts.items) {
      told += conflict.table == "data_key" && conflict.low.content.find("missing") != std::string::npos;
    }
    EXPECT_EQ(told, alone.size());
  }
  // None of what was given out comes again.
  std::set<Uuid> given{used_before.id, used_alone.id};
  while (const auto key = take(a, "DAILY")) EXPECT_TRUE(given.insert(key->id).second);
  EXPECT_EQ(given.size(), 3U);  // the fourth is deactivated
  EXPECT_EQ(a.audited("\"server.rewritten\""), 1U);
}

TEST_F(SyncedPair, K19_ARewriteKeepsTheLabelsOfAKekThatItKeeps) {
  const auto both = a.manager->generate_kek(officer, {.common_name = "both", .bits = 2048}).value().kek.id;
  ASSERT_TRUE(in_step());
  a.wire.cut = b.wire.cut = true;
  ASSERT_TRUE(eventually([&] { return !a.replicator->connected() && !b.replicator->connected(); }));
  const KekSpec spec{.common_name = "alone", .bits = 2048, .labels = {"ALONE"}};
  const auto alone = a.manager->generate_kek(officer, spec).value().kek.id;
  ASSERT_TRUE(a.manager->add_kek_label(officer, both, "SPOILT"));
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kRewrite, {}));
  a.wire.cut = b.wire.cut = false;
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(eventually([&] { return compare(a).agrees(); }));
  for (SyncNode* at : {&a, &b}) {
    EXPECT_EQ(at->manager->kek(alone)->labels, std::vector<std::string>{"ALONE"});
    EXPECT_TRUE(at->manager->kek(both)->labels.empty()) << "what the peer does not have goes";
  }
}

TEST_F(SyncedPair, K19_ARewriteThatARestartCutsOffGoesOn) {
  ASSERT_TRUE(in_step());
  a.wire.cut = b.wire.cut = true;
  ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel1, "A"));
  ASSERT_TRUE(b.manager->generate_keys(officer, 1'500, "", ""));
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kRewrite, {}));
  unlink();
  a.close();
  a.open();
  EXPECT_EQ(a.progress(b).again, CopyAgain::kRewrite);
  link();
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(b).agrees());
  EXPECT_EQ(key_count(a), 1'000U);
  const auto settings = b.manager->list_settings().value();
  for (const auto& [name, text] : settings) {
    if (name == kDefaultLabel1) {
      EXPECT_EQ(text, "");
    }
  }
}

TEST_F(SyncedPair, K19_ARewriteNeedsTheConsentItIsGivenAndNoOtherCopyUnderWay) {
  ASSERT_TRUE(in_step());
  const auto refused = a.replicator->sync(officer, CopyAgain::kRewrite, [](store::Transaction&) -> Status {
    return fail(ErrorCode::kPermissionDenied, "nobody consented");
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(a.progress(b).again, CopyAgain::kNo);
  a.wire.cut = b.wire.cut = true;
  ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kMerge, {}));
  EXPECT_EQ(a.replicator->sync(officer, CopyAgain::kRewrite, {}).error().code, ErrorCode::kConflict);
  EXPECT_FALSE(a.comparer->compare(officer, std::chrono::seconds(1)));
  a.wire.cut = b.wire.cut = false;
  ASSERT_TRUE(in_step());
}

TEST_F(SyncedPair, K19_QuestionsOfStrangersAndBadOnesAreRefused) {
  ASSERT_TRUE(in_step());
  CompareQuestion question{a.id, b.id, true, {}};
  question.rows.table = "setting";
  const auto meeting = a.replicator->meeting().value();
  question.incarnation = meeting.incarnation;
  question.seen_installation = meeting.seen.peer.installation;
  ASSERT_TRUE(b.comparer->handle_question(question.encode()));
  const auto refused = [&](const CompareQuestion& bad) { return !b.comparer->handle_question(bad.encode()); };
  for (const char* table : {"identity", "nothing", "local_counter", ""}) {
    CompareQuestion bad = question;
    bad.rows.table = table;
    EXPECT_TRUE(refused(bad)) << table;
  }
  CompareQuestion bad = question;
  bad.sender = b.id;
  EXPECT_TRUE(refused(bad));
  bad = question;
  bad.rows.limit = kRowsInOneStretch + 1;
  EXPECT_TRUE(refused(bad));
  bad = question;
  bad.rows.after = store::Row{std::int64_t{1}};
  EXPECT_TRUE(refused(bad)) << "a key of another type";
  bad = question;
  bad.rows.keys.assign(kKeysInOneQuestion + 1, store::Row{std::string("x")});
  EXPECT_TRUE(refused(bad));
  const Bytes good = question.encode();
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(CompareQuestion::decode(ByteView(good).first(i)));
  }
  EXPECT_FALSE(CompareAnswer::decode(good));
  EXPECT_FALSE(ComparisonReport::decode(good));
}

TEST(ComparisonMessages, K19_AReportIsReadBackAndTurned) {
  ComparisonReport report;
  report.started = from_millis(1'790'000'000'000);
  report.rows = 7;
  report.differences = 2;
  report.first.push_back({"setting", "\"x\"", DifferenceKind::kOnlyHere, 3, 0, Uuid::from(Bytes(16, 1)), {}});
  const auto back = ComparisonReport::decode(report.encode());
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->rows, 7U);
  EXPECT_EQ(back->started, report.started);
  EXPECT_EQ(back->first.front().key, "\"x\"");
  const auto turned = back->turned();
  EXPECT_EQ(turned.first.front().kind, DifferenceKind::kOnlyThere);
  EXPECT_EQ(turned.first.front().version_there, 3);
  EXPECT_TRUE(turned.by_peer);
  const Bytes bytes = report.encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(ComparisonReport::decode(ByteView(bytes).first(i)));
  }
}

}  // namespace
}  // namespace tapewarden::keymgr
