// The master key at rest: 32 random bytes that seal everything in the keystore, kept in a small file whose
// slots each open it in another way (docs/formats/master-key.md). Slots so far: a passphrase, stretched with
// scrypt. The passphrase itself comes from a prompt or from a file that is best kept on another medium than
// the keystore. While the master key is rotated (key_rotation.h) the file holds two versions of it.
//
// Invariants of MasterKeyFile
//  F1 Every change is one atomic replacement: the file holds what it held or what it shall hold, synced, also
//     after a crash.
//  F2 It never overwrites a file that somebody else has changed since it was read.
//  F3 A change needs no passphrase: the file's own key, which its slots hold, stays in locked memory.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "crypto/kdf.h"
#include "crypto/secret_bytes.h"
#include "store/key_ring.h"

namespace tapewarden::store {

inline constexpr std::size_t kPassphraseLimit = 1024;  // bytes
inline constexpr std::size_t kKeyVersionsInFile = 8;

// One thread at a time.
class MasterKeyFile {
 public:
  // Draws version 1 and writes the file with one passphrase slot. kAlreadyExists when the file is there: a
  // master key is never replaced by accident. kInvalidArgument for a cost that unlocking would not spend.
  static Result<std::unique_ptr<MasterKeyFile>> create(Env env, const std::string& path,
                                                       const crypto::SecretBytes& passphrase,
                                                       crypto::ScryptCost cost = {});
  // kWrongKey when the passphrase opens no slot (slots of kinds that this release does not know, and ones
  // that ask for more scrypt work than a start spends, are passed over); kCorrupt when the file is damaged;
  // kNotFound.
  static Result<std::unique_ptr<MasterKeyFile>> open(Env env, const std::string& path,
                                                     const crypto::SecretBytes& passphrase);
  ~MasterKeyFile();

  const std::string& path() const;
  const MasterKeys& keys() const;
  // Draws the next version and writes it beside the others. The key is valid until the next change.
  // kPermissionDenied or kIo when the file or its folder cannot be written: it may hold the version then, but
  // not durably, so it is drawn and written anew the next time; kConflict (F2).
  Result<const VersionedKey*> add_version();
  // Takes the versions before this one out of the file, and wipes them here. REQUIRES: it is there.
  Status remove_before(KeyVersion version);
  // Another passphrase and another salt; where no other slot needs the file's own key, another one of that
  // too. kUnsupported for an older file with slots that would be lost. An error of the disk says which
  // passphrase opens the file: when its folder alone could not be synced it is the new one.
  Status change_passphrase(const crypto::SecretBytes& passphrase, crypto::ScryptCost cost = {});

 private:
  struct State;
  explicit MasterKeyFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// MasterKeyFile::create(): the key alone.
Result<crypto::SecretBytes> create_master_key(Env env, const std::string& path,
                                              const crypto::SecretBytes& passphrase,
                                              crypto::ScryptCost cost = {});

// MasterKeyFile::open(), for what only reads: all versions.
Result<MasterKeys> unlock_master_key(Disk& disk, const std::string& path,
                                     const crypto::SecretBytes& passphrase);

// The first line of a file, without its line end. kPermissionDenied when others than the owner may read the
// file.
Result<crypto::SecretBytes> read_passphrase_file(Disk& disk, const std::string& path);

}  // namespace tapewarden::store
