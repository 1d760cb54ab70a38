// Backups of a large keystore while it serves: a full base, its verification by a scratch restore, and the
// restore into a new server. TAPEWARDEN_BENCH_KEYS sets another number of keys than a million; only the
// million has goals.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "harness.h"
#include "key_server.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/custody/backup/service.h"

namespace tapewarden::bench {
namespace {

namespace backup = keymgr::backup;

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kKeysPerTransaction = 2000;
constexpr double kGoalSeconds = 30;
constexpr auto kBetweenCommits = std::chrono::milliseconds{5};
constexpr std::string_view kPassphrase = "a passphrase for measuring";
constexpr crypto::ScryptCost kCost{1024, 8, 1};  // scrypt's own time is not what is measured

std::uint64_t keys_wanted() {
  const char* text = std::getenv("TAPEWARDEN_BENCH_KEYS");
  return text == nullptr ? kMillion : std::strtoull(text, nullptr, 10);
}

void fill(KeyServer& server, std::uint64_t keys) {
  for (std::uint64_t made = 0; made < keys; made += kKeysPerTransaction) {
    must(server.keystore().write([&](store::Transaction& transaction) -> Status {
      TRY(server.manager().keys().generate(transaction, officer(), std::min(kKeysPerTransaction, keys - made),
                                           "BEN", ""));
      return {};
    }));
  }
}

// Goes on making keys while something else is measured.
class Serving {
 public:
  explicit Serving(KeyServer& server)
      : thread_([this, &server] {
          while (!stop_) {
            must(server.keystore().write([&](store::Transaction& transaction) -> Status {
              TRY(server.manager().keys().generate(transaction, officer(), 1, "BEN", ""));
              return {};
            }));
            std::this_thread::sleep_for(kBetweenCommits);
          }
        }) {}
  ~Serving() {
    stop_ = true;
    thread_.join();
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Figure figure(const std::string& what, std::uint64_t keys, double seconds) {
  Figure out;
  out.name = what + (keys == kMillion ? "-million-keys" : "-" + std::to_string(keys) + "-keys");
  out.value = seconds;
  out.unit = "s";
  if (keys == kMillion) out.goal = kGoalSeconds;
  out.better = Better::kLower;
  return out;
}

void restore(KeyServer& server, const std::string& from, const std::string& to) {
  const auto passphrase = crypto::SecretBytes::copy_of(as_bytes(kPassphrase));
  backup::Opener opener(passphrase.clone());
  backup::RestoreOptions options;
  options.from = {from};
  options.opener = &opener;
  options.trust.key = server.manager().context().signing_key.public_key();
  options.to = to;
  options.new_passphrase = &passphrase;
  options.new_cost = kCost;
  options.tables = apps::keyd_tables();
  options.write_site = [](const std::string&, const backup::FileHeader&,
                          std::vector<backup::SiteFile>) -> Status { return {}; };
  must(backup::restore(server.env(), options));
}

Figures backups() {
  const std::uint64_t keys = keys_wanted();
  KeyServer server;
  const Folder folder;
  const Folder target;
  fill(server, keys);
  backup::ServiceOptions options;
  options.server_name = "bench";
  options.keystore_path = folder / "none/keystore.db";
  options.scratch_directory = folder / "scratch";
  options.tables = apps::keyd_tables();
  backup::Service service(server.manager(), options);
  const auto passphrase = crypto::SecretBytes::copy_of(as_bytes(kPassphrase));
  backup::TargetSpec spec;
  spec.name = "bench";
  spec.directory = target / "files";
  spec.domain = "bench";
  spec.passphrase = &passphrase;
  spec.cost = kCost;
  must(server.env().disk->make_directories(spec.directory));
  must(service.add_target(officer(), spec));
  Figures out;
  {
    const Serving serving(server);
    out.push_back(figure("backup", keys, seconds_of([&] { must(service.run(officer(), "bench", false)); })));
    out.push_back(
        figure("backup-increment", 0, seconds_of([&] { must(service.run(officer(), "bench", false)); })));
    out.back().name = "backup-increment";
    out.push_back(figure("verify", keys, seconds_of([&] { must(service.verify(officer(), "bench")); })));
  }
  out.push_back(
      figure("restore", keys, seconds_of([&] { restore(server, spec.directory, folder / "site"); })));
  return out;
}

const Registrar kBackups("backup-million-keys", "backup, verification and restore of a large keystore",
                         backups);

}  // namespace
}  // namespace tapewarden::bench
