// Internal to net/, for the files that may see Asio: what a Connection holds of it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/connection.h"

namespace tapewarden::net {

namespace asio = boost::asio;
using boost::system::error_code;

struct Connection::Io {
  asio::ip::tcp::socket socket;
  asio::steady_timer timer;

  explicit Io(asio::io_context& context) : socket(context), timer(context) {}
  Io(asio::io_context& context, asio::ip::tcp::socket accepted)
      : socket(std::move(accepted)), timer(context) {}
};

// Non-blocking, no delay of small messages, keepalive. What the system refuses of it is left out.
void tune_socket(asio::ip::tcp::socket& socket);

// The moment when a timeout that starts now ends; 0 never does.
inline std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  return timeout.count() == 0 ? Clock::time_point::max() : Clock::now() + timeout;
}

}  // namespace tapewarden::net
