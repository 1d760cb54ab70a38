// `site init`: makes a ready site, so that nobody types openssl commands: a small certificate authority, two
// key servers that know each other, an engine's proxy, three people, a recovery kit to print. Everything
// below one folder (docs/operating/site.md). Nothing is overwritten: the folder must be new or empty.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/certificate.h"

namespace tapewarden::apps {

struct SiteServer {
  std::string host = "127.0.0.1";
  std::uint16_t dkx_port = 0;
  std::uint16_t https_port = 0;
};

struct SiteOptions {
  std::string directory;
  std::string name = "tapewarden";
  SiteServer primary{"127.0.0.1", 3801, 1443};
  SiteServer secondary{"127.0.0.1", 3802, 1444};
  // A name or address by which people reach the tape engine's REST, beside 127.0.0.1; empty: none.
  std::string engine;
  // Addresses that the servers listen on: empty means the host itself when it is numeric, else 127.0.0.1.
  std::string listen;
};

// What was made, for the closing words of the command.
struct SiteReport {
  std::string directory;
  std::string recovery_kit;  // path
  std::string authority_fingerprint;
  std::vector<std::string> people;
};

// kAlreadyExists when the directory holds anything; kInvalidArgument naming the option; kIo.
Result<SiteReport> init_site(Env env, const SiteOptions& options);

// One more key server for a site that has one (K19), made where the primary's folder lies.
struct SecondaryOptions {
  std::string primary_config;  // the primary's keyd.toml
  std::string authority;       // folder with authority.crt and authority.key
  std::string directory;       // DIRECTORY/NAME is made
  std::string name = "secondary";
  SiteServer address{"127.0.0.1", 3802, 1444};
  std::string primary_host;  // as the secondary reaches it; empty: the address that the primary listens on
};

struct SecondaryReport {
  std::string folder;          // move it to the new machine
  std::string primary_config;  // the lines to add there
};

// Makes the new server's folder: its own master key, identity and certificates, and a configuration that
// names the primary as its peer; and puts the new server's certificates beside the primary's. The keystore is
// empty: everything is copied when the two first meet. kConflict when the primary has a peer; kAlreadyExists;
// kNotFound, kInvalidArgument naming the option; kIo.
Result<SecondaryReport> add_secondary(Env env, const SecondaryOptions& options);

}  // namespace tapewarden::apps
