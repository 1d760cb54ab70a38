// Two key servers that a test drives step by step: real keystores, merge rules and ends of the protocol; the
// wire is the test's. One thread.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "keymgr/custody/replication_ends.h"
#include "keymgr/custody/testing/pair_end.h"
#include "keymgr/key_manager.h"
#include "keymgr/tables.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr::testing {

using store::testing::MemoryCommitLog;
using store::testing::Storage;
using store::testing::TemporaryDirectory;
using tapewarden::testing::SimEnv;

class ModelPeer final : public PeerView {
 public:
  bool configured() const override { return true; }
  bool connected() const override { return in_step; }
  std::uint64_t acknowledged_commit() const override { return acknowledged; }
  bool in_step = false;
  std::uint64_t acknowledged = 0;
};

struct ModelServer {
  ModelServer(SimEnv& sim_env, std::uint8_t number) : sim(sim_env) {
    id.bytes.fill(number);
    path = directory.file("keystore.db");
    open();
  }
  ~ModelServer() { close(); }

  void open() {
    store::KeystoreOptions options;
    options.path = path;
    options.server = id;
    options.tables = tables();
    for (const auto* table : progress_tables()) options.tables.push_back(table);
    options.verify_at_open_limit = 1;
    auto opened =
        store::Keystore::open(env(), options, crypto::SecretBytes::copy_of(Bytes(32, id.bytes[0])), log);
    ASSERT_TRUE(opened) << opened.error().text();
    keystore = std::move(*opened);
    auto made = KeyManager::open(env(), *keystore, id, {"server", 2048});
    ASSERT_TRUE(made) << made.error().text();
    manager = std::move(*made);
    peer = ModelPeer();
    manager->set_peer(&peer);
  }
  void close() {
    sender.reset();
    receiver.reset();
    session.reset();
    manager.reset();
    keystore.reset();
  }
  void meet(const ModelServer& other) {
    parties = parties_of(*manager, *other.manager);
    parties.held = [this](std::span<const HeldKey> keys) { return manager->note_held(keys); };
    parties.raise_peer = [this](store::Transaction& t, const Actor& actor, std::int64_t epoch) {
      return raise_epoch_above(t, manager->context(), actor, parties.peer, epoch);
    };
    sender = std::make_unique<ChangeSender>(env(), *keystore, parties);
    receiver = std::make_unique<ChangeReceiver>(*keystore, parties);
    session.reset();
  }
  PeerProgress progress() const {
    PeerProgress out;
    EXPECT_TRUE(keystore->read([&](store::Reader& reader) -> Status {
      out = TRY(read_progress(reader, parties));
      return {};
    }));
    return out;
  }

  // Clock and random bytes are the model's; the keystore's file is a real one.
  Env env() { return {&sim.clock, &disk, &sim.random, &sim.executor}; }

  SimEnv& sim;
  RealDisk disk;
  TemporaryDirectory directory{Storage::kMemory};
  MemoryCommitLog log;
  Uuid id;
  std::string path;
  std::unique_ptr<store::Keystore> keystore;
  std::unique_ptr<KeyManager> manager;
  ModelPeer peer;
  PairParties parties;
  std::unique_ptr<ChangeSender> sender;
  std::unique_ptr<ChangeReceiver> receiver;
  std::shared_ptr<ChangeReceiver::Session> session;
  std::optional<Incarnation> refused;

  // An older copy of everything, for a restore.
  struct Copy {
    std::string path;
    MemoryCommitLog log;
    std::uint64_t commit = 0;
  };
  std::unique_ptr<Copy> copy;
};

}  // namespace tapewarden::keymgr::testing
