// Two whole key managers with replicators and comparers, joined in one process; the test can cut the way.
// For tests of comparing and copying anew. The threads are real, so what they do is waited for.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "base/real_env.h"
#include "keymgr/custody/testing/pair_end.h"
#include "keymgr/tables.h"
#include "people/tables.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr::testing {

using store::testing::MemoryCommitLog;
using store::testing::RealEnv;
using store::testing::TemporaryDirectory;

struct SyncNode : PairEnd {
  explicit SyncNode(std::uint8_t number) : id(Uuid::from(Bytes(16, number))) { open(); }
  ~SyncNode() { close(); }

  void open() {
    store::KeystoreOptions options;
    options.path = directory.file("keystore.db");
    options.server = id;
    options.tables = tables();
    for (const auto* table : people::tables()) options.tables.push_back(table);
    for (const auto* table : Replicator::tables()) options.tables.push_back(table);
    for (const auto* table : Comparer::tables()) options.tables.push_back(table);
    auto opened =
        store::Keystore::open(real.env(), options, crypto::SecretBytes::copy_of(Bytes(32, id.bytes[0])), log);
    ASSERT_TRUE(opened) << opened.error().text();
    keystore = std::move(*opened);
    auto made = KeyManager::open(real.env(), *keystore, id, {"server-" + std::to_string(id.bytes[0]), 2048});
    ASSERT_TRUE(made) << made.error().text();
    manager = std::move(*made);
  }
  void close() {
    stop();
    manager.reset();
    keystore.reset();
    replicator.reset();
  }
  void meet(const SyncNode& other) {
    PairEnd::meet(real.env(), *keystore, *manager, *other.manager, kQuickPace);
    manager->set_peer(replicator.get());
    ASSERT_TRUE(replicator->start());
    ASSERT_TRUE(comparer->start());
  }
  // The keystore stays open.
  void forget_peer() {
    stop();
    manager->set_peer(nullptr);
    part(*keystore);
  }
  PeerProgress progress(const SyncNode& other) const {
    PeerProgress out;
    EXPECT_TRUE(keystore->read([&](store::Reader& reader) -> Status {
      out = TRY(load_progress(reader, other.id));
      return {};
    }));
    return out;
  }
  std::size_t audited(std::string_view what) const {
    std::size_t out = 0;
    for (const auto& record : log.records()) out += record.find(what) != std::string::npos ? 1U : 0U;
    return out;
  }

  RealEnv real;
  TemporaryDirectory directory;
  MemoryCommitLog log;
  Uuid id;
  std::unique_ptr<store::Keystore> keystore;
  std::unique_ptr<KeyManager> manager;
};

class SyncedPair : public ::testing::Test {
 protected:
  SyncedPair() { link(); }
  ~SyncedPair() override { unlink(); }

  void link() {
    a.wire.cut = b.wire.cut = true;
    a.meet(b);
    b.meet(a);
    connect(a, b);
  }
  void unlink() {
    disconnect(a, b);
    a.forget_peer();
    b.forget_peer();
    a.wire.to = b.wire.to = nullptr;
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool in_step() {
    return eventually([&] {
      for (const SyncNode* at : {&a, &b}) {
        const auto state = at->replicator->state();
        if (!state.in_step || state.copying_again != CopyAgain::kNo || state.resending > 0) return false;
      }
      return true;
    });
  }
  ComparisonReport compare(SyncNode& at) {
    const auto done = at.comparer->compare({"anna", ActorKind::kSecurityOfficer}, std::chrono::minutes(1));
    EXPECT_TRUE(done) << done.error().text();
    if (!done || !*done) {
      ADD_FAILURE() << "no comparison";
      return {};
    }
    return **done;
  }
  // What `from` does now never reaches `to`, and both are in step all the same.
  void behind_the_back_of(SyncNode& to, SyncNode& from, const std::function<void()>& work) {
    ASSERT_TRUE(in_step());
    unlink();
    work();
    ASSERT_TRUE(to.keystore->write([&](store::Transaction& t) -> Status {
      PeerProgress progress = TRY(load_progress(t, from.id));
      progress.applied = from.keystore->head().sequence;
      return save_progress(t, from.id, progress);
    }));
    link();
    ASSERT_TRUE(in_step());
  }
  static Result<DataKey> take(SyncNode& at, std::string_view group) {
    std::optional<DataKey> key;
    TRY(at.keystore->write([&](store::Transaction& t) -> Status {
      key = TRY(at.manager->groups().take_next(t, group));
      return {};
    }));
    return *key;
  }
  static std::size_t key_count(SyncNode& at) {
    return at.manager->list_keys("", std::nullopt, {1000}).value().items.size();
  }

  const Actor officer{"anna", ActorKind::kSecurityOfficer};
  SyncNode a{1};
  SyncNode b{2};
};

}  // namespace tapewarden::keymgr::testing
