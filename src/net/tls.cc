#include "net/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_handles.h"
#include "net/tls_engine.h"
#include "net/tls_verify.h"

namespace tapewarden::net {

namespace {

constexpr const char* kSuites13 =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* kSuites12 = "ECDHE+AESGCM:ECDHE+CHACHA20";  // AEAD with forward secrecy only
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr std::size_t kMaxPemBytes = 1U << 20;

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, ContextFree>;

Status set_protocol(SSL_CTX* context, const TlsConfig& config) {
  const int minimum = config.minimum == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Buffers of idle connections are given back; chains are sent as configured, not searched at each
  // handshake.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  const bool good =
      SSL_CTX_set_min_proto_version(context, minimum) == 1 &&
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_ciphersuites(context, kSuites13) == 1 &&
      SSL_CTX_set_cipher_list(context, kSuites12) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!good) return fail(ErrorCode::kInternal, "the TLS library lacks a required algorithm");
  return {};
}

Status set_identity(SSL_CTX* context, const TlsConfig& config) {
  if (config.chain.empty()) {
    if (config.key.empty()) return {};
    return fail(ErrorCode::kInvalidArgument, "a key was given without its certificate", "chain");
  }
  if (config.key.empty())
    return fail(ErrorCode::kInvalidArgument, "a certificate was given without its key", "key");
  if (SSL_CTX_use_certificate(context, crypto::CertificateAccess::handle(config.chain.front())) != 1)
    return fail(ErrorCode::kInvalidArgument, "the certificate cannot be used for TLS", "chain",
                "its key must be RSA of at least 2048 bits or P-256");
  if (SSL_CTX_use_PrivateKey(context, crypto::KeyAccess::handle(config.key)) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return fail(ErrorCode::kInvalidArgument, "the key does not belong to the certificate", "key");
  for (std::size_t i = 1; i < config.chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, crypto::CertificateAccess::handle(config.chain[i])) != 1)
      return fail(ErrorCode::kInvalidArgument, "an intermediate certificate cannot be used", "chain");
  return {};
}

Status set_trust(SSL_CTX* context, const TlsConfig& config, bool server) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // An intermediate that is trusted by name needs no root above it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  for (const auto& authority : config.authorities) {
    X509* handle = crypto::CertificateAccess::handle(authority);
    if (X509_STORE_add_cert(store, handle) != 1 || (server && SSL_CTX_add_client_CA(context, handle) != 1))
      return fail(ErrorCode::kInvalidArgument, "a trusted authority cannot be used", "authorities");
  }
  return {};
}

Result<ContextPointer> make_context(const TlsConfig& config, bool server) {
  ContextPointer context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  if (context == nullptr) return fail(ErrorCode::kInternal, "the TLS library gave no context");
  TRY(set_protocol(context.get(), config));
  TRY(set_identity(context.get(), config));
  TRY(set_trust(context.get(), config, server));
  int mode = SSL_VERIFY_PEER;
  if (server) {
    if (config.client_certificates == ClientCertificates::kNone) mode = SSL_VERIFY_NONE;
    if (config.client_certificates == ClientCertificates::kRequired)
      mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context.get(), mode, verify_peer);
  return context;
}

}  // namespace

struct TlsContext::State {
  ContextPointer context;
  bool server = false;
  bool allow_expired_peers = false;
};

SSL_CTX* TlsContextAccess::handle(const TlsContext& context) {
  return context.state_->context.get();
}
bool TlsContextAccess::is_server(const TlsContext& context) {
  return context.state_->server;
}
bool TlsContextAccess::allows_expired_peers(const TlsContext& context) {
  return context.state_->allow_expired_peers;
}

Result<TlsContext> TlsContext::server(const TlsConfig& config) {
  if (config.chain.empty())
    return fail(ErrorCode::kInvalidArgument, "a TLS server needs a certificate", "chain");
  if (config.authorities.empty() && config.client_certificates != ClientCertificates::kNone)
    return fail(ErrorCode::kInvalidArgument, "no authority is trusted to vouch for clients", "authorities");
  TlsContext made;
  made.state_ =
      std::make_shared<const State>(State{TRY(make_context(config, true)), true, config.allow_expired_peers});
  return made;
}

Result<TlsContext> TlsContext::client(const TlsConfig& config) {
  if (config.authorities.empty())
    return fail(ErrorCode::kInvalidArgument, "no authority is trusted to vouch for the server",
                "authorities");
  TlsContext made;
  made.state_ = std::make_shared<const State>(
      State{TRY(make_context(config, false)), false, config.allow_expired_peers});
  return made;
}

namespace {

Result<std::vector<crypto::Certificate>> read_certificates(Disk& disk, const std::string& path) {
  const auto text = TRY(read_file(disk, path, kMaxPemBytes));
  auto list = crypto::Certificate::list_from_pem(as_text(text));
  if (!list) return in_context(path, list.error());
  if (list->empty()) return fail(ErrorCode::kInvalidArgument, path + ": holds no certificate in PEM");
  return list;
}

Result<crypto::PrivateKey> read_key(Disk& disk, const std::string& path) {
  auto plain = TRY(read_file(disk, path, kMaxPemBytes));
  const auto secret = crypto::SecretBytes::copy_of(plain);
  crypto::wipe(plain);
  auto key = crypto::PrivateKey::from_pem(secret);
  if (!key) return in_context(path, key.error());
  return key;
}

}  // namespace

Result<TlsConfig> read_tls_files(Disk& disk, const TlsFiles& files) {
  TlsConfig config;
  if (!files.chain.empty()) config.chain = TRY(read_certificates(disk, files.chain));
  if (!files.key.empty()) config.key = TRY(read_key(disk, files.key));
  if (!files.authorities.empty()) config.authorities = TRY(read_certificates(disk, files.authorities));
  return config;
}

}  // namespace tapewarden::net
