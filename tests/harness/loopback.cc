#include "harness/loopback.h"

#include <cstddef>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tapewarden::testing {

namespace {

// Bound to a free port and kept, so that the next call gets another one.
int bound_socket(std::uint16_t& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool good = socket >= 0 && ::bind(socket, generic, sizeof(address)) == 0 &&
                    ::getsockname(socket, generic, &length) == 0;
  port = good ? ntohs(address.sin_port) : 0;
  return socket;
}

}  // namespace

std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<int> sockets;
  bool good = true;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t port = 0;
    sockets.push_back(bound_socket(port));
    good = good && port != 0;
    ports.push_back(port);
  }
  for (const int socket : sockets) {
    if (socket >= 0) ::close(socket);
  }
  if (!good) ports.clear();
  return ports;
}

}  // namespace tapewarden::testing
