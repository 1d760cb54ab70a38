#include "tape/transport/testing/breaking_target.h"

#include <algorithm>
#include <array>
#include <netinet/in.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace tapewarden::tape::testing {
namespace {

constexpr std::size_t kHeader = 48;  // RFC 7143, 11.2.1
constexpr int kPatienceSeconds = 60;
enum Opcode : std::uint8_t { kCommand = 0x01, kLogin = 0x03, kLogout = 0x06, kResponse = 0x20 };
constexpr std::uint8_t kTransit = 0x80;
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kOperational = 1;
constexpr std::uint8_t kFullFeature = 3;
constexpr std::uint32_t kWindow = 16;  // commands that may be under way

std::uint32_t number_at(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (const auto byte : bytes.subspan(at, size)) value = value << 8 | byte;
  return value;
}

void put_number(MutableByteView bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

bool read_all(int connection, MutableByteView into) {
  return into.empty() ||
         ::recv(connection, into.data(), into.size(), MSG_WAITALL) == static_cast<ssize_t>(into.size());
}

}  // namespace

// The header of a request; its data are read over.
struct BreakingTarget::Request {
  std::array<std::uint8_t, kHeader> header{};

  std::uint8_t opcode() const { return header[0] & 0x3f; }
  bool immediate() const { return (header[0] & 0x40) != 0; }
  std::uint8_t current_stage() const { return header[1] >> 2 & 3; }
  bool ends_login() const { return (header[1] & kTransit) != 0 && (header[1] & 3) == kFullFeature; }

  static std::optional<Request> read(int connection) {
    Request request;
    if (!read_all(connection, request.header)) return std::nullopt;
    const std::size_t more = 4 * std::size_t{request.header[4]} + number_at(request.header, 5, 3);
    Bytes data((more + 3) / 4 * 4);
    if (!read_all(connection, data)) return std::nullopt;
    return request;
  }
  bool answer(int connection, std::uint32_t status_number) const {
    std::string_view text;
    if (opcode() == kLogin && current_stage() == kOperational) text = "HeaderDigest=None";
    Bytes pdu(kHeader + (text.empty() ? 0 : (text.size() + 1 + 3) / 4 * 4));
    pdu[0] = opcode() | kResponse;
    pdu[1] = opcode() == kLogin ? header[1] : kFinal;
    if (!text.empty()) pdu[7] = static_cast<std::uint8_t>(text.size() + 1);
    if (opcode() == kLogin) std::copy_n(&header[8], 6, &pdu[8]);  // ISID
    if (opcode() == kLogin) pdu[15] = 1;                          // TSIH
    std::copy_n(&header[16], 4, &pdu[16]);                        // initiator task tag
    const auto next = number_at(header, 24, 4) + (immediate() ? 0 : 1);
    put_number(pdu, 24, status_number);
    put_number(pdu, 28, next);
    put_number(pdu, 32, next + kWindow);
    copy_bytes(MutableByteView(pdu).subspan(kHeader, text.size()), as_bytes(text));
    return ::send(connection, pdu.data(), pdu.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(pdu.size());
  }
};

BreakingTarget::BreakingTarget() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = static_cast<sockaddr*>(static_cast<void*>(&address));
  if (::bind(listener_, plain, size) != 0 || ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, plain, &size) != 0)
    return;
  port_ = ntohs(address.sin_port);
  serving_ = std::thread([this] { serve_all(); });
}

BreakingTarget::~BreakingTarget() {
  ::shutdown(listener_, SHUT_RDWR);
  if (serving_.joinable()) serving_.join();
  ::close(listener_);
}

void BreakingTarget::expect(const TargetConduct& conduct) {
  const MutexLock lock(mutex_);
  conduct_ = conduct;
}

void BreakingTarget::serve_all() {
  for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
    const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    TargetConduct conduct;
    {
      const MutexLock lock(mutex_);
      conduct = conduct_;
    }
    serve(connection, conduct);
    const linger at_once{.l_onoff = conduct.reset ? 1 : 0, .l_linger = 0};
    ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(connection);
  }
}

void BreakingTarget::serve(int connection, const TargetConduct& conduct) {
  std::uint32_t status_number = 1;
  bool inside = false;
  int commands = 0;
  while (!inside || !conduct.at_rest || commands < conduct.commands) {
    const auto request = Request::read(connection);
    if (!request) return;
    const bool login = request->opcode() == kLogin;
    if (login && !conduct.logins) return;
    if (request->opcode() == kCommand && commands++ == conduct.commands) return;
    if (!request->answer(connection, status_number++)) return;
    if (login) inside = inside || request->ends_login();
    if (request->opcode() == kLogout) return;
  }
}

}  // namespace tapewarden::tape::testing
