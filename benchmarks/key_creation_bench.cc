// Data keys made durably, many at once, against a database that commits each by itself.
#include "base/bytes.h"
#include "flight.h"
#include "harness.h"
#include "key_server.h"
#include "store/sqlite/connection.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kKeys = 2000;
constexpr unsigned kLoneCommits = 300;
constexpr unsigned kInFlight = 64;
constexpr unsigned kRounds = 3;
constexpr std::size_t kRowBytes = 400;  // about what a key's row and its audit record take

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

double commits_a_second(store::sqlite::Connection& database, ByteView row) {
  auto insert = must(database.prepare("INSERT INTO lone(content) VALUES (?)"));
  return kLoneCommits / seconds_of([&] {
           for (unsigned i = 0; i < kLoneCommits; ++i) {
             const store::sqlite::Use use(insert);
             use->bind_blob(1, row);
             must(use->run());
           }
         });
}

Figures key_creation() {
  KeyServer server;
  const Folder folder;
  const auto database =
      must(store::sqlite::Connection::open(folder / "lone.db", store::sqlite::Access::kCreate));
  must(
      database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                        "CREATE TABLE lone(id INTEGER PRIMARY KEY, content BLOB)"));
  const bool as_said = must(database->text_of("PRAGMA journal_mode")) == "wal" &&
                       must(database->integer_of("PRAGMA synchronous")) == 2;
  if (!as_said) throw std::runtime_error("the yardstick's database is not WAL with synchronous=FULL");
  const Bytes row(kRowBytes, 0x5A);
  const auto pair = measure_in_turn(
      kRounds, [&] { return keys_a_second(server); }, [&] { return commits_a_second(*database, row); });
  return {{"durable-key-creation", pair.value, "keys/s", pair.yardstick, 2.0}};
}

const Registrar kKeyCreation("durable-key-creation",
                             "data keys made durably, one a transaction, 64 in flight", key_creation);

}  // namespace
}  // namespace tapewarden::bench
