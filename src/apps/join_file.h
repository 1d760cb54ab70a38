// What one key server tells another one that shall become its peer, as a file that people carry: who it is,
// where it is reached, its certificates and the authorities that issued them (docs/formats/join-file.md). It
// holds no secret; that it was not changed on the way is told by its fingerprint, which the two people
// compare by voice. For two installations that were made apart and are merged (K19). Values and files; one
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/certificate.h"

namespace tapewarden::apps {

inline constexpr std::size_t kJoinFileLimit = 256U << 10;  // bytes

struct JoinFile {
  Uuid server;
  std::string name;
  std::string host;
  std::uint16_t https_port = 0;
  crypto::Certificate signing;
  crypto::Certificate exchange;
  std::vector<crypto::Certificate> authorities;  // at least one

  std::string text() const;
  // kInvalidArgument naming the line at fault.
  static Result<JoinFile> parse(std::string_view text);
};

// SHA-256 of the file's text, the first 16 bytes in groups of four digits: for reading aloud.
std::string join_fingerprint(std::string_view text);

struct IntroduceOptions {
  std::string config;  // this server's keyd.toml
  std::string host;    // HOST[:HTTPS-PORT], as the other server reaches it; empty: the address it listens on
  std::string to;      // the new file
};
// Writes this server's join file. The fingerprint. kInvalidArgument naming the option; kAlreadyExists, kIo.
Result<std::string> introduce(Env env, const IntroduceOptions& options);

struct MergeOptions {
  std::string config;       // this server's keyd.toml
  std::string file;         // the other server's join file
  std::string fingerprint;  // as the people there read it aloud; blanks and case do not matter
};
struct MergeReport {
  JoinFile other;
  std::string lines;  // [peer], to be added to this server's keyd.toml
};
// Takes the other server's certificates in: tls/peer-signing.crt, tls/peer-exchange.crt, and its authorities
// beside this server's own in the file that tls.authorities names. The configuration is not written.
// kConflict when this server has a peer; kUnauthenticated when the fingerprint is another; kInvalidArgument
// for a file that is this server's own, or none, or whose certificates have expired. May be done again.
Result<MergeReport> merge_with(Env env, const MergeOptions& options);

}  // namespace tapewarden::apps
