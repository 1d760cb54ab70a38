// One connection on a stream: reads for an Endpoint and writes what it sends.
#pragma once

#include <atomic>

#include "iscsi/endpoint.h"
#include "iscsi/session_table.h"
#include "net/stream.h"

namespace tapewarden::iscsi {

// What all connections of a server share; outlives them.
struct Shared {
  ServerConfig config;
  Env env;
  SessionTable sessions;
  std::map<const TargetConfig*, std::shared_ptr<const UnitMap>> units;  // by target
  std::shared_ptr<MemoryBudget> memory;
  std::shared_ptr<BufferPool> pool;
  std::atomic<unsigned> logging_in = 0;  // connections that are no session yet

  Shared(ServerConfig with, Env in);
};

class ServedConnection final : public net::StreamHandler,
                               public EndpointSurroundings,
                               public std::enable_shared_from_this<ServedConnection> {
 public:
  ServedConnection(Shared& shared, std::shared_ptr<net::Stream> stream, const std::string& advertised);
  ~ServedConnection() override;

  // Asks for a logout within `drain`, or ends a connection that is not a session. Any thread; the reference
  // moves to the stream's thread, so that the end of it is there.
  static void wind_up(std::shared_ptr<ServedConnection> connection, std::chrono::milliseconds drain);

  void on_open() override;
  void on_read() override;
  void on_written() override;
  void on_deadline() override;
  void on_closed(const Error& reason) override;

  void send(net::StreamPiece piece) override { stream_->send(std::move(piece)); }
  void end(Error reason, bool after_sending) override;
  std::function<void(Task)> poster() override;
  void end_target_sessions() override;
  SteadyTime now() override { return shared_.env.clock->steady_now(); }
  Result<Opening> open_session(const LoginOutcome& login) override;
  void login_refused(const Error& reason) override;

 private:
  void read_on();
  void no_longer_logging_in();

  Shared& shared_;
  const std::shared_ptr<net::Stream> stream_;
  Endpoint endpoint_;
  std::optional<SessionTable::Grant> grant_;
  bool logging_in_ = true;
  bool reported_ = false;
  bool held_up_ = false;  // the initiator has not taken enough of what waits for it
};

}  // namespace tapewarden::iscsi
