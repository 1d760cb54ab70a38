// Checking an audit directory without its server: the chain through all files, that no commit is missing, and
// the signatures of checkpoints. Whoever holds a later checkpoint (a peer, a filled cartridge, a syslog) can
// compare it with `last`. Any thread; reads files only.
#pragma once

#include <optional>
#include <string>

#include "audit/line.h"
#include "base/env.h"
#include "crypto/keys.h"

namespace tapewarden::audit {

struct VerifyReport {
  std::uint64_t files = 0;
  std::uint64_t lines = 0;
  std::uint64_t commits = 0;
  std::uint64_t checkpoints = 0;         // all
  std::uint64_t signatures_checked = 0;  // with a key
  std::uint64_t first_line = 0;          // 1, unless the oldest files were taken away
  ChainPoint last;
  store::CommitMark last_commit;
  std::uint64_t unfinished_bytes = 0;  // an append that is under way or was cut off
  std::optional<Error> fault;          // the first one: it names file and line; what comes after was not read
};

// `key`: what signed the checkpoints; nullptr: signatures are not checked. An error only when the directory
// cannot be read; kNotFound when it holds no audit files.
Result<VerifyReport> verify_files(Disk& disk, const std::string& directory,
                                  const crypto::PublicKey* key = nullptr);

}  // namespace tapewarden::audit
