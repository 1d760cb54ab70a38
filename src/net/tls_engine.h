// Internal to net/. One TLS connection without a socket: ciphertext goes in, plaintext comes out, and back.
// Not thread-safe; non-movable in effect (OpenSSL holds a pointer into it).
//
// Invariants
//  1. The view given to feed() is only read until input_consumed() is true again; nothing is copied from it.
//  2. output() holds every byte that must go to the peer, in order; whoever takes them clears it.
//  3. After kFailed or kClosed no further plaintext appears; output() may still hold an alert.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "net/tls.h"

struct ssl_ctx_st;

namespace tapewarden::net {

struct TlsContextAccess {
  static ssl_ctx_st* handle(const TlsContext& context);
  static bool is_server(const TlsContext& context);
  static bool allows_expired_peers(const TlsContext& context);
};

// Why a handshake failed, for the counters.
enum class TlsFailure : std::uint8_t { kNone, kNoCertificate, kUntrusted, kBroken };

enum class TlsProgress : std::uint8_t { kDone, kNeedInput, kClosed, kFailed };

// A sender asks for new keys after so many records: AES-GCM must not protect more than 2^24.5 full records
// under one key (RFC 8446 section 5.5), and connections here stay open for ever.
inline constexpr std::uint64_t kRecordsPerKey = std::uint64_t{1} << 23;

class TlsEngine {
 public:
  // The role is that of the context. `server_name` is what the peer's certificate must carry (clients only).
  TlsEngine(const TlsContext& context, const std::string& server_name);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  // REQUIRES: input_consumed().
  void feed(ByteView ciphertext);
  bool input_consumed() const;

  // kDone once the handshake is complete.
  TlsProgress handshake();
  // kDone with `count` > 0 bytes written to the front of `out`.
  TlsProgress read(MutableByteView out, std::size_t& count);
  // False after a failure. REQUIRES: the handshake is done.
  bool write(ByteView plaintext);
  // Adds close_notify to output().
  void shutdown();

  Bytes& output();
  const Bytes& output() const;
  const Error& error() const;  // after kFailed
  TlsFailure failure() const;  // likewise
  PeerInfo peer() const;       // after the handshake
  ChannelBinding channel_binding() const;
  TlsVersion version() const;
  void set_records_per_key(std::uint64_t records);  // for tests

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::net
