// Keys that go to another site: the export of a file, its import where none of the keys is known, and the
// same import again, which changes nothing. TAPEWARDEN_BENCH_SHARED sets another number of keys than 100,000;
// only that number has a goal.
#include <cstdlib>

#include "harness.h"
#include "key_server.h"
#include "keymgr/sharing/key_export.h"
#include "keymgr/sharing/key_import.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"

namespace tapewarden::bench {
namespace {

namespace sharing = keymgr::sharing;

constexpr std::uint64_t kKeysPerTransaction = 2000;
constexpr double kGoalSeconds = 30;

std::uint64_t keys_wanted() {
  const char* text = std::getenv("TAPEWARDEN_BENCH_SHARED");
  const std::uint64_t wanted =
      text == nullptr ? sharing::kMaximumSharedKeys : std::strtoull(text, nullptr, 10);
  return std::min<std::uint64_t>(wanted, sharing::kMaximumSharedKeys);
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

void introduce(KeyServer& here, KeyServer& other, const std::string& name) {
  const auto own = must(sharing::give_own_certificate(other.manager(), officer(), {}));
  must(sharing::put_partner(here.manager(), officer(), name, must(own.bundle()), false));
  must(sharing::confirm_partner(here.manager(), officer(), name, to_hex(own.fingerprint()), ""));
}

Figure figure(const std::string& what, std::uint64_t keys, double seconds, bool has_goal) {
  Figure out;
  out.name = what + "-" + std::to_string(keys) + "-keys";
  out.value = seconds;
  out.unit = "s";
  if (has_goal && keys == sharing::kMaximumSharedKeys) out.goal = kGoalSeconds;
  out.better = Better::kLower;
  return out;
}

Figures shared_keys() {
  const std::uint64_t keys = keys_wanted();
  KeyServer source;
  KeyServer destination;
  fill(source, keys);
  introduce(source, destination, "DESTINATION");
  introduce(destination, source, "SOURCE");
  const keymgr::Consent consent{"second", [](store::Transaction&) -> Status { return {}; }};
  sharing::ExportOrder order{"DESTINATION", {.groups = {"BENCH"}, .unused = true}};
  Figures out;
  Bytes file;
  const double given = seconds_of(
      [&] { file = must(sharing::export_keys(source.manager(), officer(), order, consent)).file; });
  out.push_back(figure("export", keys, given, false));
  const auto import = [&](std::size_t wanted) {
    const auto report = must(sharing::import_keys(destination.manager(), officer(), file, false));
    if (report.added != wanted) throw std::runtime_error("another number of keys was added than exported");
  };
  out.push_back(figure("import", keys, seconds_of([&] { import(keys); }), true));
  out.push_back(figure("import-again", keys, seconds_of([&] { import(0); }), true));
  return out;
}

const Registrar kSharing("shared-keys", "export of 100,000 keys to a partner, and their import", shared_keys);

}  // namespace
}  // namespace tapewarden::bench
