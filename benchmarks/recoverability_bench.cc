// Recoverability over a million cartridges, each with a key of its own: reading the ledger once after a
// start, then answers. TAPEWARDEN_BENCH_LEDGER sets another number than 1,000,000; only that number has
// goals.
#include <cstdlib>

#include "harness.h"
#include "key_server.h"
#include "keymgr/recoverability/service.h"

namespace tapewarden::bench {
namespace {

namespace recoverability = keymgr::recoverability;

constexpr std::uint64_t kCartridges = 1'000'000;
constexpr std::uint64_t kRowsPerTransaction = 2000;
constexpr double kGoalReadSeconds = 120;
constexpr double kGoalAnswerSeconds = 1;
constexpr double kGoalMegabytes = 400;

std::uint64_t cartridges_wanted() {
  const char* text = std::getenv("TAPEWARDEN_BENCH_LEDGER");
  return text == nullptr ? kCartridges : std::strtoull(text, nullptr, 10);
}

// What a drive's write leaves: a key of the group, and its entry in the ledger.
void add_rows(KeyServer& server, std::uint64_t cartridges) {
  auto& manager = server.manager();
  Env env = server.env();
  for (std::uint64_t made = 0; made < cartridges; made += kRowsPerTransaction) {
    must(server.keystore().write([&](store::Transaction& transaction) -> Status {
      const auto keys = TRY(manager.keys().generate(
          transaction, officer(), std::min(kRowsPerTransaction, cartridges - made), "BEN", "BENCH"));
      for (std::size_t i = 0; i < keys.size(); ++i) {
        keymgr::LedgerEntry entry;
        entry.volser = "B" + std::to_string(made + i);
        entry.volume = Uuid::random(*env.random);
        entry.alias = keys[i].alias;
        entry.dki = to_bytes(keys[i].dki.view());
        entry.group = "BENCH";
        entry.drive = "000000000001";
        TRY(manager.ledger().add(transaction, std::move(entry)));
      }
      return {};
    }));
  }
}

Figure figure(const std::string& what, double value, const std::string& unit, std::uint64_t cartridges,
              double goal) {
  Figure out;
  out.name = what + "-" + std::to_string(cartridges) + "-cartridges";
  out.value = value;
  out.unit = unit;
  if (cartridges == kCartridges) out.goal = goal;
  out.better = Better::kLower;
  return out;
}

Figures recoverability_million() {
  const std::uint64_t cartridges = cartridges_wanted();
  KeyServer server;
  must(server.manager().create_group(officer(), "BENCH", {}));
  add_rows(server, cartridges);
  recoverability::ServiceOptions options;
  options.server_name = "bench";
  options.peer = [&]() -> std::optional<recoverability::PeerFacts> {
    recoverability::PeerFacts peer;
    peer.name = "other";
    peer.acknowledged = server.keystore().head().sequence / 2;
    peer.in_step = true;
    return peer;
  };
  recoverability::Service service(server.manager(), std::move(options));
  Figures out;
  const double before = megabytes_in_use();
  out.push_back(
      figure("read-in", seconds_of([&] { must(service.watch()); }), "s", cartridges, kGoalReadSeconds));
  out.push_back(figure("memory", megabytes_in_use() - before, "MB", cartridges, kGoalMegabytes));
  const auto ask = [&](recoverability::Question question, std::int64_t least) {
    const auto found = must(service.cartridges(question, {}));
    if (found.total < least) throw std::runtime_error("fewer cartridges were found than there are");
  };
  const auto all = static_cast<std::int64_t>(cartridges);
  out.push_back(
      figure("weakest-page", seconds_of([&] { ask({}, all); }), "s", cartridges, kGoalAnswerSeconds));
  out.push_back(figure("without-a-server", seconds_of([&] { ask({.without = {"server:bench"}}, all / 3); }),
                       "s", cartridges, kGoalAnswerSeconds));
  add_rows(server, 1);
  out.push_back(figure("page-after-a-write", seconds_of([&] { ask({}, all + 1); }), "s", cartridges,
                       kGoalAnswerSeconds));
  return out;
}

const Registrar kRecoverability("recoverability-million", "where the keys of a million cartridges can be had",
                                recoverability_million);

}  // namespace
}  // namespace tapewarden::bench
