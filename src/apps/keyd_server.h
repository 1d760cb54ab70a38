// The key server put together: keystore, audit, people, key management, replication, DKX, KMIP and REST
// listeners. Made once by `tapewarden-keyd run`; everything in it lives until stop().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/keyd_config.h"
#include "base/env.h"
#include "store/master_key.h"

namespace tapewarden::apps {

// In the log once, and in the status from then on.
inline constexpr std::string_view kSecretsNotLocked =
    "more secrets are in use than can be locked in memory: they may reach the swap space (raise "
    "RLIMIT_MEMLOCK, "
    "LimitMEMLOCK in the unit)";

class KeydServer {
 public:
  // Opens and checks the keystore, starts listening. `master` is kept: its key may be rotated while serving.
  // `warnings` are shown with the status. Errors name what to mend.
  static Result<std::unique_ptr<KeydServer>> start(Env env, const KeydConfig& config,
                                                   std::unique_ptr<store::MasterKeyFile> master,
                                                   std::vector<std::string> warnings);
  ~KeydServer();

  std::uint16_t dkx_port() const;
  std::uint16_t https_port() const;
  std::uint16_t kmip_port() const;  // 0: nothing listens
  std::uint16_t kmip_https_port() const;
  // Lets requests in flight finish, then stops. Once.
  void stop();

 private:
  KeydServer();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Opens the keystore and checks every row, the chain and the audit files. A text for people; kCorrupt when
// anything is wrong.
Result<std::string> check_keystore(Env env, const KeydConfig& config, const store::MasterKeys& master);

// The master key, by the configuration's passphrase file or by asking at the terminal. `warning` gets what
// the operator must be told.
Result<std::unique_ptr<store::MasterKeyFile>> unlock(Env env, const KeydConfig& config, std::string& warning);

}  // namespace tapewarden::apps
