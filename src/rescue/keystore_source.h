// Keys out of a key server's keystore: a backup that was read into a scratch folder, or a copy of a server's
// folder.
#pragma once

#include <functional>

#include "keymgr/custody/backup/restore.h"
#include "rescue/key_wanted.h"

namespace tapewarden::rescue {

// Looks, in this order, for the data key that the DKi names, for KEKs that open the cartridge's EEDKs, for
// what the ledger knows of the volume, and last at every data key: the check value says which fits.
// Destroyed keys hold nothing; a quarantined key is named in the error (kConflict) and not given.
Result<std::vector<FoundKey>> find_in_keystore(Env env, store::Keystore& keystore, const Uuid& server,
                                               const KeyWanted& wanted, const std::string& name);

// Backup files. Each find() reads the chain whole, so that nothing unchecked is used.
class BackupSource final : public KeySource {
 public:
  struct Options {
    std::vector<std::string> from;  // folders
    std::string file;               // the newest file to take; empty: the newest chain
    keymgr::backup::Opener* opener = nullptr;
    keymgr::backup::SignerTrust trust;
    std::vector<const store::TableSpec*> tables;
    std::string scratch;  // a folder that does not exist; removed again
  };
  BackupSource(Env env, Options options) : env_(env), options_(std::move(options)) {}
  Result<std::vector<FoundKey>> find(const KeyWanted& wanted) override;

 private:
  const Env env_;
  const Options options_;
};

}  // namespace tapewarden::rescue
