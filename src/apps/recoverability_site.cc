#include "apps/recoverability_site.h"

#include <sys/resource.h>

#include "apps/log.h"

namespace tapewarden::apps {

namespace {

constexpr int kPoliteness = 10;  // serving goes first
constexpr std::chrono::milliseconds kFirstLook{500};
constexpr std::chrono::milliseconds kLookEvery{3000};
constexpr std::chrono::milliseconds kCheckEvery{2000};

keymgr::recoverability::ServiceOptions options_of(const KeydConfig& config, keymgr::backup::Service* backups,
                                                  PeerFactsNow peer) {
  keymgr::recoverability::ServiceOptions out;
  out.server_name = config.server_name;
  out.backups = backups;
  out.peer = std::move(peer);
  out.log = [](const std::string& line) { log(LogLevel::kWarning, line); };
  return out;
}

// The same fault is told once, not at each look.
std::function<void()> told(std::string what, std::function<Status()> work) {
  return [what = std::move(what), work = std::move(work), last = std::string()]() mutable {
    (void)::setpriority(PRIO_PROCESS, 0, kPoliteness);  // on Linux: of this thread alone
    const Status done = work();
    const std::string now = done ? std::string() : done.error().text();
    if (now != last && !now.empty()) log(LogLevel::kWarning, what + ": " + now);
    last = now;
  };
}

}  // namespace

RecoverabilitySite::RecoverabilitySite(keymgr::KeyManager& manager, const KeydConfig& config,
                                       keymgr::backup::Service* backups, PeerFactsNow peer)
    : service_(manager, options_of(config, backups, std::move(peer))) {}

void RecoverabilitySite::start() {
  watch_ = std::make_unique<Ticker>(kFirstLook, kLookEvery,
                                    told("recoverability", [this] { return service_.watch(); }));
  check_ = std::make_unique<Ticker>(kCheckEvery, told("the self-check", [this] { return service_.check(); }));
}

void RecoverabilitySite::stop() {
  service_.stop();
  watch_.reset();
  check_.reset();
}

}  // namespace tapewarden::apps
