#include "net/testing/bare_handshake.h"

#include <openssl/ssl.h>

#include "base/assert.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::net::testing {

namespace {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, ContextFree>;
struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPointer = std::unique_ptr<SSL, SslFree>;

constexpr int kMaxTurns = 10;

ContextPointer make_context(const TlsConfig& config, const SSL_METHOD* method) {
  ContextPointer context(SSL_CTX_new(method));
  TW_ASSERT(context != nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN);
  TW_ASSERT(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
  TW_ASSERT(SSL_CTX_set_num_tickets(context.get(), 0) == 1);
  TW_ASSERT(SSL_CTX_set1_groups_list(context.get(), "X25519") == 1);
  TW_ASSERT(SSL_CTX_use_certificate(context.get(), crypto::CertificateAccess::handle(config.chain.front())) ==
            1);
  TW_ASSERT(SSL_CTX_use_PrivateKey(context.get(), crypto::KeyAccess::handle(config.key)) == 1);
  TW_ASSERT(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                                crypto::CertificateAccess::handle(config.authorities.front())) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

// An end with its half of the wire.
SslPointer make_end(SSL_CTX* context, BIO* wire) {
  SslPointer ssl(SSL_new(context));
  TW_ASSERT(ssl != nullptr);
  SSL_set_bio(ssl.get(), wire, wire);
  return ssl;
}

}  // namespace

struct BareHandshakes::State {
  ContextPointer server;
  ContextPointer client;
};

BareHandshakes::BareHandshakes(const TlsConfig& server, const TlsConfig& client)
    : state_(std::make_unique<const State>(
          State{make_context(server, TLS_server_method()), make_context(client, TLS_client_method())})) {}

BareHandshakes::~BareHandshakes() = default;

bool BareHandshakes::shake() const {
  BIO* server_wire = nullptr;
  BIO* client_wire = nullptr;
  TW_ASSERT(BIO_new_bio_pair(&server_wire, 0, &client_wire, 0) == 1);
  const auto server = make_end(state_->server.get(), server_wire);
  const auto client = make_end(state_->client.get(), client_wire);
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    const int connected = SSL_connect(client.get());
    const int accepted = SSL_accept(server.get());
    if (connected == 1 && accepted == 1) return true;
  }
  return false;
}

}  // namespace tapewarden::net::testing
