// Internal to net/. Accepts TCP connections, spreads them over the loop's threads, keeps the limits on
// sessions, addresses and handshakes, counts, and drains. What is said on a connection is the affair of the
// ConnectionEvents that its factory makes. Thread-safe.
//
// Invariants
//  1. Every accepted connection is in connections_ from admit() until closed(); per_address_ counts the same
//     set; handshakes_ is the part of it that is not yet a session, oldest first.
//  2. While handshakes_ is at its limit nothing is accepted; each end of a handshake starts accepting again.
//  3. After stop() has begun nothing enters connections_.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/thread_annotations.h"
#include "net/connection.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/tls.h"

namespace tapewarden::net {

class Listener final : public ConnectionWatcher, public std::enable_shared_from_this<Listener> {
 public:
  struct Options {
    ListenAddress listen;
    TlsContext tls;
    ServerLimits limits;
    RefusalObserver on_refused;
  };
  using EventsFactory = std::function<std::shared_ptr<ConnectionEvents>(const std::shared_ptr<Connection>&,
                                                                        const std::shared_ptr<Listener>&)>;

  static Result<std::shared_ptr<Listener>> start(Loop& loop, Options options, EventsFactory factory);
  Listener(Loop& loop, Options options, EventsFactory factory);
  ~Listener() override;

  std::uint16_t port() const { return port_; }
  NetStats stats() const;
  void replace_tls(TlsContext tls);
  bool stop(std::chrono::milliseconds drain);
  // A bad message was met: counted for the session's owner.
  void count_bad_message();

  bool may_open(Connection& connection) override;
  void closed(Connection& connection, const CloseReason& reason) override;

 private:
  struct Acceptor;
  struct Handshake {
    std::shared_ptr<Connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  using Lock = MutexLock;

  Status open();
  void accept_next();
  void retry_accept(std::chrono::milliseconds delay);
  void admit(std::unique_ptr<Connection::Io> io, std::shared_ptr<Shard> shard);
  bool refused(const std::string& address);
  void drop_stalled_handshake();
  void count_close(const CloseReason& reason, bool was_session) TW_REQUIRES(mutex_);
  ConnectionOptions connection_options();
  std::vector<std::shared_ptr<Connection>> all_connections();
  bool wait_until_empty(std::chrono::milliseconds limit);

  Loop& loop_;
  const Options options_;
  const EventsFactory factory_;
  const std::shared_ptr<Shard> home_;   // where accepting happens
  std::unique_ptr<Acceptor> acceptor_;  // on home_'s thread once started
  bool accepting_ = false;              // likewise
  std::uint16_t port_ = 0;

  mutable Mutex mutex_;
  CondVar emptied_;
  TlsContext tls_ TW_GUARDED_BY(mutex_);
  NetStats stats_ TW_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_ TW_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Handshake> handshakes_ TW_GUARDED_BY(mutex_);
  std::unordered_map<std::string, unsigned> per_address_ TW_GUARDED_BY(mutex_);
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  bool acceptor_open_ TW_GUARDED_BY(mutex_) = false;
  bool waiting_for_room_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tapewarden::net
