// The fixture of tests with two key servers that exchange messages when the test says so. One thread.
#pragma once

#include <filesystem>

#include "keymgr/custody/pair_test_kit.h"

namespace tapewarden::keymgr::testing {

class PairOfServers : public ::testing::Test {
 protected:
  PairOfServers() { connect(); }

  void connect() {
    a.meet(b);
    b.meet(a);
  }

  // One message from one to the other; the error that stopped it.
  static Status send(ModelServer& from, ModelServer& to) {
    if (!from.sender->in_session()) {
      auto greeting = TRY(to.receiver->hello(TRY(from.sender->hello()), to.refused));
      if (greeting.session) to.session = greeting.session;
      TRY(from.sender->welcomed(greeting.answer));
    }
    const auto message = TRY(from.sender->next());
    if (message.empty) {
      from.sender->skipped(message);
      from.peer.acknowledged = from.sender->position();
      return {};
    }
    if (!to.session) return fail(ErrorCode::kConflict, "no session");
    const auto changes = TRY(to.receiver->open(message.body, *to.session));
    ChangeReceiver::Applied applied;
    TRY(to.keystore->write([&](store::Transaction& t) -> Status {
      applied = TRY(to.receiver->apply(t, changes, *to.session));
      return {};
    }));
    ReplicationWelcome welcome;
    welcome.receiver = to.id;
    welcome.applied = applied.through;
    welcome.refused = applied.refused;
    TRY(from.sender->answered(message, welcome.encode()));
    if (const auto refused = from.sender->take_refused(); !refused.empty()) {
      TRY(from.keystore->write(
          [&](store::Transaction& t) { return from.manager->note_refused(t, refused); }));
      return {};
    }
    if (const auto held = from.sender->take_held(); !held.empty()) {
      TRY(from.parties.held(held));
      TRY(from.keystore->write(
          [](store::Transaction&) -> Status { return {}; }));  // after what was submitted
    }
    from.peer.acknowledged = from.sender->position();
    return {};
  }
  void settle() {
    for (int i = 0; i < 8; ++i) {
      const Status there = send(a, b);
      ASSERT_TRUE(there) << there.error().text();
      const Status back = send(b, a);
      ASSERT_TRUE(back) << back.error().text();
    }
    // At rest: another round makes no commit.
    const auto heads = std::pair(a.keystore->head(), b.keystore->head());
    ASSERT_TRUE(send(a, b));
    ASSERT_TRUE(send(b, a));
    EXPECT_EQ(heads, std::pair(a.keystore->head(), b.keystore->head()));
    EXPECT_TRUE(a.keystore->verify().value().empty());
    EXPECT_TRUE(b.keystore->verify().value().empty());
  }

  // An older copy of everything, which takes the server's place in a new epoch when the machine is lost. It
  // may be put back more than once.
  static void keep_copy(ModelServer& at) {
    at.copy = std::make_unique<ModelServer::Copy>();
    at.copy->path = at.directory.file("copy.db");
    ASSERT_TRUE(at.keystore->copy_to(at.copy->path));
    at.copy->log.copy_from(at.log);
  }
  void put_back(ModelServer& at) {
    at.close();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(at.path + suffix);
    std::filesystem::copy_file(at.copy->path, at.path);
    at.log.copy_from(at.copy->log);
    at.open();
    ASSERT_TRUE(at.manager->begin_epoch(actor));
    connect();
  }
  // The other one refuses it until an operator there has accepted it.
  void accept(ModelServer& restored, ModelServer& at) {
    ASSERT_FALSE(send(restored, at));
    ASSERT_TRUE(at.refused);
    ASSERT_TRUE(at.keystore->write(
        [&](store::Transaction& t) -> Status { return accept_restored(t, at.parties, actor, *at.refused); }));
  }

  static Result<DataKey> take(ModelServer& at, std::string_view group) {
    std::optional<DataKey> key;
    TRY(at.keystore->write([&](store::Transaction& t) -> Status {
      key = TRY(at.manager->groups().take_next(t, group));
      return {};
    }));
    return *key;
  }
  static std::size_t key_count(ModelServer& at) {
    return at.manager->list_keys("", std::nullopt, {1000}).value().items.size();
  }
  static std::size_t conflict_count(ModelServer& at) {
    return at.manager->list_conflicts(false, {}).value().items.size();
  }

  const Actor actor = Actor::system();
  SimEnv sim{1};
  ModelServer a{sim, 1};
  ModelServer b{sim, 2};
};

}  // namespace tapewarden::keymgr::testing
