// TLS 1.3 (RFC 8446) and, for HTTPS only, 1.2 with AEAD suites: what a server or client presents, whom it
// trusts, and what it learns about its peer. No session resumption, renegotiation or compression: every
// connection proves its keys anew. Values, thread-safe.
//
// What the library decrypted is wiped in its own buffer as soon as it was read (SSL_OP_CLEANSE_PLAINTEXT):
// passwords and PKCS#12 files pass there, and a buffer that is freed is not wiped by itself. Buffers of idle
// connections are given back (SSL_MODE_RELEASE_BUFFERS): drives stay connected for ever (K15), and some 34
// KiB each, for nothing, would be 136 MiB at the default 4,096 sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/certificate.h"

namespace tapewarden::net {

enum class TlsVersion : std::uint8_t { k12, k13 };

// What a server asks of its clients. A certificate that is shown must be valid in every mode but kNone.
enum class ClientCertificates : std::uint8_t { kNone, kOptional, kRequired };

struct TlsConfig {
  std::vector<crypto::Certificate>
      chain;               // own certificate first, then intermediates; a client may have none
  crypto::PrivateKey key;  // of chain.front()
  std::vector<crypto::Certificate> authorities;  // whom to trust; nothing of the system's is added
  TlsVersion minimum = TlsVersion::k13;
  ClientCertificates client_certificates = ClientCertificates::kRequired;  // servers only
  // Accept a peer whose chain is good but outside its validity time, and say so in PeerInfo: an expired drive
  // certificate never blocks a read (K11), and a wrong clock does not shut the archive. The application
  // decides what such a peer may do.
  bool allow_expired_peers = false;
};

// An immutable context; copies share it. To reload certificates make a new one and hand it to replace_tls()
// of the server: connections that are open keep the old one.
class TlsContext {
 public:
  TlsContext() = default;  // empty: only assignment and empty() are allowed
  // kInvalidArgument naming `chain`, `key` or `authorities` when something is missing or does not belong
  // together.
  static Result<TlsContext> server(const TlsConfig& config);
  static Result<TlsContext> client(const TlsConfig& config);

  bool empty() const { return state_ == nullptr; }

 private:
  friend struct TlsContextAccess;
  struct State;
  std::shared_ptr<const State> state_;
};

// PEM files: own chain, unencrypted PKCS#8 key, authorities. Paths that are empty leave their part empty.
// kNotFound, kIo, kInvalidArgument naming the file.
struct TlsFiles {
  std::string chain;
  std::string key;
  std::string authorities;
};
Result<TlsConfig> read_tls_files(Disk& disk, const TlsFiles& files);

// The TLS exporter value of RFC 9266 (label "EXPORTER-Channel-Binding", zero-length context): equal on both
// sides of one connection and different on every other. All zero under TLS 1.2 without the extended master
// secret, where no such value exists.
using ChannelBinding = Hash256;

struct PeerInfo {
  crypto::Certificate certificate;  // empty when the peer showed none
  Hash256 fingerprint{};            // SHA-256 of its DER; zero without a certificate
  std::string common_name;
  std::string organizational_unit;  // the first one, or empty
  bool expired = false;             // it or an issuer of it is past its time (only with allow_expired_peers)
  bool not_yet_valid = false;       // it or an issuer of it is before its time (likewise)

  bool has_certificate() const { return !certificate.empty(); }
};

// Everything known about one connection once its handshake is done.
struct SessionInfo {
  std::uint64_t id = 0;  // unique in the process
  PeerInfo peer;
  ChannelBinding channel_binding{};
  std::string remote_address;  // numeric
  std::uint16_t remote_port = 0;
  TlsVersion version = TlsVersion::k13;
};

}  // namespace tapewarden::net
