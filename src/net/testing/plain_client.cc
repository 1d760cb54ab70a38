#include "net/testing/plain_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace tapewarden::net::testing {

namespace {

constexpr timeval kPatienceOfReads{.tv_sec = 10, .tv_usec = 0};

template <typename T>
void set_option(int socket, int level, int name, const T& value) {
  static_cast<void>(setsockopt(socket, level, name, &value, sizeof value));
}

}  // namespace

PlainClient::PlainClient(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  set_option(socket_, SOL_SOCKET, SO_RCVTIMEO, kPatienceOfReads);
  set_option(socket_, SOL_SOCKET, SO_SNDTIMEO, kPatienceOfReads);
  set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

PlainClient::PlainClient(PlainClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

PlainClient::~PlainClient() {
  close();
}

bool PlainClient::write(ByteView bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool PlainClient::read(MutableByteView into) {
  while (!into.empty()) {
    const auto count = ::recv(socket_, into.data(), into.size(), 0);
    if (count <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool PlainClient::ended() {
  std::array<std::uint8_t, 4096> rest{};
  while (true) {
    const auto count = ::recv(socket_, rest.data(), rest.size(), 0);
    if (count == 0) return true;
    if (count < 0) return errno == ECONNRESET;
  }
}

void PlainClient::close(bool reset) {
  if (socket_ < 0) return;
  if (reset) set_option(socket_, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
  static_cast<void>(::close(socket_));
  socket_ = -1;
}

}  // namespace tapewarden::net::testing
