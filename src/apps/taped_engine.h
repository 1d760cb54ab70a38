// The tape engine behind the library that hosts see (feature rows T4 to T8): catalogue, cache, the libraries
// and drives behind them, key servers, and the threads that copy volumes to cartridges and bring them back.
//
//   start() --serve()--> working --stop()--> stopped
#pragma once

#include <map>
#include <memory>
#include <string>

#include "apps/engine_back_end.h"
#include "apps/engine_keys.h"
#include "apps/engine_statistics.h"
#include "apps/notice_sink.h"
#include "apps/taped_config.h"
#include "engine/host/host_volumes.h"
#include "engine/operator/label_check.h"
#include "engine/work/work.h"

namespace tapewarden::apps {

class TapedEngine {
 public:
  // Opens catalogue and cache, makes what is missing, asks libraries and drives who they are, and settles
  // what a crash left of volumes in drives. `library`: the inventory of the hosts' library. Errors name what
  // to mend; key servers and libraries that do not answer are no errors. REQUIRES: config.engine, .https.
  static Result<std::unique_ptr<TapedEngine>> start(Env env, const TapedConfig& config,
                                                    const tape::Inventory& library);
  ~TapedEngine();

  // For the hosts' library and its drives: who has the files of its cartridges, and what opens them.
  tape::VolumeKeeper& keeper();
  Env volume_env();

  // The library is open: the work with tape begins. `bays`: the drives that hosts have.
  void serve(const std::vector<std::shared_ptr<tape::DriveBay>>& bays);
  // No host is served any more. Ends the work under way and closes the drives behind the engine; the library
  // may still give volumes back until this is destroyed. Once. The first error.
  Status stop();

  // Thread-safe, from start() to the end.
  engine::Catalogue& catalogue();
  engine::CachedVolumes& cached();
  engine::VolumeDesk& desk();
  engine::Notices& notices();
  engine::HostVolumes& volumes();
  engine::Work& work();
  EngineBackEnd& back_end();
  engine::KeyNameCheck& names();
  std::vector<admin::KeyServerView> key_servers() const;  // none are configured: empty
  std::vector<std::string> warnings() const;
  const Uuid& id() const;
  engine::StatisticsBook& statistics();
  // A file of the cache that the catalogue does not know any more.
  void shred(const engine::CachedContent& content);

 private:
  TapedEngine();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tapewarden::apps
