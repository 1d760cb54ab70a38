// Two installations that were made apart become a pair: the time from their first contact until each holds
// all that the other has and both are in step. The messages are the real ones; between the two lies no
// network. TAPEWARDEN_BENCH_MERGED sets another number of keys than 100,000; only that number has a goal.
#include <chrono>
#include <cstdlib>
#include <thread>

#include "harness.h"
#include "key_server.h"
#include "keymgr/custody/testing/pair_end.h"

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

struct Side : keymgr::testing::PairEnd {
  Side(KeyServer& with, KeyServer& other) : server(with) {
    meet(server.env(), server.keystore(), server.manager(), other.manager());
  }
  KeyServer& server;
};

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
    connect(a, b);
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
    disconnect(a, b);
    for (Side* side : {&a, &b}) side->part(side->server.keystore());
  }
  return out;
}

const Registrar kMerge("merge-100k-keys", "two installations of which one has 100,000 keys become a pair",
                       merge);

}  // namespace
}  // namespace tapewarden::bench
