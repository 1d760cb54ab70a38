#include "keymgr/custody/backup/seal.h"

#include "crypto/cms.h"
#include "crypto/new_passphrase.h"
#include "keymgr/custody/backup/limits.h"
#include "store/master_key.h"

namespace tapewarden::keymgr::backup {

Result<PassphraseKey> derive_passphrase_key(const crypto::SecretBytes& passphrase, crypto::ScryptCost cost,
                                            Random& random) {
  TRY(crypto::check_new_passphrase(passphrase, "the passphrase of the backup", "passphrase"));
  if (passphrase.size() > store::kPassphraseLimit) {
    return fail(
        ErrorCode::kInvalidArgument,
        "the passphrase of a backup has at most " + std::to_string(store::kPassphraseLimit) + " bytes",
        "passphrase", "take five or more random words");
  }
  PassphraseKey made;
  made.cost = cost;
  random.fill(made.salt);
  made.key = TRY(crypto::scrypt(passphrase, made.salt, cost, kFileKeyBytes));
  return made;
}

Seal seal_file_key(const PassphraseKey& with, const crypto::SecretBytes& file_key) {
  return PassphraseSeal{with.cost, with.salt, crypto::seal_to_key(file_key, with.key)};
}

Result<Seal> seal_file_key(std::span<const crypto::Certificate> recipients,
                           const crypto::SecretBytes& file_key) {
  return RecipientSeal{TRY(crypto::seal_to_recipients(file_key, recipients))};
}

Result<crypto::SecretBytes> Opener::open_passphrase(const PassphraseSeal& seal) {
  if (!passphrase_) {
    return fail(ErrorCode::kWrongKey, "this backup is sealed to a passphrase", "passphrase",
                "give the passphrase of its target");
  }
  const bool same = derived_ && derived_->salt == seal.salt && derived_->cost.n == seal.cost.n &&
                    derived_->cost.r == seal.cost.r && derived_->cost.p == seal.cost.p;
  if (!same) {
    auto key = TRY(crypto::scrypt(*passphrase_, seal.salt, seal.cost, kFileKeyBytes));
    derived_ = PassphraseKey{seal.cost, seal.salt, std::move(key)};
  }
  auto opened = crypto::open_with_key(seal.envelope, derived_->key);
  if (opened && opened->size() == kFileKeyBytes) return opened;
  return fail(ErrorCode::kWrongKey, "the passphrase does not open this backup", "passphrase",
              "give the passphrase that its target had when it was written");
}

Result<crypto::SecretBytes> Opener::open(const FileHeader& header) {
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&header.seal)) return open_passphrase(*passphrase);
  if (!recipient_) {
    return fail(ErrorCode::kWrongKey, "this backup is sealed to recipients' certificates", "private key",
                "give the private key of one of the recipients");
  }
  auto opened = crypto::open_as_recipient(std::get<RecipientSeal>(header.seal).envelope, *recipient_);
  if (!opened) return opened;
  if (opened->size() == kFileKeyBytes) return opened;
  return fail(ErrorCode::kCorrupt, "the sealed file key has the wrong size", "sealed file key");
}

}  // namespace tapewarden::keymgr::backup
