// The newest head that each key server showed, so that one which comes back from an older copy is noticed
// (K17). A client keeps one in memory; an engine may give it one that survives restarts.
#pragma once

#include <map>
#include <optional>

#include "base/thread_annotations.h"
#include "base/uuid.h"
#include "dkx/hello.h"

namespace tapewarden::dkx {

// One for each client: two that share one could see a server's hellos in another order than it sent them.
// Thread-safe; must not block for long.
class HeadMemory {
 public:
  virtual ~HeadMemory() = default;
  virtual std::optional<ServerHead> seen(const Uuid& server) const = 0;
  virtual void note(const Uuid& server, const ServerHead& head) = 0;
};

class HeadsInMemory final : public HeadMemory {
 public:
  std::optional<ServerHead> seen(const Uuid& server) const override {
    const MutexLock lock(mutex_);
    const auto found = heads_.find(server);
    return found == heads_.end() ? std::nullopt : std::optional(found->second);
  }
  void note(const Uuid& server, const ServerHead& head) override {
    const MutexLock lock(mutex_);
    heads_[server] = head;
  }

 private:
  mutable Mutex mutex_;
  std::map<Uuid, ServerHead> heads_ TW_GUARDED_BY(mutex_);
};

// kUnauthenticated when the server showed a later head before: within an epoch its commits only grow, and an
// epoch never returns. A server that shows none is taken as it is, unless it showed one before. Notes what it
// shows.
Status check_head(HeadMemory& memory, const HelloAnswer& hello);

}  // namespace tapewarden::dkx
