// Data keys made durably, many at once, against a database that commits each by itself.
#include "flight.h"
#include "harness.h"
#include "key_server.h"
#include "lone_commits.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kKeys = 2000;
constexpr unsigned kInFlight = 64;
constexpr unsigned kRounds = 3;

// One key a transaction; each is acknowledged when keystore and audit record are on the disk.
double keys_a_second(KeyServer& server) {
  Flight flight(kInFlight);
  return kKeys / seconds_of([&] {
           for (unsigned i = 0; i < kKeys; ++i) {
             flight.start();
             server.keystore().submit(
                 [&](store::Transaction& transaction) -> Status {
                   TRY(server.manager().keys().generate(transaction, officer(), 1, "BEN", ""));
                   return {};
                 },
                 [&flight](const Result<store::CommitInfo>& done) {
                   flight.done(done ? Status() : std::unexpected(done.error()));
                 });
           }
           flight.land();
         });
}

Figures key_creation() {
  KeyServer server;
  LoneCommits lone;
  const auto pair =
      measure_in_turn(kRounds, [&] { return keys_a_second(server); }, [&] { return lone.a_second(); });
  return {{"durable-key-creation", pair.value, "keys/s", pair.yardstick, 2.0}};
}

const Registrar kKeyCreation("durable-key-creation",
                             "data keys made durably, one a transaction, 64 in flight", key_creation);

}  // namespace
}  // namespace tapewarden::bench
