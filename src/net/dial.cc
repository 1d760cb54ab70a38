// The part of a Connection that makes a client's connection: addresses tried in order, one deadline over all.
#include <boost/asio/ip/address.hpp>
#include <netinet/tcp.h>

#include "net/connection_io.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

using asio::ip::tcp;
using std::chrono::steady_clock;

// A peer that vanished without a word is found after two minutes (K15: connections stay open for ever).
constexpr int kKeepaliveIdleSeconds = 60;
constexpr int kKeepaliveIntervalSeconds = 15;
constexpr int kKeepaliveProbes = 4;

template <int Name>
using TcpOption = asio::detail::socket_option::integer<IPPROTO_TCP, Name>;

}  // namespace

// Without an effect that matters when one of them is refused, so their errors are dropped.
void tune_socket(tcp::socket& socket) {
  error_code ignored;
  static_cast<void>(socket.non_blocking(true, ignored));
  static_cast<void>(socket.set_option(tcp::no_delay(true), ignored));
  static_cast<void>(socket.set_option(asio::socket_base::keep_alive(true), ignored));
  static_cast<void>(socket.set_option(TcpOption<TCP_KEEPIDLE>(kKeepaliveIdleSeconds), ignored));
  static_cast<void>(socket.set_option(TcpOption<TCP_KEEPINTVL>(kKeepaliveIntervalSeconds), ignored));
  static_cast<void>(socket.set_option(TcpOption<TCP_KEEPCNT>(kKeepaliveProbes), ignored));
}

void Connection::start_dialling() {
  if (state_ == Phase::kClosed) return;
  phase_deadline_ = deadline_after(options_.handshake_timeout);
  shard_->attach(shared_from_this());
  arm_timer();
}

void Connection::connect_to(std::vector<std::string> addresses, std::uint16_t port) {
  if (state_ != Phase::kDialling) return;
  addresses_ = std::move(addresses);
  port_ = port;
  try_next_address();
}

void Connection::try_next_address() {
  if (next_address_ == addresses_.size())
    return finish_with(CloseCause::kEnded, ErrorCode::kUnavailable,
                       "cannot connect to " +
                           (addresses_.empty() ? std::string("any address") : addresses_.back()) + " port " +
                           std::to_string(port_) + ": " + last_connect_error_);
  error_code error;
  const auto left = static_cast<long>(addresses_.size() - next_address_);
  const auto address = asio::ip::make_address(addresses_[next_address_++], error);
  if (error) {
    last_connect_error_ = error.message();
    return try_next_address();
  }
  // Each address gets its share of the time that is left, so that a dead first one leaves some to the second.
  const auto now = steady_clock::now();
  attempt_deadline_ =
      phase_deadline_ == Time::max() || left == 1 ? Time::max() : now + (phase_deadline_ - now) / left;
  arm_timer();
  io_->socket.async_connect(tcp::endpoint(address, port_), [self = shared_from_this()](error_code failure) {
    if (self->state_ != Phase::kDialling) return;
    if (!failure) return self->connected();
    self->last_connect_error_ = failure.message();
    error_code ignored;
    static_cast<void>(self->io_->socket.close(ignored));
    self->try_next_address();
  });
}

void Connection::connected() {
  attempt_deadline_ = Time::max();
  state_ = Phase::kHandshake;
  tune_socket(io_->socket);
  error_code ignored;
  const auto remote = io_->socket.remote_endpoint(ignored);
  info_.remote_address = remote.address().to_string();
  info_.remote_port = remote.port();
  handshake_step();
}

void dial(Loop& loop, DialOptions options, std::shared_ptr<ConnectionEvents> events,
          const std::function<void(const std::shared_ptr<Connection>&)>& made) {
  const auto shard = LoopAccess::lightest(loop);
  if (options.connection.server_name.empty()) options.connection.server_name = options.host;
  const auto deadline = options.connection.handshake_timeout;
  auto connection = std::make_shared<Connection>(shard, std::move(options.connection),
                                                 std::make_unique<Connection::Io>(shard->context()));
  connection->set_events(std::move(events));
  made(connection);
  auto resolver = options.resolver ? std::move(options.resolver) : make_system_resolver();
  shard->post([connection, resolver, deadline, host = options.host, port = options.port] {
    connection->start_dialling();
    resolver->resolve(host, deadline, [connection, port](ResolveResult result) {
      connection->shard()->post([connection, port, result = std::move(result)] {
        if (result) return connection->connect_to(*result, port);
        connection->finish({CloseCause::kEnded, TlsFailure::kNone, result.error()});
      });
    });
  });
}

}  // namespace tapewarden::net
