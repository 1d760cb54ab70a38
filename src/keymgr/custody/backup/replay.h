// Reads a chain of backup files from its base to its newest increment into a new keystore: what restore,
// verification and drill share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/chain.h"
#include "keymgr/custody/backup/content.h"
#include "keymgr/custody/backup/key_check.h"
#include "keymgr/custody/backup/signer_trust.h"
#include "store/loader.h"

namespace tapewarden::keymgr::backup {

// Gives a file's key.
using FileKeySource = std::function<Result<crypto::SecretBytes>(const FoundFile&)>;
// May change a row before it is stored: for a restore.
using RowChanger =
    std::function<Status(const store::TableSpec&, store::SnapshotRow&, std::vector<crypto::SecretBytes>&)>;

struct Replayed {
  store::CommitMark mark;
  std::vector<SiteFile> site_files;  // of the newest file
  crypto::Certificate signer;        // of the newest file
  KeyCounts keys;
  std::uint64_t rows = 0;   // read
  std::uint64_t bytes = 0;  // of all files
};

// Checks signatures, signers, the chain of predecessors, every tag, every secret, the digests of each file's
// rows and the totals after each file; the loader then holds all rows and wants finish(). Errors name the
// file.
Result<Replayed> replay(Disk& disk, const Chain& chain, const FileKeySource& keys, const SignerTrust& trust,
                        store::KeystoreLoader& loader, const RowChanger& change = {});

}  // namespace tapewarden::keymgr::backup
