// Recovery shares as files to print (docs/formats/recovery-share.md): a passphrase, of a master key or of
// backups, given to several custodians so that any few of them can bring it back. One thread.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/secret_shares.h"

namespace tapewarden::apps {

struct ShareOptions {
  std::string secret_file;  // its first line is shared
  std::string name;         // what it opens, for the custodians: printable, at most 60 characters
  unsigned needed = 3;
  unsigned count = 5;
  std::string directory;  // share-N-of-COUNT.txt, each mode 0600; never overwritten
};

// Paths of the shares; they were read back and joined before this returns. kAlreadyExists, kInvalidArgument.
Result<std::vector<std::string>> make_shares(Env env, const ShareOptions& options);

// kInvalidArgument naming file and line for a slip of the pen; kWrongKey naming the share that is not the one
// that was made, or is of another set.
Result<crypto::SecretBytes> join_share_files(Env env, const std::vector<std::string>& files);

// Writes the joined passphrase into a new file with mode 0600. kAlreadyExists.
Status join_shares(Env env, const std::vector<std::string>& files, const std::string& to);

}  // namespace tapewarden::apps
