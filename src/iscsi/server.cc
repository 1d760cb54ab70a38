#include "iscsi/server.h"

#include <algorithm>
#include <map>

#include "base/thread_annotations.h"
#include "iscsi/served_connection.h"
#include "iscsi/server_config.h"
#include "net/stream_server.h"

namespace tapewarden::iscsi {

// Invariants
//  1. Listeners are gone before the loop, the loop before the workers, the workers before what all share.
//  2. A distinct unit has one worker.
struct Server::State {
  Shared shared;
  std::map<scsi::LogicalUnit*, std::shared_ptr<UnitWorker>> workers;
  std::unique_ptr<net::Loop> loop;
  std::vector<std::unique_ptr<net::StreamServer>> listeners;

  Mutex mutex;
  std::vector<std::weak_ptr<ServedConnection>> connections TW_GUARDED_BY(mutex);
  Mutex stop_mutex;
  bool stopped TW_GUARDED_BY(stop_mutex) = false;
  bool nothing_cut TW_GUARDED_BY(stop_mutex) = true;

  State(ServerConfig config, Env env) : shared(std::move(config), env) {}
  void make_workers();
  Status listen(const Portal& portal);
  std::shared_ptr<net::StreamHandler> serve(const std::shared_ptr<net::Stream>& stream, const Portal& portal);
};

void Server::State::make_workers() {
  for (const auto& target : shared.config.targets) {
    UnitMap units;
    for (const auto& place : target.units) {
      auto& worker = workers[place.unit.get()];
      if (!worker) worker = std::make_shared<UnitWorker>(place.unit);
      units.emplace(place.lun, worker);
    }
    shared.units.emplace(&target, std::make_shared<const UnitMap>(std::move(units)));
  }
}

Status Server::State::listen(const Portal& portal) {
  const auto& limits = shared.config.limits;
  net::StreamServerOptions options{.listen = {.address = portal.address, .port = portal.port},
                                   .max_streams = limits.max_sessions + limits.max_logins,
                                   .write_timeout = limits.write_timeout,
                                   .on_refused = shared.config.events.refused};
  listeners.push_back(TRY(net::StreamServer::start(
      *loop, std::move(options),
      [this, portal](const std::shared_ptr<net::Stream>& stream) { return serve(stream, portal); })));
  return {};
}

std::shared_ptr<net::StreamHandler> Server::State::serve(const std::shared_ptr<net::Stream>& stream,
                                                         const Portal& portal) {
  if (shared.logging_in >= shared.config.limits.max_logins) {
    if (shared.config.events.refused)
      shared.config.events.refused(stream->remote_address(),
                                   {ErrorCode::kExhausted, "too many connections that do not log in", "",
                                    "find out why this client opens so many"});
    return nullptr;
  }
  auto connection = std::make_shared<ServedConnection>(shared, stream, portal.advertised);
  const MutexLock lock(mutex);
  std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
  connections.push_back(connection);
  return connection;
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  stop(std::chrono::milliseconds{0});
}

Result<std::unique_ptr<Server>> Server::start(ServerConfig config, Env env) {
  TRY(check_config(config));
  std::unique_ptr<Server> server(new Server(std::make_unique<State>(std::move(config), env)));
  auto& state = *server->state_;
  state.make_workers();
  state.loop = std::make_unique<net::Loop>(state.shared.config.threads);
  for (const auto& portal : state.shared.config.portals) TRY(state.listen(portal));
  return server;
}

std::uint16_t Server::port(std::size_t portal) const {
  return state_->listeners.at(portal)->port();
}

std::vector<SessionInfo> Server::sessions() const {
  return state_->shared.sessions.list();
}

bool Server::stop(std::chrono::milliseconds drain) {
  auto& state = *state_;
  const MutexLock stopping(state.stop_mutex);
  if (std::exchange(state.stopped, true)) return state.nothing_cut;
  state.shared.sessions.refuse_new();
  for (const auto& listener : state.listeners) listener->close_listener();
  std::vector<std::shared_ptr<ServedConnection>> open;
  {
    const MutexLock lock(state.mutex);
    for (const auto& weak : state.connections)
      if (auto connection = weak.lock()) open.push_back(std::move(connection));
  }
  for (auto& connection : open) ServedConnection::wind_up(std::move(connection), drain);
  const auto deadline = std::chrono::steady_clock::now() + drain;
  for (const auto& listener : state.listeners) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (!listener->wait_until_empty(std::max(left, std::chrono::milliseconds{0}))) state.nothing_cut = false;
  }
  for (const auto& listener : state.listeners) listener->cut();
  for (const auto& [unit, worker] : state.workers) worker->stop();
  return state.nothing_cut;
}

}  // namespace tapewarden::iscsi
