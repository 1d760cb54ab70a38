// The master key at rest: 32 random bytes that seal everything in the keystore, kept in a small file whose
// slots each open it in another way (docs/formats/master-key.md). Slots so far: a passphrase, stretched with
// scrypt. The passphrase itself comes from a prompt or from a file that is best kept on another medium than
// the keystore.
#pragma once

#include <string>

#include "base/env.h"
#include "crypto/kdf.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::store {

inline constexpr std::size_t kPassphraseLimit = 1024;  // bytes

// Draws a master key and writes its file with one passphrase slot. kAlreadyExists when the file is there: a
// master key is never replaced by accident. kInvalidArgument for a cost that unlocking would not spend.
Result<crypto::SecretBytes> create_master_key(Env env, const std::string& path,
                                              const crypto::SecretBytes& passphrase,
                                              crypto::ScryptCost cost = {});

// kWrongKey when the passphrase opens no slot (slots of kinds that this release does not know, and ones that
// ask for more scrypt work than a start spends, are passed over); kCorrupt when the file is damaged;
// kNotFound.
Result<crypto::SecretBytes> unlock_master_key(Disk& disk, const std::string& path,
                                              const crypto::SecretBytes& passphrase);

// The first line of a file, without its line end. kPermissionDenied when others than the owner may read the
// file.
Result<crypto::SecretBytes> read_passphrase_file(Disk& disk, const std::string& path);

}  // namespace tapewarden::store
