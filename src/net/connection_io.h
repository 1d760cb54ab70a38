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

}  // namespace tapewarden::net
