// A tape engine as tapewarden-taped puts it together, in this process: two key servers (processes of their
// own), a virtual library with two LTO drives behind it, and pools whose cartridges are encrypted under keys
// of a group. No worker runs: work with tape is done when it is asked for. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/taped_engine.h"
#include "base/real_env.h"
#include "crypto/random.h"
#include "harness/test_site.h"
#include "support.h"
#include "tape/library/library.h"

namespace tapewarden::bench {

class EngineSite {
 public:
  static constexpr std::uint8_t kPool = 1;        // where volumes are due
  static constexpr std::uint8_t kOtherPool = 2;   // for what is moved
  static constexpr const char* kGroup = "BENCH";  // of data keys

  EngineSite();
  ~EngineSite();
  EngineSite(const EngineSite&) = delete;
  EngineSite& operator=(const EngineSite&) = delete;

  using Volsers = std::vector<std::string>;
  // Private volumes in the cache, with content that does not compress; nothing is due.
  Volsers make_volumes(std::size_t count, std::uint64_t bytes);
  // They are to be copied to kPool; what copies they have count no more. REQUIRES: in the cache.
  void make_due(const Volsers& volsers);
  // Out of the cache. REQUIRES: copied.
  void evict(const Volsers& volsers);
  // Hosts want them back in the cache.
  void ask(const Volsers& volsers);
  // Everything that can be done now. Throws what went wrong.
  void work();

  engine::LogicalVolume volume(const std::string& volser);
  engine::Catalogue& catalogue() { return engine_->catalogue(); }
  // As hosts see it: its drives stand empty, its slots too.
  tape::Library& library() { return *library_; }
  RealDisk& disk() { return disk_; }
  crypto::SystemRandom& random() { return random_; }
  const std::string& folder() const { return folder_.path(); }

 private:
  Env env() { return {&clock_, &disk_, &random_, &pool_}; }
  void run(std::vector<std::string> arguments);
  void configure();
  void make_keys();
  void open();
  std::vector<std::shared_ptr<tape::DriveBay>> host_drives(const tape::LibrarySpec& spec);
  void encrypt_pools();
  void add_cartridges();
  template <typename Edit>
  void edit(const Volsers& volsers, const Edit& edit);

  const Folder folder_;
  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool pool_{2};
  std::unique_ptr<testing::TestSite> servers_;
  std::unique_ptr<apps::TapedEngine> engine_;
  std::unique_ptr<tape::Library> library_;
  std::size_t made_ = 0;  // volumes
};

}  // namespace tapewarden::bench
