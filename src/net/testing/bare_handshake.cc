#include "net/testing/bare_handshake.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

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

// An end with its half of the wire. `verdict` must outlive it.
SslPointer make_end(const TlsContext& context, BIO* wire, PeerVerdict& verdict) {
  SslPointer ssl(SSL_new(TlsContextAccess::handle(context)));
  TW_ASSERT(ssl != nullptr);
  SSL_set_bio(ssl.get(), wire, wire);
  SSL_set_app_data(ssl.get(), &verdict);
  return ssl;
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
  PeerVerdict of_client, of_server;
  const auto server = make_end(state_->server, server_wire, of_client);
  const auto client = make_end(state_->client, client_wire, of_server);
  TW_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client.get()), kServer) == 1);
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    const int connected = SSL_connect(client.get());
    const int accepted = SSL_accept(server.get());
    if (connected == 1 && accepted == 1) return true;
  }
  return false;
}

}  // namespace tapewarden::net::testing
