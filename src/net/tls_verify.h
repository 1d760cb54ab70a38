// Internal to net/. The judgement on a peer's certificate chain during a handshake.
#pragma once

#include <string>

struct x509_store_ctx_st;

namespace tapewarden::net {

// What was found while the peer's chain was checked; hangs on the SSL object of its connection.
struct PeerVerdict {
  bool allow_expired = false;  // the policy
  bool expired = false;
  bool not_yet_valid = false;
  std::string refusal;  // why the chain was not accepted, or empty
};

// OpenSSL's callback (SSL_CTX_set_verify): refuses whatever OpenSSL refuses, except that times out of range
// are noted in the PeerVerdict instead when the policy allows it, at any place of the chain: an expired
// authority must not shut an archive either.
int verify_peer(int preverified, x509_store_ctx_st* chain);

}  // namespace tapewarden::net
