// The files of a site: key pairs and certificates in their folders. Used by `site init`.
#pragma once

#include <string>

#include "base/env.h"
#include "crypto/certificate.h"

namespace tapewarden::apps {

inline constexpr std::size_t kPemFileLimit = 64U << 10;  // bytes of a certificate's or a key's file

struct KeyPair {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

// Private keys are written with mode 0600, everything else with 0644, each synced.
Status write_secret(Env env, const std::string& path, const crypto::SecretBytes& content);
Status write_public(Env env, const std::string& path, std::string_view content);
Status write_pair(Env env, const std::string& certificate_path, const std::string& key_path,
                  const KeyPair& pair);

// The site's certificate authority and what it issues. Leaves live two years, the authority thirty.
class SiteAuthority {
 public:
  static Result<SiteAuthority> make(Env env, const std::string& name);
  // Of a site that exists: `folder` holds authority.crt and authority.key. kNotFound, with what to do where
  // the key is kept elsewhere.
  static Result<SiteAuthority> load(Env env, const std::string& folder);
  const KeyPair& pair() const { return pair_; }

  // A P-256 key with a certificate. `unit` says what the holder is: "keyd", "proxy", "drive", "people".
  // `hosts`: names and addresses by which clients reach a server.
  Result<KeyPair> issue(const std::string& common_name, const std::string& unit, crypto::CertificateUse use,
                        const std::vector<std::string>& hosts = {}) const;
  // The same for a key made before.
  Result<crypto::Certificate> certify(const std::string& common_name, const std::string& unit,
                                      crypto::CertificateUse use, const crypto::PublicKey& key,
                                      const std::vector<std::string>& hosts = {}) const;
  // The same certificate with two years more.
  Result<crypto::Certificate> renew(const crypto::Certificate& certificate) const;

 private:
  SiteAuthority(Env env, KeyPair pair) : env_(env), pair_(std::move(pair)) {}
  Env env_;
  KeyPair pair_;
};

}  // namespace tapewarden::apps
