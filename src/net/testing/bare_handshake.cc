#include "net/testing/bare_handshake.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/tls_engine.h"
#include "net/tls_verify.h"

namespace tapewarden::net::testing {

namespace {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPointer = std::unique_ptr<SSL, SslFree>;

constexpr int kMaxTurns = 10;

constexpr const char* kServer = "127.0.0.1";

TlsContext must(Result<TlsContext> context) {
  TW_ASSERT(context.has_value());
  return *std::move(context);
}

// `verdict` must outlive it.
SslPointer make_end(const TlsContext& context, PeerVerdict& verdict) {
  SslPointer ssl(SSL_new(TlsContextAccess::handle(context)));
  TW_ASSERT(ssl != nullptr);
  SSL_set_app_data(ssl.get(), &verdict);
  return ssl;
}

// Both ends of one connection, without a wire yet.
struct Ends {
  Ends(const TlsContext& server_context, const TlsContext& client_context)
      : server(make_end(server_context, of_client)), client(make_end(client_context, of_server)) {
    TW_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client.get()), kServer) == 1);
  }
  bool shake() {
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      const int connected = SSL_connect(client.get());
      const int accepted = SSL_accept(server.get());
      if (connected == 1 && accepted == 1) return true;
    }
    return false;
  }

  PeerVerdict of_client, of_server;
  SslPointer server, client;
};

class Socket {
 public:
  explicit Socket(int handle) : handle_(handle) {}
  ~Socket() { ::close(handle_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

 private:
  int handle_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// As a server's sockets are.
void prepare(int handle) {
  const int on = 1;
  TW_ASSERT(::setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  TW_ASSERT(::fcntl(handle, F_SETFL, O_NONBLOCK) == 0);
}

}  // namespace

struct BareHandshakes::State {
  TlsContext server;
  TlsContext client;
};

BareHandshakes::BareHandshakes(const TlsConfig& server, const TlsConfig& client)
    : state_(std::make_unique<const State>(
          State{must(TlsContext::server(server)), must(TlsContext::client(client))})) {}

BareHandshakes::~BareHandshakes() = default;

bool BareHandshakes::shake() const {
  BIO* server_wire = nullptr;
  BIO* client_wire = nullptr;
  TW_ASSERT(BIO_new_bio_pair(&server_wire, 0, &client_wire, 0) == 1);
  Ends ends(state_->server, state_->client);
  SSL_set_bio(ends.server.get(), server_wire, server_wire);
  SSL_set_bio(ends.client.get(), client_wire, client_wire);
  return ends.shake();
}

bool BareHandshakes::shake_over(const LoopbackDoor& door) const {
  const auto [client, server] = door.connect();
  const Socket close_client(client), close_server(server);
  Ends ends(state_->server, state_->client);
  TW_ASSERT(SSL_set_fd(ends.server.get(), server) == 1 && SSL_set_fd(ends.client.get(), client) == 1);
  if (!ends.shake()) return false;
  // The server says goodbye, the client has read it.
  char nothing = 0;
  return SSL_shutdown(ends.server.get()) >= 0 && SSL_read(ends.client.get(), &nothing, 1) <= 0 &&
         (SSL_get_shutdown(ends.client.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

LoopbackDoor::LoopbackDoor() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  TW_ASSERT(listener_ >= 0 && ::bind(listener_, generic, size) == 0 && ::listen(listener_, 16) == 0 &&
            ::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
}

LoopbackDoor::~LoopbackDoor() {
  ::close(listener_);
}

LoopbackDoor::Pair LoopbackDoor::connect() const {
  Pair pair{.client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .server = -1};
  sockaddr_in address = loopback(port_);
  TW_ASSERT(pair.client >= 0 &&
            ::connect(pair.client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  pair.server = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  TW_ASSERT(pair.server >= 0);
  prepare(pair.client);
  prepare(pair.server);
  return pair;
}

}  // namespace tapewarden::net::testing
