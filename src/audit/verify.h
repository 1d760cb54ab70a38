// Checking an audit directory, or one file of it, without its server: the chain through all files, that no
// commit is missing, the signatures of checkpoints, and checkpoints that were noted elsewhere (the peer, a
// syslog, paper). Needs no master key. Any thread; reads files only.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "audit/checkpoint_note.h"
#include "audit/line.h"
#include "base/env.h"
#include "crypto/keys.h"

namespace tapewarden::audit {

struct VerifyOptions {
  const crypto::PublicKey* key = nullptr;  // what signed the checkpoints; nullptr: signatures are not checked
  std::span<const CheckpointNote> against = {};  // noted elsewhere
  // The newest commit of the keystore, taken before the check: the record must hold it. Nothing: not known.
  std::optional<store::CommitMark> newest = {};
};

struct VerifyReport {
  std::uint64_t files = 0;
  std::uint64_t lines = 0;
  std::uint64_t commits = 0;
  std::uint64_t checkpoints = 0;         // all
  std::uint64_t signatures_checked = 0;  // with a key
  std::uint64_t first_line = 0;          // 1, unless the oldest files were taken away
  std::uint64_t notes_compared = 0;      // of `against`
  std::uint64_t notes_too_old = 0;       // of `against`: from before first_line
  // A restore began the record anew, behind this commit of the copy that was put back. 0: it begins with the
  // server's first commit, or its oldest files were taken away.
  std::uint64_t began_after = 0;
  // Of `against`: of the record before that restore, by their time. They tell nothing of this one.
  std::uint64_t notes_of_earlier_record = 0;
  ChainPoint last;
  store::CommitMark last_commit;
  std::uint64_t unfinished_bytes = 0;  // an append that is under way or was cut off
  std::optional<Error> fault;          // the first one: it names file and line; what comes after was not read
};

// An error only when the directory cannot be read (kNotFound when it holds no audit files), or when a note is
// not signed by `key`: such a note proves nothing (kInvalidArgument naming `against`).
Result<VerifyReport> verify_files(Disk& disk, const std::string& directory,
                                  const VerifyOptions& options = {});
// The same for one file alone, which its first line ties to what came before it.
Result<VerifyReport> verify_file(Disk& disk, const std::string& path, const VerifyOptions& options = {});

}  // namespace tapewarden::audit
