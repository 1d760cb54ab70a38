#include "key_server.h"

#include <algorithm>
#include <thread>

namespace tapewarden::bench {

unsigned workers() {
  return std::max(2U, std::thread::hardware_concurrency());
}

KeyServer::KeyServer() : pool_(std::make_unique<ThreadPool>(workers())) {
  apps::KeydConfig config;
  config.server_id = Uuid::random(random_);
  config.data_directory = folder_ / "data";
  parts_ = must(apps::open_keystore(env(), config, store::first_version(crypto::random_secret(random_, 32))));
  manager_ = must(keymgr::KeyManager::open(env(), keystore(), config.server_id,
                                           {.server_name = "bench", .exchange_key_bits = 2048}));
  service_ = std::make_unique<keymgr::KeyService>(*manager_, nullptr);
}

KeyServer::~KeyServer() {
  service_.reset();
  manager_.reset();
  parts_.keystore.reset();
  pool_.reset();
}

}  // namespace tapewarden::bench
