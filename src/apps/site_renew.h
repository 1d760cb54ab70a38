// `tapewarden site renew`: the certificates of a site's folder get two years more. Keys, names and pins stay,
// so servers, drives and people go on as who they are.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/certificate.h"

namespace tapewarden::apps {

struct RenewOptions {
  std::string directory;  // the site's folder, or the folder of one server
  std::string authority;  // folder with authority.crt and authority.key; empty: DIRECTORY/ca
  std::chrono::days within{90};
  bool all = false;  // also those that live longer than that
};

enum class RenewedKind : std::uint8_t {
  kTls,     // read at start: that program has to be started again
  kPerson,  // the account names its certificate
  kDrive,   // the drive table pins it
  kProxy,   // the engine's: proxies are listed by it
};

struct RenewedCertificate {
  std::string path;
  RenewedKind kind = RenewedKind::kTls;
  std::string name;  // its common name
  crypto::Certificate certificate;
};

struct RenewReport {
  std::vector<RenewedCertificate> renewed;
  std::size_t kept = 0;              // live longer than `within`
  std::vector<std::string> foreign;  // issued by another authority: left alone
  // Drives without an identity of their own (LTO), by serial: the proxy speaks for them.
  std::vector<std::string> spoken_for;
};

// kNotFound when there is no certificate, or the authority's key is not at hand; kIo. What was renewed before
// an error stays renewed.
Result<RenewReport> renew_site(Env env, const RenewOptions& options);

}  // namespace tapewarden::apps
