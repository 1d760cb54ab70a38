// Recoverability of a running key server: its two threads, and what replication tells it of the peer.
// Thread-safe after start().
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "apps/keyd_config.h"
#include "apps/ticker.h"
#include "keymgr/recoverability/service.h"

namespace tapewarden::apps {

// Nothing where there is no peer.
using PeerFactsNow = std::function<std::optional<keymgr::recoverability::PeerFacts>()>;

class RecoverabilitySite {
 public:
  // Borrows the manager and the backups.
  RecoverabilitySite(keymgr::KeyManager& manager, const KeydConfig& config, keymgr::backup::Service* backups,
                     PeerFactsNow peer);
  void start();
  // Waits for a verification of a backup under way. Once; the service answers on.
  void stop();
  keymgr::recoverability::Service& service() { return service_; }

 private:
  keymgr::recoverability::Service service_;
  std::unique_ptr<Ticker> watch_;
  std::unique_ptr<Ticker> check_;
};

}  // namespace tapewarden::apps
