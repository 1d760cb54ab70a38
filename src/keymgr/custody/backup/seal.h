// How a file's key is sealed when a backup is written, and opened when it is read. Secrets stay in
// SecretBytes. Not thread-safe.
#pragma once

#include <optional>
#include <span>

#include "keymgr/custody/backup/file_header.h"

namespace tapewarden::keymgr::backup {

inline constexpr std::size_t kFileKeyBytes = 32;
// 128 MiB and about half a second: whoever holds a copy of a file may try passphrases for years.
inline constexpr crypto::ScryptCost kPassphraseCost{1U << 17, 8, 1};

// What a target seals with: the key that scrypt made of its passphrase, or the recipients' certificates.
struct PassphraseKey {
  crypto::ScryptCost cost;
  std::array<std::uint8_t, 32> salt{};
  crypto::SecretBytes key;  // 32 bytes
};
// kInvalidArgument for a passphrase that is too short or too long.
Result<PassphraseKey> derive_passphrase_key(const crypto::SecretBytes& passphrase, crypto::ScryptCost cost,
                                            Random& random);

Seal seal_file_key(const PassphraseKey& with, const crypto::SecretBytes& file_key);
Result<Seal> seal_file_key(std::span<const crypto::Certificate> recipients,
                           const crypto::SecretBytes& file_key);

// Opens file keys by a passphrase or a recipient's private key; scrypt runs once for files of one salt.
class Opener {
 public:
  explicit Opener(crypto::SecretBytes passphrase) : passphrase_(std::move(passphrase)) {}
  explicit Opener(crypto::PrivateKey recipient) : recipient_(std::move(recipient)) {}

  // kWrongKey saying which secret is wanted.
  Result<crypto::SecretBytes> open(const FileHeader& header);

 private:
  Result<crypto::SecretBytes> open_passphrase(const PassphraseSeal& seal);

  std::optional<crypto::SecretBytes> passphrase_;
  std::optional<crypto::PrivateKey> recipient_;
  std::optional<PassphraseKey> derived_;
};

}  // namespace tapewarden::keymgr::backup
