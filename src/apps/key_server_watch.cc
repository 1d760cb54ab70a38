#include "apps/key_server_watch.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::apps {
namespace {

// Empty: it can be used.
std::string trouble_of(const dkx::ServerStatus& server) {
  if (server.connection != dkx::Connection::kUp)
    return server.failure ? server.failure->message : "there is no connection to it";
  if (server.state != dkx::ServerState::kNotServing) return {};
  return "it serves no keys" + (server.state_text.empty() ? std::string() : ": " + server.state_text);
}

}  // namespace

std::string name_of(const dkx::ServerStatus& server) {
  return std::string(dkx::to_string(server.role)) + " key server " + server.address;
}

void KeyServerWatch::saw(const dkx::ServerStatus& server) {
  using engine::NoticeKind;
  const auto trouble = trouble_of(server);
  const MutexLock lock(mutex_);
  if (closed_) return;
  usable_[server.role] = trouble.empty();
  if (!trouble.empty())
    return notices_.raise(NoticeKind::kKeyServerLost, server.address,
                          "The " + name_of(server) + " cannot be used: " + escape_unprintable(trouble) +
                              ". Start it, or mend the way to it");
  notices_.clear(NoticeKind::kKeyServerLost, server.address, "The " + name_of(server) + " can be used again");
  if (regained_) regained_();
}

void KeyServerWatch::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

std::size_t KeyServerWatch::usable() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(usable_, [](const auto& one) { return one.second; }));
}

}  // namespace tapewarden::apps
