// What a server does whose peer comes back as an older copy of itself: restored, or put back without knowing.
#include <filesystem>

#include "keymgr/custody/sync_test_kit.h"

namespace tapewarden::keymgr {
namespace {

using store::testing::MemoryCommitLog;
using testing::SyncedPair;
using testing::SyncNode;

enum class Return : std::uint8_t { kRestored, kPutBack };

class OlderPeer : public SyncedPair {
 protected:
  // What b holds now is put back later.
  void keep() {
    ASSERT_TRUE(in_step());
    unlink();
    copy_ = b.directory.file("copy.db");
    ASSERT_TRUE(b.keystore->copy_to(copy_));
    log_.copy_from(b.log);
    link();
    ASSERT_TRUE(in_step());
  }
  // b dies and comes back; nobody is linked then.
  void put_back(Return how) {
    unlink();
    b.close();
    const std::string path = b.directory.file("keystore.db");
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    std::filesystem::copy_file(copy_, path);
    b.log.copy_from(log_);
    b.open();
    if (how == Return::kRestored) {
      ASSERT_TRUE(b.manager->begin_epoch(Actor::system()));
    }
  }
  // Commits that only the lost copy of b has.
  void go_on_at_b() {
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(b.manager->set_setting(officer, kDefaultLabel1, "B" + std::to_string(i)));
    }
    ASSERT_TRUE(in_step());
  }
  static std::string setting(SyncNode& at, std::string_view name) {
    const auto settings = at.manager->list_settings().value();
    for (const auto& [key, text] : settings) {
      if (key == name) return text;
    }
    return "none";
  }
  void expect_nothing_held() {
    EXPECT_EQ(a.replicator->acknowledged_commit(), 0U);
    EXPECT_EQ(a.replicator->marks().acknowledged, 0U);
    EXPECT_EQ(a.replicator->state().acknowledged, 0U);
    EXPECT_FALSE(take(a, "DAILY")) << "the peer may have lost it";
    EXPECT_TRUE(eventually([&] { return a.progress(b).acknowledged == 0; }))
        << "a restart must not forget it";
    EXPECT_FALSE(a.comparer->compare(officer, std::chrono::seconds(1)));
  }
  // A rewrite of a whose copy is complete, and whose last step waits since a does not reach b.
  void rewrite_up_to_its_last_step() {
    keep();
    // In both, and not in the copy of b that is put back.
    ASSERT_TRUE(a.manager->set_setting(officer, kDefaultLabel2, "BOTH"));
    ASSERT_TRUE(a.manager->add_drive(officer, "1234567890", {}));
    go_on_at_b();
    EXPECT_EQ(setting(b, kDefaultLabel2), "BOTH");
    a.wire.cut = true;
    ASSERT_TRUE(eventually([&] { return !a.replicator->connected(); }));
    ASSERT_TRUE(a.replicator->sync(officer, CopyAgain::kRewrite, {}));
    ASSERT_TRUE(eventually([&] { return a.replicator->rewrite_waits(); }));
  }
  void expect_nothing_rewritten() {
    EXPECT_TRUE(eventually([&] { return a.comparer->state().last_error.contains("older copy"); }))
        << a.comparer->state().last_error;
    EXPECT_EQ(setting(a, kDefaultLabel2), "BOTH");
    EXPECT_TRUE(a.manager->drive("001234567890"));
    EXPECT_EQ(a.audited("\"peer.rewrite\""), 0U);
    EXPECT_EQ(a.audited("\"server.rewritten\""), 0U);
  }

  std::string copy_;
  MemoryCommitLog log_;
};

TEST_F(OlderPeer, K19_ARestoredPeerHoldsNothingUntilItIsAccepted) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(officer, 4, "", "DAILY"));
  keep();
  ASSERT_TRUE(a.manager->generate_keys(officer, 2, "", "DAILY"));
  go_on_at_b();
  ASSERT_TRUE(take(a, "DAILY"));
  put_back(Return::kRestored);
  link();
  ASSERT_TRUE(eventually([&] { return a.replicator->state().wants_acceptance; }));
  EXPECT_TRUE(a.replicator->state().older_copy);
  expect_nothing_held();
  // A hello that cannot be read takes nothing of it back.
  EXPECT_FALSE(a.replicator->handle_hello(Bytes(10, 1)));
  EXPECT_TRUE(a.replicator->state().older_copy);
  // Nor does a restart while it is away.
  unlink();
  a.close();
  a.open();
  a.wire.cut = true;
  a.meet(b);
  EXPECT_EQ(a.replicator->acknowledged_commit(), 0U);
  EXPECT_FALSE(take(a, "DAILY"));
  a.forget_peer();
  link();
  ASSERT_TRUE(eventually([&] { return a.replicator->state().wants_acceptance; }));
  ASSERT_TRUE(a.replicator->accept_restored(officer));
  ASSERT_TRUE(in_step());
  EXPECT_FALSE(a.replicator->state().older_copy);
  EXPECT_TRUE(take(a, "DAILY"));
  ASSERT_TRUE(in_step());
  EXPECT_TRUE(compare(a).agrees());
}

TEST_F(OlderPeer, K19_ACopyThatWasPutBackHoldsNothing) {
  ASSERT_TRUE(a.manager->create_group(officer, "DAILY", {}));
  ASSERT_TRUE(a.manager->generate_keys(officer, 4, "", "DAILY"));
  keep();
  go_on_at_b();
  ASSERT_TRUE(take(a, "DAILY"));
  put_back(Return::kPutBack);
  link();
  ASSERT_TRUE(eventually([&] { return a.replicator->state().older_copy; }));
  EXPECT_FALSE(a.replicator->state().wants_acceptance);
  expect_nothing_held();
  // It learns it itself, answers no question, and asks none.
  ASSERT_TRUE(eventually([&] { return b.replicator->rolled_back(); }));
  CompareQuestion question{a.id, b.id, true, {}};
  question.rows.table = "setting";
  EXPECT_FALSE(b.comparer->handle_question(question.encode()));
  EXPECT_FALSE(b.comparer->compare(officer, std::chrono::seconds(1)));
}

TEST_F(OlderPeer, K19_ARewriteErasesNothingByTheWordOfARestoredPeer) {
  rewrite_up_to_its_last_step();
  put_back(Return::kRestored);
  link();
  expect_nothing_rewritten();
  // Accepted it gets everything, by the merging rules.
  ASSERT_TRUE(eventually([&] { return a.replicator->state().wants_acceptance; }));
  ASSERT_TRUE(a.replicator->accept_restored(officer));
  ASSERT_TRUE(in_step());
  EXPECT_EQ(setting(a, kDefaultLabel2), "BOTH");
  EXPECT_EQ(setting(b, kDefaultLabel2), "BOTH");
  const auto report = compare(a);
  EXPECT_TRUE(report.agrees()) << report.result();
}

TEST_F(OlderPeer, K19_ARewriteErasesNothingByTheWordOfACopyThatWasPutBack) {
  rewrite_up_to_its_last_step();
  put_back(Return::kPutBack);
  link();
  expect_nothing_rewritten();
}

// It has grown beyond what a saw of it, does not reach a, and so does not know what it is until it is asked.
TEST_F(OlderPeer, K19_AnOlderCopyThatWentOnFindsItselfOutWhenItIsAsked) {
  rewrite_up_to_its_last_step();
  const auto seen = a.progress(b).peer_head.sequence;
  put_back(Return::kPutBack);
  for (int i = 0; b.keystore->head().sequence < seen + 10; ++i) {
    ASSERT_TRUE(b.manager->set_setting(officer, kDefaultLabel1, "C" + std::to_string(i)));
  }
  a.wire.cut = b.wire.cut = true;
  a.meet(b);
  b.meet(a);
  a.wire.to = &b;
  b.wire.to = &a;
  a.wire.cut = false;
  expect_nothing_rewritten();
  EXPECT_TRUE(b.replicator->rolled_back());
}

}  // namespace
}  // namespace tapewarden::keymgr
