// A throw-away certificate authority with server and client contexts, for tests that speak TLS. Not
// thread-safe.
#pragma once

#include <string>

#include "crypto/random.h"
#include "net/tls.h"

namespace tapewarden::net::testing {

class TestSite {
 public:
  TestSite();

  struct Leaf {
    crypto::Certificate certificate;
    crypto::PrivateKey key;
  };
  // Valid for a year around now; `localhost`, 127.0.0.1 and ::1 as its names when it is a server.
  Leaf server_leaf();
  Leaf client_leaf(const std::string& common_name, const std::string& organizational_unit = "");
  // Signed by this authority, valid from `from` to `to` days from now (both may be negative).
  Leaf client_leaf_valid(const std::string& common_name, int from_days, int to_days);

  // Configurations to change before making a context of them.
  TlsConfig server_config();
  TlsConfig client_config(const Leaf& leaf);
  TlsConfig anonymous_client_config();

  TlsContext server();                                             // TLS 1.3, client certificate required
  TlsContext client(const std::string& common_name = "client-1");  // with a certificate of this authority
  TlsContext anonymous_client();                                   // without one

  const crypto::Certificate& authority() const { return authority_; }
  const crypto::PrivateKey& authority_key() const { return authority_key_; }

 private:
  Leaf issue(crypto::CertificateSpec spec);

  crypto::SystemRandom random_;
  crypto::PrivateKey authority_key_;
  crypto::Certificate authority_;
};

}  // namespace tapewarden::net::testing
