#include "keymgr/custody/replicator.h"

#include <future>
#include <gtest/gtest.h>

#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr {
namespace {

using store::testing::MemoryCommitLog;
using store::testing::RealEnv;
using store::testing::TemporaryDirectory;

const store::TableSpec kThings{
    .name = "thing",
    .columns = {{"name", store::ColumnType::kText, store::ColumnRole::kKey},
                {"value", store::ColumnType::kInteger},
                {"secret", store::ColumnType::kBlob, store::ColumnRole::kSecret}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = true,
};

Uuid id(std::uint8_t fill) {
  return Uuid::from(Bytes(16, fill));
}

// The way between two replicators of one process; the test can cut it.
class Wire final : public PeerLink {
 public:
  Result<Bytes> post(std::string_view path, ByteView body) override {
    if (cut) return fail(ErrorCode::kUnavailable, "the wire is cut");
    if (to == nullptr) return fail(ErrorCode::kUnavailable, "nobody there");
    ++calls;
    if (path == "hello") return to.load()->handle_hello(body);
    if (path == "changes") last_changes = to_bytes(body);
    if (path == "changes") {
      const MutexLock lock(mutex);
      while (hold) released.wait(mutex);
    }
    std::promise<Result<Bytes>> answered;
    to.load()->handle_changes(to_bytes(body),
                              [&](Result<Bytes> answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }
  std::atomic<Replicator*> to = nullptr;
  std::atomic<bool> cut = false;
  std::atomic<int> calls = 0;
  // Messages with changes stay on their way until then.
  void set_hold(bool wanted) {
    const MutexLock lock(mutex);
    hold = wanted;
    released.notify_all();
  }
  Bytes last_changes;
  Mutex mutex;
  CondVar released;
  bool hold = false;
};

struct Node {
  explicit Node(std::uint8_t number) : server(id(number)) {}
  RealEnv real;
  TemporaryDirectory directory;
  MemoryCommitLog log;
  Uuid server;
  crypto::PrivateKey signing = crypto::PrivateKey::generate_p256();
  crypto::PrivateKey exchange = crypto::PrivateKey::generate_rsa(2048);
  std::unique_ptr<store::Keystore> keystore;
  Wire wire;
  std::unique_ptr<Replicator> replicator;

  void open() {
    store::KeystoreOptions options;
    options.path = directory.file("keystore.db");
    options.server = server;
    options.tables = Replicator::tables();
    options.tables.push_back(&kThings);
    auto opened = store::Keystore::open(real.env(), options,
                                        crypto::SecretBytes::copy_of(Bytes(32, server.bytes[0])), log);
    ASSERT_TRUE(opened) << opened.error().text();
    keystore = std::move(*opened);
  }
  void replicate_to(const Node& peer) {
    ReplicatorOptions options;
    options.parties.self = server;
    options.parties.peer = peer.server;
    options.peer_name = "peer";
    options.parties.signing_key = signing;
    options.parties.exchange_key = exchange;
    options.parties.peer_signing_key = peer.signing.public_key();
    options.parties.peer_exchange_key = peer.exchange.public_key();
    options.keepalive = std::chrono::milliseconds(5);
    options.retry = std::chrono::milliseconds(5);
    replicator = std::make_unique<Replicator>(real.env(), *keystore, std::move(options), wire);
  }
  Result<store::CommitInfo> put(const std::string& name, std::int64_t value) const {
    return keystore->write([&](store::Transaction& t) -> Status {
      const store::Value key = name;
      Bytes box =
          t.seal(kThings, {&key, 1}, "secret", crypto::SecretBytes::copy_of(as_bytes("secret of " + name)));
      return t.put(kThings, {name, value, std::move(box)});
    });
  }
  std::int64_t value(const std::string& name) const {
    std::int64_t out = -1;
    EXPECT_TRUE(keystore->read([&](store::Reader& reader) -> Status {
      const auto row = TRY(reader.get(kThings, {name}));
      if (!row) return {};
      const auto secret = TRY(reader.unseal(kThings, *row, 2));
      EXPECT_EQ(as_text(secret.reveal()), "secret of " + name);
      out = store::integer(*row, 1);
      return {};
    }));
    return out;
  }
};

struct Pair {
  Node a{1};
  Node b{2};
  Pair() {
    a.open();
    b.open();
    link();
  }
  ~Pair() { unlink(); }
  void link() {
    a.replicate_to(b);
    b.replicate_to(a);
    a.wire.to = b.replicator.get();
    b.wire.to = a.replicator.get();
    EXPECT_TRUE(a.replicator->start());
    EXPECT_TRUE(b.replicator->start());
  }
  void unlink() {
    a.wire.to = nullptr;
    b.wire.to = nullptr;
    if (a.replicator) a.replicator->stop();
    if (b.replicator) b.replicator->stop();
    a.keystore.reset();
    b.keystore.reset();
    a.replicator.reset();
    b.replicator.reset();
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool in_step() {
    return eventually([&] { return a.replicator->connected() && b.replicator->connected(); });
  }
};

TEST(Replicator, K19_AcknowledgedMeansThePeerHasIt) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  for (int i = 0; i < 50; ++i) {
    const std::string name = "n" + std::to_string(i);
    const auto done = pair.a.put(name, i);
    ASSERT_TRUE(done);
    // No waiting: the acknowledgement itself is the promise.
    EXPECT_EQ(pair.b.value(name), i);
    EXPECT_GE(pair.a.replicator->acknowledged_commit(), done->sequence);
  }
}

TEST(Replicator, K19_BothWriteAtOnceAndMeet) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(pair.b.put("b" + std::to_string(i), i));
  });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pair.a.put("a" + std::to_string(i), i));
  other.join();
  EXPECT_EQ(pair.a.value("b99"), 99);
  EXPECT_EQ(pair.b.value("a99"), 99);
  EXPECT_EQ(pair.a.replicator->state().conflicts, 0U);
}

// R3: else two servers that both wait for the other would wait for ever.
TEST(Replicator, K19_AServerAnswersItsPeerWhileItsOwnCommitWaits) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  pair.a.wire.set_hold(true);
  auto waiting = std::async(std::launch::async, [&] { return pair.a.put("mine", 1).has_value(); });
  ASSERT_TRUE(Pair::eventually([&] { return pair.a.value("mine") == 1; }));  // durable here, not there
  for (int i = 0; i < 20; ++i) {
    const std::string name = "theirs" + std::to_string(i);
    ASSERT_TRUE(pair.b.put(name, i));  // acknowledged, though a has a commit at its gate
    EXPECT_EQ(pair.a.value(name), i);
  }
  EXPECT_EQ(pair.b.value("mine"), -1);
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  pair.a.wire.set_hold(false);
  EXPECT_TRUE(waiting.get());
  EXPECT_EQ(pair.b.value("mine"), 1);
}

TEST(Replicator, K19_AnIdlePairMakesNoCommits) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("x", 1));
  ASSERT_TRUE(pair.b.put("y", 1));
  // Keep-alives go on (every 5 ms here) while the heads stand still, but for one note of progress a second
  // each.
  const int calls = pair.a.wire.calls;
  const auto a = pair.a.keystore->head().sequence;
  const auto b = pair.b.keystore->head().sequence;
  ASSERT_TRUE(Pair::eventually([&] { return pair.a.wire.calls > calls + 50; }));
  EXPECT_LE(pair.a.keystore->head().sequence, a + 3);
  EXPECT_LE(pair.b.keystore->head().sequence, b + 3);
}

TEST(Replicator, K19_GoesOnAloneAndCatchesUp) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("before", 1));
  const auto held = pair.a.replicator->acknowledged_commit();
  pair.a.wire.cut = true;
  ASSERT_TRUE(Pair::eventually([&] { return !pair.a.replicator->connected(); }));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pair.a.put("alone" + std::to_string(i), i));
  EXPECT_EQ(pair.b.value("alone19"), -1);
  EXPECT_LT(pair.a.replicator->acknowledged_commit(), held + 20);
  pair.a.wire.cut = false;
  ASSERT_TRUE(Pair::eventually([&] { return pair.b.value("alone19") == 19; }));
  EXPECT_EQ(pair.b.value("alone0"), 0);
}

TEST(Replicator, K19_AWaitingCommitPassesWhenThePeerDies) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  pair.a.wire.cut = true;
  EXPECT_TRUE(pair.a.put("x", 1));  // returns although nobody will ever acknowledge it
}

TEST(Replicator, K19_ProgressSurvivesARestart) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("x", 1));
  pair.unlink();
  pair.a.open();
  pair.b.open();
  pair.link();
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("y", 2));
  EXPECT_EQ(pair.b.value("x"), 1);
  EXPECT_EQ(pair.b.value("y"), 2);
}

TEST(Replicator, K19_ARolledBackServerIsToldAndStops) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("x", 1));
  // The peer remembers this head; then server a comes back with a keystore that never knew it.
  const std::string path = pair.a.directory.file("keystore.db");
  ASSERT_TRUE(pair.a.put("y", 2));
  pair.unlink();
  for (const char* suffix : {"", "-wal", "-shm"}) (void)RealDisk().remove(path + suffix);
  Node fresh(1);
  fresh.signing = pair.a.signing;
  fresh.exchange = pair.a.exchange;
  fresh.open();
  pair.b.open();
  fresh.replicate_to(pair.b);
  pair.b.replicate_to(fresh);
  fresh.wire.to = pair.b.replicator.get();
  ASSERT_TRUE(pair.b.replicator->start());
  ASSERT_TRUE(fresh.replicator->start());
  EXPECT_TRUE(Pair::eventually([&] { return fresh.replicator->state().rolled_back; }));
  EXPECT_EQ(fresh.replicator->acknowledged_commit(), 0U);
  EXPECT_NE(fresh.replicator->state().last_error.find("old copy"), std::string::npos);
  fresh.wire.to = nullptr;
  fresh.replicator->stop();
}

TEST(Replicator, K19_StrangersAndForgeriesAreRefused) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  ASSERT_TRUE(pair.a.put("x", 1));
  Bytes changed = pair.a.wire.last_changes;
  const auto send = [&](Bytes body) {
    std::promise<Result<Bytes>> answered;
    pair.b.replicator->handle_changes(std::move(body),
                                      [&](Result<Bytes> a) { answered.set_value(std::move(a)); });
    return answered.get_future().get();
  };
  for (std::size_t i = 0; i < changed.size(); i += 7) {
    Bytes bad = changed;
    bad[i] ^= 0x20;
    EXPECT_FALSE(send(bad)) << i;
  }
  for (std::size_t cut : {std::size_t{0}, std::size_t{10}, changed.size() - 1}) {
    EXPECT_FALSE(send(Bytes(changed.begin(), changed.begin() + static_cast<std::ptrdiff_t>(cut))));
  }
  ReplicationHello hello;
  hello.sender = pair.a.server;
  hello.receiver = pair.b.server;
  hello.session = id(9);
  hello.wrapped_key = Bytes(256, 1);
  hello.signature = crypto::PrivateKey::generate_p256().sign(hello.signed_part());
  const auto forged = pair.b.replicator->handle_hello(hello.encode());
  ASSERT_FALSE(forged);
  EXPECT_EQ(forged.error().code, ErrorCode::kUnauthenticated);
  hello.sender = id(7);
  EXPECT_FALSE(pair.b.replicator->handle_hello(hello.encode()));
}

TEST(Replicator, K19_TheOlderOfTwoRowsLosesAndIsCounted) {
  Pair pair;
  ASSERT_TRUE(pair.in_step());
  pair.a.wire.cut = true;
  pair.b.wire.cut = true;
  ASSERT_TRUE(
      Pair::eventually([&] { return !pair.a.replicator->connected() && !pair.b.replicator->connected(); }));
  ASSERT_TRUE(pair.a.put("same", 1));
  ASSERT_TRUE(pair.b.put("same", 2));
  pair.a.wire.cut = false;
  pair.b.wire.cut = false;
  ASSERT_TRUE(Pair::eventually([&] { return pair.a.value("same") == pair.b.value("same"); }));
  EXPECT_TRUE(Pair::eventually(
      [&] { return pair.a.replicator->state().conflicts + pair.b.replicator->state().conflicts >= 1; }));
  EXPECT_EQ(pair.a.value("same"), 2);  // equal versions: the higher server id
}

}  // namespace
}  // namespace tapewarden::keymgr
