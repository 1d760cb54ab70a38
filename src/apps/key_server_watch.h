// The connections to key servers as operators are told of them (feature row T8): an intervention for each
// server that cannot be used, which is cleared when it can be again. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/thread_annotations.h"
#include "dkx/client/client.h"
#include "engine/notices.h"

namespace tapewarden::apps {

class KeyServerWatch {
 public:
  // Borrows the notices. `regained` is called when a server can be used that could not, with the watch's
  // mutex held: it must not call the watch. May be empty.
  KeyServerWatch(engine::Notices& notices, std::function<void()> regained)
      : notices_(notices), regained_(std::move(regained)) {}

  // For dkx::ClientConfig::on_state_change: in the order in which it happened.
  void saw(const dkx::ServerStatus& server) TW_EXCLUDES(mutex_);
  // Nothing is told from now on, and no call is under way when this returns: a client's last call may come
  // when the client is gone.
  void close() TW_EXCLUDES(mutex_);
  // How many of the servers seen can be used now.
  std::size_t usable() const TW_EXCLUDES(mutex_);

 private:
  engine::Notices& notices_;
  const std::function<void()> regained_;
  mutable Mutex mutex_;
  bool closed_ TW_GUARDED_BY(mutex_) = false;
  std::map<dkx::ServerRole, bool> usable_ TW_GUARDED_BY(mutex_);
};

// "primary key server keys1.example:3801".
std::string name_of(const dkx::ServerStatus& server);

}  // namespace tapewarden::apps
