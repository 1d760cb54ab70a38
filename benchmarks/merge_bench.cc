// Two installations that were made apart become a pair: the time from their first contact until each holds
// all that the other has and both are in step. The messages are the real ones; between the two lies no
// network. TAPEWARDEN_BENCH_MERGED sets another number of keys than 100,000; only that number has a goal.
#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "harness.h"
#include "key_server.h"
#include "keymgr/custody/comparer.h"
#include "keymgr/custody/rewrite.h"
#include "keymgr/epoch.h"

namespace tapewarden::bench {
namespace {

constexpr std::uint64_t kAllKeys = 100'000;
constexpr std::uint64_t kKeysPerTransaction = 2000;
constexpr double kGoalSeconds = 30;
constexpr std::chrono::minutes kPatience{10};

std::uint64_t keys_wanted() {
  const char* text = std::getenv("TAPEWARDEN_BENCH_MERGED");
  return text == nullptr ? kAllKeys : std::strtoull(text, nullptr, 10);
}

void fill(KeyServer& server, std::uint64_t keys) {
  must(server.manager().create_group(officer(), "BENCH", {}));
  for (std::uint64_t made = 0; made < keys; made += kKeysPerTransaction) {
    must(server.keystore().write([&](store::Transaction& transaction) -> Status {
      TRY(server.manager().keys().generate(transaction, officer(), std::min(kKeysPerTransaction, keys - made),
                                           "BEN", "BENCH"));
      return {};
    }));
  }
}

struct Side;

class Wire final : public keymgr::PeerLink {
 public:
  Result<Bytes> post(std::string_view path, ByteView body) override;
  std::atomic<Side*> to = nullptr;
};

struct Side {
  Side(KeyServer& with, KeyServer& other) : server(with), id(with.manager().context().server) {
    keymgr::ReplicatorOptions options;
    options.peer_name = "peer";
    keymgr::PairParties& parties = options.parties;
    const auto& mine = server.manager().context();
    const auto& theirs = other.manager().context();
    parties.self = mine.server;
    parties.peer = theirs.server;
    parties.signing_key = mine.signing_key;
    parties.exchange_key = mine.exchange_key;
    parties.peer_signing_key = theirs.signing_key.public_key();
    parties.peer_exchange_key = theirs.exchange_key.public_key();
    parties.take_in = [this](store::Transaction& t, const store::ApplyReport& report) {
      return server.manager().take_in(t, report);
    };
    parties.refused = [this](store::Transaction& t, std::span<const keymgr::RefusedRow> rows) {
      return server.manager().note_refused(t, rows);
    };
    parties.rewritten = keymgr::rewritten_tables();
    parties.now = [this] { return server.env().clock->wall_now(); };
    parties.incarnation = [this](store::Reader& reader) { return keymgr::own_incarnation(reader, id); };
    replicator =
        std::make_unique<keymgr::Replicator>(server.env(), server.keystore(), std::move(options), wire);
    keymgr::ComparerOptions comparing;
    comparing.self = mine.server;
    comparing.peer = theirs.server;
    comparing.peer_name = "peer";
    comparer = std::make_unique<keymgr::Comparer>(server.env(), server.manager(), *replicator, wire,
                                                  std::move(comparing));
  }

  KeyServer& server;
  const Uuid id;
  Wire wire;
  std::unique_ptr<keymgr::Replicator> replicator;
  std::unique_ptr<keymgr::Comparer> comparer;
};

Result<Bytes> Wire::post(std::string_view path, ByteView body) {
  Side* other = to;
  if (other == nullptr) return fail(ErrorCode::kUnavailable, "not connected");
  if (path == "hello") return other->replicator->handle_hello(body);
  if (path == "compare") return other->comparer->handle_question(body);
  std::promise<Result<Bytes>> answered;
  const auto done = [&](Result<Bytes> answer) { answered.set_value(std::move(answer)); };
  if (path == "compared") {
    other->comparer->handle_report(body, done);
  } else {
    other->replicator->handle_changes(to_bytes(body), done);
  }
  return answered.get_future().get();
}

void wait_in_step(const Side& a, const Side& b) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!a.replicator->marks().in_step || !b.replicator->marks().in_step ||
         a.replicator->marks().acknowledged == 0 || b.replicator->marks().acknowledged == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the two do not come into step: " + a.replicator->state().last_error + "; " +
                               b.replicator->state().last_error);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

Figures merge() {
  const std::uint64_t keys = keys_wanted();
  KeyServer first;
  KeyServer second;
  fill(first, keys);
  fill(second, keys / 100);
  Figures out;
  {
    Side a(first, second);
    Side b(second, first);
    a.wire.to = &b;
    b.wire.to = &a;
    const double merged = seconds_of([&] {
      must(a.replicator->start());
      must(b.replicator->start());
      wait_in_step(a, b);
    });
    out.push_back({"merge-" + std::to_string(keys) + "-keys", merged, "s", {}, {}, Better::kLower});
    if (keys == kAllKeys) out.back().goal = kGoalSeconds;
    must(a.comparer->start());
    must(b.comparer->start());
    const double compared = seconds_of([&] {
      const auto report = must(a.comparer->compare(officer(), kPatience));
      if (!report || !report->agrees()) throw std::runtime_error("the two do not hold the same");
    });
    out.push_back({"compare-" + std::to_string(keys) + "-keys", compared, "s", {}, {}, Better::kLower});
    for (Side* side : {&a, &b}) side->comparer->stop();
    for (Side* side : {&a, &b}) side->replicator->stop();
    for (Side* side : {&a, &b}) {
      side->server.keystore().set_gate(nullptr);
      (void)side->server.keystore().write([](store::Transaction&) -> Status { return {}; });
    }
    a.wire.to = b.wire.to = nullptr;
  }
  return out;
}

const Registrar kMerge("merge-100k-keys", "two installations of which one has 100,000 keys become a pair",
                       merge);

}  // namespace
}  // namespace tapewarden::bench
