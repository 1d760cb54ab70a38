// A key server as tapewarden-keyd puts it together: keystore and audit record on the disk, both synced at
// every commit, and a worker for each processor (at least two). Thread-safe.
#pragma once

#include <memory>

#include "apps/keyd_parts.h"
#include "base/real_env.h"
#include "crypto/random.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_service.h"
#include "support.h"

namespace tapewarden::bench {

// Workers of the server, of the drives that ask it, and of the bare loops beside them.
unsigned workers();

inline keymgr::Actor officer() {
  return {"officer", keymgr::ActorKind::kSecurityOfficer};
}

class KeyServer {
 public:
  KeyServer();
  ~KeyServer();
  KeyServer(const KeyServer&) = delete;
  KeyServer& operator=(const KeyServer&) = delete;

  Env env() { return {&clock_, &disk_, &random_, pool_.get()}; }
  store::Keystore& keystore() { return *parts_.keystore; }
  keymgr::KeyManager& manager() { return *manager_; }
  keymgr::KeyService& service() { return *service_; }

 private:
  Folder folder_;
  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  std::unique_ptr<ThreadPool> pool_;
  apps::KeystoreParts parts_;
  std::unique_ptr<keymgr::KeyManager> manager_;
  std::unique_ptr<keymgr::KeyService> service_;
};

}  // namespace tapewarden::bench
