// Proves that a chain restores: reads it whole into a scratch keystore under a scratch master key, opens that
// and checks it. One thread.
#pragma once

#include <functional>

#include "keymgr/custody/backup/replay.h"

namespace tapewarden::keymgr::backup {

struct Proof {
  Replayed replayed;
  std::size_t files = 0;
};

// `scratch`: a folder that is made and removed again; on the keystore's own disk, never on the target's.
// `look`, when given, sees the opened scratch keystore. kCorrupt and kWrongKey name the file.
Result<Proof> prove_restorable(Env env, const Chain& chain, const FileKeySource& keys,
                               const SignerTrust& trust, const std::vector<const store::TableSpec*>& tables,
                               const std::string& scratch,
                               const std::function<Status(store::Keystore&)>& look = {});

// A folder and everything in it; a missing one is fine.
Status remove_tree(Disk& disk, const std::string& path);

}  // namespace tapewarden::keymgr::backup
