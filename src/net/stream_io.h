// Internal to net/, for the files that may see Asio: what a Stream holds of it.
#pragma once

#include <array>

#include "net/connection_io.h"
#include "net/stream.h"

namespace tapewarden::net {

struct Stream::Io {
  asio::ip::tcp::socket socket;
  asio::steady_timer timer;
  std::array<std::uint8_t, 4096> discarded{};  // input that came after the end

  Io(asio::io_context& context, asio::ip::tcp::socket accepted)
      : socket(std::move(accepted)), timer(context) {}
};

}  // namespace tapewarden::net
